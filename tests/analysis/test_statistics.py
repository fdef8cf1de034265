from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
import scipy.stats

from analysis import statistics
from analysis.statistics import (
    enough_trials,
    fisher_exact,
    holm,
    mann_whitney,
    median_curve,
    median_filter,
    median_interval,
)

# --- Medians ------------------------------------------------------------------------------------------------


def test_interval_is_the_exact_bootstrap_distribution_in_a_small_case():
    # All 5^5 resamples of five values: the ends are quantiles of their medians.
    values = np.array([2.0, 3.0, 5.0, 7.0, 11.0])
    medians = np.median(list(product(values, repeat=5)), axis=1)
    for level in (0.5, 0.8, 0.95):
        result = median_interval(values, seed=1, level=level, resamples=40_000)
        assert result.median == 5.0
        assert result.low == np.quantile(medians, (1 - level) / 2)
        assert result.high == np.quantile(medians, (1 + level) / 2)


def test_interval_of_an_even_sample_agrees_with_scipy():
    values = np.random.default_rng(3).normal(size=30)
    ours = median_interval(values, seed=0, resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values,), np.median, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.median == np.median(values)
    assert ours.low == pytest.approx(theirs.low, abs=0.04)
    assert ours.high == pytest.approx(theirs.high, abs=0.04)
    assert ours.low < ours.median < ours.high


def test_interval_covers_the_true_median_about_as_often_as_it_says():
    samples = np.random.default_rng(4).normal(size=(50, 400))
    curve = median_curve(samples, seed=0, level=0.9, resamples=1000)
    assert 0.84 < np.mean((curve.low <= 0) & (curve.high >= 0)) < 0.96


def test_curve_is_the_interval_of_each_point(monkeypatch):
    values = np.random.default_rng(5).random((12, 7))
    whole = median_curve(values, seed=9, resamples=300)
    for point in range(7):
        single = median_interval(values[:, point], seed=9, resamples=300)
        assert (single.median, single.low, single.high) == (
            whole.median[point],
            whole.low[point],
            whole.high[point],
        )
    monkeypatch.setattr(statistics, "_BLOCK", 650)  # two points at a time, resamples in several blocks
    blocks = median_curve(values, seed=9, resamples=300)
    assert np.array_equal(blocks.low, whole.low) and np.array_equal(blocks.high, whole.high)


def test_interval_of_one_value_and_of_equal_values():
    for values in ([3.0], [3.0] * 8):
        result = median_interval(values, seed=0)
        assert (result.median, result.low, result.high) == (3.0, 3.0, 3.0)


def test_interval_follows_the_seed():
    values = np.random.default_rng(0).random(40)
    assert median_interval(values, seed=1, resamples=50) == median_interval(values, seed=1, resamples=50)
    assert median_interval(values, seed=1, resamples=50) != median_interval(values, seed=2, resamples=50)


def test_bad_samples_are_refused():
    with pytest.raises(ValueError, match=r"values: shape \(0,\): allowed are one or more finite numbers"):
        median_interval([], seed=0)
    with pytest.raises(ValueError, match=r"values: shape \(2,\): allowed are one or more finite numbers"):
        median_interval([1.0, np.nan], seed=0)
    with pytest.raises(ValueError, match=r"values: shape \(3,\): allowed are finite numbers \(trials, points\)"):
        median_curve([1.0, 2.0, 3.0], seed=0)
    with pytest.raises(ValueError, match="level: 95: allowed is between 0 and 1"):
        median_interval([1.0], seed=0, level=95)
    with pytest.raises(ValueError, match="resamples: 0: allowed are 1 or more"):
        median_interval([1.0], seed=0, resamples=0)


# --- Tests --------------------------------------------------------------------------------------------------


def test_mann_whitney_by_counting_pairs():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.integers(0, 6, rng.integers(3, 12)), rng.integers(1, 7, rng.integers(3, 12))
        result = mann_whitney(a, b)
        wins = sum((x > y) + (x == y) / 2 for x in a for y in b)
        assert result.statistic == wins
        assert result.vargha_delaney == pytest.approx(wins / (len(a) * len(b)))
        losses = sum((x < y) + (x == y) / 2 for x in a for y in b)
        assert result.rank_biserial == pytest.approx((wins - losses) / (len(a) * len(b)))
        assert result.p == scipy.stats.mannwhitneyu(a, b, alternative="two-sided").pvalue


