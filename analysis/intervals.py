"""Means and accuracies with confidence intervals, and quartiles: what papers of meta-learning report.

Miconi, Stanley and Clune (2018) give the accuracy of ten trained networks with an interval over networks, others
one over test episodes: the two answer different questions, so `accuracy_over_seeds` keeps them apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics import IntervalCurve


@dataclass(frozen=True)
class MeanInterval:
    """A mean and its confidence interval; the ends are NaN where there is none."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class MeanCurve:
    """The mean at each point of a curve, its confidence interval and the values behind it, each (points,)."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.int64]


@dataclass(frozen=True)
class SeedsAccuracy:
    """Accuracy of several trained models of one kind, each tested on episodes of its own.

    Attributes:
        models: each model's accuracy with the interval over its episodes.
        over_episodes: mean accuracy with the interval for these very models on other episodes.
        over_seeds: mean accuracy with the interval for other models of this kind, trained from other seeds; its
            width holds the chance in the episodes too.
    """

    models: tuple[MeanInterval, ...]
    over_episodes: MeanInterval
    over_seeds: MeanInterval


def quartile_curve(values: ArrayLike) -> IntervalCurve:
    """Median with the 25 % and 75 % quartiles as its ends, at each point of a curve.

    Args:
        values: numbers (trials, points).

    Raises:
        ValueError: no trials or points, or values that are not finite.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or table.size == 0 or not np.all(np.isfinite(table)):
        raise ValueError(f"values: shape {table.shape}: allowed are finite numbers (trials, points), not empty")
    low, median, high = np.quantile(table, [0.25, 0.5, 0.75], axis=0)
    return IntervalCurve(median, low, high)


def mean_interval(values: ArrayLike, level: float = 0.95) -> MeanInterval:
    """Mean with Student's t interval; a single value has no interval: its ends are NaN.

    Args:
        values: numbers (seeds,).
        level: confidence level, between 0 and 1.

    Raises:
        ValueError: no values or values that are not finite, or level out of range.
    """
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or sample.size == 0 or not np.all(np.isfinite(sample)):
        raise ValueError(f"values: shape {sample.shape}: allowed are one or more finite numbers (n,)")
    curve = mean_curve(sample[:, np.newaxis], level)
    return MeanInterval(float(curve.mean[0]), float(curve.low[0]), float(curve.high[0]))


def mean_curve(values: ArrayLike, level: float = 0.95) -> MeanCurve:
    """Mean with Student's t interval at each point of a curve; NaN stands for a value that is missing.

    A point with a single value has NaN for ends, a point without values for its mean too.

    Args:
        values: numbers (trials, points).
        level: confidence level of each point by itself, between 0 and 1.

    Raises:
        ValueError: no trials or points, infinite values, or level out of range.
    """
    from scipy.special import stdtrit  # quantiles of Student's t; scipy.stats is slow to import

    table = np.asarray(values, np.float64)
    if table.ndim != 2 or table.size == 0 or np.any(np.isinf(table)):
        raise ValueError(f"values: shape {table.shape}: allowed are numbers or NaN (trials, points), not empty")
    _check_level(level)
    present = ~np.isnan(table)
    count = present.sum(axis=0)
    mean = np.where(count > 0, np.where(present, table, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    squares = (np.where(present, table - mean, 0.0) ** 2).sum(axis=0)
    freedom = np.maximum(count - 1, 1)
    reach = stdtrit(freedom, (1 + level) / 2) * np.sqrt(squares / freedom / np.maximum(count, 1))
    reach[count < 2] = np.nan
    return MeanCurve(mean, mean - reach, mean + reach, count)


def accuracy_interval(correct: int, total: int, level: float = 0.95) -> MeanInterval:
    """Accuracy of one model over independent answers with its Wilson interval.

    Several answers of one episode are not independent: take `mean_interval` of the episodes' accuracies then.

    Args:
        correct: right answers.
        total: answers.
        level: confidence level, between 0 and 1.

    Raises:
        ValueError: no answers, right answers not within 0..total, or level out of range.
    """
    if total < 1:
        raise ValueError(f"total: {total}: allowed are 1 or more answers")
    return MeanInterval(correct / total, *wilson_interval(correct, total, level))


def accuracy_over_seeds(correct: ArrayLike, total: int, level: float = 0.95) -> SeedsAccuracy:
    """Accuracy of several models with intervals over episodes (Wilson) and over seeds (Student's t).

    The interval over episodes takes all answers as one sample. It is a little too wide where models differ, and
    too narrow if all models answered the same episodes instead of ones drawn for each.

    Args:
        correct: right answers of each model, integers (seeds,).
        total: answers of each model, as many for all.
        level: confidence level, between 0 and 1.

    Raises:
        ValueError: no models or answers, right answers not within 0..total, or level out of range.
    """
    counts = np.asarray(correct)
    if counts.ndim != 1 or counts.size == 0 or counts.dtype.kind not in "iu":
        raise ValueError(f"correct: {counts.dtype} of shape {counts.shape}: allowed are integers (seeds,)")
    models = tuple(accuracy_interval(int(count), total, level) for count in counts)
    over_episodes = accuracy_interval(int(counts.sum()), total * len(counts), level)
    return SeedsAccuracy(models, over_episodes, mean_interval(counts / total, level))


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of a proportion after Wilson (1927), doi 10.1080/01621459.1927.10502953.

    Args:
        successes: Number of successes.
        trials: Number of trials; none gives (0, 1).
        confidence: Probability that the interval holds the true proportion.

    Raises:
        ValueError: Successes are not within 0..trials, or `confidence` not within (0, 1).
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes: {successes}: allowed are 0 to {trials}, the number of trials")
    _check_level(confidence, "confidence")
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    share, weight = successes / trials, z * z / trials
    centre = (share + weight / 2.0) / (1.0 + weight)
    reach = z * math.sqrt(share * (1.0 - share) / trials + weight / (4.0 * trials)) / (1.0 + weight)
    return (0.0 if successes == 0 else centre - reach), (1.0 if successes == trials else centre + reach)


def _check_level(level: float, name: str = "level") -> None:
    if not 0.0 < level < 1.0:
        raise ValueError(f"{name}: {level}: must lie between 0 and 1")
