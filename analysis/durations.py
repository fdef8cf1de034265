"""How long something took in each trial, where some trials ended before it came about.

Such a trial is censored: it is known to have taken longer than it was observed. It is never left out. The rank-sum
test puts it behind all that came about; the log-rank test and the curve of Kaplan and Meier (1958) count it among
those at risk until it ends.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style
from analysis.statistics import Interval, MannWhitney, mann_whitney, median_interval
from analysis.style import treatment_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from scipy.stats import CensoredData

# What stands for "never" where numbers must be finite; even its mean with a duration is beyond all durations.
_NEVER = 1e18


@dataclass(frozen=True, eq=False)
class Durations:
    """Durations of the trials of a treatment.

    Attributes:
        times: how long it took, or how long the trial was observed in vain, (trials,).
        reached: whether it came about, bool (trials,).
    """

    times: NDArray[np.float64]
    reached: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shapes = self.times.shape, self.reached.shape
        if self.times.ndim != 1 or shapes[0] != shapes[1] or not np.isfinite(self.times).all():
            raise ValueError(f"times, reached: shapes {shapes}: allowed are finite numbers (trials,) and as many")

    @classmethod
    def of(cls, times: ArrayLike, reached: ArrayLike) -> Durations:
        """Durations from anything like arrays.

        Raises:
            ValueError: they are not one-dimensional and equally long, or a time is not finite.
        """
        return cls(np.asarray(times, np.float64), np.asarray(reached, bool))

    def __len__(self) -> int:
        return len(self.times)

    @property
    def ranked(self) -> NDArray[np.float64]:
        """Times with those that were never reached behind all others, (trials,)."""
        return np.where(self.reached, self.times, _NEVER)

    @property
    def censored(self) -> CensoredData:
        """The same as scipy's tests take it."""
        from scipy.stats import CensoredData

        return CensoredData(uncensored=self.times[self.reached], right=self.times[~self.reached])


@dataclass(frozen=True)
class MedianDuration:
    """A median duration with its interval; None stands for never."""

    median: float | None
    low: float | None
    high: float | None


def median_duration(durations: Durations, seed: int, level: float = 0.95, resamples: int = 5000) -> MedianDuration:
    """Median with a percentile bootstrap interval, a trial that never reached it being longer than all others.

    Where observation ended at different times this is too long at worst: it waits for every censored trial.

    Args:
        durations: of at least one trial.
        seed: of the resampling.
        level: confidence level, between 0 and 1.
        resamples: number of bootstrap resamples.

    Raises:
        ValueError: no trials, or level or resamples out of range.
    """
    found: Interval = median_interval(durations.ranked, seed, level, resamples)
    middle, low, high = (None if end > _NEVER / 4 else end for end in (found.median, found.low, found.high))
    return MedianDuration(middle, low, high)


def rank_sum(a: Durations, b: Durations) -> MannWhitney:
    """Two-sided Mann-Whitney test, trials that never reached it tied behind all others.

    Args:
        a: of at least one trial.
        b: of at least one trial.

    Raises:
        ValueError: no trials.
    """
    return mann_whitney(a.ranked, b.ranked)


@dataclass(frozen=True)
class LogRank:
    """Result of a two-sided log-rank test.

    Attributes:
        statistic: standard normal where both are alike; positive where a reaches it sooner.
        p: two-sided p-value; 1 where nobody reaches it.
    """

    statistic: float
    p: float


def log_rank(a: Durations, b: Durations) -> LogRank:
    """Two-sided log-rank test (Mantel 1966) that both reach it at the same rate at all times.

    Args:
        a: of at least one trial.
        b: of at least one trial.

    Raises:
        ValueError: no trials.
    """
    from scipy.stats import logrank  # slow to import

    for name, durations in (("a", a), ("b", b)):
        if len(durations) == 0:
            raise ValueError(f"{name}: 0 trials: allowed are 1 or more")
    if not (a.reached.any() or b.reached.any()):
        return LogRank(0.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = logrank(a.censored, b.censored)
    if not np.isfinite(result.statistic):  # one trial each that end together: nothing to compare
        return LogRank(0.0, 1.0)
    return LogRank(float(result.statistic), float(result.pvalue))


@dataclass(frozen=True, eq=False)
class Survival:
    """The estimated share of trials that have not reached it yet, as steps.

    Attributes:
        times: 0, the times at which the share falls, and the end of observation, (steps,).
        share: from that time on, (steps,).
        low: of its 95 % interval, (steps,).
        high: of its 95 % interval, (steps,).
    """

    times: NDArray[np.float64]
    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def survival(durations: Durations) -> Survival:
    """Kaplan and Meier's estimate with Greenwood's interval on the scale of log(-log(share)).

    Args:
        durations: of at least one trial.

    Raises:
        ValueError: no trials.
    """
    from scipy.stats import ecdf  # slow to import

    if len(durations) == 0:
        raise ValueError("durations: 0 trials: allowed are 1 or more")
    estimate: Any = ecdf(durations.censored).sf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # undefined ends are dealt with below
        interval = estimate.confidence_interval(0.95, method="log-log")
    falls = np.isin(estimate.quantiles, durations.times[durations.reached])
    times = np.concatenate([[0.0], estimate.quantiles[falls], [durations.times.max()]])
    # There is no interval where the share is 0 or 1: then it is all that is possible.
    low, high = (
        np.where(np.isfinite(end.probabilities), end.probabilities, unknown)
        for end, unknown in ((interval.low, 0.0), (interval.high, 1.0))
    )
    columns = []
    for values in (estimate.probabilities, low, high):
        steps = np.concatenate([[1.0], values[falls]])
        columns.append(np.append(steps, steps[-1]))
    return Survival(times, *columns)


def survival_figure(
    groups: Mapping[str, Durations], xlabel: str, *, colours: Mapping[str, str] | None = None
) -> Figure:
    """Draw the share of each treatment's trials that have not reached it yet: 95 % bands, ticks where trials end.

    Args:
        groups: durations of each treatment; those without trials are left out.
        xlabel: what the time is.
        colours: colour of each treatment; by default `treatment_colours`.
    """
    from matplotlib.figure import Figure

    colours = {**treatment_colours(groups), **(colours or {})}
    with style.house_style():
        figure = Figure(figsize=(style.SINGLE_COLUMN, 2.6), layout="constrained")
        axes = figure.add_subplot()
        for name, durations in groups.items():
            if len(durations) == 0:
                continue
            curve, colour = survival(durations), colours[name]
            label = f"{name} ({durations.reached.sum()} of {len(durations)})"
            axes.fill_between(
                curve.times, curve.low, curve.high, step="post", color=colour, alpha=0.15, linewidth=0
            )
            axes.step(curve.times, curve.share, where="post", color=colour, linewidth=1.3, label=label)
            ends = durations.times[~durations.reached]
            places = np.searchsorted(curve.times, ends, side="right") - 1
            axes.plot(ends, curve.share[places], "|", color=colour, markersize=6.0, clip_on=False)
        axes.set(xlabel=xlabel, ylabel="Trials that have not yet", ylim=(0.0, 1.02))
        axes.set_xlim(left=0.0)
        if axes.lines:
            figure.legend(loc="outside upper center", ncols=2)
    return figure
