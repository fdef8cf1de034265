"""Memory curves are means over episodes; recency is what a look back through the text finds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from analysis import style
from analysis.intervals import mean_interval
from analysis.memory import loss_by_recency, memory_figure, recency, recency_figure
from analysis.references import Reference

RANDOM = np.random.default_rng(0)


def _looking_back(tokens: list[int]) -> list[int]:
    """Distance to the previous occurrence, searched token by token; 0 without."""
    return [
        next((back for back in range(1, k + 1) if tokens[k - back] == tokens[k]), 0) for k in range(len(tokens))
    ]


# --- Curves -------------------------------------------------------------------------------------------------


def test_a_memory_curve_is_the_mean_with_its_interval(tmp_path: Path) -> None:
    values = RANDOM.random((20, 3))
    figure = memory_figure([1, 2, 5], {"plastic": values}, "Patterns", "Wrong bits", [Reference(0.25, "chance")])
    axes = figure.axes[0]
    known = [mean_interval(values[:, k]) for k in range(3)]
    np.testing.assert_allclose(
        axes.lines[0].get_xydata(), [[x, m.mean] for x, m in zip((1, 2, 5), known, strict=True)]
    )
    band = np.asarray(axes.collections[0].get_paths()[0].vertices)
    for x, interval in zip((1, 2, 5), known, strict=True):
        at = band[band[:, 0] == x, 1]
        assert (at.min(), at.max()) == pytest.approx((interval.low, interval.high))
    assert [text.get_text() for text in axes.texts] == ["chance"]
    assert axes.get_xlabel() or figure.axes[1].get_xlabel() == "Patterns"
    assert all(path.stat().st_size for path in style.save_figure(figure, tmp_path / "memory"))


def test_episodes_without_a_condition_are_left_out_there() -> None:
    values = np.array([[0.0, 1.0], [0.5, math.nan], [1.0, 3.0]])
    axes = memory_figure([1, 2], {"plastic": values}, "age", "error").axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.5, 2.0])


# --- Recency ------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), max_size=40))
def test_recency_is_what_looking_back_finds(tokens: list[int]) -> None:
    assert recency(np.array(tokens, dtype=np.int64)).tolist() == _looking_back(tokens)
    large = np.array(tokens, dtype=np.int64) * 10**6  # beyond 16 bits
    assert recency(large).tolist() == _looking_back(tokens)


@settings(deadline=None)
@given(
    tokens=st.lists(st.integers(0, 4), min_size=1, max_size=60),
    steps=st.lists(st.integers(1, 6), max_size=4),
    seed=st.integers(0, 99),
)
def test_loss_by_recency_is_the_mean_of_each_class(tokens: list[int], steps: list[int], seed: int) -> None:
    edges = [1, *(1 + np.cumsum(steps, dtype=int)).tolist()]
    losses = np.random.default_rng(seed).random(len(tokens))
    table = loss_by_recency(losses, tokens, edges)
    back = np.array(_looking_back(tokens))
    members = [(back >= a) & (back < b) for a, b in zip(edges, [*edges[1:], math.inf], strict=True)] + [back == 0]
    assert table.tokens.tolist() == [int(chosen.sum()) for chosen in members]
    for loss, chosen in zip(table.loss, members, strict=True):
        assert loss == pytest.approx(losses[chosen].mean()) if chosen.any() else math.isnan(loss)


def test_classes_are_named_by_their_first_and_last_distance() -> None:
    table = loss_by_recency([1.0, 1.0], [3, 3], [1, 2, 10, 1000])
    assert list(table.distance) == ["1", "2 to 9", "10 to 999", "1,000 or more", "first"]
    np.testing.assert_array_equal(table.start, [1, 2, 10, 1000, math.nan])
    np.testing.assert_array_equal(table.end, [1, 9, 999, math.inf, math.nan])


def test_recency_figure_has_a_line_for_each_model() -> None:
    tokens = RANDOM.integers(0, 9, 200)
    tables = {name: loss_by_recency(RANDOM.random(200), tokens, [1, 4, 16]) for name in ("plastic", "lstm")}
    axes = recency_figure(tables, colours={"lstm": "#123456"}).axes[0]
    for line, table in zip(axes.lines, tables.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), table.loss)
    assert to_hex(axes.lines[1].get_color()) == "#123456"
    assert [label.get_text() for label in axes.get_xticklabels()] == list(tables["lstm"].distance)


def test_impossible_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="tokens: float64"):
        recency([0.5])
    with pytest.raises(ValueError, match="integers from 0"):
        recency([-1])
    with pytest.raises(ValueError, match="losses: shape"):
        loss_by_recency([1.0], [1, 2], [1])
    with pytest.raises(ValueError, match=r"edges: \[2, 4\]"):
        loss_by_recency([1.0], [1], [2, 4])
    with pytest.raises(ValueError, match="tables"):
        recency_figure({"a": loss_by_recency([1.0], [1], [1]), "b": loss_by_recency([1.0], [1], [1, 2])})
