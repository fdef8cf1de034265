"""Goals that alternate every so many generations (Clune et al. 2013, after Kashtan and Alon 2005)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evo.engine import best, make_toolbox
from evo.environments import GoalSettings
from evo.population import Population
from evo.problems import Problem
from evo.trial import Course
from networks import Networks, from_graph, from_json

#: Most generations after a switch whose performance is averaged over all switches.
POINTS = 100


def moments(period: int) -> NDArray[np.int64]:
    """Generations after a switch at which performance is kept: all, or POINTS that lie ever farther apart."""
    if period <= POINTS:
        return np.arange(period + 1)
    return np.unique(np.concatenate([[0], np.geomspace(1, period, POINTS).round()]).astype(np.int64))


class AlternatingGoals(Course):
    """A trial whose goal changes every `period` generations.

    Generations 1 to `period` have the first goal. At a switch all individuals are scored anew by the goal that
    begins before the next parents are chosen, so that parents and offspring compete by the same goal.

    Attributes:
        times: for each switch, generations until a network answers the new goal perfectly; 0 if some parent did so
            at once, -1 as long as none does.
        sums: best performance at each of `moments` after a switch, summed over switches.
        counts: number of switches in each sum.
    """

    settings: GoalSettings

    def __init__(self, settings: GoalSettings, seed: int) -> None:
        super().__init__(settings, seed)
        self.toolboxes = {
            name: make_toolbox(dataclasses.replace(settings, problem=name)) for name in settings.goals
        }
        self.toolbox = self.toolboxes[settings.problem]
        self.moments = moments(settings.period)
        self.times: list[int] = []
        self.sums = np.zeros(len(self.moments))
        self.counts = np.zeros(len(self.moments), np.int64)

    def step(self, population: Population, generation: int) -> Population:
        """The population after a generation; at a switch after scoring the parents by the goal that begins."""
        if self.settings.switches(generation):
            self._pursue(generation)
            population = population.take(np.arange(len(population)))
            self.toolbox.evaluate(population)
            self.times.append(-1)
            self._follow(population, 0)
        return super().step(population, generation)

    def notice(self, population: Population, generation: int) -> None:
        """Keep in mind how well the current goal is met."""
        super().notice(population, generation)
        if self.times:
            self._follow(population, (generation - 1) % self.settings.period + 1)

    def row(self, population: Population, generation: int, most: int | None) -> dict[str, Any]:
        """A row of metrics with the goal, and what the best networks are worth for the others."""
        row = super().row(population, generation, most)
        tied = best(population)
        count = len(tied) if most is None else min(most, len(tied))
        networks = population.networks.take(tied[np.arange(count) * len(tied) // count])
        others = [performance(networks, self.toolboxes[name].problem).mean() for name in self._others]
        return row | {"goal": self.problem, "performance_other": float(np.mean(others))}

    def memory(self) -> dict[str, NDArray]:
        """What it keeps in mind, for the checkpoint."""
        own = {"times": np.array(self.times, np.int64), "sums": self.sums, "counts": self.counts}
        return super().memory() | own

    def recall(self, arrays: Mapping[str, NDArray], generation: int) -> None:
        """Go on from the memory of a generation."""
        super().recall(arrays, generation)
        if arrays["sums"].shape != self.sums.shape:
            raise ValueError(f"sums of {arrays['sums'].shape}")
        self.times = arrays["times"].tolist()
        self.sums, self.counts = arrays["sums"].copy(), arrays["counts"].copy()
        self._pursue(generation)

    def outcome(self, generation: int, network: Mapping[str, Any]) -> dict[str, Any]:
        """The best network's worth for every goal, and how fast goals were met after switches."""
        networks = from_graph(from_json(dict(network)), self.toolbox.problem.topology)
        worth = {name: float(performance(networks, box.problem)[0]) for name, box in self.toolboxes.items()}
        # A goal that was given up before its time says nothing if it was not met until then.
        given_up = generation % self.settings.period != 0 and self.times[-1:] == [-1]
        complete = self.times[:-1] if given_up else self.times
        followed = self.counts > 0
        return {
            "performances": worth,
            "performance_other": float(np.mean([worth[name] for name in self._others])),
            "period": None if self.settings.fixed else self.settings.period,
            "switches": len(self.times),
            "switches_met": sum(time >= 0 for time in self.times),
            "adaptation": median_time(complete),
            "adaptation_observed": self.settings.period if complete else None,
            "adaptation_times": [None if time < 0 else time for time in self.times],
            "after_switch": {
                "generations": self.moments[followed].tolist(),
                "performance": (self.sums[followed] / self.counts[followed]).tolist(),
            },
        }

    @property
    def _others(self) -> list[str]:
        return [name for name in self.toolboxes if name != self.problem]

    def _pursue(self, generation: int) -> None:
        self.problem = self.settings.goal(generation)
        self.toolbox = self.toolboxes[self.problem]

    def _follow(self, population: Population, passed: int) -> None:
        """Note the best performance some generations after the last switch."""
        highest = float(population.values[:, 0].max())
        if self.times[-1] < 0 and highest == 1.0:
            self.times[-1] = passed
        place = int(np.searchsorted(self.moments, passed))
        if self.moments[place] == passed:
            self.sums[place] += highest
            self.counts[place] += 1


def performance(networks: Networks, problem: Problem) -> NDArray[np.float64]:
    """Share of right answers of each network, (networks,)."""
    return problem.performance(problem.outputs(networks))


def median_time(times: list[int]) -> float | None:
    """Median of the times after switches, one that never came (-1) being longer than all others.

    None if half or more never came, or there was no switch.
    """
    middle = float(np.median([np.inf if time < 0 else time for time in times])) if times else np.inf
    return middle if np.isfinite(middle) else None