def test_mann_whitney_of_separate_samples():
    # Of the C(9, 4) ways to rank them, the two extreme ones are as uneven.
    result = mann_whitney([1, 2, 3, 4], [5, 6, 7, 8, 9])
    assert result.p == pytest.approx(2 / comb(9, 4))
    assert (result.statistic, result.vargha_delaney, result.rank_biserial) == (0.0, 0.0, -1.0)
    assert mann_whitney([5, 6, 7, 8, 9], [1, 2, 3, 4]).rank_biserial == 1.0


def test_mann_whitney_without_any_difference():
    result = mann_whitney([2.0] * 5, [2.0] * 7)
    assert (result.p, result.statistic, result.vargha_delaney, result.rank_biserial) == (1.0, 17.5, 0.5, 0.0)
    assert mann_whitney([2.0] * 5, [3.0] * 7).p < 0.01
    with pytest.raises(ValueError, match=r"b: shape \(0,\)"):
        mann_whitney([1.0], [])


def test_fisher_from_the_hypergeometric_distribution():
    for a, of_a, b, of_b in [(28, 50, 0, 50), (3, 7, 5, 6), (0, 4, 2, 9), (5, 5, 1, 4), (10, 20, 10, 20)]:
        chance = [
            comb(of_a, k) * comb(of_b, a + b - k) / comb(of_a + of_b, a + b) if k <= a + b else 0.0
            for k in range(of_a + 1)
        ]
        expected = sum(value for value in chance if value <= chance[a] * (1 + 1e-9))
        assert fisher_exact(a, of_a, b, of_b).p == pytest.approx(expected, rel=1e-9)


def test_fisher_odds_ratio():
    assert fisher_exact(3, 7, 5, 6).odds_ratio == pytest.approx((3 / 4) / (5 / 1))
    assert fisher_exact(28, 50, 0, 50).odds_ratio == np.inf
    assert fisher_exact(0, 50, 28, 50).odds_ratio == 0.0
    for successes in (0, 50):
        result = fisher_exact(successes, 50, successes, 50)
        assert (result.odds_ratio, result.p) == (1.0, 1.0)


@pytest.mark.parametrize(("counts", "named"), [((1, 0, 1, 2), "a: 1 of 0"), ((1, 2, 3, 2), "b: 3 of 2")])
def test_impossible_counts_are_refused(counts, named):
    with pytest.raises(ValueError, match=named):
        fisher_exact(*counts)


def test_holm_by_hand():
    # Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04; never below an earlier one: .02 .03 .06 .06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([0.2]) == pytest.approx([0.2])


@pytest.mark.parametrize("p_values", [[], [0.5, 1.2], [-0.1], [np.nan]])
def test_bad_p_values_are_refused(p_values):
    with pytest.raises(ValueError, match="p_values: "):
        holm(p_values)


# --- Smoothing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "width"), [(1, 101), (5, 3), (40, 7), (6, 101), (7, 7), (300, 101)])
def test_median_filter_against_every_window(points, width):
    values = np.random.default_rng(points).random(points)
    reach = width // 2
    expected = [np.median([values[j] for j in range(points) if abs(i - j) <= reach]) for i in range(points)]
    assert np.array_equal(median_filter(values, width), expected)


def test_median_filter_in_blocks(monkeypatch):
    values = np.random.default_rng(1).random(100)
    whole = median_filter(values, 9)
    monkeypatch.setattr(statistics, "_BLOCK", 70)
    assert np.array_equal(median_filter(values, 9), whole)


@pytest.mark.parametrize("width", [0, -3, 4])
def test_bad_widths_are_refused(width):
    with pytest.raises(ValueError, match=f"width: {width}: allowed are odd numbers from 1"):
        median_filter([1.0, 2.0], width)


@pytest.mark.parametrize("first", range(1, 9))
@pytest.mark.parametrize("second", range(1, 9))
def test_too_few_trials_are_those_that_cannot_differ(first: int, second: int) -> None:
    least = mann_whitney(np.arange(first), first + np.arange(second)).p
    assert enough_trials(first, second) == (least < 0.05)
