"""How fast a perfect network's clones take to another problem (Clune et al. 2013, evolvability)."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evo.engine import best, make_toolbox
from evo.environments import BASE, AdaptationSettings
from evo.population import Population
from evo.trial import Course, describe_network
from networks import Networks, to_graph, to_json


class Adaptation(Course):
    """A trial that evolves one problem to perfection and then, from clones of a perfect network, another.

    Of several perfect networks in the best front one is drawn from a stream of its own. Generations are counted
    on: where the first problem is solved in generation g, generation g + 1 is the clones' first. Both problems
    end after `generations` of their own.

    Attributes:
        changed: generation that solved the first problem; -1 while none did.
        adapted: generations until the clones' descendants solved the second; -1 while none did.
        base: the network that was cloned, alone in its batch; without networks before.
    """

    settings: AdaptationSettings

    def __init__(self, settings: AdaptationSettings, seed: int) -> None:
        super().__init__(settings, seed)
        self.first = self.toolbox
        self.second = make_toolbox(dataclasses.replace(settings, problem=settings.target))
        self.changed = -1
        self.adapted = -1
        self.base = Networks(
            self.first.problem.topology,
            np.zeros((0, self.first.problem.topology.connections), np.int8),
            np.zeros((0, self.first.problem.topology.nodes), np.int8),
        )

    def step(self, population: Population, generation: int) -> Population:
        """The population after a generation; that after the change descends from clones."""
        if self.changed == generation - 1:
            population = self._clones(population)
            self._turn()
            self.toolbox.evaluate(population)
            self._check(population, 0)
        return super().step(population, generation)

    def notice(self, population: Population, generation: int) -> None:
        """Keep in mind whether the current problem is solved."""
        if self.problem == self.settings.target:
            self._check(population, generation - self.changed)
        elif population.values[:, 0].max() == 1.0:
            self.changed = generation

    def ends(self, generation: int) -> bool:
        """Whether a generation is the trial's last: clones adapted, or one of the problems took too long."""
        if self.changed < 0:
            return generation == self.settings.generations
        return self.solved >= 0 or generation - self.changed == self.settings.generations

    def logs(self, generation: int) -> bool:
        """Whether a generation has a row: both problems begin to count anew, and the last of the first has one."""
        since = generation - max(self.changed, 0)
        return since % self.settings.log_every == 0

    def row(self, population: Population, generation: int, most: int | None) -> dict[str, Any]:
        """A row of metrics with the phase, and in the second the generations since it began."""
        row = super().row(population, generation, most)
        if self.problem == self.settings.target:
            return row | {"phase": "adaptation", "adapting": generation - self.changed}
        return row | {"phase": "base", "adapting": None}

    def memory(self) -> dict[str, NDArray]:
        """What it keeps in mind, for the checkpoint."""
        own = {
            "changed": np.array(self.changed),
            "adapted": np.array(self.adapted),
            "base_weights": self.base.weights,
            "base_biases": self.base.biases,
        }
        return super().memory() | own

    def recall(self, arrays: Mapping[str, NDArray], generation: int) -> None:
        """Go on from the memory of a generation."""
        super().recall(arrays, generation)
        self.changed, self.adapted = int(arrays["changed"]), int(arrays["adapted"])
        self.base = Networks(self.base.topology, arrays["base_weights"], arrays["base_biases"])
        if 0 <= self.changed < generation:
            self._turn()

    def outcome(self, generation: int, network: Mapping[str, Any]) -> dict[str, Any]:
        """How long both problems took; None stands for never, and for what therefore did not begin.

        `adaptation_observed` is how many generations the clones' descendants were given or took: a trial that did
        not adapt is censored there.
        """
        found: dict[str, Any] = {
            "base_problem": self.settings.problem,
            "target_problem": self.settings.target,
            "base_generation": None if self.changed < 0 else self.changed,
            "adaptation_generations": None if self.adapted < 0 else self.adapted,
            "adaptation_observed": None,
            **{f"base_{name}": None for name in (*BASE, "network")},
        }
        if self.changed >= 0:
            graph = to_graph(self.base, 0)
            described = describe_network(graph, self.base, self.first.problem)
            found["adaptation_observed"] = self.adapted if self.adapted >= 0 else generation - self.changed
            found |= {f"base_{name}": described[name] for name in BASE} | {"base_network": to_json(graph)}
        return found

    def _turn(self) -> None:
        self.problem, self.toolbox = self.settings.target, self.second

    def _clones(self, population: Population) -> Population:
        """As many copies of one of the best as there are individuals, not evaluated and all in one front."""
        tied = best(population)
        drawn = tied[int(np.random.default_rng((self.seed, zlib.crc32(b"clone"))).integers(len(tied)))]
        clones = population.take(np.full(len(population), drawn))
        clones.values[:] = np.nan
        clones.columns["rank"][:] = 0
        clones.columns["crowding"][:] = 0.0
        self.base = clones.networks.take([0])
        return clones

    def _check(self, population: Population, passed: int) -> None:
        if self.adapted < 0 and population.values[:, 0].max() == 1.0:
            self.adapted = passed
            self.solved = self.changed + passed
