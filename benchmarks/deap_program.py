"""The retina experiment (Clune et al. 2013, P&CC) as a DEAP user would write it, the baseline of evolution.py.

An individual is a list of 106 weights and 23 biases. Networks are evaluated one by one, each with numpy over all
256 patterns at once; the connection cost solves for the places of the hidden nodes with numpy. Selection is
DEAP's NSGA-II (the paper's is its probabilistic form) with the faster of its two sorts.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from deap import base, creator, tools

LAYERS = (8, 8, 4, 2, 1)
WEIGHTS = (-2, -1, 1, 2)
BIASES = (-2, -1, 0, 1, 2)
FIRST = [sum(LAYERS[:k]) for k in range(len(LAYERS) + 1)]  # first node of each layer, and the number of nodes
NODES = FIRST[-1]
BEGIN = [0, *accumulate(lower * upper for lower, upper in pairwise(LAYERS))]  # first connection of each gap
CONNECTIONS = BEGIN[-1]
INPUTS, LAST_HIDDEN = LAYERS[0], NODES - LAYERS[-1]

PATTERNS = np.where(np.arange(256)[:, None] >> np.arange(8) & 1, 1.0, -1.0)
LEFT = np.isin(np.arange(256) & 15, (1, 4, 5, 7, 11, 13, 14, 15))
RIGHT = np.isin(np.arange(256) >> 4, (2, 7, 8, 10, 11, 13, 14, 15))
TARGET = LEFT & RIGHT
FIXED = np.zeros((NODES, 2))
FIXED[:INPUTS, 0] = np.arange(8) - 3.5
FIXED[LAST_HIDDEN:, 1] = 4.0

creator.create("ListFitness", base.Fitness, weights=(1.0, -1.0))
creator.create("ListIndividual", list, fitness=creator.ListFitness)


def matrices(individual: Sequence[int]) -> list[np.ndarray]:
    """Weights between layers, each (targets, sources)."""
    weights = np.array(individual[:CONNECTIONS], dtype=np.float64)
    return [weights[BEGIN[k] : BEGIN[k + 1]].reshape(LAYERS[k + 1], LAYERS[k]) for k in range(len(LAYERS) - 1)]


def performance(layers: list[np.ndarray], biases: np.ndarray) -> float:
    """Share of right answers; an output of 0 is wrong."""
    values = PATTERNS
    for k, weights in enumerate(layers):
        values = np.tanh(20.0 * (values @ weights.T + biases[FIRST[k + 1] : FIRST[k + 2]]))
    output = values[:, 0]
    return float(np.where(TARGET, output > 0, output < 0).mean())


def connection_cost(layers: list[np.ndarray]) -> float:
    """Summed squared length of the connections that can influence the output, hidden nodes at their optimum."""
    edges = np.zeros((NODES, NODES))
    useful = np.ones(LAYERS[-1], dtype=bool)
    for k in range(len(LAYERS) - 2, -1, -1):
        present = (layers[k] != 0) & useful[:, None]
        edges[FIRST[k] : FIRST[k + 1], FIRST[k + 1] : FIRST[k + 2]] = present.T
        useful = present.any(axis=0)
    linked = edges + edges.T
    degree = linked.sum(axis=1)
    hidden = np.arange(INPUTS, LAST_HIDDEN)
    hidden = hidden[degree[hidden] > 0]
    places = FIXED.copy()
    if len(hidden):
        laplacian = np.diag(degree[hidden]) - linked[np.ix_(hidden, hidden)]
        places[hidden] = np.linalg.solve(laplacian, linked[hidden] @ FIXED)
    source, target = np.nonzero(edges)
    return float(((places[source] - places[target]) ** 2).sum())


def evaluate(individual: Sequence[int]) -> tuple[float, float]:
    """Performance and connection cost."""
    layers = matrices(individual)
    biases = np.array(individual[CONNECTIONS:], dtype=np.float64)
    return performance(layers, biases), connection_cost(layers)


def insert(individual: list[int]) -> None:
    """Add a connection between random nodes of a random pair of layers."""
    for _ in range(NODES * NODES):
        k = random.randrange(len(LAYERS) - 1)
        place = BEGIN[k] + random.randrange(LAYERS[k] * LAYERS[k + 1])
        if individual[place] == 0:
            individual[place] = random.choice(WEIGHTS)
            return


def random_individual() -> creator.ListIndividual:
    """A network of the first generation."""
    individual = creator.ListIndividual([0] * CONNECTIONS + random.choices(BIASES, k=NODES))
    for _ in range(random.randint(0, 119)):
        insert(individual)
    return individual


def mutate(individual: list[int]) -> tuple[list[int]]:
    """Move weights, redraw biases, add a connection, remove one."""
    existing = [place for place in range(CONNECTIONS) if individual[place] != 0]
    for place in existing:
        if random.random() < 2 / len(existing):
            step = WEIGHTS.index(individual[place]) + random.choice((-1, 1))
            individual[place] = WEIGHTS[min(max(step, 0), len(WEIGHTS) - 1)]
    for node in range(NODES):
        if random.random() < 1 / 24:
            individual[CONNECTIONS + node] = random.choice(BIASES)
    if random.random() < 0.2:
        insert(individual)
    if random.random() < 0.2:
        existing = [place for place in range(CONNECTIONS) if individual[place] != 0]
        if existing:
            individual[random.choice(existing)] = 0
    return (individual,)


def make_toolbox() -> base.Toolbox:
    """The operators of the experiment."""
    toolbox = base.Toolbox()
    toolbox.register("individual", random_individual)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("evaluate", evaluate)
    toolbox.register("mutate", mutate)
    toolbox.register("select", tools.selNSGA2, nd="log")
    return toolbox


class Evolution:
    """A population that evolves one generation at a time.

    Args:
        genomes: lists of weights and biases to start from; random ones where there are none.
        size: number of random ones.
    """

    def __init__(self, genomes: Sequence[Sequence[int]] | None = None, size: int = 1000) -> None:
        self.toolbox = make_toolbox()
        if genomes is None:
            self.population = self.toolbox.population(n=size)
        else:
            self.population = [creator.ListIndividual(genome) for genome in genomes]
        self._evaluate(self.population)
        self.population = self.toolbox.select(self.population, len(self.population))
        self.statistics = tools.Statistics(lambda individual: individual.fitness.values)
        for name, function in (("mean", np.mean), ("best", np.max), ("least", np.min)):
            self.statistics.register(name, function, axis=0)
        self.logbook = tools.Logbook()

    def step(self) -> None:
        """One generation."""
        parents = tools.selTournamentDCD(self.population, len(self.population))
        offspring = [self.toolbox.clone(parent) for parent in parents]
        for individual in offspring:
            self.toolbox.mutate(individual)
            del individual.fitness.values
        self._evaluate(offspring)
        self.population = self.toolbox.select(self.population + offspring, len(self.population))
        self.logbook.record(gen=len(self.logbook), **self.statistics.compile(self.population))

    def _evaluate(self, individuals: list[creator.ListIndividual]) -> None:
        for individual, values in zip(
            individuals, self.toolbox.map(self.toolbox.evaluate, individuals), strict=True
        ):
            individual.fitness.values = values
