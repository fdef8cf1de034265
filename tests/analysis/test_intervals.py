"""Intervals are those of scipy and of first principles."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from analysis.intervals import (
    accuracy_interval,
    accuracy_over_seeds,
    mean_curve,
    mean_interval,
    quartile_curve,
    wilson_interval,
)

RANDOM = np.random.default_rng(0)


# --- Quartiles and means ------------------------------------------------------------------------------------


def test_quartiles_of_nine_trials_are_the_third_and_the_seventh() -> None:
    values = RANDOM.permuted(np.arange(9.0)[:, None] + [0.0, 10.0], axis=0)
    curve = quartile_curve(values)
    np.testing.assert_array_equal([curve.low, curve.median, curve.high], [[2.0, 12.0], [4.0, 14.0], [6.0, 16.0]])


@pytest.mark.parametrize("values", [[1.0, 2.0], np.zeros((0, 3)), [[1.0, math.nan]]])
def test_quartiles_refuse_what_is_no_table_of_numbers(values: ArrayLike) -> None:
    with pytest.raises(ValueError, match="values: shape"):
        quartile_curve(values)


@pytest.mark.parametrize("size", [2, 5, 30])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_mean_interval_is_that_of_the_one_sample_t_test(size: int, level: float) -> None:
    values = RANDOM.normal(3.0, 2.0, size)
    known = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(level)
    ours = mean_interval(values, level)
    assert ours.mean == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((known.low, known.high))


def test_a_single_seed_has_no_interval() -> None:
    ours = mean_interval([0.7])
    assert ours.mean == 0.7
    assert math.isnan(ours.low)
    assert math.isnan(ours.high)


def test_missing_values_are_left_out_of_their_point() -> None:
    values = RANDOM.normal(size=(6, 4))
    values[3:, 1] = values[1:, 2] = values[:, 3] = math.nan
    curve = mean_curve(values, 0.9)
    np.testing.assert_array_equal(curve.count, [6, 3, 1, 0])
    for point, count in enumerate(curve.count[:3]):
        known = mean_interval(values[:count, point], 0.9)
        drawn = [curve.mean[point], curve.low[point], curve.high[point]]
        np.testing.assert_allclose(drawn, [known.mean, known.low, known.high])
    assert np.isnan([curve.mean[3], curve.low[3], curve.high[3]]).all()


def test_means_refuse_impossible_input() -> None:
    with pytest.raises(ValueError, match="finite"):
        mean_interval([1.0, math.nan])
    with pytest.raises(ValueError, match="values: shape"):
        mean_curve([[1.0, math.inf]])
    with pytest.raises(ValueError, match="level"):
        mean_interval([1.0, 2.0], 95.0)


# --- Accuracies ---------------------------------------------------------------------------------------------


def test_accuracy_of_a_published_size_is_the_wilson_interval() -> None:
    known = binomtest(985, 1000).proportion_ci(0.95, method="wilson")
    ours = accuracy_interval(985, 1000)
    assert (ours.mean, ours.low, ours.high) == pytest.approx((0.985, known.low, known.high))


def test_episodes_and_seeds_are_kept_apart() -> None:
    correct = [99, 97, 100, 98, 96]
    ours = accuracy_over_seeds(correct, 100)
    assert ours.models == tuple(accuracy_interval(count, 100) for count in correct)
    assert ours.over_episodes == accuracy_interval(490, 500)
    assert ours.over_seeds == mean_interval([0.99, 0.97, 1.0, 0.98, 0.96])
    assert ours.over_episodes.mean == pytest.approx(ours.over_seeds.mean)


def test_models_that_differ_more_than_chance_are_wider_over_seeds_than_over_episodes() -> None:
    ours = accuracy_over_seeds([500, 900, 700, 990], 1000)
    over = [one.high - one.low for one in (ours.over_episodes, ours.over_seeds)]
    assert over[1] > 5 * over[0]


def test_intervals_over_seeds_hold_the_accuracy_of_the_kind_as_often_as_they_say() -> None:
    random = np.random.default_rng(7)
    chances = np.clip(random.normal(0.7, 0.1, size=(400, 6)), 0.0, 1.0)
    counts = random.binomial(200, chances)
    intervals = [accuracy_over_seeds(row, 200, 0.9) for row in counts]
    hits = [[one.low <= 0.7 <= one.high for one in (i.over_seeds, i.over_episodes)] for i in intervals]
    over_seeds, over_episodes = np.mean(hits, axis=0)
    assert 0.86 < over_seeds < 0.94
    assert over_episodes < 0.6  # holds for these models only


def test_impossible_accuracies_are_refused() -> None:
    with pytest.raises(ValueError, match="total: 0"):
        accuracy_interval(0, 0)
    with pytest.raises(ValueError, match="allowed are 0 to 10"):
        accuracy_over_seeds([3, 11], 10)
    with pytest.raises(ValueError, match="allowed are integers"):
        accuracy_over_seeds([0.5, 0.7], 10)


# --- Wilson's interval --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("successes", "trials"), [(0, 50), (28, 50), (50, 50), (1, 3), (0, 1)])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_wilson_interval_is_that_of_scipy(successes: int, trials: int, confidence: float) -> None:
    known = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson_interval(successes, trials, confidence) == pytest.approx((known.low, known.high), abs=1e-12)


def test_wilson_interval_ends_solve_the_score_equation() -> None:
    z, share, trials = 1.959963984540054, 28 / 50, 50
    for end in wilson_interval(28, trials):
        assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1.0 - end) / trials))
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_interval_refuses_impossible_counts() -> None:
    with pytest.raises(ValueError, match="allowed are 0 to 50"):
        wilson_interval(51, 50)
    with pytest.raises(ValueError, match="confidence"):
        wilson_interval(1, 50, 95.0)
