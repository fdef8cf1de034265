"""How measures of trials go together: performance with sparsity, modularity with hierarchy, and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis import style
from analysis.brackets import stars
from analysis.comparisons import numbers_of
from analysis.statistics import holm

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Method = Literal["spearman", "pearson"]

_BLOCK = 2**20  # numbers held at a time while resampling
_PANEL = 1.05  # inches


def correlations(
    table: pd.DataFrame,
    measures: Sequence[str],
    method: Method = "spearman",
    seed: int = 0,
    level: float = 0.95,
    resamples: int = 5000,
) -> pd.DataFrame:
    """Correlation of every two measures, with its test and a bootstrap interval.

    Args:
        table: a row a trial, e.g. of `analysis.tables.results_of`.
        measures: two or more columns of numbers; trials that lack one of a pair are left out of it.
        method: of ranks (`spearman`), or of the values themselves (`pearson`).
        seed: seed of the resampling.
        level: confidence level, between 0 and 1.
        resamples: number of bootstrap resamples of trials.

    Returns:
        A row for each pair: `x`, `y`, `n` trials, `coefficient`, `low`, `high` (percentile bootstrap), `p`
        (two-sided test of Student's t, as Ellefsen et al. 2015) and `p_holm`, corrected for their number. NaN
        where a measure does not vary or there are fewer than three trials.

    Raises:
        ValueError: a column that is missing or not of finite numbers, fewer than two measures, an unknown method,
            or level or resamples out of range.
    """
    import pandas as pd

    if method not in ("spearman", "pearson"):
        raise ValueError(f"method: {method!r}: allowed are 'spearman' and 'pearson'")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level: {level}: allowed is between 0 and 1")
    if resamples < 1:
        raise ValueError(f"resamples: {resamples}: allowed are 1 or more")
    columns = _columns(table, measures)
    rng = np.random.default_rng(seed)
    rows = []
    for x, y in combinations(columns, 2):
        both = np.stack([columns[x], columns[y]])
        both = both[:, ~np.isnan(both).any(axis=0)]
        rows.append({"x": x, "y": y, "n": both.shape[1]} | _correlation(both, method, rng, level, resamples))
    result = pd.DataFrame(rows)
    tested = result["p"].notna()
    result["p_holm"] = np.nan
    if tested.any():
        result.loc[tested, "p_holm"] = holm(result.loc[tested, "p"])
    return result


def correlations_figure(
    table: pd.DataFrame,
    measures: Mapping[str, str] | Sequence[str],
    by: str = "treatment",
    method: Method = "spearman",
    *,
    colours: Mapping[str, str] | None = None,
) -> Figure:
    """Draw every two measures against each other, a dot a trial, with their correlation over all trials.

    Below the diagonal are the dots, on it the distribution of each measure in each group, above it the
    coefficients (* p < 0.05, ** p < 0.01, *** p < 0.001, corrected for their number).

    Args:
        table: a row a trial.
        measures: Columns, or titles by column.
        by: column with the group, whose colour the dots have.
        method: as in `correlations`.
        colours: Colour of each group; by default `treatment_colours`.

    Raises:
        ValueError: as `correlations`, or the column of the group is missing.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    if by not in table:
        raise ValueError(f"table: column {by}: missing: allowed are tables with it")
    titles = dict(measures) if isinstance(measures, Mapping) else {name: name for name in measures}
    columns = _columns(table, list(titles))
    found = {(row.x, row.y): row for row in correlations(table, list(titles), method, resamples=1).itertuples()}
    groups = {str(name): (table[by] == name).to_numpy() for name in dict.fromkeys(table[by])}
    colours = {**style.treatment_colours(groups), **(colours or {})}
    names = list(columns)
    with style.house_style():
        side = 0.5 + _PANEL * len(names)
        figure = Figure(figsize=(side, side + 0.1), layout="constrained")
        axes = figure.subplots(len(names), len(names), sharex="col", squeeze=False)
        for row, y in enumerate(names):
            for column, x in enumerate(names):
                panel = axes[row, column]
                if row == column:
                    _draw_distribution(panel, columns[x], groups, colours)
                elif row > column:
                    _draw_dots(panel, columns[x], columns[y], groups, colours)
                else:
                    _write_coefficient(panel, found[y, x])
                _label(panel, titles, names, row, column)
        figure.align_labels()
        look: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 4.0}
        handles = [Line2D([], [], color=colours[name], label=name, **look) for name in groups]
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 2 * len(names)))
    return figure


