"""The published maps of what networks can do, as data: performance over modularity, hierarchy and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cluster.errors import UserError
from cluster.experiments import Experiment
from cluster.parameters import parameter
from cluster.trials import Progress, Trial
from evo.axes import AXES
from evo.settings import NetworkSettings

if TYPE_CHECKING:
    from evo.illumination import Search


@dataclass(frozen=True)
class MapSettings(NetworkSettings):
    """What both ways of filling a map share."""

    axes: tuple[str, ...] = parameter(
        ("modularity", "hierarchy"), "what the map spans; figures show the first two", choices=tuple(AXES)
    )
    cells: int = parameter(256, "cells along each axis", 2, 4096)
    cost_end: float = parameter(AXES["connection-cost"].end, "connection cost at the far end of its axis", 1)

    @property
    def ends(self) -> tuple[float, ...]:
        """Value at the far end of each axis."""
        return tuple(self.cost_end if axis == "connection-cost" else AXES[axis].end for axis in self.axes)

    def checked(self) -> Self:
        """Itself, if all its values are allowed and fit together.

        Raises:
            UserError: a value that is not allowed.
        """
        super().checked()
        if len(set(self.axes)) < len(self.axes) or not 2 <= len(self.axes) <= 3:
            raise UserError(f"--axes {' '.join(self.axes)}: allowed are two or three, each once")
        if len(self.axes) == 3 and self.cells > 512:
            raise UserError(f"--cells {self.cells}: allowed with three axes is at most 512")
        return self

    def search(self, seed: int) -> Search:
        """What fills the map."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Compile the kernels of a trial, in this process and on disk."""
        from evo.map_trial import prepare

        prepare(self)

    def run(self, trial: Trial, progress: Progress, path: Path, seed: int) -> None:
        """Run or continue one trial in its run folder."""
        from evo.map_trial import run_trial

        run_trial(trial, progress, path, self, seed)


@dataclass(frozen=True)
class MapElitesSettings(MapSettings):
    """MAP-Elites: parents come from all over the map."""

    starters: int = parameter(1000, "random networks that the map begins with", 1)
    pairs: int = parameter(2000, "pairs of parents in a generation, drawn uniformly from the filled cells", 1)
    ancestors: bool = parameter(
        True, "keep networks whose cells better ones have taken, so that lineages can be drawn"
    )

    def search(self, seed: int) -> Search:
        """What fills the map."""
        from evo.illumination import MapElites

        return MapElites(self, seed)


@dataclass(frozen=True)
class LandscapeSettings(MapSettings):
    """Landscape exploration: a population selected for performance and for being far from what has been found."""

    axes: tuple[str, ...] = parameter(
        ("modularity", "connection-cost"),
        "what the map spans; treatments set it",
        choices=tuple(AXES),
    )
    cells: int = parameter(200, "cells along each axis", 2, 4096)
    population: int = parameter(1000, "individuals", 2)
    neighbours: int = parameter(8, "places found before whose mean distance is the second objective", 1, 1000)
    ties: str = parameter("parents-first", "who stands first among equals", choices=("parents-first", "random"))

    def search(self, seed: int) -> Search:
        """What fills the map."""
        from evo.illumination import Landscape

        return Landscape(self, seed)


_SHOWN = ("filled", "performance", "performance_mean", "perfect_cells")
_TRIALS = {"paper": 10, "laptop": 2, "smoke": 2}
_SMOKE = {"generations": 60, "log_every": 10, "checkpoint_every": 30}
_MAP_SCALES: dict[str, Mapping[str, Any]] = {
    "paper": {},
    "laptop": {"generations": 1001},  # a variant in the authors' program
    "smoke": _SMOKE | {"starters": 100, "pairs": 50, "cells": 64},
}
_LANDSCAPE_SCALES: dict[str, Mapping[str, Any]] = {
    "paper": {},
    "laptop": {"generations": 2000},
    "smoke": _SMOKE | {"population": 100, "cells": 50},
}
_SIDES: dict[str, Mapping[str, Any]] = {
    "cost": {"axes": ("modularity", "connection-cost")},
    "connections": {"axes": ("modularity", "connections")},
    "nodes": {"axes": ("modularity", "nodes")},
}


def _landscape(name: str, question: str, settings: LandscapeSettings) -> Experiment:
    source = "Clune, Mouret & Lipson 2013, Proc. R. Soc. B 280:20122863"
    return Experiment(name, question, source, settings, _SIDES, ("cost",), _TRIALS, _LANDSCAPE_SCALES, _SHOWN)


#: The published maps.
MAPS = (
    _landscape(
        "clune2013-landscape",
        "How well can a network of each modularity and cost see?",
        LandscapeSettings(generations=10_001),
    ),
    _landscape(
        "clune2013-landscape-5xor",
        "The same with five independent XOR problems side by side.",
        LandscapeSettings(
            problem="5-xor", generations=100_001, insertions_max=99, bias_rate=1 / 15, bias_change="step"
        ),
    ),
    _landscape(
        "clune2013-landscape-hxor",
        "The same with two hierarchies of XOR problems.",
        LandscapeSettings(
            problem="hierarchical-xor",
            generations=100_001,
            insertions_min=20,
            insertions_max=99,
            minimum_connections=20,
            bias_rate=1 / 15,
            bias_change="step",
        ),
    ),
    Experiment(
        "mengistu2016-map",
        "How well can a network of each modularity and hierarchy solve a hierarchical problem?",
        "Mengistu, Huizinga, Mouret & Clune 2016, PLoS Comput Biol 12:e1004829",
        MapElitesSettings(
            problem="and-xor-and",
            generations=25_001,
            insertions_min=20,
            insertions_max=99,
            minimum_connections=20,
            bias_rate=1 / 15,
            bias_change="step",
        ),
        {
            "map": {},
            # In the authors' program: 256 cells, one for each unit of cost.
            # So many cells change hands so often that their former networks are not kept.
            "map-cost": {
                "axes": ("modularity", "hierarchy", "connection-cost"),
                "cost_end": 256.0,
                "ancestors": False,
            },
        },
        ("map",),
        _TRIALS,
        _MAP_SCALES,
        _SHOWN,
    ),
)
