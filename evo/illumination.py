"""Two ways of filling a map with the best network of each kind.

MAP-Elites (Mouret and Clune 2015; Mengistu et al. 2016) draws parents from all filled cells alike. Landscape
exploration (Clune et al. 2013) evolves a population by NSGA-II for performance and for distance to what has been
found. Both are searches of the same shape: `begin`, then `advance` from generation to generation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from deap import base
from numpy.typing import NDArray

from evo import engine, selection, variation
from evo.archive import Archive
from evo.axes import Places
from evo.maps import LandscapeSettings, MapElitesSettings, MapSettings
from evo.novelty import FoundPlaces
from evo.population import Population, as_population
from evo.problems import PROBLEMS, Problem
from networks import Networks


class Search(Protocol):
    """What fills a map; every step is a function of (seed, generation) and of what was before.

    Attributes:
        archive: the map.
    """

    archive: Archive

    def begin(self) -> None:
        """Generation 0: random networks."""

    def advance(self, generation: int) -> None:
        """From the generation before to this one."""

    def arrays(self) -> dict[str, NDArray]:
        """All that `advance` needs, for a checkpoint."""

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Go back to a checkpoint.

        Raises:
            ValueError: it is not one of this search.
        """


def make_toolbox(settings: MapSettings, problem: Problem, weights: tuple[float, ...]) -> base.Toolbox:
    """Operators of both searches; each can be replaced by one `toolbox.register`.

    Args:
        settings: what the operators do.
        problem: what networks must answer.
        weights: DEAP's fitness weights of the objectives.
    """
    toolbox = base.Toolbox()
    toolbox.rng = np.random.default_rng(0)
    toolbox.problem = problem
    toolbox.register("population", first_population, settings=settings, problem=problem, weights=weights)
    known = Places(problem.topology, settings.axes, settings.ends)
    toolbox.register("evaluate", evaluate, problem=problem, places=known)
    toolbox.register("mutate", engine.mutate, mutation=settings.mutation, rng=toolbox.rng)
    return toolbox


def first_population(
    count: int, rng: np.random.Generator, settings: MapSettings, problem: Problem, weights: tuple[float, ...]
) -> Population:
    """Random networks, not yet evaluated."""
    insertions = (settings.insertions_min, settings.insertions_max)
    networks = variation.random_networks(problem.topology, count, insertions, rng)
    columns = {"rewired": np.ones(count, bool), "place": np.zeros((count, len(settings.axes)))}
    return Population(networks, weights, columns=columns)


def evaluate(population: Population, problem: Problem, places: Places) -> None:
    """Fill in performance, and column "place" of those that column "rewired" marks, in place."""
    population.values[:, 0] = problem.performance(problem.outputs(population.networks))
    rewired = population.columns["rewired"]
    if rewired.any():
        population.columns["place"][rewired] = places(population.networks.take(rewired))