def _columns(table: pd.DataFrame, measures: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    names = list(dict.fromkeys(measures))
    if len(names) < 2:
        raise ValueError(f"measures: {', '.join(names) or 'none'}: allowed are two or more")
    for name in names:
        if name not in table:
            raise ValueError(f"table: column {name}: missing: allowed are tables with it")
    return {name: numbers_of(table, name) for name in names}


def _correlation(
    both: NDArray[np.float64], method: Method, rng: np.random.Generator, level: float, resamples: int
) -> dict[str, float]:
    from scipy import stats  # slow to import

    trials = both.shape[1]
    if trials < 3 or np.any(np.ptp(both, axis=1) == 0.0):
        return dict.fromkeys(("coefficient", "low", "high", "p"), np.nan)
    test = stats.spearmanr(*both) if method == "spearman" else stats.pearsonr(*both)
    values = []
    step = max(1, _BLOCK // trials)
    for start in range(0, resamples, step):
        chosen = rng.integers(0, trials, size=(min(step, resamples - start), trials))
        drawn = both[:, chosen]
        values.append(_coefficients(stats.rankdata(drawn, axis=-1) if method == "spearman" else drawn))
    drawn_values = np.concatenate(values)
    drawn_values = drawn_values[~np.isnan(drawn_values)]  # resamples in which a measure does not vary say nothing
    ends = np.quantile(drawn_values, [(1 - level) / 2, (1 + level) / 2]) if len(drawn_values) else (np.nan, np.nan)
    found = (float(test.statistic), float(ends[0]), float(ends[1]), float(test.pvalue))
    return dict(zip(("coefficient", "low", "high", "p"), found, strict=True))


def _coefficients(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's coefficient of each resample, NaN where a measure does not vary, from (2, resamples, trials)."""
    centred = drawn - drawn.mean(axis=-1, keepdims=True)
    centred[np.ptp(drawn, axis=-1) == 0.0] = 0.0  # not the rounding of their mean
    norms = np.sqrt((centred**2).sum(axis=-1)).prod(axis=0)
    products = (centred[0] * centred[1]).sum(axis=-1)
    return np.divide(products, norms, out=np.full(len(norms), np.nan), where=norms > 0.0)


def _draw_dots(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    groups: Mapping[str, NDArray[np.bool_]],
    colours: Mapping[str, str],
) -> None:
    for name, chosen in groups.items():
        axes.scatter(x[chosen], y[chosen], s=7.0, c=colours[name], alpha=0.7, linewidths=0)


def _draw_distribution(
    axes: Axes,
    values: NDArray[np.float64],
    groups: Mapping[str, NDArray[np.bool_]],
    colours: Mapping[str, str],
) -> None:
    present = values[~np.isnan(values)]
    edges = np.histogram_bin_edges(present, bins=12) if len(present) else np.array([0.0, 1.0])
    for name, chosen in groups.items():
        own = values[chosen & ~np.isnan(values)]
        counts, _ = np.histogram(own, edges)
        axes.stairs(counts, edges, fill=True, color=colours[name], alpha=0.35)
        axes.stairs(counts, edges, color=colours[name], linewidth=0.9)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _write_coefficient(axes: Axes, found: Any) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    text = "n/a" if np.isnan(found.coefficient) else f"{found.coefficient:.2f}".replace("-", "\N{MINUS SIGN}")
    if not np.isnan(found.p_holm) and found.p_holm < 0.05:
        text += f"\n{stars(found.p_holm)}"
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=style.FONT_SIZE)


def _label(axes: Axes, titles: Mapping[str, str], names: Sequence[str], row: int, column: int) -> None:
    from matplotlib.ticker import MaxNLocator

    if row >= column:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3))
        if row > column:
            axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
            axes.tick_params(axis="y", labelleft=column == 0)
    if row == len(names) - 1:
        axes.set_xlabel(titles[names[column]])
    if column == 0:
        axes.set_ylabel(titles[names[row]])
