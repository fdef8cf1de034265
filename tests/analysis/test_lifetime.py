"""A lifetime's figure shows the steps, overlaps, strengths and traces that were recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis import style
from analysis.lifetime import NEURONS, Lifetime, lifetime_figure
from analysis.traces import pattern_overlap, pattern_strength

EVENTS = ["pattern 2"] * 3 + ["blank"] * 2 + ["pattern 1"] * 3 + ["test"] * 2


def _lifetime(neurons: int = 8) -> Lifetime:
    random = np.random.default_rng(0)
    patterns = {f"pattern {k}": random.choice([-1.0, 1.0], neurons) for k in (1, 2)}
    inputs, activity = random.normal(size=(2, len(EVENTS), neurons))
    return Lifetime(
        inputs, activity, EVENTS, patterns, list(random.normal(size=(4, neurons, neurons))), [0, 3, 8, 10]
    )


def _panels(figure: Figure) -> dict[str, Axes]:
    """Return the axes by the first line of their label; events have none."""
    return {axes.get_ylabel().split("\n")[0]: axes for axes in figure.axes if axes.get_ylabel()}


def test_curves_are_overlap_and_strength_of_each_pattern_in_its_colour() -> None:
    lifetime = _lifetime()
    panels = _panels(lifetime_figure(lifetime))
    patterns = np.array(list(lifetime.patterns.values()))
    overlap, strength = pattern_overlap(lifetime.activity, patterns), pattern_strength(lifetime.traces, patterns)
    for name, x, known in (("overlap", range(1, 11), overlap), ("strength in trace", [0, 3, 8, 10], strength)):
        for line, values, colour in zip(panels[name].lines[1:], known.T, style.PALETTE, strict=False):
            np.testing.assert_allclose(line.get_xydata(), np.column_stack([x, values]))
            assert line.get_color() == colour


def test_events_are_bars_over_their_steps_with_the_colour_of_their_pattern() -> None:
    axes = lifetime_figure(_lifetime()).axes[0]
    spans = [tuple(np.asarray(bar.get_paths()[0].vertices)[[0, 2], 0]) for bar in axes.collections]
    assert spans == [(0.5, 3.5), (3.5, 5.5), (5.5, 8.5), (8.5, 10.5)]
    colours = [to_hex(np.asarray(bar.get_facecolor())[0]) for bar in axes.collections]
    assert (colours[0], colours[2]) == (style.PALETTE[1], style.PALETTE[0])
    assert [text.get_text() for text in axes.texts] == ["pattern 2", "blank", "pattern 1", "test"]


def test_rasters_and_snapshots_show_what_was_recorded() -> None:
    lifetime = _lifetime()
    figure = lifetime_figure(lifetime, [3, 10])
    panels = _panels(figure)
    for name, known in (("input", lifetime.inputs), ("activity", lifetime.activity)):
        image: Any = panels[name].images[0]
        np.testing.assert_array_equal(image.get_array(), np.asarray(known).T)
        assert image.get_extent() == [0.5, 10.5, 7.5, -0.5]
    shown = [axes for axes in figure.axes if axes.get_title().startswith("step")]
    assert [axes.get_title() for axes in shown] == ["step 3", "step 10"]
    for axes, place in zip(shown, (1, 3), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), lifetime.traces[place])
    assert len({axes.images[0].get_clim() for axes in shown}) == 1


def test_of_a_large_network_every_so_manyth_neuron_is_drawn_and_said() -> None:
    lifetime = _lifetime(2 * NEURONS + 1)
    panels = _panels(lifetime_figure(lifetime, [0]))
    raster, trace = (np.asarray(panels[name].images[0].get_array()) for name in ("activity", "trace"))
    np.testing.assert_array_equal(raster, np.asarray(lifetime.activity).T[::3])
    np.testing.assert_array_equal(trace, np.asarray(lifetime.traces[0])[::3, ::3])
    assert panels["activity"].get_ylabel() == "activity\n1 in 3 neurons"


def test_snapshots_are_spread_over_the_recorded_steps_and_files_are_written(tmp_path: Path) -> None:
    lifetime = replace(_lifetime(), traces=list(np.zeros((11, 8, 8))), trace_steps=range(11))
    figure = lifetime_figure(lifetime)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title().startswith("step")]
    assert titles == ["step 0", "step 2", "step 5", "step 8", "step 10"]
    assert all(path.stat().st_size for path in style.save_figure(figure, tmp_path / "lifetime"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": EVENTS[1:]}, "inputs, activity"),
        ({"inputs": np.zeros((10, 3))}, "inputs, activity"),
        ({"trace_steps": [0, 3, 3, 10]}, "must ascend"),
        ({"trace_steps": [0, 3]}, "one for each of 4"),
        ({"trace_steps": [0, 3, 8, 11]}, "allowed are 0 to 10"),
        ({"patterns": {}}, "patterns"),
    ],
)
def test_records_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(_lifetime(), **change)


def test_a_snapshot_of_no_recorded_step_is_refused() -> None:
    with pytest.raises(ValueError, match="snapshots: step 4"):
        lifetime_figure(_lifetime(), [4])
