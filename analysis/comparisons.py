"""Treatments compared, measure by measure: the papers' rank-sum test, effect sizes, correction for many tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.statistics import holm, mann_whitney

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

    columns = [by] if isinstance(by, str) else list(by)
    for column in (*columns, *measures):
        if column not in table:
            raise ValueError(f"table: column {column}: missing: allowed are tables with it")
    labels = table[columns].astype(str).agg(" / ".join, axis=1)
    rows: list[dict[str, Any]] = []
    for measure in measures:
        numbers = numbers_of(table, measure)
        groups = {name: numbers[labels == name] for name in dict.fromkeys(labels)}
        own = [_compared(groups, a, against) for a, against in paired(list(groups), base)]
        tested = [row for row in own if not np.isnan(row["p"])]
        for row, p in zip(tested, holm([row["p"] for row in tested]) if tested else [], strict=True):
            row["p_holm"] = float(p)
        rows += [{"measure": measure} | row for row in own]
    return pd.DataFrame(rows)


def numbers_of(table: pd.DataFrame, column: str) -> np.ndarray:
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


def _compared(groups: dict[str, np.ndarray], a: str, against: str) -> dict[str, Any]:
    first, second = (values[~np.isnan(values)] for values in (groups[a], groups[against]))
    row: dict[str, Any] = {"a": a, "against": against, "n_a": len(first), "n_against": len(second)}
    row |= {"median_a": _median(first), "median_against": _median(second)}
    names = ("u", "p", "p_holm", "vargha_delaney", "rank_biserial")
    if not len(first) or not len(second):
        return row | dict.fromkeys(names, np.nan)
    test = mann_whitney(first, second)
    values = (test.statistic, test.p, np.nan, test.vargha_delaney, test.rank_biserial)
    return row | dict(zip(names, values, strict=True))


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else np.nan
