"""How long trials take to solve a problem, when some of them never do within the time they had.

A trial that has not solved the problem is censored: it counts as unsolved for as long as it was watched, and is
neither left out nor given a made-up time. Kaplan and Meier's curve (1958, JASA 53:457-481) and the log-rank test
(Mantel 1966) are scipy's. Tables are those of `analysis.tables.solving_times`: columns `generation` and `solved`.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style
from analysis.brackets import p_text
from analysis.comparisons import paired
from analysis.curves import Curve, Panel, Scale, curves_figure
from analysis.statistics import holm

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class SolvingCurve:
    """The share of trials that have solved the problem by a time (Kaplan-Meier).

    Attributes:
        times: at which the share changes or a trial is censored, ascending, from 0, shape (points,).
        solved: share solved by then, shape (points,).
        low: lower end of its interval (log-log, of each point by itself), shape (points,). NaN where it is not
            defined: before the first solution, and where all have solved it.
        high: upper end, likewise.
        censored: times at which trials were last seen unsolved, shape (trials censored,).
        median: when half of all trials have solved it; infinite if fewer do.
        median_low: lower end of its interval (Brookmeyer and Crowley 1982), where `high` reaches a half.
        median_high: upper end, where `low` does; infinite if it does not.
        horizon: end of the restricted mean.
        restricted_mean: mean time to the solution, or to the horizon for trials that take longer.
        restricted_error: its standard error.
    """

    times: NDArray[np.float64]
    solved: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    censored: NDArray[np.float64]
    median: float
    median_low: float
    median_high: float
    horizon: float
    restricted_mean: float
    restricted_error: float


def solving_curve(
    times: ArrayLike, solved: ArrayLike, level: float = 0.95, horizon: float | None = None
) -> SolvingCurve:
    """Kaplan-Meier estimate of the share of trials that solve a problem by a time.

    Args:
        times: when each trial solved it, or was last seen unsolved, 0 or more, shape (trials,).
        solved: which of the two, bool (trials,).
        level: confidence level of the intervals, between 0 and 1.
        horizon: end of the restricted mean; by default the longest time.

    Raises:
        ValueError: no trials, times that are not finite and 0 or more, shapes that differ, a level out of range,
            or a horizon that is not above 0 or beyond the longest time.
    """
    from scipy import stats  # slow to import

    when, done = _checked(times, solved)
    if not 0.0 < level < 1.0:
        raise ValueError(f"level: {level}: allowed is between 0 and 1")
    estimate: Any = stats.ecdf(_censored(when, done))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # ends that are not defined are NaN, as documented
        interval = estimate.sf.confidence_interval(level, method="log-log")
    points, left = np.append(0.0, estimate.sf.quantiles), np.append(1.0, estimate.sf.probabilities)
    low, high = (
        np.append(np.nan, 1.0 - end.probabilities) for end in (interval.high, interval.low)
    )  # of those left unsolved to those solved: the ends change places
    until = float(when.max()) if horizon is None else float(horizon)
    if not 0.0 <= until <= when.max() or (horizon is not None and until == 0.0):
        raise ValueError(f"horizon: {horizon}: allowed is above 0, up to {when.max():g}, the longest time")
    mean, error = _restricted_mean(when, done, points, left, until)
    # Once all have solved it no end is defined; it then is 1 for certain.
    ends = (np.where(left == 0.0, 1.0, end) for end in (high, low))
    median, median_low, median_high = (_half(points, share) for share in (1.0 - left, *ends))
    return SolvingCurve(
        times=points,
        solved=1.0 - left,
        low=low,
        high=high,
        censored=np.sort(when[~done]),
        median=median,
        median_low=median_low,
        median_high=median_high,
        horizon=until,
        restricted_mean=mean,
        restricted_error=error,
    )


def solving_table(
    table: pd.DataFrame, by: str = "treatment", level: float = 0.95, horizon: float | None = None
) -> pd.DataFrame:
    """Median and restricted mean time to the solution of each group.

    Args:
        table: as `analysis.tables.solving_times` gives it.
        by: column with the group.
        level: confidence level, between 0 and 1.
        horizon: end of the restricted means; by default the shortest of the groups' longest times, up to which
            all can be compared.

    Returns:
        A row for each group, in the order of the table: `trials`, `solved`, `median` (infinite where fewer than
        half solved it) with `median_low` and `median_high`, `horizon`, `restricted_mean` with `restricted_low`
        and `restricted_high`.

    Raises:
        ValueError: a column is missing, or as `solving_curve`.
    """
    import pandas as pd

    groups = _groups(table, by)
    until = min(float(times.max()) for times, _ in groups.values()) if horizon is None else horizon
    reach = NormalDist().inv_cdf((1 + level) / 2) if 0.0 < level < 1.0 else math.nan
    rows = []
    for name, (times, solved) in groups.items():
        curve = solving_curve(times, solved, level, until)
        mean, error = curve.restricted_mean, reach * curve.restricted_error
        counts = {by: name, "trials": len(times), "solved": int(solved.sum())}
        medians = {"median": curve.median, "median_low": curve.median_low, "median_high": curve.median_high}
        means = {"restricted_mean": mean, "restricted_low": mean - error, "restricted_high": mean + error}
        rows.append(counts | medians | {"horizon": until} | means)
    return pd.DataFrame(rows)


def log_rank_tests(table: pd.DataFrame, by: str = "treatment", base: str | None = None) -> pd.DataFrame:
    """Log-rank tests of whether groups differ in how soon they solve the problem.

    Args:
        table: as `analysis.tables.solving_times` gives it.
        by: column with the group.
        base: the group that all others are compared with; by default all pairs are compared.

    Returns:
        A row for each comparison: `a`, `against`, `z` (above 0 where `a` solves it sooner), `p` (two-sided) and
        `p_holm`, corrected for their number. p is 1 where no trial of either solved it.

    Raises:
        ValueError: a column or the base is missing, or there are fewer than two groups.
    """
    import pandas as pd
    from scipy import stats  # slow to import

    groups = _groups(table, by)
    rows: list[dict[str, Any]] = []
    for a, against in paired(list(groups), base):
        z, p = 0.0, 1.0
        if groups[a][1].any() or groups[against][1].any():
            with np.errstate(invalid="ignore"):
                test = stats.logrank(_censored(*groups[a]), _censored(*groups[against]))
            if not math.isnan(test.pvalue):  # all solved it at one and the same time
                z, p = float(test.statistic), float(test.pvalue)
        rows.append({"a": a, "against": against, "z": z, "p": p})
    result = pd.DataFrame(rows)
    return result.assign(p_holm=holm(result["p"]))


def solving_figure(
    table: pd.DataFrame,
    by: str = "treatment",
    *,
    colours: Mapping[str, str] | None = None,
    xscale: Scale = "linear",
    xlabel: str = "Generation",
) -> Figure:
    """Draw the share of trials that have solved the problem over time, with 95 % bands, a curve for each group.

    Small strokes on a curve are trials last seen unsolved there. With two groups the p-value of the log-rank test
    stands in the corner.

    Args:
        table: as `analysis.tables.solving_times` gives it.
        by: column with the group.
        colours: Colour of each group; by default `treatment_colours`.
        xscale: Scale of the x axis.
        xlabel: What the x axis counts.

    Raises:
        ValueError: a column is missing, or no trials.
    """
    groups = _groups(table, by)
    labels = {name: f"{name} ({int(solved.sum())} of {len(solved)})" for name, (_, solved) in groups.items()}
    colours = {**style.treatment_colours(groups), **(colours or {})}
    curves = {name: solving_curve(*group) for name, group in groups.items()}
    longest = max(float(times.max()) for times, _ in groups.values())
    lines = [_steps(curve, labels[name], float(groups[name][0].max())) for name, curve in curves.items()]
    panel = Panel(lines, "Trials that solved it (%)", limits=(-2.0, 102.0))
    by_label = {label: colours[name] for name, label in labels.items()}
    figure = curves_figure([panel], xlabel, colours=by_label, xscale=xscale)
    figure.set_size_inches(style.SINGLE_COLUMN, 2.5)
    axes = figure.axes[0]
    if xscale == "linear":
        axes.set_xlim(0.0, longest * 1.02)
    for name, curve in curves.items():
        if not len(curve.censored):
            continue  # an empty line would stand in the figure's corner, and be made room for
        places = np.searchsorted(curve.times, curve.censored, side="right") - 1
        height = 100.0 * curve.solved[places]
        axes.plot(curve.censored, height, "|", color=colours[name], markersize=5.0, clip_on=False)
    if len(groups) == 2:
        p = float(log_rank_tests(table, by)["p"].iloc[0])
        place: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "va": "bottom"}
        with style.house_style():
            axes.text(0.98, 0.04, f"log-rank {p_text(p)}", fontsize=style.SMALL_FONT_SIZE, **place)
    return figure


def _groups(table: pd.DataFrame, by: str) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Times and whether solved of each group, in the order of the table."""
    for column in (by, "generation", "solved"):
        if column not in table:
            raise ValueError(f"table: column {column}: missing: allowed are tables with it")
    if table.empty:
        raise ValueError("table: no rows: allowed are those of one or more trials")
    return {
        str(name): _checked(part["generation"], part["solved"])
        for name, part in table.groupby(by, sort=False, observed=True)
    }


