"""What evolution selects for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.hierarchy import batch_hierarchy
from analysis.modularity import batch_modularity
from evo.population import Population
from evo.problems import Problem
from networks import (
    Networks,
    adjacency_matrices,
    connected_nodes,
    connection_cost,
    connection_count,
    longest_connection,
    simplify,
    thresholded_cost,
)


@dataclass(frozen=True)
class Objective:
    """One objective.

    Attributes:
        weight: +1 to maximise, -1 to minimise.
        depends_on: "answers" of the network; its "connections", whatever their weights (so that offspring with
            its parent's connections inherits the value); the "population" it is compared with; a "gene".
        measure: values of a batch of networks, where it depends on connections.
    """

    weight: float
    depends_on: Literal["answers", "connections", "population", "gene"]
    measure: Callable[[Networks], NDArray[np.float64]] | None = None


#: Patterns of connections of which the modularity is remembered; about 20 MB.
MOST_REMEMBERED = 100_000
_known_modularities: dict[tuple[int, ...], dict[bytes, float]] = {}


def modularity(networks: Networks) -> NDArray[np.float64]:
    """Directed modularity Q of the simplified networks by spectral bisection, shape (networks,).

    What was found for a pattern of connections is remembered: of the offspring that selection sees, two thirds
    have one that an earlier network had.
    """
    simplified = simplify(networks)
    known = _known_modularities.setdefault(networks.topology.layers, {})
    patterns = [row.tobytes() for row in np.packbits(simplified.weights != 0, axis=1)]
    if len(known) + len(patterns) > MOST_REMEMBERED:
        known.clear()
    new = {pattern: index for index, pattern in enumerate(patterns) if pattern not in known}
    if new:
        measured = simplified.take(list(new.values()))
        present = connected_nodes(networks.topology, measured.weights)
        found = batch_modularity(adjacency_matrices(measured), present)
        known.update(zip(new, found.tolist(), strict=True))
    return np.array([known[pattern] for pattern in patterns])


def hierarchy(networks: Networks) -> NDArray[np.float64]:
    """Hierarchy H of the simplified networks, the mean over their outputs, shape (networks,).

    Only what leads to an output matters for it, so nothing need be simplified.
    """
    topology = networks.topology
    present = np.ones((len(networks), topology.nodes), bool)
    outputs = np.arange(topology.nodes - topology.outputs, topology.nodes)
    return batch_hierarchy(adjacency_matrices(networks), present, outputs)


#: Objectives by name. "random" is an inherited number that means nothing (Clune et al. 2013, control); those
#: that begin with "low" select against what they name (Mengistu et al. 2016, controls).
OBJECTIVES = {
    "performance": Objective(1.0, "answers"),
    "connection-cost": Objective(-1.0, "connections", connection_cost),
    "connections": Objective(-1.0, "connections", connection_count),
    "thresholded-cost": Objective(-1.0, "connections", thresholded_cost),
    "longest-connection": Objective(-1.0, "connections", longest_connection),
    "modularity": Objective(1.0, "connections", modularity),
    "low-modularity": Objective(-1.0, "connections", modularity),
    "hierarchy": Objective(1.0, "connections", hierarchy),
    "low-hierarchy": Objective(-1.0, "connections", hierarchy),
    "diversity": Objective(1.0, "population"),
    "random": Objective(1.0, "gene"),
}

#: Standard deviation of a step of the random objective's gene, which stays within 0..1.
GENE_STEP = 0.1


def weights_of(names: Sequence[str]) -> tuple[float, ...]:
    """DEAP's fitness weights of objectives.

    Raises:
        ValueError: an unknown name, or performance is not the first.
    """
    for name in names:
        if name not in OBJECTIVES:
            raise ValueError(f"objectives: {name!r}: allowed are {', '.join(OBJECTIVES)}")
    if not names or names[0] != "performance":
        raise ValueError(f"objectives: {' '.join(names)}: allowed are lists that begin with performance")
    return tuple(OBJECTIVES[name].weight for name in names)


def evaluate(population: Population, problem: Problem, names: Sequence[str]) -> None:
    """Fill in a population's objective values, in place.

    Column "rewired", where there is one, tells which individuals have other connections than when their values
    were taken; the others keep what depends on connections alone.
    """
    networks, values = population.networks, population.values
    outputs = problem.outputs(networks)
    rewired = population.columns.get("rewired", np.ones(len(population), bool))
    rewired = rewired | np.isnan(values).any(axis=1)
    for column, name in enumerate(names):
        objective = OBJECTIVES[name]
        if objective.depends_on == "answers":
            values[:, column] = problem.performance(outputs)
        elif objective.depends_on == "gene":
            values[:, column] = population.columns["gene"]
        elif objective.measure is not None and rewired.any():
            values[rewired, column] = objective.measure(networks.take(rewired))
    if "diversity" in names:
        population.columns["behaviour"] = (outputs > 0).reshape(len(population), -1)
        compare(population, names)


def compare(population: Population, names: Sequence[str]) -> None:
    """Fill in what depends on the whole population: behavioural diversity, in place."""
    if "diversity" in names:
        diversity = behavioural_diversity(population.columns["behaviour"])
        population.values[:, list(names).index("diversity")] = diversity


def behavioural_diversity(behaviours: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean normalised Hamming distance of each behaviour to all (itself included), shape (individuals,).

    Args:
        behaviours: answers, shape (individuals, answers). Sums over individuals make it linear in their number.
    """
    count, answers = behaviours.shape
    # Narrow numbers, where they can hold the largest sum, so that one instruction adds many.
    narrow = np.int32 if count * answers <= np.iinfo(np.int32).max else np.int64
    return _hamming_sums(np.ascontiguousarray(behaviours), np.zeros(answers, narrow)) / (count * answers)


@njit(cache=True)
def _hamming_sums(behaviours: NDArray, yes: NDArray) -> NDArray:
    """Sums of distances to all; `yes`, zeros of the type to count with, becomes how many answer yes."""
    count, answers = behaviours.shape
    for n in range(np.uintp(count)):
        for p in range(np.uintp(answers)):
            yes[p] += behaviours[n, p]
    base = np.sum(yes)
    # Whoever says yes is as far from everyone as those who say no are many, not as those who say yes.
    surplus = (count - 2 * yes).astype(yes.dtype)
    total = np.empty(count)
    for n in range(np.uintp(count)):
        distance = yes.dtype.type(0)
        for p in range(np.uintp(answers)):
            distance = yes.dtype.type(distance + (surplus[p] if behaviours[n, p] else yes.dtype.type(0)))
        total[n] = base + distance
    return total
