from __future__ import annotations

import copy
import operator
import random
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
from deap import base, tools
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import random_batch, seeds

from evo.population import Individual, Population, as_population
from networks import Networks

LAYERS = (2, 3, 1)


class PlainFitness(base.Fitness):
    weights = (1.0, -1.0)


class Plain:
    """An individual as DEAP's tutorials make them."""

    def __init__(self, genome: list[int], values: list[float]) -> None:
        self.genome, self.fitness = genome, PlainFitness(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and self.genome == other.genome


def random_population(seed: int, count: int = 24) -> Population:
    """Genomes and values with ties and duplicates; every individual knows its number."""
    rng = np.random.default_rng(seed)
    networks = random_batch(LAYERS, seed, count)
    few = networks.take(rng.integers(0, count // 2, count))
    values = rng.integers(0, 6, (count, 2)).astype(float)
    return Population(few, PlainFitness.weights, values, {"number": np.arange(count)})


def plain(population: Population) -> list[Plain]:
    return [
        Plain([*individual.weights.tolist(), *individual.biases.tolist()], values)
        for individual, values in zip(population, population.values.tolist(), strict=True)
    ]


def both(
    tool: Callable[..., Any], *arguments: Any, seed: int = 3, crowded: bool = False, **options: Any
) -> tuple[list[int], list[int]]:
    """Numbers of the individuals that a tool picks from a population, and from plain individuals alike."""
    picked = []
    population = random_population(seed)
    for individuals in (population, plain(population)):
        if crowded:
            tools.emo.assignCrowdingDist(individuals)
        numbers = {id(individual): number for number, individual in enumerate(individuals)}
        random.seed(7)
        np.random.seed(7)  # noqa: NPY002 - selNSGA3 draws from it
        chosen = tool(individuals, *arguments, **options)
        if isinstance(chosen[0], list):
            chosen = list(chain(*chosen))
        picked.append([i.index if isinstance(i, Individual) else numbers[id(i)] for i in chosen])
    return picked[0], picked[1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("tool", "arguments", "options"),
    [
        (tools.selNSGA2, (10,), {}),
        (tools.selNSGA2, (10,), {"nd": "log"}),
        (tools.selNSGA2, (24,), {}),
        (tools.selSPEA2, (10,), {}),
        (tools.selNSGA3, (10, tools.uniform_reference_points(2, 4)), {}),
        (tools.selTournament, (30, 3), {}),
        (tools.selBest, (7,), {}),
        (tools.selWorst, (7,), {}),
        (tools.selRandom, (7,), {}),
        (tools.selLexicase, (7,), {}),
        (tools.sortNondominated, (24,), {}),
        (tools.sortNondominated, (5,), {"first_front_only": True}),
        (tools.sortLogNondominated, (24,), {}),
        (tools.selTournamentDCD, (12,), {"crowded": True}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_deaps_selection_picks_as_from_plain_individuals(
    tool: Callable[..., Any], arguments: tuple, options: dict, seed: int
) -> None:
    ours, theirs = both(tool, *arguments, seed=seed, **options)
    assert ours == theirs


def test_crowding_assigned_by_deap_stays_with_the_population() -> None:
    population = random_population(1)
    individuals = plain(population)
    tools.selNSGA2(population, 10)
    tools.selNSGA2(individuals, 10)
    # Individuals in fronts that DEAP did not need have none.
    wanted = [getattr(individual.fitness, "crowding_dist", 0.0) for individual in individuals]
    assert population.columns["crowding"].tolist() == wanted
    assert [individual.fitness.crowding_dist for individual in population] == wanted


def test_statistics_and_logbook() -> None:
    population = random_population(2)
    statistics = tools.Statistics(key=lambda individual: individual.fitness.values)
    for name, function in (("mean", np.mean), ("max", np.max), ("std", np.std)):
        statistics.register(name, function, axis=0)
    record = statistics.compile(population)
    for name, function in (("mean", np.mean), ("max", np.max), ("std", np.std)):
        assert record[name].tolist() == function(population.values, axis=0).tolist()
    logbook = tools.Logbook()
    logbook.record(generation=3, **record)
    assert logbook.select("generation") == [3]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "archive", [lambda: tools.ParetoFront(), lambda: tools.HallOfFame(5), lambda: tools.HallOfFame(100)]
)
def test_archives_hold_the_same_as_of_plain_individuals(
    archive: Callable[[], tools.HallOfFame], seed: int
) -> None:
    ours, theirs = archive(), archive()
    for generation in range(3):
        population = random_population(10 * seed + generation)
        ours.update(population)
        theirs.update(plain(population))
        population.values[:] = -99  # what is archived stays as it was
        population.networks.weights[:] = 99
    assert len(ours) > 1
    assert [individual.fitness.values for individual in ours] == [plain.fitness.values for plain in theirs]
    genomes = [[*individual.weights.tolist(), *individual.biases.tolist()] for individual in ours]
    assert genomes == [plain.genome for plain in theirs]


def test_individuals_are_views() -> None:
    population = random_population(3)
    individual = population[4]
    individual.fitness.values = (0.5, 7.0)
    assert population.values[4].tolist() == [0.5, 7.0]
    assert individual.fitness.wvalues == (0.5, -7.0)
    assert population.weighted[4].tolist() == [0.5, -7.0]
    individual.weights[0] = 9
    individual.biases[1] = 8
    assert (population.networks.weights[4, 0], population.networks.biases[4, 1]) == (9, 8)
    population.values[4] = (0.25, 3.0)
    assert individual.fitness.values == (0.25, 3.0)
    assert population[4].weights[0] == 9


def test_deleted_values_are_invalid_until_set_again() -> None:
    population = random_population(3)
    assert all(individual.fitness.valid for individual in population)
    del population[2].fitness.values
    assert [individual.fitness.valid for individual in population][:4] == [True, True, False, True]
    assert np.isnan(population.values[2]).all()
    assert population[2].fitness.values == ()
    population[2].fitness.values = (1, 2)
    assert population[2].fitness.values == (1.0, 2.0)


def test_a_new_population_is_not_evaluated() -> None:
    population = Population(random_batch(LAYERS, 1, 3), (1.0, -1.0))
    assert not any(individual.fitness.valid for individual in population)
    assert population.columns["rank"].tolist() == population.columns["crowding"].tolist() == [0, 0, 0]


@settings(deadline=None)
@given(seeds, st.integers(0, 23), st.integers(0, 23))
def test_fitness_compares_as_deaps(seed: int, first: int, second: int) -> None:
    ours, theirs = random_population(seed), plain(random_population(seed))
    a, b, c, d = ours[first].fitness, ours[second].fitness, theirs[first].fitness, theirs[second].fitness
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        assert compare(a, b) == compare(c, d)
    assert a.dominates(b) == c.dominates(d)
    assert (a == b) <= (hash(a) == hash(b))


def test_individuals_are_equal_if_their_genomes_are() -> None:
    population = random_population(4)
    for first, a in zip(plain(population), population, strict=True):
        for second, b in zip(plain(population), population, strict=True):
            assert (a == b) == (first == second)
    assert population[0] in population
    assert population[0] != "something else"


@pytest.mark.parametrize("clone", [copy.deepcopy, base.Toolbox().clone])
def test_copies_are_independent(clone: Callable[[Individual], Individual]) -> None:
    population = random_population(5)
    original = population[6]
    twin = clone(original)
    assert twin == original
    assert twin.fitness.values == original.fitness.values
    twin.weights[:] = 9
    twin.biases[:] = 9
    twin.fitness.values = (9, 9)
    twin.fitness.crowding_dist = 9
    twin.population.columns["number"][:] = 9
    untouched = random_population(5)
    assert np.array_equal(population.networks.weights, untouched.networks.weights)
    assert np.array_equal(population.networks.biases, untouched.networks.biases)
    assert np.array_equal(population.values, untouched.values)
    assert population.columns["crowding"].max() == 0
    assert population.columns["number"].tolist() == list(range(24))
    fitness = copy.deepcopy(original.fitness)
    fitness.values = (8, 8)
    assert original.fitness.values == tuple(untouched.values[6])


def test_a_copied_population_is_independent() -> None:
    population = random_population(5)
    twin = copy.deepcopy(population)
    twin.values[:] = 9
    twin[0].weights[:] = 9
    assert np.array_equal(population.values, random_population(5).values)
    assert np.array_equal(population.networks.weights, random_population(5).networks.weights)


@settings(deadline=None)
@given(st.slices(24))
def test_slices_are_copies_as_of_a_list(part: slice) -> None:
    population = random_population(6)
    wanted = list(range(24))[part]
    found = population[part]
    assert isinstance(found, Population)
    assert found.columns["number"].tolist() == wanted
    assert np.array_equal(found.values, population.values[wanted])
    assert np.array_equal(found.networks.weights, population.networks.weights[wanted])
    found.values[:] = 99
    found.networks.weights[:] = 99
    found.columns["number"][:] = 99
    assert population.values.max() < 99
    assert population.networks.weights.max() < 99
    assert population.columns["number"].tolist() == list(range(24))


def test_indices_are_those_of_a_list() -> None:
    population = random_population(6)
    assert [individual.index for individual in population] == list(range(24))
    assert population[-1].index == 23
    assert population[np.int64(3)].index == 3
    assert len(population) == 24
    for index in (24, -25):
        with pytest.raises(IndexError, match=r"^individual -?2[45]: allowed are 0 to 23$"):
            population[index]


def test_two_populations_make_one_the_first_in_front() -> None:
    a, b = random_population(7, 6), random_population(8, 4)
    together = a + b
    assert together.columns["number"].tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    assert np.array_equal(together.values, np.concatenate([a.values, b.values]))
    assert np.array_equal(together.networks.biases, np.concatenate([a.networks.biases, b.networks.biases]))
    together.values[:] = 99
    together.networks.weights[:] = 99
    assert max(a.values.max(), b.values.max(), a.networks.weights.max(), b.networks.weights.max()) < 99


def test_a_list_of_individuals_becomes_a_population_of_copies() -> None:
    population = random_population(9)
    assert as_population(population) is population
    chosen = as_population([population[5], population[5], population[2]])
    assert chosen.columns["number"].tolist() == [5, 5, 2]
    chosen[0].weights[:] = 9  # the same one twice: two copies
    assert chosen[1] == population[5]
    assert chosen[0] != population[5]
    assert np.array_equal(chosen.values, population.values[[5, 5, 2]])


def test_individuals_of_several_populations_become_one() -> None:
    a, b = random_population(10), random_population(11)
    twin = copy.deepcopy(a[3])
    chosen = as_population([b[1], a[0], twin, b[2]])
    assert chosen.columns["number"].tolist() == [1, 0, 3, 2]
    wanted = np.stack([b.values[1], a.values[0], a.values[3], b.values[2]])
    assert np.array_equal(chosen.values, wanted)
    assert [individual == other for individual, other in zip(chosen, (b[1], a[0], a[3], b[2]), strict=True)] == [
        True
    ] * 4


def test_the_graph_of_an_individual_is_its_network() -> None:
    networks = Networks(
        random_batch((1, 1), 1, 2).topology, np.array([[0], [2]], np.int8), np.zeros((2, 2), np.int8)
    )
    population = Population(networks, (1.0,))
    assert list(population[1].graph().edges(data="weight")) == [(0, 1, 2)]
    assert list(population[0].graph(simplified=False).nodes) == [0, 1]
