"""The evolutionary loop: DEAP's toolbox over whole populations.

One generation is five operators of the toolbox, each of which can be replaced by one `toolbox.register`:

    parents   = toolbox.select_parents(population, k)
    offspring = toolbox.mutate(toolbox.mate(parents))
    toolbox.evaluate(offspring)
    population = toolbox.select(parents and offspring together, k)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from deap import base, tools

from evo import objectives, selection, variation
from evo.ancestry import marked
from evo.population import Individual, Population, as_population
from evo.problems import PROBLEMS, Problem
from evo.settings import Settings


def make_toolbox(settings: Settings, problem: Problem | None = None) -> base.Toolbox:
    """The operators of an experiment.

    `toolbox.rng` is the generator they draw from, restarted by `generations` for every generation; the global
    generators of Python and numpy, which DEAP's tools use, are seeded with it. `toolbox.probabilities`, with which
    each objective counts in a comparison, is an array that `generations` sets to those of the generation. A
    mutation of one's own for whole populations must set column "rewired"; `individually` does.

    Args:
        settings: what the operators do.
        problem: instead of the one that the settings name.
    """
    problem = problem or PROBLEMS[settings.problem]()
    rng = np.random.default_rng(0)
    toolbox = base.Toolbox()
    toolbox.rng = rng
    toolbox.problem = problem
    toolbox.probabilities = chances = np.array(settings.probabilities(0))
    toolbox.probabilities_at = settings.probabilities
    names = settings.objectives
    toolbox.register("population", first_population, problem=problem, settings=settings, rng=rng)
    toolbox.register("evaluate", objectives.evaluate, problem=problem, names=names)
    toolbox.register("compare", objectives.compare, names=names)
    toolbox.register("select_parents", selection.select_parents, probabilities=chances, rng=rng)
    toolbox.register("mate", mate, rate=settings.crossover_rate, rng=rng)
    toolbox.register("mutate", mutate, mutation=settings.mutation, rng=rng)
    toolbox.register("select", selection.select, probabilities=chances, rng=rng, ties=settings.ties)
    if settings.lineage:
        toolbox.decorate("mutate", marked)
    return toolbox


def begin_generation(toolbox: base.Toolbox, seed: int, generation: int) -> None:
    """Set all that depends on a generation's number, so that a run can begin anew from any."""
    restart_random(toolbox, seed, generation)
    toolbox.probabilities[:] = toolbox.probabilities_at(generation)


def restart_random(toolbox: base.Toolbox, seed: int, generation: int) -> None:
    """Restart every source of chance as a function of (seed, generation) alone."""
    sequence = np.random.SeedSequence((seed, generation))
    toolbox.rng.bit_generator.state = np.random.PCG64(sequence).state
    random.seed(int(sequence.generate_state(1, np.uint64)[0]))
    np.random.seed(sequence.generate_state(4))  # noqa: NPY002 - what some of DEAP's tools draw from


def generations(toolbox: base.Toolbox, population: Population, seed: int, first: int = 1) -> Iterator[Population]:
    """Evolve without end: the population after generation `first`, `first` + 1, ...

    Args:
        toolbox: the operators.
        population: evaluated individuals, as they were after generation first - 1.
        seed: of the trial.
        first: number of the next generation.
    """
    size = len(population)
    generation = first
    while True:
        begin_generation(toolbox, seed, generation)
        parents = as_population(toolbox.select_parents(population, size))
        offspring = as_population(toolbox.mutate(toolbox.mate(parents)))
        toolbox.evaluate(offspring)
        together = population + offspring
        toolbox.compare(together)
        population = as_population(toolbox.select(together, size))
        yield population
        generation += 1


def begin(toolbox: base.Toolbox, seed: int) -> Population:
    """The first population, generation 0, evaluated and ranked."""
    begin_generation(toolbox, seed, 0)
    population = toolbox.population()
    toolbox.evaluate(population)
    return as_population(toolbox.select(population, len(population)))


