"""Statistics of the papers: medians with bootstrap intervals, rank-sum and exact tests, smoothed curves.

Clune, Mouret and Lipson (2013) and their later papers compare treatments with the Mann-Whitney test,
proportions with Fisher's exact test, and draw medians of trials with bootstrapped 95 % intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Below this p-value treatments count as different.
LEVEL = 0.05

_BLOCK = 2**20  # numbers held at a time while resampling


@dataclass(frozen=True)
class Interval:
    """A median and its confidence interval."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class IntervalCurve:
    """The median of many trials at each point of a curve and its confidence interval, each (points,)."""

    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def median_interval(values: ArrayLike, seed: int, level: float = 0.95, resamples: int = 5000) -> Interval:
    """Median with a percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13).

    Args:
        values: numbers (trials,).
        seed: seed of the resampling.
        level: confidence level, between 0 and 1.
        resamples: number of bootstrap resamples.

    Raises:
        ValueError: no values or values that are not finite, or level or resamples out of range.
    """
    curve = median_curve(_sample("values", values)[:, np.newaxis], seed, level, resamples)
    return Interval(float(curve.median[0]), float(curve.low[0]), float(curve.high[0]))


def median_curve(values: ArrayLike, seed: int, level: float = 0.95, resamples: int = 5000) -> IntervalCurve:
    """Median of the trials with a percentile bootstrap interval, at each point of a curve.

    The interval holds at each point by itself, not for the curve as a whole. Long curves are taken in
    blocks, so that memory stays bounded.

    Args:
        values: numbers (trials, points).
        seed: seed of the resampling.
        level: confidence level, between 0 and 1.
        resamples: number of bootstrap resamples.

    Raises:
        ValueError: no trials or points, values that are not finite, or level or resamples out of range.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or table.size == 0 or not np.all(np.isfinite(table)):
        raise ValueError(f"values: shape {table.shape}: allowed are finite numbers (trials, points), not empty")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level: {level}: allowed is between 0 and 1")
    if resamples < 1:
        raise ValueError(f"resamples: {resamples}: allowed are 1 or more")
    trials, points = table.shape
    ordered = np.sort(table.T, axis=1)
    lower, upper = _resampled_middle(trials, resamples, np.random.default_rng(seed))
    ends = np.empty((2, points))
    step = max(1, _BLOCK // resamples)
    for start in range(0, points, step):
        block = ordered[start : start + step]
        medians = (block[:, lower] + block[:, upper]) / 2
        ends[:, start : start + step] = np.quantile(medians, [(1 - level) / 2, (1 + level) / 2], axis=1)
    return IntervalCurve(np.median(table, axis=0), ends[0], ends[1])


def _resampled_middle(
    trials: int, resamples: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranks in the sample of the two middle values of each bootstrap resample, each (resamples,).

    Resampling ranks instead of values is the same draw, and serves every point of a curve.
    """
    middle = [(trials - 1) // 2, trials // 2]
    step = max(1, _BLOCK // trials)
    ranks = [
        np.sort(rng.integers(0, trials, size=(min(step, resamples - start), trials)), axis=1)[:, middle]
        for start in range(0, resamples, step)
    ]
    both = np.concatenate(ranks)
    return both[:, 0], both[:, 1]


@dataclass(frozen=True)
class MannWhitney:
    """Result of a two-sided Mann-Whitney test of samples a and b.

    Attributes:
        statistic: U of sample a: pairs in which a is greater, plus half of the ties.
        p: two-sided p-value.
        vargha_delaney: A = U / (size of a * size of b), the chance that a value of a exceeds one of b, ties
            half; 0.5 without a difference (Vargha and Delaney 2000).
        rank_biserial: 2 A - 1, from -1 to 1 (Kerby 2014).
    """

    statistic: float
    p: float
    vargha_delaney: float
    rank_biserial: float


def enough_trials(first: int, second: int) -> bool:
    """Whether so many trials of two treatments can differ at all: all of one above all of the other."""
    return 2 / comb(first + second, first) < LEVEL


def mann_whitney(a: ArrayLike, b: ArrayLike) -> MannWhitney:
    """Two-sided Mann-Whitney (Wilcoxon rank-sum) test of two independent samples, with effect sizes.

    Exact for samples without ties of which one has up to 8 values, else by the normal approximation with ties
    and continuity corrected. Samples that are all one value give p = 1.

    Args:
        a: numbers (trials of a,).
        b: numbers (trials of b,).

    Raises:
        ValueError: a sample that is empty or not finite numbers in one dimension.
    """
    from scipy.stats import mannwhitneyu  # slow to import

    first, second = _sample("a", a), _sample("b", b)
    pairs = len(first) * len(second)
    if np.all(first == first[0]) and np.all(second == first[0]):
        statistic, p = pairs / 2, 1.0  # no ranks to compare: the approximation would divide by zero
    else:
        result = mannwhitneyu(first, second, alternative="two-sided")
        statistic, p = float(result.statistic), float(result.pvalue)
    return MannWhitney(statistic, p, statistic / pairs, 2 * statistic / pairs - 1)


@dataclass(frozen=True)
class FisherExact:
    """Result of a two-sided Fisher's exact test.

    Attributes:
        odds_ratio: odds of success of a over those of b; infinite where b has no success or a no failure; 1
            where nobody, or everybody, succeeds.
        p: two-sided p-value.
    """

    odds_ratio: float
    p: float


def fisher_exact(successes_a: int, total_a: int, successes_b: int, total_b: int) -> FisherExact:
    """Two-sided Fisher's exact test of two proportions.

    Args:
        successes_a: successful trials of a.
        total_a: trials of a.
        successes_b: successful trials of b.
        total_b: trials of b.

    Raises:
        ValueError: no trials, or successes that are not between 0 and the number of trials.
    """
    from scipy import stats  # slow to import

    for name, successes, total in (("a", successes_a, total_a), ("b", successes_b, total_b)):
        if total < 1 or not 0 <= successes <= total:
            raise ValueError(f"{name}: {successes} of {total}: allowed are 0 to all of 1 or more trials")
    if successes_a + successes_b in (0, total_a + total_b):
        return FisherExact(1.0, 1.0)
    table = np.array([[successes_a, total_a - successes_a], [successes_b, total_b - successes_b]])
    result = stats.fisher_exact(table)
    return FisherExact(float(result.statistic), float(result.pvalue))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted for the number of tests, in the order given (Holm 1979, step-down).

    Args:
        p_values: numbers from 0 to 1, (tests,).

    Raises:
        ValueError: no p-values, or some out of range.
    """
    given = _sample("p_values", p_values)
    if np.any((given < 0) | (given > 1)):
        raise ValueError(f"p_values: from {given.min()} to {given.max()}: allowed is from 0 to 1")
    order = np.argsort(given, kind="stable")
    scaled = given[order] * np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def median_filter(values: ArrayLike, width: int = 101) -> NDArray[np.float64]:
    """Running median of a curve; at its ends the window is cut off where the curve is.

    Args:
        values: numbers (points,).
        width: points in a whole window, odd.

    Returns:
        Smoothed curve (points,); point i is the median of the points up to (width - 1) / 2 away.

    Raises:
        ValueError: an empty curve, values that are not finite, or a width that is even or below 1.
    """
    curve = _sample("values", values)
    if width < 1 or width % 2 == 0:
        raise ValueError(f"width: {width}: allowed are odd numbers from 1")
    reach, points = width // 2, len(curve)
    result = np.empty(points)
    if points >= width:
        windows = np.lib.stride_tricks.sliding_window_view(curve, width)
        step = max(1, _BLOCK // width)
        for start in range(0, len(windows), step):
            block = windows[start : start + step]
            result[reach + start : reach + start + len(block)] = np.median(block, axis=1)
    for i in range(points):
        if i < reach or i >= points - reach:
            result[i] = np.median(curve[max(0, i - reach) : i + reach + 1])
    return result


def _sample(name: str, values: ArrayLike) -> NDArray[np.float64]:
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or sample.size == 0 or not np.all(np.isfinite(sample)):
        raise ValueError(f"{name}: shape {sample.shape}: allowed are one or more finite numbers (n,)")
    return sample
