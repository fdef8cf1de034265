"""Learning curves over trials: a line and a band for each treatment, and where treatments differ.

The figure that both halves of the house draw of the metrics of their runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.curves import Curve, Marks, Panel, Scale, curves_figure
from analysis.intervals import mean_curve, quartile_curve
from analysis.references import Reference
from analysis.statistics import LEVEL, enough_trials, median_curve, median_filter
from analysis.style import treatment_colours

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: What a curve shows: the median with its 95 % bootstrap interval, the median with the quartiles, or the mean
#: with its 95 % interval of Student's t.
Band = Literal["bootstrap", "quartiles", "mean"]

#: Seed of the bootstrap; a figure of the same run is the same file.
SEED = 0
#: Largest sample for which `mannwhitneyu` takes the exact distribution, where nothing is tied.
_EXACT = 8


def learning_curves(
    metrics: pd.DataFrame,
    x: str,
    columns: Mapping[str, str],
    treatments: Sequence[str],
    references: Mapping[str, Sequence[Reference]] | None = None,
    *,
    band: Band = "bootstrap",
    xlabel: str | None = None,
    xscale: Scale = "linear",
    yscales: Mapping[str, Scale] | None = None,
    smooth: float = 0.01,
    colours: Mapping[str, str] | None = None,
    against: Mapping[str, str] | None = None,
) -> Figure:
    """Draw columns of metrics over training, a panel each, with marks where a treatment differs from another.

    A trial that stopped early keeps its last values, so leave out trials that are not finished. Points before
    all of a treatment's trials have a value are left out. Marks stand where the Mann-Whitney test of the two
    treatments at that point alone gives p < 0.05; trials too few for that, as three and three, have no row.

    Args:
        metrics: Rows with `treatment`, `trial` and the columns named below, as `analysis.runs.read_metrics`.
        x: Column of the x axis, e.g. "generation" or "iteration".
        columns: Column of each panel, by the panel's label.
        treatments: Which to draw.
        references: Numbers to compare with, by the panel's label.
        band: What line and band are.
        xlabel: What the x axis counts; by default `x`, capitalised.
        xscale: Scale of the x axis.
        yscales: Scale of the y axis by the panel's label, where not linear.
        smooth: Width of the running median as a share of a curve's points; 0 draws the points as they are.
        colours: Colour of each treatment; by default `treatment_colours`.
        against: The treatment that each is compared with; by default the first of all others.

    Raises:
        ValueError: A column or a treatment that the metrics do not have.
    """
    _check(metrics, [x, *columns.values()], treatments)
    colours = {**treatment_colours(treatments), **(colours or {})}
    if against is None:
        against = dict.fromkeys(treatments[1:], treatments[0])
    panels = []
    for label, column in columns.items():
        tables = {name: _table(metrics[metrics.treatment == name], x, column) for name in treatments}
        lines = [_curve(table, band, smooth, name) for name, table in tables.items()]
        marks = [
            _marks(tables[base], tables[name], f"{name}, p < {LEVEL:g}", colours[name])
            for name, base in against.items()
            if enough_trials(len(tables[base]), len(tables[name]))
        ]
        compared, scale = (references or {}).get(label, ()), (yscales or {}).get(label, "linear")
        panels.append(Panel(lines, label, marks, references=compared, scale=scale))
    return curves_figure(panels, xlabel or x.capitalize(), colours=colours, xscale=xscale)


def pointwise_rank_sum(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Two-sided Mann-Whitney p-value at each point of two treatments' curves, each point by itself.

    The p-values are those of `analysis.statistics.mann_whitney`, and not corrected for the number of points.

    Args:
        first: numbers (trials, points).
        second: numbers (other trials, points).

    Returns:
        p-values (points,); 1 where all trials of both have one value.

    Raises:
        ValueError: no trials, values that are not finite, or different numbers of points.
    """
    from scipy.stats import mannwhitneyu  # slow to import

    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1:] != b.shape[1:] or 0 in (len(a), len(b)):
        raise ValueError(f"first, second: shapes {a.shape}, {b.shape}: allowed are (trials, points), equal points")
    if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        raise ValueError("first, second: allowed are finite numbers")
    steps = np.diff(np.sort(np.concatenate([a, b]), axis=0), axis=0)
    constant, tied = np.all(steps == 0, axis=0), np.any(steps == 0, axis=0)
    exact = ~tied & (min(len(a), len(b)) <= _EXACT)
    p = np.ones(a.shape[1])
    methods: list[tuple[Any, NDArray[np.bool_]]] = [("exact", exact), ("asymptotic", ~exact & ~constant)]
    for method, chosen in methods:
        if np.any(chosen):
            p[chosen] = mannwhitneyu(a[:, chosen], b[:, chosen], axis=0, method=method).pvalue
    return p


def _check(metrics: pd.DataFrame, columns: Sequence[str], treatments: Sequence[str]) -> None:
    for column in ["treatment", "trial", *columns]:
        if column not in metrics:
            raise ValueError(f"metrics: column {column}: missing: allowed are {', '.join(map(str, metrics))}")
    known = metrics.treatment.unique()
    for name in treatments:
        if name not in known:
            raise ValueError(f"treatments: {name}: allowed are {', '.join(map(str, known))}")


def _table(rows: pd.DataFrame, x: str, column: str) -> pd.DataFrame:
    """A row for each trial and a column for each x at which all trials have a value."""
    table = rows.pivot_table(index="trial", columns=x, values=column)
    return table.ffill(axis=1).dropna(axis=1)


def _curve(table: pd.DataFrame, band: Band, smooth: float, label: str) -> Curve:
    values = table.to_numpy(np.float64)
    if not values.size:
        return Curve([], [], [], [], label)
    if band == "mean":
        means = mean_curve(values)
        edges = [means.mean, means.low, means.high]
    else:
        curve = median_curve(values, SEED) if band == "bootstrap" else quartile_curve(values)
        edges = [curve.median, curve.low, curve.high]
    width = max(1, int(smooth * values.shape[1] + 1e-9)) | 1
    middle, low, high = (_smooth(edge, width) for edge in edges)
    return Curve(table.columns.to_numpy(float), middle, low, high, label)


def _smooth(edge: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Running median; the mean of a single trial has NaN for ends, and nothing to smooth."""
    return median_filter(edge, width) if np.all(np.isfinite(edge)) else edge


def _marks(first: pd.DataFrame, second: pd.DataFrame, label: str, colour: str) -> Marks:
    shared = first.columns.intersection(second.columns)
    p = pointwise_rank_sum(first[shared].to_numpy(np.float64), second[shared].to_numpy(np.float64))
    return Marks(shared.to_numpy(float), p < LEVEL, label, colour)
