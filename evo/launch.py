"""From flags to a running experiment."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from rich.console import Console
from rich.table import Table

from cluster.describe import commit, versions
from cluster.display import Display
from cluster.errors import UserError
from cluster.folder import RunFolder, read_description
from cluster.parameters import allowed, whole_number, with_values
from cluster.trials import Trial, run_trials
from evo.experiments import EXPERIMENTS, Experiment, Settings, find

EPILOG = """\
examples:
  evo run clune2013-retina --scale laptop
  evo run clune2013-retina --treatments pa pcc pcc-p100 --trials 20 --generations 10000 --out runs/pressure
  evo run --resume --out runs/pressure           go on after a kill, to the same end
  evo run --config runs/pressure/run.json        the same run again, in a new folder
"""


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run before it starts: what run.json will hold."""

    experiment: Experiment
    scale: str
    treatments: tuple[str, ...]
    trials: int
    seed: int
    settings: Settings

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
        words = ["evo run", self.experiment.name, "--scale", self.scale, "--treatments", *self.treatments]
        words += ["--trials", str(self.trials), "--seed", str(self.seed)]
        preset = dataclasses.asdict(scaled(self.experiment, self.scale))
        for name, value in dataclasses.asdict(self.settings).items():
            if value != preset[name]:
                text = " ".join(value) if isinstance(value, tuple) else str(value)
                words += ["--" + name.replace("_", "-"), text]
        return " ".join(words)

    def all_trials(self) -> list[Trial]:
        """Every trial, treatments taking turns so that early trials of all are there early."""
        return [Trial(treatment, number) for number in range(self.trials) for treatment in self.treatments]


