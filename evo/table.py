"""Columns of equal length that grow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Type and shape of a row's entry, by the column's name.
Columns = dict[str, tuple[DTypeLike, tuple[int, ...]]]


class Table:
    """Columns of equal length that grow at their ends; their room doubles when it is used up."""

    def __init__(self, columns: Columns) -> None:
        """No rows yet."""
        self._columns = {name: np.empty((0, *shape), kind) for name, (kind, shape) in columns.items()}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> NDArray:
        """A column; a view that is good until rows are added."""
        return self._columns[name][: self._rows]

    def grow(self, rows: int) -> None:
        """Add rows, not yet filled in."""
        self._rows += rows
        for name, column in self._columns.items():
            if self._rows > len(column):
                room = np.empty((max(self._rows, 2 * len(column)), *column.shape[1:]), column.dtype)
                room[: len(column)] = column
                self._columns[name] = room

    def arrays(self) -> dict[str, NDArray]:
        """All columns by name."""
        return {name: self[name] for name in self._columns}

    def fill(self, arrays: Mapping[str, NDArray]) -> None:
        """Replace all rows.

        Raises:
            ValueError: a column is missing, of another type or shape.
        """
        rows = len(next(iter(arrays.values()), ()))
        for name, column in self._columns.items():
            array = arrays.get(name)
            wanted = (rows, *column.shape[1:])
            if array is None:
                raise ValueError(f"{name}: missing")
            if array.shape != wanted or array.dtype != column.dtype:
                raise ValueError(f"{name}: {array.dtype} {array.shape}: allowed is {column.dtype} {wanted}")
        self._rows = rows
        self._columns = {name: arrays[name].copy() for name in self._columns}
