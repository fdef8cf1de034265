"""Figures of learning in sequence: means of neighbours, what is drawn where."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.sequences import (
    accuracy_figure,
    averaged,
    course_figure,
    forgetting_figure,
    gates_figure,
    retention_figure,
    size_figure,
)


@given(st.integers(1, 90), st.integers(1, 30), st.integers(0, 2**31))
def test_neighbours_are_averaged_and_none_is_left_out(columns: int, points: int, seed: int) -> None:
    table = np.random.default_rng(seed).random((3, columns))
    places, values = averaged(table, points)
    size = -(-columns // points)
    parts = [np.arange(first, min(first + size, columns)) for first in range(0, columns, size)]
    assert len(parts) <= points
    assert places == pytest.approx([part.mean() + 1 for part in parts])
    assert values == pytest.approx(np.stack([table[:, part].mean(1) for part in parts], 1))


def test_every_treatment_is_drawn_in_its_panel_at_its_counts() -> None:
    tables = {"a": [[0.9, 0.8], [0.7, 0.6]], "b": [[0.5, 0.1, 0.0]]}
    counts = {"a": (10, 50), "b": (10, 50, 100)}
    figure = accuracy_figure(counts, {"Held out": tables, "Mixed": {"a": tables["a"]}})
    first, second = [axes for axes in figure.axes if axes.get_ylabel() in ("Held out", "Mixed")]
    lines = {line.get_label(): line for line in first.get_lines()}
    assert lines["a"].get_ydata() == pytest.approx([0.8, 0.7]) and list(lines["b"].get_xdata()) == [10, 50, 100]
    assert [line.get_label() for line in second.get_lines()] == ["a"]
    with pytest.raises(ValueError, match=r"Held out: b: shape \(1, 3\): allowed is \(courses, 2\)"):
        accuracy_figure({"a": (1, 2), "b": (1, 2)}, {"Held out": tables})


def test_published_accuracies_are_dashed_in_the_colour_of_their_treatment_up_to_what_is_learned() -> None:
    known = {"Held out": {"a": {10: 0.9, 50: 0.7, 600: 0.2}}}
    figure = accuracy_figure({"a": (10, 50)}, {"Held out": {"a": [[0.8, 0.6], [0.8, 0.6]]}}, published=known)
    ours, published = figure.axes[0].get_lines()
    assert list(published.get_xdata()) == [10, 50] and list(published.get_ydata()) == [0.9, 0.7]
    assert published.get_color() == ours.get_color() and published.is_dashed() and not ours.is_dashed()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "published"]


def test_forgetting_is_drawn_in_the_order_of_learning() -> None:
    figure = forgetting_figure({"Held out": {"a": np.linspace(0, 1, 40)[None]}})
    (line,) = figure.axes[0].get_lines()
    assert len(line.get_xdata()) == 20 and (np.diff(line.get_ydata()) > 0).all()


def test_a_course_on_a_logarithmic_axis_has_geometric_means() -> None:
    figure = course_figure({"Error": {"a": [[1.0, 4.0], [100.0, None]]}}, "Step", 0, scale="log")
    axes = figure.axes[0]
    (line,) = axes.get_lines()
    assert axes.get_yscale() == "log" and list(line.get_ydata()) == pytest.approx([10, 4])


def test_sizes_are_drawn_in_order_whatever_order_they_come_in() -> None:
    kinds = {"a": {500_000: [0.5, 0.7], 100_000: [0.2]}, "b": {2_000_000: [0.1], 100_000: [0.3]}}
    figure = size_figure({"Accuracy": kinds, "Lost": {"a": kinds["a"]}})
    accuracy, lost = [axes for axes in figure.axes if axes.get_ylabel()]
    lines = {line.get_label(): line for line in accuracy.get_lines()}
    assert list(lines["a"].get_xdata()) == [100_000, 500_000]
    assert list(lines["a"].get_ydata()) == pytest.approx([0.2, 0.6])
    assert list(lines["b"].get_ydata()) == pytest.approx([0.3, 0.1])
    figure.draw_without_rendering()
    labels = [label.get_text() for label in accuracy.get_xticklabels()]
    assert {"100k", "200k", "500k", "1M", "2M"} <= set(labels)
    assert lost.get_xscale() == "log"


def test_each_examination_is_a_column_of_the_classes_so_far() -> None:
    columns = [[1.0, 0.5], [0.25, 0.0, 0.75]]
    figure = retention_figure((2, 3), {"a": columns, "b": columns})
    assert [axes.get_title() for axes in figure.axes[:2]] == ["a", "b"]
    mesh = figure.axes[0].collections[0]
    shown = np.ma.masked_invalid(mesh.get_array()).filled(-1)
    assert shown.reshape(3, 2).tolist() == [[1.0, 0.25], [0.5, 0.0], [-1.0, 0.75]]
    corners = mesh.get_coordinates()
    assert corners[0, :, 0].tolist() == [0, 2, 3] and corners[:, 0, 1].tolist() == [0.5, 1.5, 2.5, 3.5]
    with pytest.raises(ValueError, match=r"panels: accuracies \[\(2,\)\]: allowed are"):
        retention_figure((2, 3), {"a": columns[:1]})
    with pytest.raises(ValueError, match="panels: none"):
        retention_figure((2,), {})


def test_gates_are_drawn_below_their_pictures_in_one_order() -> None:
    gates = np.array([[0.1, 0.9, 0.5], [0.2, 0.8, 0.6]])
    figure = gates_figure(np.zeros((2, 4, 4)), gates)
    rasters = [axes.images[0].get_array() for axes in figure.axes[2:4]]
    assert np.asarray(rasters[0]).ravel()[:3] == pytest.approx([0.9, 0.5, 0.1])
    assert np.asarray(rasters[1]).ravel()[:3] == pytest.approx([0.8, 0.6, 0.2])
    with pytest.raises(ValueError, match="allowed are"):
        gates_figure(np.zeros((3, 4, 4)), gates)
