"""Boxes and bars show the groups they were given."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from numpy.typing import ArrayLike

from analysis import groups, style
from analysis.intervals import wilson_interval

GROUPS: dict[str, ArrayLike] = {
    "PA": [1.0, 2.0, 3.0, math.nan, 10.0],
    "P&CC": np.linspace(4.0, 8.0, 50),
    "none": [],
}


def test_many_long_names_are_slanted_and_lie_within_the_figure() -> None:
    names = [f"a-treatment-with-a-long-name-{k}" for k in range(12)]
    for count in (2, 12):
        figure = groups.box_figure({name: [1.0, 2.0] for name in names[:count]}, "Q")
        figure.draw_without_rendering()
        labels = figure.axes[0].get_xticklabels()
        assert all((label.get_rotation() != 0) == (count == 12) for label in labels)
        ends = [label.get_window_extent().x1 for label in labels]
        assert ends == sorted(ends) and figure.get_figwidth() < 10
        assert min(label.get_window_extent().y0 for label in labels) >= 0


def test_boxes_show_every_point_and_the_quartiles() -> None:
    axes = groups.box_figure(GROUPS, "Q").axes[0]
    points = [np.asarray(cloud.get_offsets()) for cloud in axes.collections]
    assert [len(cloud) for cloud in points] == [4, 50]
    np.testing.assert_array_equal(points[0][:, 1], [1.0, 2.0, 3.0, 10.0])
    assert all(np.abs(cloud[:, 0] - place).max() <= 0.2 for place, cloud in enumerate(points))
    corners: Any = axes.patches[0].get_path().vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (1.75, 4.75)
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "PA\nn = 4",
        "P&CC\nn = 50",
        "none\nn = 0",
    ]


def test_a_single_value_is_a_point_without_a_box() -> None:
    axes = groups.box_figure({"PA": [2.0], "P&CC": [1.0, 3.0]}, "Q").axes[0]
    assert [len(np.asarray(cloud.get_offsets())) for cloud in axes.collections] == [1, 2]
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[0.0, 2.0]])
    assert len(axes.patches) == 1


def test_jitter_spreads_tied_points() -> None:
    cloud = np.asarray(groups.box_figure({"PA": [1.0] * 50}, "performance").axes[0].collections[0].get_offsets())
    assert np.diff(np.sort(cloud[:, 0])).min() > 0.003


def test_bars_show_shares_intervals_and_sizes() -> None:
    axes = groups.bars_figure({"PA": (0, 50), "P&CC": (28, 50)}, "decomposed (%)", [("PA", "P&CC", 4e-11)]).axes[0]
    assert [patch.get_height() for patch in axes.patches] == [0.0, pytest.approx(56.0)]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["PA\nn = 50", "P&CC\nn = 50"]
    assert [text.get_text() for text in axes.texts] == ["0 %", "56 %", "***"]
    ends = [bar.get_segments()[0][:, 1] for bar in axes.collections]
    for drawn, successes in zip(ends, (0, 28), strict=True):
        np.testing.assert_allclose(drawn, 100 * np.array(wilson_interval(successes, 50)), atol=1e-9)


def test_a_treatment_has_one_colour_in_boxes_and_bars() -> None:
    colour = style.treatment_colours(["P&CC"])["P&CC"]
    cloud = groups.box_figure({"P&CC": [1.0, 2.0]}, "Q").axes[0].collections[0]
    bar = groups.bars_figure({"PA": (1, 2), "P&CC": (1, 2)}, "%").axes[0].patches[1]
    assert colour == to_hex(np.asarray(cloud.get_facecolor())[0]) == to_hex(bar.get_facecolor())
    mine = groups.bars_figure({"PA": (1, 2)}, "%", colours={"PA": "#123456"}).axes[0].patches[0]
    assert to_hex(mine.get_facecolor()) == "#123456"


def test_files_are_the_same_every_time(tmp_path: Path) -> None:
    def files(folder: Path) -> list[bytes]:
        figures = [
            groups.box_figure(GROUPS, "Q", [("PA", "P&CC", 1e-4)], scale="log", annotation="p"),
            groups.bars_figure({"PA": (1, 2)}, "%"),
        ]
        written = [style.save_figure(figure, folder / str(number)) for number, figure in enumerate(figures)]
        return [path.read_bytes() for paths in written for path in paths]

    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_censored_values_are_open_triangles_and_the_box_is_of_all() -> None:
    values, marks = [1.0, np.nan, 3.0, 9.0, 9.0], [False, True, False, True, True]
    axes = groups.box_figure({"PA": values}, "generations", censored={"PA": marks}).axes[0]
    seen, larger = axes.collections
    np.testing.assert_array_equal(np.asarray(seen.get_offsets())[:, 1], [1, 3])
    np.testing.assert_array_equal(np.asarray(larger.get_offsets())[:, 1], [9, 9])
    assert np.ptp(np.asarray(larger.get_offsets())[:, 0]) > 0  # beside each other
