"""Experiments whose task changes on the way, as data: goals that alternate, and a second task after the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cluster.errors import UserError
from cluster.experiments import Experiment
from cluster.parameters import parameter
from cluster.trials import Progress, Trial
from evo.problems import PROBLEMS
from evo.settings import Settings

#: What a result tells of the network that was cloned, each as `base_...`.
BASE = ("modularity", "connection_cost", "connections", "hierarchy")


def check_alike(flag: str, names: Sequence[str], first: str) -> None:
    """Refuse problems that the networks of another cannot take up.

    Args:
        flag: that names them.
        names: of the problems.
        first: name of the one whose networks take them up.

    Raises:
        UserError: one has other layers, coordinates or patterns.
    """
    own = PROBLEMS[first]()
    for name in names:
        other = PROBLEMS[name]()
        if other.topology != own.topology or other.patterns.tolist() != own.patterns.tolist():
            layers = "-".join(map(str, own.topology.layers))
            raise UserError(
                f"--{flag} {name}: allowed are problems with the patterns and layers of {first} ({layers}), "
                f"not {'-'.join(map(str, other.topology.layers))}"
            )


@dataclass(frozen=True)
class GoalSettings(Settings):
    """Goals that alternate; the defaults are the modularly varying goals of Clune et al. 2013."""

    problem: str = parameter("retina-and", "the first goal", choices=tuple(PROBLEMS))
    further_goals: tuple[str, ...] = parameter(
        ("retina-or",),
        "goals that follow it in turn; after the last the first comes again",
        choices=tuple(PROBLEMS),
    )
    period: int = parameter(20, "generations from one goal to the next", 1)
    fixed: bool = parameter(False, "keep the first goal throughout; the others are only measured")

    @property
    def goals(self) -> tuple[str, ...]:
        """All goals, in their order."""
        return (self.problem, *self.further_goals)

    def goal(self, generation: int) -> str:
        """The goal of a generation, from 0; the first switch is at generation period + 1."""
        turn = 0 if self.fixed else max(generation - 1, 0) // self.period
        return self.goals[turn % len(self.goals)]

    def switches(self, generation: int) -> bool:
        """Whether a generation is the first of a new goal."""
        return not self.fixed and generation > 1 and (generation - 1) % self.period == 0

    def checked(self) -> Self:
        """Itself, if all its values are allowed and fit together.

        Raises:
            UserError: a value that is not allowed, such as goals for different networks.
        """
        super().checked()
        if not self.further_goals:
            raise UserError("--further-goals: allowed are one or more")
        if len(set(self.goals)) < len(self.goals):
            further = " ".join(self.further_goals)
            raise UserError(f"--further-goals {further}: allowed is each of them once, and not {self.problem}")
        check_alike("further-goals", self.further_goals, self.problem)
        return self

    def run(self, trial: Trial, progress: Progress, path: Path, seed: int) -> None:
        """Run or continue one trial in its run folder."""
        from evo.goals import AlternatingGoals
        from evo.trial import run_trial

        run_trial(trial, progress, path, self, seed, AlternatingGoals)


@dataclass(frozen=True)
class AdaptationSettings(Settings):
    """A first problem, then another for clones of the first perfect network (Clune et al. 2013, evolvability)."""

    problem: str = parameter("retina-and", "what networks must answer first", choices=tuple(PROBLEMS))
    target: str = parameter(
        "retina-or", "what clones of the first perfect network must answer then", choices=tuple(PROBLEMS)
    )
    generations: int = parameter(25_001, "most generations on each of the two problems", 1)
    log_every: int = parameter(20, "generations between rows of metrics.csv, on either problem", 1)

    def checked(self) -> Self:
        """Itself, if all its values are allowed and fit together.

        Raises:
            UserError: a value that is not allowed, such as problems for different networks.
        """
        super().checked()
        if self.target == self.problem:
            raise UserError(f"--target {self.target}: allowed is another than --problem")
        check_alike("target", (self.target,), self.problem)
        return self

    def run(self, trial: Trial, progress: Progress, path: Path, seed: int) -> None:
        """Run or continue one trial in its run folder."""
        from evo.adaptation import Adaptation
        from evo.trial import run_trial

        run_trial(trial, progress, path, self, seed, Adaptation)


_PA: dict[str, Any] = {"objectives": ("performance",)}
_PCC: dict[str, Any] = {"objectives": ("performance", "connection-cost")}
_SELECTIONS = {"pa": _PA, "pcc": _PCC, "pcc-p100": _PCC | {"pressure": 1.0}}

#: Periods of the published program. Its build named 200 runs 100 by mistake; here 200 is 200.
PERIODS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)

#: A fixed goal, each published period, and, as `-changing`, whatever --period says.
GOAL_TREATMENTS: dict[str, Mapping[str, Any]] = {
    **{name: selection | {"fixed": True} for name, selection in _SELECTIONS.items()},
    **{
        f"{name}-or": selection | {"fixed": True, "problem": "retina-or", "further_goals": ("retina-and",)}
        for name, selection in _SELECTIONS.items()
    },
    **{
        f"{name}-e{period}": selection | {"period": period}
        for period in PERIODS
        for name, selection in _SELECTIONS.items()
    },
    **{f"{name}-changing": selection for name, selection in _SELECTIONS.items()},
}

_DIRECTIONS = {
    "and-or": {"problem": "retina-and", "target": "retina-or"},
    "or-and": {"problem": "retina-or", "target": "retina-and"},
}

#: Both directions with and without connection cost.
ADAPTATION_TREATMENTS: dict[str, Mapping[str, Any]] = {
    f"{name}-{direction}": selection | problems
    for direction, problems in _DIRECTIONS.items()
    for name, selection in _SELECTIONS.items()
}

_DIVERSE: dict[str, dict[str, Any]] = {
    "pa": {"objectives": ("performance", "diversity")},
    "pcc": {"objectives": ("performance", "connection-cost", "diversity"), "pressure": 1.0},
    "pcc-p025": {"objectives": ("performance", "connection-cost", "diversity"), "pressure": 0.25},
    "pcc-nonmod": {
        "objectives": ("performance", "low-modularity", "connection-cost", "diversity"),
        "pressure": 1.0,
    },
}

#: Targets of the published program. Which of them its figures show is not known.
TARGETS = ("and-equals-and", "or-xor-and", "or-xor-equals", "combination")

#: Every target with each selection of Mengistu et al.
LOGIC_TREATMENTS: dict[str, Mapping[str, Any]] = {
    f"{name}-{target}": selection | {"target": target}
    for target in TARGETS
    for name, selection in _DIVERSE.items()
}

_CLUNE = "Clune, Mouret & Lipson 2013, Proc. R. Soc. B 280:20122863"
_TRIALS = {"paper": 50, "laptop": 10, "smoke": 2}
_SMOKE: dict[str, Any] = {"population": 100, "generations": 100, "log_every": 10, "checkpoint_every": 50}

#: Experiments whose task changes on the way.
ENVIRONMENTS = (
    Experiment(
        "clune2013-changing-goals",
        "Do goals that alternate make evolved networks modular, and does connection cost still matter then?",
        _CLUNE,
        GoalSettings(),
        GOAL_TREATMENTS,
        ("pa", "pcc", "pa-e20", "pcc-e20", "pa-e100", "pcc-e100"),
        _TRIALS,
        {"paper": {}, "laptop": {"generations": 5000, "log_every": 50}, "smoke": _SMOKE},
        ("goal", "performance", "performance_other", "modularity", "connection_cost"),
    ),
    Experiment(
        "clune2013-evolvability",
        "Do networks that evolved under connection cost adapt faster to another environment?",
        _CLUNE,
        AdaptationSettings(),
        ADAPTATION_TREATMENTS,
        ("pa-and-or", "pcc-and-or", "pa-or-and", "pcc-or-and"),
        _TRIALS,
        {"paper": {}, "laptop": {"generations": 5001}, "smoke": _SMOKE},
        ("phase", "performance", "modularity", "connection_cost"),
    ),
    Experiment(
        "mengistu2016-evolvability",
        "Do hierarchical networks that evolved under connection cost adapt faster to another problem?",
        "Mengistu, Huizinga, Mouret & Clune 2016, PLoS Comput Biol 12:e1004829",
        AdaptationSettings(
            problem="and-xor-and",
            target="and-equals-and",
            insertions_min=20,
            insertions_max=99,
            minimum_connections=20,
            bias_rate=1 / 15,
            bias_change="step",
        ),
        LOGIC_TREATMENTS,
        tuple(f"{name}-{target}" for target in TARGETS[:2] for name in ("pa", "pcc", "pcc-nonmod")),
        _TRIALS | {"paper": 30},
        {"paper": {}, "laptop": {"generations": 5001}, "smoke": _SMOKE},
        ("phase", "performance", "hierarchy", "modularity"),
    ),
)
