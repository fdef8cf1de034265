"""Learning curves show each treatment's trials; differences are those of the rank-sum test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.curves import significant_ranges
from analysis.intervals import mean_curve, quartile_curve
from analysis.learning import SEED, learning_curves, pointwise_rank_sum
from analysis.references import Reference
from analysis.statistics import mann_whitney, median_curve, median_filter

RANDOM = np.random.default_rng(0)
X = np.arange(0, 60, 2)
VALUES = {"pa": RANDOM.random((7, 30)), "pcc": RANDOM.random((6, 30)) + np.linspace(0, 1.5, 30)}
COLUMNS = {"Error": "error", "Loss": "loss"}


def _metrics(values: dict[str, np.ndarray] = VALUES) -> pd.DataFrame:
    rows = [
        {"treatment": name, "trial": trial, "iteration": x, "error": error, "loss": 10 * error}
        for name, table in values.items()
        for trial, row in enumerate(table)
        for x, error in zip(X, row, strict=True)
    ]
    return pd.DataFrame(rows).sample(frac=1.0, random_state=1)


def _panels(figure: Figure) -> list[Axes]:
    return figure.axes[::2]  # a strip for marks follows every panel


# --- Figures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("band", ["bootstrap", "quartiles", "mean"])
def test_line_and_band_are_those_of_the_trials(band: Any) -> None:
    figure = learning_curves(_metrics(), "iteration", COLUMNS, ["pa", "pcc"], band=band, smooth=0.1)
    for factor, axes in zip((1, 10), _panels(figure), strict=True):
        for name, line, drawn in zip(VALUES, axes.lines, axes.collections, strict=True):
            table = factor * VALUES[name]
            if band == "mean":
                means = mean_curve(table)
                known = [means.mean, means.low, means.high]
            else:
                curve = median_curve(table, SEED) if band == "bootstrap" else quartile_curve(table)
                known = [curve.median, curve.low, curve.high]
            middle, low, high = (median_filter(edge, 3) for edge in known)
            np.testing.assert_allclose(line.get_xydata(), np.column_stack([X, middle]))
            corners: Any = drawn.get_paths()[0].vertices
            assert (corners[:, 1].min(), corners[:, 1].max()) == pytest.approx((low.min(), high.max()))


def test_marks_are_where_the_rank_sum_test_says() -> None:
    figure = learning_curves(_metrics(), "iteration", {"Error": "error"}, ["pa", "pcc"])
    bars: Any = figure.axes[1].collections[0]
    spans = [tuple(path.vertices[:, 0][[0, 2]]) for path in bars.get_paths()]
    different = np.array([mann_whitney(VALUES["pa"][:, k], VALUES["pcc"][:, k]).p < 0.05 for k in range(30)])
    assert 0 < different.sum() < 30
    assert spans == significant_ranges(X.astype(float), different)


def test_a_trial_that_stopped_keeps_its_last_value_and_a_late_one_waits() -> None:
    metrics = pd.DataFrame(
        {
            "treatment": "pa",
            "trial": [0, 0, 0, 1, 1, 2, 2],
            "iteration": [0, 1, 2, 0, 1, 1, 2],
            "error": [1.0, 2.0, 3.0, 5.0, 6.0, 9.0, 9.0],
        }
    )
    axes = learning_curves(metrics, "iteration", {"Error": "error"}, ["pa"]).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1.0, 6.0], [2.0, 6.0]])


def test_references_scales_and_labels_reach_their_panel() -> None:
    figure = learning_curves(
        _metrics(),
        "iteration",
        COLUMNS,
        ["pa", "pcc"],
        {"Loss": [Reference(2.0, "published")]},
        xscale="log",
        yscales={"Loss": "log"},
    )
    error, loss = _panels(figure)
    assert [error.get_yscale(), loss.get_yscale(), error.get_xscale()] == ["linear", "log", "log"]
    assert [[text.get_text() for text in axes.texts] for axes in (error, loss)] == [[], ["published"]]
    assert figure.axes[-1].get_xlabel() == "Iteration"


def test_one_trial_has_a_line_without_band_or_marks(tmp_path: Path) -> None:
    metrics = _metrics({name: table[:1] for name, table in VALUES.items()})
    figure = learning_curves(metrics, "iteration", {"Error": "error"}, ["pa", "pcc"], band="mean", smooth=0.0)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), VALUES["pa"][0])
    assert not figure.axes[1].collections and not figure.axes[1].texts
    figure.savefig(tmp_path / "one.png")


def test_what_the_metrics_lack_is_refused() -> None:
    with pytest.raises(ValueError, match="column accuracy: missing"):
        learning_curves(_metrics(), "iteration", {"Accuracy": "accuracy"}, ["pa"])
    with pytest.raises(ValueError, match="treatments: anml: allowed are"):
        learning_curves(_metrics(), "iteration", COLUMNS, ["anml"])


# --- Rank sums ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    sizes=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    grain=st.sampled_from([3, 10**6]),
)
def test_p_is_that_of_each_point_alone(data: st.DataObject, sizes: tuple[int, int], grain: int) -> None:
    integers = st.integers(0, grain)
    first, second = (data.draw(hnp.arrays(np.int64, (size, 4), elements=integers)) for size in sizes)
    known = [mann_whitney(first[:, k], second[:, k]).p for k in range(4)]
    np.testing.assert_allclose(pointwise_rank_sum(first, second), known, rtol=1e-12)


def test_points_that_are_one_value_do_not_differ() -> None:
    np.testing.assert_array_equal(pointwise_rank_sum(np.ones((9, 2)), np.ones((10, 2))), [1.0, 1.0])


def test_unequal_points_and_missing_values_are_refused() -> None:
    with pytest.raises(ValueError, match="equal points"):
        pointwise_rank_sum(np.zeros((3, 4)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="finite"):
        pointwise_rank_sum([[np.nan]], [[0.0]])
