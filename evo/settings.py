"""Everything that decides how a trial evolves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cluster.errors import UserError
from cluster.parameters import check, parameter
from cluster.trials import Progress, Trial
from evo.objectives import OBJECTIVES, weights_of
from evo.problems import PROBLEMS
from evo.variation import Mutation


@dataclass(frozen=True)
class NetworkSettings:
    """What networks must answer, how they begin and change, and how long and how often a trial tells of it.

    The defaults are those of Clune et al. 2013, retina.
    """

    problem: str = parameter("retina-and", "what networks must answer", choices=tuple(PROBLEMS))
    generations: int = parameter(25_000, "generations of a trial", 1)
    insertions_min: int = parameter(0, "fewest connections inserted into a first network", 0)
    insertions_max: int = parameter(119, "most connections inserted into a first network", 0)
    weight_changes: float = parameter(2.0, "expected number of weights that move in a mutation", 0, 1000)
    bias_rate: float = parameter(1 / 24, "probability of a bias mutation, for each node", 0, 1)
    bias_change: str = parameter(
        "redraw",
        "redraw a mutated bias (the program of the paper) or move it a step (its text)",
        choices=("redraw", "step"),
    )
    add_rate: float = parameter(0.2, "probability of one new connection", 0, 1)
    remove_rate: float = parameter(0.2, "probability of one connection less", 0, 1)
    minimum_connections: int = parameter(0, "networks with no more connections than this lose none", 0)
    log_every: int = parameter(100, "generations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(1000, "generations between checkpoints", 1)

    @property
    def mutation(self) -> Mutation:
        """Rates of mutation."""
        return Mutation(
            self.weight_changes,
            self.bias_rate,
            self.bias_change,  # type: ignore[arg-type]
            self.add_rate,
            self.remove_rate,
            self.minimum_connections,
        )

    def checked(self) -> Self:
        """Itself, if all its values are allowed and fit together.

        Raises:
            UserError: a value that is not allowed.
        """
        check(self)
        if self.insertions_min > self.insertions_max:
            raise UserError(
                f"--insertions-min {self.insertions_min}: allowed is at most "
                f"--insertions-max {self.insertions_max}"
            )
        return self


@dataclass(frozen=True)
class Settings(NetworkSettings):
    """Everything that decides how a trial evolves; the defaults are those of Clune et al. 2013, retina."""

    objectives: tuple[str, ...] = parameter(
        ("performance",), "what selection sees; treatments set it", choices=tuple(OBJECTIVES)
    )
    pressure: float = parameter(
        0.25, "probability that objectives other than performance and diversity count in a comparison", 0, 1
    )
    pressure_step: float = parameter(0.0, "how much lower the pressure is after each period", 0, 1)
    pressure_every: int = parameter(5000, "generations in a period of pressure", 1)
    pressure_floor: float = parameter(0.0, "lowest pressure that the steps lead to", 0, 1)
    population: int = parameter(1000, "individuals", 2)
    crossover_rate: float = parameter(0.0, "probability that two offspring swap nodes; 0 as published", 0, 1)
    ties: str = parameter("parents-first", "who stands first among equals", choices=("parents-first", "random"))
    stop_when_perfect: bool = parameter(False, "end a trial at its first perfect network")
    lineage: bool = parameter(False, "keep the ancestors of the best network, for `evo show` to draw")
    measured_networks: int = parameter(
        32,
        "most tied best networks of which a row measures modularity and hierarchy; the last row measures all",
        1,
    )

    def pressure_at(self, generation: int) -> float:
        """The pressure in a generation, which steps down at the end of every period."""
        lowest = min(self.pressure, self.pressure_floor)
        # Rounded, so that 0.9 less seven tenths is 0.2 and not the float above it.
        return max(round(self.pressure - self.pressure_step * (generation // self.pressure_every), 12), lowest)

    def probabilities(self, generation: int) -> tuple[float, ...]:
        """Probability of each objective to count in a comparison."""
        always = ("performance", "diversity")
        pressure = self.pressure_at(generation)
        return tuple(1.0 if name in always else pressure for name in self.objectives)

    def checked(self) -> Self:
        """Itself, if all its values are allowed and fit together.

        Raises:
            UserError: a value that is not allowed.
        """
        super().checked()
        if len(set(self.objectives)) < len(self.objectives):
            raise UserError(f"--objectives {' '.join(self.objectives)}: allowed is each of them once")
        try:
            weights_of(self.objectives)
        except ValueError as error:
            raise UserError(f"--{error}") from None
        return self

    def prepare(self) -> None:
        """Compile the kernels of a trial, in this process and on disk."""
        from evo.trial import prepare

        prepare(self)

    def run(self, trial: Trial, progress: Progress, path: Path, seed: int) -> None:
        """Run or continue one trial in its run folder."""
        from evo.trial import run_trial

        run_trial(trial, progress, path, self, seed)
