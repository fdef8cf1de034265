"""Curves, bands and marks show what they were given."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis import curves, style
from analysis.curves import Curve, Marks, Panel
from analysis.references import Reference

X = np.arange(0, 500, 100)


def _curve(label: str, height: float = 0.0) -> Curve:
    return Curve(X, X / 500 + height, X / 500 + height - 0.1, X / 500 + height + 0.2, label)


def _panels(figure: Figure) -> list[Axes]:
    return figure.axes[::2]  # a strip for marks follows every panel


def _spans(strip: Axes) -> list[list[tuple[float, float]]]:
    """Return the (start, end) of the bars in each row of a strip."""
    return [[tuple(path.vertices[:, 0][[0, 2]]) for path in rows.get_paths()] for rows in strip.collections]


def test_lines_and_bands_are_the_data_in_the_treatments_colours() -> None:
    figure = curves.curves_figure([Panel([_curve("PA"), _curve("P&CC", 1.0)], "Performance")])
    axes = _panels(figure)[0]
    colours = style.treatment_colours(["PA", "P&CC"])
    for line, band, curve in zip(axes.lines, axes.collections, [_curve("PA"), _curve("P&CC", 1.0)], strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([X, curve.median]))
        corners: Any = band.get_paths()[0].vertices
        assert corners[:, 1].min() == pytest.approx(np.min(curve.low))
        assert corners[:, 1].max() == pytest.approx(np.max(curve.high))
        assert line.get_color() == colours[curve.label] == to_hex(band.get_facecolor()[0])


def test_one_legend_names_every_treatment_once_outside_the_panels() -> None:
    panels = [Panel([_curve("PA"), _curve("P&CC")], name) for name in ("Performance", "Modularity Q")]
    figure = curves.curves_figure(panels)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["PA", "P&CC"]
    figure.draw_without_rendering()
    bottom = figure.legends[0].get_window_extent().y0
    assert all(bottom >= axes.get_window_extent().y1 for axes in _panels(figure))


def test_a_legend_of_many_rows_takes_nothing_from_the_panels() -> None:
    heights = []
    for count in (2, 14):
        panel = Panel([_curve(f"a-rather-long-name-{k}") for k in range(count)], "Q")
        figure = curves.curves_figure([panel, panel], beside=True)
        figure.draw_without_rendering()
        heights.append(_panels(figure)[0].get_window_extent().height / figure.dpi)
    assert heights[1] > heights[0] - 2 * curves.LEGEND_ROW


@pytest.mark.parametrize("beside", [False, True])
def test_panels_share_x_and_lie_as_asked(beside: bool) -> None:
    panels = [Panel([_curve("PA")], name, limits=(0.0, 2.0)) for name in ("Q", "cost", "performance")]
    axes = _panels(curves.curves_figure(panels, "Iteration", beside=beside))
    assert [one.get_ylabel() for one in axes] == ["Q", "cost", "performance"]
    assert all(one.get_xlim() == (0.0, 400.0) and one.get_ylim() == (0.0, 2.0) for one in axes)
    assert [one.get_xlabel() for one in axes] == (["Iteration"] * 3 if beside else ["", "", "Iteration"])
    corners = [one.get_position() for one in axes]
    assert len({round(corner.x0, 3) for corner in corners}) == (3 if beside else 1)


def test_marks_stand_below_their_panel_where_treatments_differ() -> None:
    rows = [Marks(X, [False, True, True, False, True], "p < 0.05"), Marks(X, [False] * 5, "p < 0.01")]
    figure = curves.curves_figure([Panel([_curve("PA")], "Q", rows)])
    axes, strip = figure.axes
    assert _spans(strip) == [[(50.0, 250.0), (350.0, 400.0)], []]
    assert [label.get_text() for label in strip.get_yticklabels()] == ["p < 0.05", "p < 0.01"]
    figure.draw_without_rendering()
    assert strip.get_window_extent().y1 <= axes.get_window_extent().y0
    assert strip.get_xlabel() == "Generation"


@pytest.mark.parametrize(
    ("significant", "ranges"),
    [
        ([], []),
        ([True], [(0.0, 0.0)]),
        ([True, False, False], [(0.0, 50.0)]),
        ([True, True, True], [(0.0, 200.0)]),
        ([False, True, False, True], [(50.0, 150.0), (250.0, 300.0)]),
    ],
)
def test_ranges_cover_exactly_the_significant_points(
    significant: list[bool], ranges: list[tuple[float, float]]
) -> None:
    x = 100.0 * np.arange(len(significant))
    assert curves.significant_ranges(x, np.array(significant, dtype=bool)) == ranges


def test_no_panels_and_no_curves_are_valid_figures(tmp_path: Path) -> None:
    for number, panels in enumerate(([], [Panel([], "Q")])):
        assert all(
            path.stat().st_size for path in style.save_figure(curves.curves_figure(panels), tmp_path / f"{number}")
        )


def test_curve_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="curve 'PA'"):
        Curve(X, X, X[1:], X, "PA")
    with pytest.raises(ValueError, match="one-dimensional"):
        Marks(np.zeros((2, 2)), np.zeros((2, 2)), "p")


def test_files_are_the_same_every_time(tmp_path: Path) -> None:
    def files(folder: Path) -> list[bytes]:
        marks = [Marks(X, X > 100, "p < 0.05")]
        figure = curves.curves_figure([Panel([_curve("PA"), _curve("P&CC")], "Q", marks)])
        return [path.read_bytes() for path in style.save_figure(figure, folder / "curves")]

    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_scales_dots_and_references_are_as_asked(tmp_path: Path) -> None:
    curve = Curve(X, [0.0, 0.1, 0.2, 0.3, 0.4], [0.0] * 5, [0.5] * 5, "PA", points=True)
    panel = Panel([curve], "error", references=[Reference(0.25, "chance")], scale="log")
    figure = curves.curves_figure([panel], xscale="log")
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.lines[0].get_marker() == "o"
    assert [text.get_text() for text in axes.texts] == ["chance"]
    assert all(path.stat().st_size for path in style.save_figure(figure, tmp_path / "log"))


@pytest.mark.parametrize(("low", "high", "plain"), [(0.12, 0.25, True), (30.0, 200.0, True), (0.002, 0.5, False)])
def test_short_logarithmic_axes_have_plain_numbers(low: float, high: float, plain: bool) -> None:
    values = np.linspace(low, high, len(X))
    figure = curves.curves_figure([Panel([Curve(X, values, values, values, "PA")], "Wrong bits", scale="log")])
    figure.draw_without_rendering()
    (axes,) = _panels(figure)
    labels = [text.get_text() for which in ("major", "minor") for text in axes.yaxis.get_ticklabels(which=which)]
    written = [label for label in labels if label]
    assert len(written) >= 2
    assert all(label.replace(".", "").isdigit() for label in written) == plain
