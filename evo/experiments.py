"""The published experiments as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.errors import UserError
from cluster.experiments import Experiment
from cluster.parameters import check, parameter
from cluster.trials import Progress, Trial
from evo.maps import MAPS
from evo.objectives import OBJECTIVES, weights_of
from evo.problems import PROBLEMS
from evo.variation import Mutation


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a trial evolves; the defaults are those of Clune et al. 2013, retina."""

    problem: str = parameter("retina-and", "what networks must answer", choices=tuple(PROBLEMS))
    objectives: tuple[str, ...] = parameter(
        ("performance",), "what selection sees; treatments set it", choices=tuple(OBJECTIVES)
    )
    pressure: float = parameter(
        0.25, "probability that objectives other than performance and diversity count in a comparison", 0, 1
    )
    population: int = parameter(1000, "individuals", 2)
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
    crossover_rate: float = parameter(0.0, "probability that two offspring swap nodes; 0 as published", 0, 1)
    ties: str = parameter("parents-first", "who stands first among equals", choices=("parents-first", "random"))
    stop_when_perfect: bool = parameter(False, "end a trial at its first perfect network")
    log_every: int = parameter(100, "generations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(1000, "generations between checkpoints", 1)
    measured_networks: int = parameter(
        32, "most tied best networks whose modularity is measured for a row; the last row measures all", 1
    )

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

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Probability of each objective to count in a comparison."""
        always = ("performance", "diversity")
        return tuple(1.0 if name in always else self.pressure for name in self.objectives)

    def checked(self) -> Settings:
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


_PA: dict[str, Any] = {"objectives": ("performance",)}
_PCC: dict[str, Any] = {"objectives": ("performance", "connection-cost")}
# The bias mutation as the paper's text has it.
_STEP = {"bias_change": "step"}

#: Performance alone, performance and connection cost, and the controls of the paper that are a parameter.
TREATMENTS: dict[str, Mapping[str, Any]] = {
    "pa": _PA,
    "pcc": _PCC,
    **{f"pcc-p{percent:03d}": _PCC | {"pressure": percent / 100} for percent in (10, 25, 50, 75, 95, 100)},
    "pcc-count": {"objectives": ("performance", "connections")},
    "pcc-thresholded": {"objectives": ("performance", "thresholded-cost")},
    "pcc-longest": {"objectives": ("performance", "longest-connection")},
    "pa-random-ties": _PA | {"ties": "random"},
    "pcc-random-ties": _PCC | {"ties": "random"},
    "pa-step": _PA | _STEP,
    "pcc-step": _PCC | _STEP,
    **{
        f"{name}-add{percent:03d}": treatment | {"add_rate": percent / 100}
        for name, treatment in (("pa", _PA), ("pcc", _PCC))
        for percent in (2, 10, 15)
    },
    "pa-diversity": {"objectives": ("performance", "diversity")},
    "pcc-diversity": {"objectives": ("performance", "connection-cost", "diversity")},
    "modularity": {"objectives": ("performance", "modularity")},
    "modularity-p100": {"objectives": ("performance", "modularity"), "pressure": 1.0},
    "random": {"objectives": ("performance", "random")},
}

_SOURCE = "Clune, Mouret & Lipson 2013, Proc. R. Soc. B 280:20122863"
_SHOWN = ("performance", "modularity", "connection_cost", "connections")
_TRIALS = {"paper": 50, "laptop": 10, "smoke": 2}
_SCALES: dict[str, Mapping[str, Any]] = {
    "paper": {},
    "laptop": {"generations": 5000, "log_every": 50},
    "smoke": {"population": 100, "generations": 100, "log_every": 10, "checkpoint_every": 50},
}

#: The published experiments by name.
EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            "clune2013-retina",
            "Does selection for low connection cost make evolved networks modular?",
            _SOURCE,
            Settings(),
            TREATMENTS,
            ("pa", "pcc"),
            _TRIALS,
            _SCALES,
            _SHOWN,
        ),
        Experiment(
            "clune2013-5xor",
            "The same with five independent XOR problems side by side.",
            _SOURCE,
            Settings(problem="5-xor", insertions_max=99, bias_rate=1 / 15, bias_change="step"),
            TREATMENTS,
            ("pa", "pcc"),
            _TRIALS,
            _SCALES,
            _SHOWN,
        ),
        Experiment(
            "clune2013-hxor",
            "The same with two hierarchies of XOR problems.",
            _SOURCE,
            Settings(
                problem="hierarchical-xor",
                insertions_min=20,
                insertions_max=99,
                minimum_connections=20,
                bias_rate=1 / 15,
                bias_change="step",
            ),
            TREATMENTS,
            ("pa", "pcc"),
            _TRIALS,
            _SCALES,
            _SHOWN,
        ),
        *MAPS,
    )
}
