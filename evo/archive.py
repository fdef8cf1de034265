"""A grid of cells, each with the best network found there: the archive of MAP-Elites (Mouret and Clune 2015).

Own code and not a library's: pyribs' `GridArchive` keeps the same elites at the same speed, but does not tell
which candidates of a batch stayed, without which there are no lineages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evo.table import Columns, Table
from networks import Networks, Topology

#: Where an entry's parent stands that has none.
NO_PARENT = -1
#: Cells are numbered by 32-bit integers.
MOST_CELLS = 2**31 - 1


class Archive:
    """The best network of each cell of a grid, and how each came about.

    A place is a network's value on each axis, from 0 to 1; its cell is the nearest of the evenly spaced ones, that
    of a place out of range the outermost (Clune et al. 2013 and Mengistu et al. 2016: round(place * cells)).

    Attributes:
        topology: of the networks.
        shape: number of cells along each axis.
        elites: a row a filled cell, in the order in which they were filled: "cell" (its number in the grid, row by
            row), "performance", "place", "weights", "biases", and "entry", its row in the history.
        history: a row for every network that was ever taken in, in that order: the "parent"'s row (-1 without),
            "cell", "generation", "performance", "place". Of a network whose cell was taken by a better one this is
            what remains, with `ancestors` also its "weights" and "biases". There are at most as many rows as cells
            times levels of performance.
    """

    def __init__(self, topology: Topology, shape: Sequence[int], ancestors: bool = False) -> None:
        """An empty archive.

        Args:
            topology: of the networks.
            shape: number of cells along each axis.
            ancestors: keep every network that was ever taken in, not only where it was.

        Raises:
            ValueError: fewer than 2 cells on an axis, or too many in all.
        """
        if not shape or min(shape) < 2 or math.prod(shape) > MOST_CELLS:
            raise ValueError(f"shape: {tuple(shape)}: allowed are 2 or more cells an axis, {MOST_CELLS} in all")
        self.topology = topology
        self.shape = tuple(shape)
        axes = len(self.shape)
        common: Columns = {"cell": (np.int32, ()), "performance": (np.float64, ()), "place": (np.float64, (axes,))}
        genome: Columns = {"weights": (np.int8, (topology.connections,)), "biases": (np.int8, (topology.nodes,))}
        self.elites = Table(common | genome | {"entry": (np.int32, ())})
        born: Columns = {"parent": (np.int32, ()), "generation": (np.int32, ())}
        self.history = Table(common | born | (genome if ancestors else {}))
        self._slots = np.full(math.prod(self.shape), -1, np.int32)  # row of each cell's elite

    def __len__(self) -> int:
        """Number of filled cells."""
        return len(self.elites)

    @property
    def networks(self) -> Networks:
        """The elites' networks; views."""
        return Networks(self.topology, self.elites["weights"], self.elites["biases"])

    def cells_of(self, places: NDArray[np.float64]) -> NDArray[np.int64]:
        """Numbers of the cells of places (places, axes), shape (places,)."""
        limits = np.array(self.shape) - 1
        indices = np.clip(np.floor(places * self.shape + 0.5), 0, limits).astype(np.int64)
        return np.ravel_multi_index(tuple(indices.T), self.shape)

    def add(
        self,
        networks: Networks,
        performance: NDArray[np.float64],
        places: NDArray[np.float64],
        generation: int,
        parents: NDArray[np.int32] | None = None,
    ) -> NDArray[np.bool_]:
        """Take in, one after the other, every network that is the first of its cell or better than its elite.

        Args:
            networks: the candidates.
            performance: of each, more is better, (networks,).
            places: of each, (networks, axes).
            generation: for the history.
            parents: of each, as rows of the history.

        Returns:
            Which were taken in, some of which another one of the batch may have replaced, (networks,).
        """
        cells, before = self.cells_of(places), len(self)
        best = np.concatenate([self.elites["performance"], np.full(len(cells), -np.inf)])
        winners = np.full(len(best), -1)
        taken, filled = _settle(cells, performance, self._slots, best, winners, before)
        first_row = len(self.history)
        news: dict[str, NDArray] = {
            "cell": cells,
            "performance": performance,
            "place": places,
            "weights": networks.weights,
            "biases": networks.biases,
            "entry": first_row + np.cumsum(taken) - 1,
            "generation": np.full(len(cells), generation),
            "parent": np.full(len(cells), NO_PARENT) if parents is None else parents,
        }
        self.history.grow(int(taken.sum()))
        for name in self.history.arrays():
            self.history[name][first_row:] = news[name][taken]
        self.elites.grow(filled - before)
        rows = np.flatnonzero(winners[:filled] >= 0)
        for name in self.elites.arrays():
            self.elites[name][rows] = news[name][winners[rows]]
        return taken

    @property
    def ancestors(self) -> Networks | None:
        """The network of each row of the history, if they are kept; views."""
        history = self.history.arrays()
        if "weights" not in history:
            return None
        return Networks(self.topology, history["weights"], history["biases"])

    def lineage(self, entry: int) -> NDArray[np.int64]:
        """Rows of the history from the first ancestor of an entry to the entry itself, shape (ancestors + 1,)."""
        parents, rows = self.history["parent"], [entry]
        while parents[rows[-1]] != NO_PARENT:
            rows.append(int(parents[rows[-1]]))
        return np.array(rows[::-1], np.int64)

    def arrays(self) -> dict[str, NDArray]:
        """All there is, for a file: columns of the elites, and of the history by "history_" and their names."""
        own = {"shape": np.array(self.shape)} | self.elites.arrays()
        return own | {f"history_{name}": column for name, column in self.history.arrays().items()}

    @classmethod
    def from_arrays(cls, topology: Topology, arrays: Mapping[str, NDArray]) -> Archive:
        """An archive from its `arrays`.

        Raises:
            ValueError: something is missing or cannot be an archive of such networks.
        """
        if "shape" not in arrays or arrays["shape"].ndim != 1:
            raise ValueError("shape: missing: allowed is the number of cells along each axis")
        archive = cls(topology, [int(cells) for cells in arrays["shape"]], "history_weights" in arrays)
        archive.elites.fill({name: arrays[name] for name in archive.elites.arrays() if name in arrays})
        prefix = "history_"
        archive.history.fill({n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)})
        elites, history = archive.elites, archive.history
        for table in (elites, history):
            if not np.isfinite(table["place"]).all() or (archive.cells_of(table["place"]) != table["cell"]).any():
                raise ValueError("cell: allowed are the cells of the places")
        if len(np.unique(elites["cell"])) < len(elites):
            raise ValueError("cell: allowed is each cell once")
        entries, parents = elites["entry"], history["parent"]
        if ((entries < 0) | (entries >= len(history))).any() or (history["cell"][entries] != elites["cell"]).any():
            raise ValueError("entry: allowed are rows of the history, of the same cells")
        if ((parents < NO_PARENT) | (parents >= np.arange(len(parents)))).any():
            raise ValueError("parent: allowed are earlier rows of the history")
        archive._slots[elites["cell"]] = np.arange(len(elites))
        return archive


@njit(cache=True)
def _settle(
    cells: NDArray, performance: NDArray, slots: NDArray, best: NDArray, winners: NDArray, filled: int
) -> tuple[NDArray, int]:
    """Which candidates are taken in, and the number of filled cells then; `winners` gets each row's last one."""
    taken = np.zeros(len(cells), np.bool_)
    for k in range(len(cells)):
        row = slots[cells[k]]
        if row < 0:
            row = filled
            slots[cells[k]] = row
            filled += 1
        if performance[k] > best[row]:
            best[row] = performance[k]
            winners[row] = k
            taken[k] = True
    return taken, filled
