"""Who descends from whom in a population, so that the lineage of its best network can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.lineage import Ancestor
from cluster.errors import UserError
from cluster.files import read_arrays
from evo.objectives import hierarchy, modularity
from evo.population import Population, as_population
from evo.table import Table
from networks import Networks, Topology, connection_cost, simplify, to_graph

#: Where the parent of a first network stands.
NO_PARENT = -1
#: Generations after which those are forgotten whom nobody descends from.
EVERY = 100
#: File of a lineage in the folder of a trial.
FILE = "lineage.npz"


def marked(mutate: Callable[..., Any]) -> Callable[..., Population]:
    """A mutation whose offspring are known as such by column "born"."""

    def mutated(*arguments: Any, **options: Any) -> Population:
        offspring = as_population(mutate(*arguments, **options))
        offspring.columns["born"] = np.ones(len(offspring), bool)
        return offspring

    return mutated


class Ancestry:
    """Every network that someone who lives descends from, and the living.

    Attributes:
        rows: a row for each, parents before their children: "parent" (its row, -1 without), "generation" of birth,
            "performance" then, "weights", "biases".
    """

    def __init__(self, topology: Topology) -> None:
        self.rows = Table(
            {
                "parent": (np.int64, ()),
                "generation": (np.int64, ()),
                "performance": (np.float64, ()),
                "weights": (np.int8, (topology.connections,)),
                "biases": (np.int8, (topology.nodes,)),
            }
        )

    def notice(self, population: Population, generation: int) -> None:
        """Take in who was born and lives; called once a generation, after selection.

        Column "entry" then is the row of each individual; offspring come with that of their parent.
        """
        columns = population.columns
        entry = columns.get("entry", np.full(len(population), NO_PARENT)).copy()
        new = np.flatnonzero(columns.get("born", np.ones(len(population), bool)))
        first = len(self.rows)
        self.rows.grow(len(new))
        born = {
            "parent": entry[new],
            "generation": generation,
            "performance": population.values[new, 0],
            "weights": population.networks.weights[new],
            "biases": population.networks.biases[new],
        }
        for name, values in born.items():
            self.rows[name][first:] = values
        entry[new] = np.arange(first, len(self.rows))
        columns["entry"], columns["born"] = entry, np.zeros(len(population), bool)
        if generation % EVERY == 0:
            columns["entry"] = self._forget(entry)

    def lineage(self, entry: int) -> dict[str, NDArray]:
        """Columns of an entry and its ancestors, the first ancestor first."""
        parents, chain = self.rows["parent"], [entry]
        while parents[chain[-1]] != NO_PARENT:
            chain.append(int(parents[chain[-1]]))
        arrays = self.rows.arrays()
        return {name: arrays[name][chain[::-1]] for name in arrays if name != "parent"}

    def _forget(self, entry: NDArray[np.int64]) -> NDArray[np.int64]:
        """Drop the rows that no entry descends from; returns the entries' new rows."""
        arrays = self.rows.arrays()
        kept = _needed(arrays["parent"], entry)
        place = np.append(np.cumsum(kept) - 1, NO_PARENT)  # the last is where NO_PARENT points
        rest = {name: array[kept] for name, array in arrays.items()}
        self.rows.fill(rest | {"parent": place[rest["parent"]]})
        return place[entry]


@njit(cache=True)
def _needed(parents: NDArray, entry: NDArray) -> NDArray:
    """Which rows are entries or ancestors of one."""
    needed = np.zeros(len(parents), np.bool_)
    needed[entry] = True
    for row in range(len(parents) - 1, -1, -1):
        if needed[row] and parents[row] >= 0:
            needed[parents[row]] = True
    return needed


def read_lineage(path: Path, topology: Topology) -> list[Ancestor]:
    """The lineage of a trial's best network, without those in whom nothing that counts had changed.

    Args:
        path: its file.
        topology: of the networks.

    Raises:
        UserError: not a lineage of such networks.
    """
    arrays = read_arrays(path)
    try:
        networks = Networks(topology, arrays["weights"], arrays["biases"])
        generation, performance = arrays["generation"], arrays["performance"]
        if not len(networks) == len(generation) == len(performance) > 0:
            raise ValueError(f"{len(generation)} generations of {len(networks)} networks")
    except (KeyError, ValueError) as error:
        raise UserError(f"{path}: not a lineage of networks of {topology.layers}: {error}") from None
    changed = _changes(simplify(networks))
    networks, generation, performance = networks.take(changed), generation[changed], performance[changed]
    measures: Mapping[str, NDArray] = {
        "Performance": performance,
        "Modularity Q": modularity(networks),
        "Hierarchy H": hierarchy(networks),
        "Connection cost": connection_cost(networks),
    }
    return [
        Ancestor(
            int(generation[k]),
            to_graph(networks, k),
            {name: float(values[k]) for name, values in measures.items()},
        )
        for k in range(len(networks))
    ]


def _changes(networks: Networks) -> NDArray[np.bool_]:
    """Which networks differ from the one before."""
    genome = np.concatenate([networks.weights, networks.biases], axis=1)
    return np.append(True, (genome[1:] != genome[:-1]).any(axis=1))
