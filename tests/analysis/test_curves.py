"""What the figures of treatments show is what they were given."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from analysis import curves, style
from analysis.curves import Curve, Marks, Panel

X = np.arange(0, 500, 100)


def _curve(label: str, height: float = 0.0) -> Curve:
    return Curve(X, X / 500 + height, X / 500 + height - 0.1, X / 500 + height + 0.2, label)


def _panels(figure: Figure) -> list[Axes]:
    return figure.axes[::2]  # a strip for marks follows every panel


def _texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


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


GROUPS: dict[str, ArrayLike] = {
    "PA": [1.0, 2.0, 3.0, math.nan, 10.0],
    "P&CC": np.linspace(4.0, 8.0, 50),
    "none": [],
}


def test_boxes_show_every_point_and_the_quartiles() -> None:
    axes = curves.box_figure(GROUPS, "Q").axes[0]
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


def test_jitter_spreads_tied_points() -> None:
    cloud = np.asarray(curves.box_figure({"PA": [1.0] * 50}, "performance").axes[0].collections[0].get_offsets())
    assert np.diff(np.sort(cloud[:, 0])).min() > 0.003


def test_brackets_join_their_groups_at_heights_of_their_own() -> None:
    groups = {name: [1.0, 2.0, 3.0] for name in "abc"}
    pairs = [("a", "c", 0.2), ("c", "b", 0.003), ("a", "b", 8e-9)]
    axes = curves.box_figure(groups, "Q", pairs).axes[0]
    assert _texts(axes) == ["***", "**", "n.s."]
    assert [text.get_position()[0] for text in axes.texts] == [0.5, 1.5, 1.0]
    heights = [text.get_transform().transform((0, 1.0))[1] for text in axes.texts]
    assert heights[0] == heights[1] < heights[2]


def test_brackets_can_show_p_values_and_refuse_unknown_groups() -> None:
    groups = {"a": [1.0, 2.0], "b": [1.0, 2.0]}
    assert _texts(curves.box_figure(groups, "Q", [("a", "b", 0.0421)], annotation="p").axes[0]) == ["p = 0.042"]
    with pytest.raises(ValueError, match="no group 'c'; there are 'a', 'b'"):
        curves.box_figure(groups, "Q", [("a", "c", 0.1)])


@pytest.mark.parametrize(
    ("p", "text", "marks"),
    [
        (8e-9, r"p = 8.0$\times$10$^{-9}$", "***"),
        (0.001, "p = 0.001", "**"),
        (0.0499, "p = 0.050", "*"),
        (0.05, "p = 0.050", "n.s."),
        (0.31, "p = 0.31", "n.s."),
        (0.0, "p ≈ 0", "***"),
        (math.nan, "p = n/a", "n.s."),
    ],
)
def test_p_values_as_text_and_stars(p: float, text: str, marks: str) -> None:
    assert curves.p_text(p) == text
    assert curves.stars(p) == marks


def test_bars_show_shares_intervals_and_sizes() -> None:
    axes = curves.bars_figure({"PA": (0, 50), "P&CC": (28, 50)}, "decomposed (%)", [("PA", "P&CC", 4e-11)]).axes[0]
    assert [patch.get_height() for patch in axes.patches] == [0.0, pytest.approx(56.0)]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["PA\nn = 50", "P&CC\nn = 50"]
    assert _texts(axes) == ["0 %", "56 %", "***"]
    ends = [bar.get_segments()[0][:, 1] for bar in axes.collections]
    for drawn, successes in zip(ends, (0, 28), strict=True):
        np.testing.assert_allclose(drawn, 100 * np.array(curves.wilson_interval(successes, 50)), atol=1e-9)


def test_a_bracket_clears_the_number_on_a_full_bar() -> None:
    figure = curves.bars_figure({"a": (50, 50), "b": (50, 50)}, "solved (%)", [("a", "b", 1.0)])
    figure.draw_without_rendering()
    number, _, verdict = figure.axes[0].texts
    bracket = max(line.get_window_extent().y0 for line in figure.axes[0].lines)
    assert number.get_window_extent().y1 < bracket < verdict.get_window_extent().y1


@pytest.mark.parametrize(("successes", "trials"), [(0, 50), (28, 50), (50, 50), (1, 3), (0, 1)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_wilson_interval_is_that_of_scipy(successes: int, trials: int, confidence: float) -> None:
    known = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert curves.wilson_interval(successes, trials, confidence) == pytest.approx(
        (known.low, known.high), abs=1e-12
    )


def test_wilson_interval_ends_solve_the_score_equation() -> None:
    z, share, trials = 1.959963984540054, 28 / 50, 50
    for end in curves.wilson_interval(28, trials):
        assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1.0 - end) / trials))
    assert curves.wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_interval_refuses_impossible_counts() -> None:
    with pytest.raises(ValueError, match="allowed are 0 to 50"):
        curves.wilson_interval(51, 50)
    with pytest.raises(ValueError, match="confidence"):
        curves.wilson_interval(1, 50, 95.0)


def test_a_treatment_has_one_colour_in_curves_boxes_and_bars() -> None:
    line = _panels(curves.curves_figure([Panel([_curve("x"), _curve("P&CC")], "Q")]))[0].lines[1].get_color()
    cloud = curves.box_figure({"P&CC": [1.0, 2.0]}, "Q").axes[0].collections[0]
    bar = curves.bars_figure({"PA": (1, 2), "P&CC": (1, 2)}, "%").axes[0].patches[1]
    assert line == to_hex(np.asarray(cloud.get_facecolor())[0]) == to_hex(bar.get_facecolor())
    mine = curves.bars_figure({"PA": (1, 2)}, "%", colours={"PA": "#123456"}).axes[0].patches[0]
    assert to_hex(mine.get_facecolor()) == "#123456"


def test_files_are_the_same_every_time(tmp_path: Path) -> None:
    def files(folder: Path) -> list[bytes]:
        marks = [Marks(X, X > 100, "p < 0.05")]
        figures = [
            curves.curves_figure([Panel([_curve("PA"), _curve("P&CC")], "Q", marks)]),
            curves.box_figure(GROUPS, "Q", [("PA", "P&CC", 1e-4)], scale="log", annotation="p"),
            curves.bars_figure({"PA": (1, 2)}, "%"),
        ]
        written = [style.save_figure(figure, folder / str(number)) for number, figure in enumerate(figures)]
        return [path.read_bytes() for paths in written for path in paths]

    assert files(tmp_path / "one") == files(tmp_path / "two")
