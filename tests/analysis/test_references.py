"""References are drawn at their height, with labels that read and cover nothing."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.references import Reference, draw_references

X = np.linspace(0.0, 100.0, 50)


def _axes(y: np.ndarray, references: list[Reference]) -> Axes:
    axes = Figure(figsize=(3.5, 2.0)).add_subplot()
    axes.plot(X, y)
    draw_references(axes, references, [(X, y)])
    return axes


def test_a_line_crosses_the_axes_at_its_height_and_is_in_view() -> None:
    axes = _axes(X / 100, [Reference(2.5, "chance")])
    line = axes.lines[1]
    np.testing.assert_array_equal(line.get_ydata(), [2.5, 2.5])
    assert axes.get_ylim()[1] > 2.5
    assert axes.texts[0].get_text() == "chance"


@pytest.mark.parametrize(("falls", "side"), [(True, "left"), (False, "right")])
def test_a_label_stands_at_the_end_that_the_curve_leaves_free(falls: bool, side: str) -> None:
    away = np.where(X < 50, 1.0, 0.1) if falls else np.where(X < 50, 0.1, 1.0)
    noisy = away + 0.05 * np.sin(3 * X)  # covers both sides of the reference line at one end
    assert _axes(noisy, [Reference(0.1, "published figure")]).texts[0].get_horizontalalignment() == side


def test_labels_of_near_references_do_not_overlap() -> None:
    axes = _axes(X / 10, [Reference(5.0, "published"), Reference(5.1, "chance level")])
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    first, second = (text.get_window_extent() for text in axes.texts)
    assert not first.overlaps(second)


def test_a_label_below_the_lowest_line_does_not_lie_on_the_axis() -> None:
    noisy = np.where(np.abs(X - 50) < 5, 5.0, 0.4 * np.abs(np.sin(3 * X)))  # covers what is above the line
    axes = _axes(noisy, [Reference(0.0, "chance")])
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    (label,) = axes.texts
    assert label.get_verticalalignment() == "top"
    assert label.get_window_extent().y0 > axes.get_window_extent().y0
