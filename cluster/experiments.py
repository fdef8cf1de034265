"""Experiments as data: settings, what treatments and scales change, and the run that a person asks for."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cluster.describe import commit, versions
from cluster.errors import UserError
from cluster.parameters import option, with_values
from cluster.trials import Progress, Trial


@dataclass(frozen=True)
class Experiment:
    """A published experiment.

    Attributes:
        name: as the command line calls it.
        question: what it asks.
        source: the paper.
        settings: the published values: a frozen dataclass of `cluster.parameters.parameter` fields that decides
            all of a result, and whose `checked()` refuses with a UserError what does not fit together.
        treatments: what each treatment changes.
        default: treatments that run when none are named.
        trials: trials of a treatment at each scale.
        scales: what each scale changes.
        shown: columns of metrics.csv that a person watches while trials run.
        defaults: treatments that run instead at some scales.
    """

    name: str
    question: str
    source: str
    settings: Any
    treatments: Mapping[str, Mapping[str, Any]]
    default: tuple[str, ...]
    trials: Mapping[str, int]
    scales: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    defaults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def treated(self, settings: Any, treatment: str) -> Any:
        """Settings of one treatment.

        Raises:
            UserError: no such treatment, or its values do not fit with the others.
        """
        if treatment not in self.treatments:
            raise UserError(
                f"--treatments {treatment}: {self.name} has no such treatment: "
                f"allowed are {', '.join(self.treatments)}"
            )
        return with_values(settings, self.treatments[treatment]).checked()

    def scaled(self, scale: str) -> Any:
        """Settings at a scale.

        Raises:
            UserError: no such scale.
        """
        if scale not in self.scales:
            raise UserError(f"--scale {scale}: allowed are {', '.join(self.scales)}")
        return with_values(self.settings, self.scales[scale])


def completed(settings: Mapping[str, Any], experiment: Experiment) -> dict[str, Any]:
    """Settings of a run.json, with those that only later versions have at their published values."""
    return json.loads(json.dumps(dataclasses.asdict(experiment.settings))) | dict(settings)


class TrialRunner(Protocol):
    """Runs or continues one trial in its run folder; places are flags that say where things are."""

    def __call__(
        self, trial: Trial, progress: Progress, path: Path, settings: Any, seed: int, **places: str | None
    ) -> None:
        """Ends with the trial's result.json."""


@dataclass(frozen=True)
class Program:
    """A command line's experiments and how it runs them.

    Attributes:
        name: of the command.
        experiments: by name.
        run_trial: a module's function.
        prepare: called once before the trials, e.g. to compile kernels.
        steps: column of metrics.csv that counts steps.
        length: field of the settings that holds the number of steps.
        places: flags that say where things are, each with what stands for its value in the help, and its help;
            they decide no result.
        epilog: examples for the help.
        check: called before the run folder is made; refuses with a UserError what cannot run.
    """

    name: str
    experiments: Mapping[str, Experiment]
    run_trial: TrialRunner
    prepare: Callable[[Plan, Mapping[str, str | None]], None]
    steps: str
    length: str
    places: Mapping[str, tuple[str, str]]
    epilog: str
    check: Callable[[Plan, Mapping[str, str | None]], None] | None = None

    def find(self, name: object) -> Experiment:
        """The experiment of this name.

        Raises:
            UserError: there is none.
        """
        known = ", ".join(self.experiments)
        if name is None:
            raise UserError(f"EXPERIMENT: missing: allowed are {known}")
        if name not in self.experiments:
            raise UserError(f"experiment {name}: no such experiment: allowed are {known}")
        return self.experiments[str(name)]


@dataclass(frozen=True)
class Plan:
    """A run before it starts: what run.json will hold."""

    program: str
    experiment: Experiment
    scale: str
    treatments: tuple[str, ...]
    trials: int
    seed: int
    settings: Any

    def description(self) -> dict[str, Any]:
        """Content of run.json."""
        return {
            "experiment": self.experiment.name,
            "question": self.experiment.question,
            "source": self.experiment.source,
            "command": self.command(),
            "scale": self.scale,
            "treatments": list(self.treatments),
            "trials": self.trials,
            "seed": self.seed,
            "settings": dataclasses.asdict(self.settings),
            "versions": versions(),
            "commit": commit(),
        }

    def command(self) -> str:
        """The command that makes this run, without where and on what it runs."""
        words = [self.program, "run", self.experiment.name, "--scale", self.scale]
        words += ["--treatments", *self.treatments, "--trials", str(self.trials), "--seed", str(self.seed)]
        return " ".join([*words, *(flag(name, value) for name, value in self._changed().items())])

    def exceptions(self) -> list[str]:
        """A line for each setting that is not the scale's and that some treatments set themselves."""
        lines = []
        for name, value in self._changed().items():
            own = [one for one in self.treatments if name in self.experiment.treatments[one]]
            if own:
                lines.append(f"{flag(name, value)}: not for {', '.join(own)}: set by the treatment")
        return lines

    def _changed(self) -> dict[str, Any]:
        """Settings that are not the scale's."""
        preset = dataclasses.asdict(self.experiment.scaled(self.scale))
        return {k: v for k, v in dataclasses.asdict(self.settings).items() if v != preset[k]}

    def all_trials(self) -> list[Trial]:
        """Every trial, treatments taking turns so that early trials of all are there early."""
        return [Trial(treatment, number) for number in range(self.trials) for treatment in self.treatments]


def flag(name: str, value: Any) -> str:
    """A setting as a person writes it on the command line."""
    text = " ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return f"{option(name)} {text}"


def what_decides(description: Mapping[str, Any]) -> dict[str, Any]:
    """What two descriptions of one run agree in; not the versions and the commit that it goes on with."""
    flat = {name: description[name] for name in ("experiment", "scale", "treatments", "trials", "seed")}
    settings = {f"settings.{name}": value for name, value in description["settings"].items()}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in (flat | settings).items()}