def _checked(times: ArrayLike, solved: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    when, done = np.asarray(times, np.float64), np.asarray(solved)
    if when.ndim != 1 or when.size == 0 or not np.all(np.isfinite(when)) or when.min() < 0:
        raise ValueError(f"times: shape {when.shape}: allowed are one or more finite numbers from 0 (trials,)")
    if done.shape != when.shape or done.dtype != np.bool_:
        raise ValueError(f"solved: {done.dtype} {done.shape}: allowed is bool {when.shape}")
    return when, done


def _censored(times: NDArray[np.float64], solved: NDArray[np.bool_]) -> Any:
    from scipy import stats

    return stats.CensoredData.right_censored(times, ~solved)


def _restricted_mean(
    times: NDArray[np.float64],
    solved: NDArray[np.bool_],
    points: NDArray[np.float64],
    left: NDArray[np.float64],
    horizon: float,
) -> tuple[float, float]:
    """Area below the curve of those left unsolved, up to the horizon, and its standard error (Greenwood)."""
    ends = np.minimum(np.append(points[1:], np.inf), horizon)
    areas = left * np.maximum(ends - np.minimum(points, horizon), 0.0)
    after = np.cumsum(areas[::-1])[::-1]  # area from each point on
    variance = 0.0
    for point, area in zip(points, after, strict=True):
        at_risk, events = int((times >= point).sum()), int((solved & (times == point)).sum())
        if 0 < events < at_risk:
            variance += area**2 * events / (at_risk * (at_risk - events))
    return float(areas.sum()), math.sqrt(variance)


def _half(points: NDArray[np.float64], share: NDArray[np.float64]) -> float:
    """The first point with a share of a half, but for rounding; infinite if there is none."""
    reached = share >= 0.5 - 1e-12
    return float(points[np.argmax(reached)]) if reached.any() else math.inf


def _steps(curve: SolvingCurve, label: str, longest: float) -> Curve:
    """The curve as stairs, in per cent: each value lasts until the next time."""
    x = np.append(np.repeat(curve.times, 2)[1:], longest)
    solved, low, high = (100.0 * np.repeat(values, 2) for values in (curve.solved, curve.low, curve.high))
    return Curve(x, solved, low, high, label)