def scaled(experiment: Experiment, scale: str) -> Settings:
    """Settings of an experiment at a scale."""
    return with_values(experiment.settings, experiment.scales[scale])


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `evo run`; every field of the settings is one."""
    parser.description = "Run an experiment, or go on with one. Results do not depend on --workers."
    parser.epilog = EPILOG
    parser.add_argument("experiment", nargs="?", metavar="EXPERIMENT", help="one of " + ", ".join(EXPERIMENTS))
    parser.add_argument("--scale", metavar="SCALE", help="paper (default), laptop (minutes) or smoke (seconds)")
    parser.add_argument("--treatments", nargs="+", metavar="T", help="see `evo list EXPERIMENT`")
    parser.add_argument("--trials", metavar="N", help="trials of each treatment")
    parser.add_argument("--seed", metavar="N", help="seed of the run (default 1)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run folder (default runs/EXPERIMENT-TIME)")
    parser.add_argument("--workers", metavar="N", help="local processes (default all cores); 0 = this process")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, if there is one")
    parser.add_argument("--config", type=Path, metavar="FILE", help="run.json of a run to repeat")
    group = parser.add_argument_group("settings (default: the published values at the chosen scale)")
    kinds = get_type_hints(Settings)
    for field in dataclasses.fields(Settings):
        several = get_origin(kinds[field.name]) is tuple
        text = f"{field.metadata['help']}; {allowed(field, kinds[field.name])}".replace("%", "%%")
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            dest=field.name,
            nargs="+" if several else None,
            metavar="V",
            help=text,
        )


def list_experiments(name: str | None) -> None:
    """Print all experiments, or one in full."""
    console = Console(highlight=False)
    for experiment in [find(name)] if name else EXPERIMENTS.values():
        console.print(f"[bold]{experiment.name}[/bold]  {experiment.question}")
        console.print(f"  {experiment.source}")
        if not name:
            console.print(f"  treatments: {', '.join(experiment.treatments)}\n")
            continue
        scales = Table("scale", "trials", "changes", box=None, padding=(0, 2))
        for scale, changes in experiment.scales.items():
            scales.add_row(scale, str(experiment.trials[scale]), _pairs(changes) or "the published values")
        treatments = Table("treatment", "changes", box=None, padding=(0, 2))
        for treatment, changes in experiment.treatments.items():
            treatments.add_row(treatment + (" *" if treatment in experiment.default else ""), _pairs(changes))
        console.print(scales, "", treatments, "", "* runs when no treatment is named")


def _pairs(changes: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {' '.join(value) if isinstance(value, tuple) else value}" for key, value in changes.items()
    )


def make_plan(arguments: argparse.Namespace) -> Plan:
    """What the flags ask for.

    Raises:
        UserError: a flag's value is not allowed.
    """
    base: dict[str, Any] = {}
    if arguments.config is not None:
        base = read_description(arguments.config)
    elif arguments.resume and arguments.experiment is None and arguments.out is not None:
        base = RunFolder(arguments.out).description
    name = arguments.experiment or base.get("experiment")
    if not isinstance(name, str):
        raise UserError(f"EXPERIMENT: missing: allowed are {', '.join(EXPERIMENTS)}")
    experiment = find(name)
    scale = arguments.scale or base.get("scale", "paper")
    if scale not in experiment.scales:
        raise UserError(f"--scale {scale}: allowed are {', '.join(experiment.scales)}")
    settings = scaled(experiment, scale)
    if base and arguments.scale is None:
        settings = with_values(settings, base.get("settings", {}))
    given = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Settings)}
    settings = with_values(settings, {key: value for key, value in given.items() if value is not None})
    treatments = tuple(arguments.treatments or base.get("treatments", experiment.default))
    if len(set(treatments)) < len(treatments):
        raise UserError(f"--treatments {' '.join(treatments)}: allowed is each of them once")
    for treatment in treatments:
        experiment.treated(settings, treatment)
        for field, value in given.items():
            if value is not None and field in experiment.treatments[treatment]:
                flag = "--" + field.replace("_", "-")
                raise UserError(f"{flag}: treatment {treatment} sets it: allowed are treatments that do not")
    trials = arguments.trials
    if trials is None:
        trials = base["trials"] if base and arguments.scale is None else experiment.trials[scale]
    seed = arguments.seed if arguments.seed is not None else base.get("seed", 1)
    return Plan(
        experiment,
        scale,
        treatments,
        whole_number("--trials", trials, 1),
        whole_number("--seed", seed, 0),
        settings,
    )


def launch(arguments: argparse.Namespace) -> None:
    """Run what the flags ask for, to its end.

    Raises:
        UserError: bad input, or trials that failed.
    """
    plan = make_plan(arguments)
    workers = os.cpu_count() or 1 if arguments.workers is None else arguments.workers
    workers = whole_number("--workers", workers, 0)
    folder = _open_folder(plan, arguments)
    with folder.locked():
        trials = plan.all_trials()
        waiting = [trial for trial in trials if not folder.trial(trial.treatment, trial.number).finished]
        print(f"{plan.experiment.name}: {plan.experiment.question}\nrun folder: {folder.path}", file=sys.stderr)
        if waiting:
            _prepare(plan)
            _run(plan, folder, waiting, len(trials), workers)
        print(f"next: evo report {folder.path}", file=sys.stderr)


def _open_folder(plan: Plan, arguments: argparse.Namespace) -> RunFolder:
    path = arguments.out or Path("runs") / f"{plan.experiment.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    description = plan.description()
    if not (arguments.resume and (path / "run.json").exists()):
        return RunFolder.create(path, description)
    folder = RunFolder(path)
    stored, own = _what_decides(folder.description), _what_decides(description)
    for name, value in own.items():
        if stored.get(name) != value:
            raise UserError(f"--out {path}: holds another run: its {name} is {stored.get(name)}, not {value}")
    return folder


def _what_decides(description: Mapping[str, Any]) -> dict[str, Any]:
    """What two descriptions of one run agree in; not the versions and the commit that it goes on with."""
    flat = {name: description[name] for name in ("experiment", "scale", "treatments", "trials", "seed")}
    settings = {f"settings.{name}": value for name, value in description["settings"].items()}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in (flat | settings).items()}


def _prepare(plan: Plan) -> None:
    """Compile the kernels once, here, where the user sees it; workers find them on disk."""
    from evo.engine import begin, generations, make_toolbox
    from evo.trial import measure

    print("preparing compiled kernels (the first time takes about 20 s) ...", end="", file=sys.stderr, flush=True)
    begun = time.monotonic()
    for treatment in plan.treatments:
        settings = dataclasses.replace(plan.experiment.treated(plan.settings, treatment), population=4)
        toolbox = make_toolbox(settings)
        population = next(generations(toolbox, begin(toolbox, 0), 0))
        measure(population, 0, None)
    print(f" {time.monotonic() - begun:.1f} s", file=sys.stderr)


def _run(plan: Plan, folder: RunFolder, waiting: list[Trial], total: int, workers: int) -> None:
    shown = ("performance", "modularity", "connection_cost", "connections")
    function = partial(_run_one, path=folder.path, plan=plan)
    display = Display(total, total - len(waiting), "generation", plan.settings.generations, shown)
    try:
        with display:
            failures = run_trials(function, waiting, workers, display)
    except KeyboardInterrupt:
        print(f"\nstopped; go on with: evo run --resume --out {folder.path}", file=sys.stderr)
        sys.exit(130)
    if failures:
        raise UserError(
            f"{len(failures)} of {total} trials failed; try them again with: evo run --resume --out {folder.path}"
        )


def _run_one(trial: Trial, progress: Any, path: Path, plan: Plan) -> None:
    from evo.trial import run_trial

    settings = plan.experiment.treated(plan.settings, trial.treatment)
    run_trial(trial, progress, path, settings, plan.seed)