class MapElites:
    """MAP-Elites with uniform choice of parents.

    Attributes:
        archive: the map.
        toolbox: `population`, `mutate` and `evaluate`.
    """

    def __init__(self, settings: MapElitesSettings, seed: int, problem: Problem | None = None) -> None:
        """An empty map.

        Args:
            settings: of the search.
            seed: of the trial.
            problem: instead of the one that the settings name.
        """
        problem = problem or PROBLEMS[settings.problem]()
        self.settings, self.seed = settings, seed
        self.toolbox = make_toolbox(settings, problem, (1.0,))
        self.archive = Archive(problem.topology, [settings.cells] * len(settings.axes), settings.ancestors)

    def begin(self) -> None:
        """Generation 0: random networks."""
        engine.restart_random(self.toolbox, self.seed, 0)
        starters = self.toolbox.population(self.settings.starters, self.toolbox.rng)
        self.toolbox.evaluate(starters)
        self._add(starters, 0, None)

    def advance(self, generation: int) -> None:
        """Mutated clones of uniformly drawn elites; without crossover a pair of parents is two of them."""
        engine.restart_random(self.toolbox, self.seed, generation)
        drawn = self.toolbox.rng.integers(len(self.archive), size=2 * self.settings.pairs)
        elites = self.archive.elites
        columns = {"rewired": np.zeros(len(drawn), bool), "place": elites["place"][drawn]}
        values = elites["performance"][drawn, None]
        parents = Population(self.archive.networks.take(drawn), (1.0,), values, columns)
        offspring = as_population(self.toolbox.mutate(parents))
        self.toolbox.evaluate(offspring)
        self._add(offspring, generation, elites["entry"][drawn])

    def arrays(self) -> dict[str, NDArray]:
        """All that `advance` needs, for a checkpoint."""
        return self.archive.arrays()

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Go back to a checkpoint; raises ValueError if it is not one of this search."""
        self.archive = _restored(self.archive, arrays)

    def _add(self, population: Population, generation: int, parents: NDArray[np.int32] | None) -> None:
        performance, place = population.values[:, 0], population.columns["place"]
        self.archive.add(population.networks, performance, place, generation, parents)


class Landscape:
    """NSGA-II for performance and mean distance to the nearest places that were ever taken into the archive.

    Attributes:
        archive: the map.
        population: the individuals, ranked.
        toolbox: the operators of `evo.engine.generations`.
    """

    def __init__(self, settings: LandscapeSettings, seed: int, problem: Problem | None = None) -> None:
        """An empty map.

        Args:
            settings: of the search.
            seed: of the trial.
            problem: instead of the one that the settings name.
        """
        problem = problem or PROBLEMS[settings.problem]()
        self.settings, self.seed = settings, seed
        self.toolbox = make_toolbox(settings, problem, (1.0, 1.0))
        rng = self.toolbox.rng
        self.toolbox.probabilities = always = np.ones(2)
        self.toolbox.probabilities_at = lambda _: (1.0, 1.0)
        self.toolbox.register("select_parents", selection.select_parents, probabilities=always, rng=rng)
        self.toolbox.register("mate", engine.mate, rate=0.0, rng=rng)
        self.toolbox.register("select", selection.select, probabilities=always, rng=rng, ties=settings.ties)
        self.toolbox.register("compare", self._compare)
        self.archive = Archive(problem.topology, [settings.cells] * len(settings.axes))
        self.population: Population
        self._found = FoundPlaces(len(settings.axes))
        self._generation = 0

    def begin(self) -> None:
        """Generation 0: random networks."""
        engine.restart_random(self.toolbox, self.seed, 0)
        population = self.toolbox.population(self.settings.population, self.toolbox.rng)
        self.toolbox.evaluate(population)
        self._generation = 0
        self.toolbox.compare(population)
        self.population = as_population(self.toolbox.select(population, len(population)))

    def advance(self, generation: int) -> None:
        """One generation of NSGA-II."""
        self._generation = generation
        self.population = next(engine.generations(self.toolbox, self.population, self.seed, generation))

    def arrays(self) -> dict[str, NDArray]:
        """All that `advance` needs, for a checkpoint."""
        own = {f"population_{name}": array for name, array in _parts(self.population).items()}
        return self.archive.arrays() | own

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Go back to a checkpoint; raises ValueError if it is not one of this search."""
        prefix = "population_"
        own = {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}
        self.archive = _restored(self.archive, {n: a for n, a in arrays.items() if not n.startswith(prefix)})
        for name, like in _parts(self.toolbox.population(0, self.toolbox.rng)).items():
            array, wanted = own.get(name), (self.settings.population, *like.shape[1:])
            if array is None:
                raise ValueError(f"{prefix}{name}: missing")
            if array.shape != wanted or array.dtype != like.dtype:
                found = f"{array.dtype} {array.shape}"
                raise ValueError(f"{prefix}{name}: {found}: allowed is {like.dtype} {wanted}")
        networks = Networks(self.archive.topology, own.pop("weights"), own.pop("biases"))
        self.population = Population(networks, (1.0, 1.0), own.pop("values"), own)
        self._found = FoundPlaces(len(self.settings.axes))
        self._found.add(self.archive.history["place"])

    def _compare(self, population: Population) -> None:
        """Fill in the distances to what was found before, then take in what is new."""
        place = population.columns["place"]
        population.values[:, 1] = self._found.mean_distances(place, self.settings.neighbours)
        performance = population.values[:, 0]
        taken = self.archive.add(population.networks, performance, place, self._generation)
        self._found.add(place[taken])


def _restored(archive: Archive, arrays: Mapping[str, NDArray]) -> Archive:
    restored = Archive.from_arrays(archive.topology, arrays)
    if restored.shape != archive.shape:
        raise ValueError(f"shape: {restored.shape}: allowed is {archive.shape}")
    if list(restored.arrays()) != list(archive.arrays()):
        raise ValueError("history: allowed are archives that keep the networks of ancestors as these settings do")
    return restored


def _parts(population: Population) -> dict[str, NDArray]:
    networks = population.networks
    own = {"weights": networks.weights, "biases": networks.biases, "values": population.values}
    return own | population.columns
