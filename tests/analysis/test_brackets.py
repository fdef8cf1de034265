"""Brackets join the groups they compare, clear of each other, and say how significant the difference is."""

import math

import pytest
from matplotlib.axes import Axes

from analysis import brackets
from analysis.groups import bars_figure, box_figure


def _texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_brackets_join_their_groups_at_heights_of_their_own() -> None:
    groups = {name: [1.0, 2.0, 3.0] for name in "abc"}
    pairs = [("a", "c", 0.2), ("c", "b", 0.003), ("a", "b", 8e-9)]
    axes = box_figure(groups, "Q", pairs).axes[0]
    assert _texts(axes) == ["***", "**", "n.s."]
    assert [text.get_position()[0] for text in axes.texts] == [0.5, 1.5, 1.0]
    heights = [text.get_transform().transform((0, 1.0))[1] for text in axes.texts]
    assert heights[0] == heights[1] < heights[2]


def test_brackets_can_show_p_values_and_refuse_unknown_groups() -> None:
    groups = {"a": [1.0, 2.0], "b": [1.0, 2.0]}
    assert _texts(box_figure(groups, "Q", [("a", "b", 0.0421)], annotation="p").axes[0]) == ["p = 0.042"]
    with pytest.raises(ValueError, match="no group 'c'; there are 'a', 'b'"):
        box_figure(groups, "Q", [("a", "c", 0.1)])


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
    assert brackets.p_text(p) == text
    assert brackets.stars(p) == marks


def test_a_bracket_clears_the_number_on_a_full_bar() -> None:
    figure = bars_figure({"a": (50, 50), "b": (50, 50)}, "solved (%)", [("a", "b", 1.0)])
    figure.draw_without_rendering()
    number, _, verdict = figure.axes[0].texts
    bracket = max(line.get_window_extent().y0 for line in figure.axes[0].lines)
    assert number.get_window_extent().y1 < bracket < verdict.get_window_extent().y1
