"""A population as a struct of arrays that DEAP's tools see as a sequence of individuals with a fitness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import networkx as nx
import numpy as np
from deap import base
from numpy.typing import NDArray

from networks import Networks, concatenate, to_graph


class Fitness(base.Fitness):
    """A DEAP fitness that lives in a row of its population's arrays.

    `values` are in the objectives' own units, `wvalues` are multiplied by the weights, as everywhere in DEAP.
    """

    def __init__(self, population: Population, index: int) -> None:
        self.weights = population.weights
        self._population = population
        self._index = index

    @property
    def wvalues(self) -> tuple[float, ...]:
        """Weighted values; empty while the individual is not evaluated."""
        row = self._population.values[self._index]
        if np.isnan(row).any():
            return ()
        return tuple((row * self.weights).tolist())

    @wvalues.setter
    def wvalues(self, weighted: Sequence[float]) -> None:
        values = np.nan if len(weighted) == 0 else np.divide(weighted, self.weights)
        self._population.values[self._index] = values

    @property
    def crowding_dist(self) -> float:
        """Crowding distance, as DEAP's NSGA-II reads and writes it."""
        return float(self._population.columns["crowding"][self._index])

    @crowding_dist.setter
    def crowding_dist(self, distance: float) -> None:
        self._population.columns["crowding"][self._index] = distance

    def __deepcopy__(self, memo: dict[int, Any]) -> Fitness:
        return self._population.take([self._index])[0].fitness


class Individual:
    """One member of a population: views of its genome, and its fitness."""

    def __init__(self, population: Population, index: int) -> None:
        self.population = population
        self.index = index
        self.fitness = Fitness(population, index)

    @property
    def weights(self) -> NDArray:
        """Weight of every possible connection, 0 where there is none, (connections,); a view."""
        return self.population.networks.weights[self.index]

    @property
    def biases(self) -> NDArray:
        """Bias of every node, (nodes,); a view."""
        return self.population.networks.biases[self.index]

    def graph(self, simplified: bool = True) -> nx.DiGraph:
        """The network as a networkx graph."""
        return to_graph(self.population.networks, self.index, simplified)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Individual)
            and np.array_equal(self.weights, other.weights)
            and np.array_equal(self.biases, other.biases)
        )

    __hash__ = None  # type: ignore[assignment]  # it can change, as a list can

    def __deepcopy__(self, memo: dict[int, Any]) -> Individual:
        return self.population.take([self.index])[0]

    def __repr__(self) -> str:
        return f"Individual({np.count_nonzero(self.weights)} connections, fitness {self.fitness.values})"


class Population(Sequence[Individual]):
    """Networks with their objective values.

    Attributes:
        networks: the genomes.
        weights: +1 for objectives to maximise, -1 for those to minimise.
        values: objective values, NaN where not evaluated, (individuals, objectives).
        columns: more arrays with one row an individual, carried along wherever the individuals go.
    """

    def __init__(
        self,
        networks: Networks,
        weights: Sequence[float],
        values: NDArray[np.float64] | None = None,
        columns: dict[str, NDArray] | None = None,
    ) -> None:
        self.networks = networks
        self.weights = tuple(float(weight) for weight in weights)
        self.values = np.full((len(networks), len(self.weights)), np.nan) if values is None else values
        self.columns = {} if columns is None else columns
        self.columns.setdefault("crowding", np.zeros(len(networks)))
        self.columns.setdefault("rank", np.zeros(len(networks), np.int64))

    @property
    def weighted(self) -> NDArray[np.float64]:
        """Objective values turned so that more is better, (individuals, objectives)."""
        return self.values * self.weights

    def __len__(self) -> int:
        return len(self.networks)

    @overload
    def __getitem__(self, index: int) -> Individual: ...
    @overload
    def __getitem__(self, index: slice) -> Population: ...
    def __getitem__(self, index: int | slice) -> Individual | Population:
        """An individual (a view), or a population of copies for a slice."""
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"individual {index}: allowed are 0 to {len(self) - 1}")
        return Individual(self, int(index) % len(self))

    def __iter__(self) -> Iterator[Individual]:
        return (Individual(self, index) for index in range(len(self)))

    def take(self, indices: NDArray | Sequence[int]) -> Population:
        """A new population of copies of the individuals at `indices`."""
        indices = np.asarray(indices, np.int64)
        columns = {name: column.take(indices, axis=0) for name, column in self.columns.items()}
        return Population(self.networks.take(indices), self.weights, self.values.take(indices, axis=0), columns)

    def __add__(self, other: Population) -> Population:
        """Both populations, this one first."""
        columns = {name: np.concatenate([self.columns[name], other.columns[name]]) for name in self.columns}
        return Population(
            concatenate([self.networks, other.networks]),
            self.weights,
            np.concatenate([self.values, other.values]),
            columns,
        )


def as_population(individuals: Population | Sequence[Individual]) -> Population:
    """A population from what an operator returned: one already, or a list of individuals as DEAP gives it."""
    if isinstance(individuals, Population):
        return individuals
    owner = individuals[0].population
    if all(individual.population is owner for individual in individuals):
        return owner.take([individual.index for individual in individuals])
    together = individuals[0].population.take([individuals[0].index])
    for individual in individuals[1:]:
        together += individual.population.take([individual.index])
    return together