def evolve(
    problem: Problem, settings: Settings, length: int | None = None, seed: int = 1
) -> tuple[Population, tools.Logbook]:
    """Evolve networks for a problem, in memory.

    Args:
        problem: what they must answer.
        settings: how; its `problem` is ignored.
        length: how many generations; default those of the settings.
        seed: of every source of chance.

    Returns:
        The last population, ranked, and DEAP's logbook: best performance and medians of the objectives by
        generation.

    Raises:
        UserError: a setting that is not allowed.
    """
    toolbox = make_toolbox(settings.checked(), problem)
    statistics = tools.Statistics(lambda population: population.values)
    statistics.register("best_performance", lambda values: float(values[0][:, 0].max()))
    statistics.register("medians", lambda values: np.median(values[0], axis=0).tolist())
    logbook = tools.Logbook()
    logbook.header = ["generation", *statistics.fields]
    population = begin(toolbox, seed)
    further = generations(toolbox, population, seed)
    logbook.record(generation=0, **statistics.compile([population]))
    for generation in range(1, 1 + (settings.generations if length is None else length)):
        population = next(further)
        logbook.record(generation=generation, **statistics.compile([population]))
    return population, logbook


def first_population(problem: Problem, settings: Settings, rng: np.random.Generator) -> Population:
    """Random networks, not yet evaluated."""
    networks = variation.random_networks(
        problem.topology, settings.population, (settings.insertions_min, settings.insertions_max), rng
    )
    columns: dict[str, Any] = {"rewired": np.ones(len(networks), bool)}
    if "random" in settings.objectives:
        columns["gene"] = rng.random(len(networks))
    return Population(networks, objectives.weights_of(settings.objectives), columns=columns)


def mutate(population: Population, mutation: variation.Mutation, rng: np.random.Generator) -> Population:
    """Mutated individuals; values are left for `evaluate` to renew where they must be."""
    networks, rewired = variation.mutate(population.networks, mutation, rng)
    columns = population.columns | {"rewired": rewired | population.columns["rewired"]}
    if "gene" in columns:
        moved = columns["gene"] + rng.normal(0.0, objectives.GENE_STEP, len(networks))
        columns["gene"] = np.clip(moved, 0.0, 1.0)
    return Population(networks, population.weights, population.values.copy(), columns)


def mate(population: Population, rate: float, rng: np.random.Generator) -> Population:
    """Individuals of which neighbours have swapped nodes with probability `rate`."""
    networks = variation.mate(population.networks, rate, rng) if rate > 0 else population.networks
    columns = population.columns | {"rewired": np.full(len(networks), rate > 0)}
    return Population(networks, population.weights, population.values.copy(), columns)


def individually(operator: Callable[[Individual], Any]) -> Callable[[Population], Population]:
    """A mutation for whole populations from one, in DEAP's manner, that changes an individual in place."""

    def change(population: Population) -> Population:
        changed = population.take(np.arange(len(population)))
        for individual in changed:
            operator(individual)
        changed.columns["rewired"] = np.ones(len(changed), bool)
        return changed

    return change


def one_by_one(
    evaluate: Callable[[Individual], Sequence[float]], mapping: Callable[..., Any] = map
) -> Callable[[Population], None]:
    """An evaluation for whole populations from one of single individuals, in DEAP's manner.

    Args:
        evaluate: values of all objectives of an individual.
        mapping: in place of `map`, e.g. that of `cluster.pool.EvaluatorPool`.
    """

    def fill_in(population: Population) -> None:
        alone = [population.take([index])[0] for index in range(len(population))]
        population.values[:] = list(mapping(evaluate, alone))

    return fill_in


def best(population: Population) -> np.ndarray:
    """Indices of the individuals with the highest performance in the best front, ascending."""
    performance = population.values[:, 0]
    front = population.columns["rank"] == population.columns["rank"].min()
    return np.flatnonzero(front & (performance == performance[front].max()))
