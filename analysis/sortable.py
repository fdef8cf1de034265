"""Tables of a page: what stands in a cell, and the number it is sorted by."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.reports import Measure, Result
from analysis.runs import NESTED
from analysis.wording import effect, finding, shown

#: What stands where there is no value.
NOTHING = "\u2013"

_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?(e[+-]?[0-9]+)?")


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what is read.
        key: the number it is sorted by, None for text and where there is no value.
        exact: all digits, where the text has fewer.
        strong: whether it stands out.
    """

    text: str
    key: float | None = None
    exact: str = ""
    strong: bool = False

    @property
    def sort_key(self) -> str:
        """The key as JavaScript reads it."""
        if self.key is None or math.isnan(self.key):
            return ""
        return repr(float(self.key)).replace("inf", "Infinity")


@dataclass(frozen=True)
class Column:
    """A column: its heading, and whether it is sorted as numbers."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table to read and to sort, with a name for readers who hear the page."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def value_cell(value: Any) -> Cell:
    """A value of any kind, numbers with four digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Cell(NOTHING)
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, int):
        return Cell(str(value), float(value))
    if isinstance(value, float):
        text = f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
        return Cell(text, value, "" if float(text) == value else repr(value))
    return Cell(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def text_cell(text: str) -> Cell:
    """A cell that was written elsewhere, sorted by the number it begins with."""
    found = _NUMBER.match(text)
    return Cell(text or NOTHING, float(found.group().replace(",", "")) if found else None)


def result_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """The report's own table: measures downwards, treatments and p-values across."""
    heads = [Column(columns[0] or "measure"), *(Column(column, numeric=True) for column in columns[1:])]
    return Table("Result", heads, [[Cell(row[0]), *map(text_cell, row[1:])] for row in rows])


def statistics_table(
    comparisons: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Mapping[str, Any]],
    measures: Sequence[Measure],
) -> Table:
    """Every test: of what, of whom, how certain and how large, and what was seen."""
    known = {measure.column: measure for measure in measures}
    heads = [Column("measure"), Column("treatments"), Column("test")]
    heads += [Column(title, numeric=True) for title in ("p", "corrected p", "effect")] + [Column("what was seen")]
    rows = []
    for test in comparisons:
        measure = known.get(test["measure"]) or Measure(test["measure"], test["measure"], 3)
        size, key = effect(test, summary)
        words = [measure.title, f"{test['treatment']} vs. {test['against']}", test["test"]]
        rows.append(
            [
                *map(Cell, words),
                _p_cell(test.get("p")),
                _p_cell(test.get("p_holm"), shown(test)),
                Cell(size or NOTHING, key),
                Cell(finding(test, summary, measure.digits)),
            ]
        )
    return Table("Statistics", heads, rows)


def _p_cell(p: float | None, strong: bool = False) -> Cell:
    cell = value_cell(p)
    return cell if cell.key is None else Cell(f"{cell.key:.2g}", cell.key, repr(cell.key), strong)


def trials_table(results: Sequence[Result]) -> tuple[Table, list[tuple[str, Cell]]]:
    """A row a trial, named as its folder; what is the same in all of several trials is told apart.

    Returns:
        The table, and name and value of what is the same.
    """
    names = list(dict.fromkeys(name for result in results for name in result))
    # The seed is there to be looked up, not to be read.
    names = [name for name in names if name not in (*NESTED, "treatment", "trial", "seed")] + ["seed"]
    cells = {name: _column_cells([result.get(name) for result in results]) for name in names}
    same = [name for name in names if len(results) > 1 and len(set(cells[name])) == 1]
    varied = [name for name in names if name not in same]
    heads = [Column("trial")]
    for name in varied:
        heads.append(Column(name.replace("_", " "), any(cell.key is not None for cell in cells[name])))
    folders = [f"{result['treatment']}/trial-{result['trial']:03d}" for result in results]
    rows = [[Cell(folder), *(cells[name][k] for name in varied)] for k, folder in enumerate(folders)]
    return Table("Trials", heads, rows), [(name.replace("_", " "), cells[name][0]) for name in same]


def _column_cells(values: Sequence[Any]) -> list[Cell]:
    """Cells of a column; where it holds fractions, all with the digits that give its largest number four."""
    cells = [value_cell(value) for value in values]
    numbers = [cell.key for cell in cells if cell.key is not None and math.isfinite(cell.key)]
    largest = max(map(abs, numbers), default=0.0)
    if all(number.is_integer() for number in numbers) or not 1e-4 < largest < 1e6:
        return cells
    digits = max(0, 3 - math.floor(math.log10(largest)))
    return [cell if cell.key is None else _rounded(cell.key, digits) for cell in cells]


def _rounded(number: float, digits: int) -> Cell:
    text = f"{number:.{digits}f}"
    return Cell(text, number, "" if float(text) == number else repr(number))
