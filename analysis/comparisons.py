"""Treatments compared as in the papers: rank-sum tests with effect sizes, exact tests of shares, all corrected."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.statistics import fisher_exact, holm, mann_whitney

if TYPE_CHECKING:
    import pandas as pd


def compare_groups(
    table: pd.DataFrame, measures: Sequence[str], by: str | Sequence[str] = "treatment", base: str | None = None
) -> pd.DataFrame:
    """Mann-Whitney tests between groups of trials, for each measure.

    Args:
        table: a row a trial, e.g. of `analysis.tables.results_of`.
        measures: columns of numbers; missing ones (NaN, None) are left out.
        by: column with the group, or several, whose values are then joined by " / ".
        base: the group that all others are compared with; by default all pairs are compared.

    Returns:
        A row for each measure and comparison: `measure`, `a`, `against`, `n_a`, `n_against`, `median_a`,
        `median_against`, `u`, `p`, `p_holm` (corrected for the number of comparisons within the measure),
        `vargha_delaney` (the chance that a trial of `a` has more than one of `against`) and `rank_biserial`.
        Where a group has no value there is no test: p is NaN.

    Raises:
        ValueError: a column or the base is missing, a measure is not of finite numbers, or there are fewer than
            two groups.
    """
    import pandas as pd

    labels = _labels(table, by, measures)
    rows: list[dict[str, Any]] = []
    for measure in measures:
        groups = _split(numbers_of(table, measure), labels)
        own = [_ranks_compared(groups, a, against) for a, against in paired(list(groups), base)]
        rows += [{"measure": measure} | row for row in corrected(own)]
    return pd.DataFrame(rows)


def compare_shares(
    table: pd.DataFrame, outcomes: Sequence[str], by: str | Sequence[str] = "treatment", base: str | None = None
) -> pd.DataFrame:
    """Fisher's exact tests between groups of trials, for each yes-or-no outcome.

    Args:
        table: as in `compare_groups`.
        outcomes: columns of true and false (or 1 and 0); missing ones (NaN, None) are left out.
        by: as in `compare_groups`.
        base: as in `compare_groups`.

    Returns:
        A row for each outcome and comparison: `outcome`, `a`, `against`, `n_a`, `n_against`, `yes_a`,
        `yes_against`, `odds_ratio`, `p`, `p_holm` (corrected for the number of comparisons within the outcome).
        Where a group has no value there is no test: p is NaN.

    Raises:
        ValueError: as `compare_groups`, or an outcome that is not yes or no.
    """
    import pandas as pd

    labels = _labels(table, by, outcomes)
    rows: list[dict[str, Any]] = []
    for outcome in outcomes:
        values = numbers_of(table, outcome)
        if not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
            raise ValueError(f"table: column {outcome}: allowed are true and false")
        groups = _split(values, labels)
        own = [_shares_compared(groups, a, against) for a, against in paired(list(groups), base)]
        rows += [{"outcome": outcome} | row for row in corrected(own)]
    return pd.DataFrame(rows)


def numbers_of(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as float64, true and false as 1 and 0, missing values as NaN.

    Raises:
        ValueError: it holds something else than finite numbers.
    """
    given = table[column].astype(object)
    try:
        numbers = given.where(given.notna(), np.nan).to_numpy(np.float64)
    except (TypeError, ValueError):
        numbers = np.array([np.inf])
    if np.isinf(numbers).any() or any(isinstance(value, str) for value in given):
        raise ValueError(f"table: column {column}: allowed are finite numbers")
    return numbers


def paired(names: list[str], base: str | None) -> list[tuple[str, str]]:
    """Which groups are compared: all others with the base, or every two in their order.

    Raises:
        ValueError: an unknown base, or fewer than two groups.
    """
    if len(names) < 2:
        raise ValueError(f"groups: {', '.join(map(str, names)) or 'none'}: allowed are two or more")
    if base is None:
        return [(second, first) for first, second in combinations(names, 2)]
    if base not in names:
        raise ValueError(f"base: {base!r}: allowed are {', '.join(map(str, names))}")
    return [(name, base) for name in names if name != base]


def corrected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tests with `p_holm`, their p corrected for their number, filled in where there was one (p is not NaN)."""
    tested = [row for row in rows if not np.isnan(row["p"])]
    for row, p in zip(tested, holm([row["p"] for row in tested]) if tested else [], strict=True):
        row["p_holm"] = float(p)
    return rows


def _labels(table: pd.DataFrame, by: str | Sequence[str], columns: Sequence[str]) -> NDArray[np.object_]:
    """The group of each row."""
    keys = [by] if isinstance(by, str) else list(by)
    for column in (*keys, *columns):
        if column not in table:
            raise ValueError(f"table: column {column}: missing: allowed are tables with it")
    return table[keys].astype(str).agg(" / ".join, axis=1).to_numpy(object)


def _split(values: NDArray[np.float64], labels: NDArray[np.object_]) -> dict[str, NDArray[np.float64]]:
    """The values that each group has."""
    present = ~np.isnan(values)
    return {name: values[(labels == name) & present] for name in dict.fromkeys(labels)}


def _ranks_compared(groups: dict[str, NDArray[np.float64]], a: str, against: str) -> dict[str, Any]:
    first, second = groups[a], groups[against]
    row: dict[str, Any] = {"a": a, "against": against, "n_a": len(first), "n_against": len(second)}
    row |= {"median_a": _median(first), "median_against": _median(second)}
    names = ("u", "p", "p_holm", "vargha_delaney", "rank_biserial")
    if not len(first) or not len(second):
        return row | dict.fromkeys(names, np.nan)
    test = mann_whitney(first, second)
    values = (test.statistic, test.p, np.nan, test.vargha_delaney, test.rank_biserial)
    return row | dict(zip(names, values, strict=True))


def _shares_compared(groups: dict[str, NDArray[np.float64]], a: str, against: str) -> dict[str, Any]:
    first, second = groups[a], groups[against]
    row: dict[str, Any] = {"a": a, "against": against, "n_a": len(first), "n_against": len(second)}
    row |= {"yes_a": int(first.sum()), "yes_against": int(second.sum())}
    if not len(first) or not len(second):
        return row | dict.fromkeys(("odds_ratio", "p", "p_holm"), np.nan)
    test = fisher_exact(row["yes_a"], len(first), row["yes_against"], len(second))
    return row | {"odds_ratio": test.odds_ratio, "p": test.p, "p_holm": np.nan}


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values)) if len(values) else np.nan
