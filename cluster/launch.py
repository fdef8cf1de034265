"""From flags to a running experiment, for both command lines."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Collection, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from rich.console import Console
from rich.table import Table

from cluster.display import Display
from cluster.errors import UserError
from cluster.experiments import Plan, Program, flag, what_decides
from cluster.folder import RunFolder, read_description
from cluster.parameters import allowed, option, whole_number, with_values
from cluster.storage import location
from cluster.trials import Progress, Trial
from cluster.where import Where, add_where_arguments, chosen_where


def add_run_arguments(parser: argparse.ArgumentParser, program: Program, settings: type | None) -> None:
    """Flags of `run`.

    Args:
        parser: of the command.
        program: whose experiments.
        settings: every field of this class is a flag; None if there is none that all experiments have.
    """
    parser.description = "Run an experiment, or go on with one. Results do not depend on where it runs."
    parser.epilog = program.epilog
    names = ", ".join(program.experiments)
    parser.add_argument("experiment", nargs="?", metavar="EXPERIMENT", help="one of " + names)
    parser.add_argument("--scale", metavar="SCALE", help=_scales_help(program))
    parser.add_argument("--treatments", nargs="+", metavar="T", help=f"see `{program.name} list EXPERIMENT`")
    parser.add_argument("--trials", metavar="N", help="trials of each treatment")
    parser.add_argument("--seed", metavar="N", help="seed of the run (default 1)")
    parser.add_argument(
        "--out",
        type=location,
        metavar="DIR",
        help="run folder, also a URL such as s3://BUCKET/NAME (default runs/EXPERIMENT-TIME)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out, if there is one")
    parser.add_argument("--config", type=location, metavar="FILE", help="run.json of a run to repeat")
    add_places(parser, program)
    add_where_arguments(parser)
    if any(type(experiment.settings) is not settings for experiment in program.experiments.values()):
        parser.description += f" `{program.name} run EXPERIMENT --help` shows the settings of an experiment."
    if settings is None:
        return
    group = parser.add_argument_group("settings (default: the published values at the chosen scale)")
    kinds = get_type_hints(settings)
    for field in dataclasses.fields(settings):
        several = get_origin(kinds[field.name]) is tuple
        text = f"{field.metadata['help']}; {allowed(field, kinds[field.name])}".replace("%", "%%")
        group.add_argument(
            option(field.name),
            dest=field.name,
            nargs="+" if several else None,
            metavar="V",
            help=text,
        )


def _scales_help(program: Program) -> str:
    """Scales of all experiments, and others that some have."""
    every = [frozenset(experiment.scales) for experiment in program.experiments.values()]
    some = sorted(scale for scale in set().union(*every) if not all(scale in scales for scales in every))
    text = "paper (default), laptop (minutes) or smoke (seconds)"
    return text + (f"; some experiments have {', '.join(some)} too: see `{program.name} list`" if some else "")


def chosen_settings(program: Program, words: list[str]) -> type | None:
    """The settings class whose fields are flags, from a command line that is not parsed yet.

    It is that of the experiment named, or of the run repeated (--config) or resumed (--out). Where none is chosen
    it is the class that those of all experiments derive from; None if none of them is.
    """
    names: list[object] = [word for word in words if word in program.experiments]
    for before, word in pairwise(words):
        if before in ("--config", "--out"):
            file = location(word) / "run.json" if before == "--out" else location(word)
            if file.is_file():
                names.append(read_description(file)["experiment"])
    known = [program.experiments[str(name)] for name in names if name in program.experiments]
    if known:
        return type(known[0].settings)
    kinds = {type(experiment.settings) for experiment in program.experiments.values()}
    return next((kind for kind in kinds if all(issubclass(other, kind) for other in kinds)), None)


def list_experiments(program: Program, name: str | None) -> None:
    """Print all experiments, or one in full."""
    console = Console(highlight=False)
    for experiment in [program.find(name)] if name else program.experiments.values():
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
        for scale, names in experiment.defaults.items():
            console.print(f"  at scale {scale}: {', '.join(names)}")


def _pairs(changes: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {' '.join(map(str, value)) if isinstance(value, tuple) else value}"
        for key, value in changes.items()
    )


def make_plan(program: Program, arguments: argparse.Namespace) -> Plan:
    """What the flags ask for.

    Raises:
        UserError: a flag's value is not allowed.
    """
    base: dict[str, Any] = {}
    if arguments.config is not None:
        base = read_description(arguments.config)
    elif arguments.resume and arguments.experiment is None:
        if arguments.out is None:
            raise UserError("--out: missing: allowed with --resume alone is the folder of a run")
        base = RunFolder(arguments.out).description
    experiment = program.find(arguments.experiment or base.get("experiment"))
    scale = arguments.scale or base.get("scale", "paper")
    settings = experiment.scaled(scale)
    if base and arguments.scale is None:
        settings = with_values(settings, base.get("settings", {}))
    given = {field.name: getattr(arguments, field.name, None) for field in dataclasses.fields(settings)}
    settings = with_values(settings, {key: value for key, value in given.items() if value is not None})
    treatments = tuple(
        arguments.treatments or base.get("treatments", experiment.defaults.get(scale, experiment.default))
    )
    if len(set(treatments)) < len(treatments):
        raise UserError(f"--treatments {' '.join(treatments)}: allowed is each of them once")
    for treatment in treatments:
        experiment.treated(settings, treatment)
    for field, value in given.items():
        if value is not None and all(field in experiment.treatments[name] for name in treatments):
            others = [name for name, changes in experiment.treatments.items() if field not in changes]
            raise UserError(
                f"{flag(field, value)}: treatment {treatments[0]} sets it: "
                f"allowed are treatments that do not: {', '.join(others) or 'there is none'}"
            )
    trials = arguments.trials
    if trials is None:
        trials = base["trials"] if base and arguments.scale is None else experiment.trials[scale]
    seed = arguments.seed if arguments.seed is not None else base.get("seed", 1)
    return Plan(
        program.name,
        experiment,
        scale,
        treatments,
        whole_number("--trials", trials, 1),
        whole_number("--seed", seed, 0),
        settings,
    )


def launch(program: Program, arguments: argparse.Namespace, only: Collection[Trial] | None = None) -> None:
    """Run what the flags ask for, to its end.

    Args:
        program: whose experiment.
        arguments: the flags.
        only: the trials to run; default all that have no result yet.

    Raises:
        UserError: bad input, or trials that failed.
    """
    plan = make_plan(program, arguments)
    where = chosen_where(arguments)
    if str(arguments.out).startswith("memory://") and (where.workers != 0 or where.address is not None):
        raise UserError(f"--out {arguments.out}: the memory of one process: allowed is --workers 0 with it")
    places = {name: getattr(arguments, name) for name in program.places}
    if program.check is not None:
        program.check(plan, places)
    with where.opened():
        folder = _open_folder(plan, arguments)
        display = Display(
            len(plan.all_trials()),
            0,
            program.steps,
            getattr(plan.settings, program.length),
            plan.experiment.shown,
        )
        with folder.locked(display.state):
            finished = folder.holding("result.json")
            waiting = [trial for trial in plan.all_trials() if trial not in finished]
            display.done = display.total - len(waiting)
            if only is not None:
                waiting = [trial for trial in waiting if trial in only]
            about = [f"{plan.experiment.name}: {plan.experiment.question}", *plan.exceptions()]
            print("\n".join([*about, f"run folder: {folder.path}"]), file=sys.stderr)
            if waiting:
                program.prepare(plan, places)
                _run(program, folder, where, _function(program, folder, where, plan, places), waiting, display)
            print(f"next: {program.name} report {folder.path}", file=sys.stderr)


def retry(program: Program, arguments: argparse.Namespace) -> None:
    """Run the failed trials of a run once more.

    Raises:
        UserError: bad input, or trials that failed again.
    """
    run = RunFolder(arguments.run)
    plan = run.description
    failed = run.holding("failure.json") - run.holding("result.json")
    if not failed:
        print(f"{run.path}: no failed trial among the {plan['trials']} of each treatment", file=sys.stderr)
        return
    flags = {"experiment": None, "scale": None, "treatments": None, "trials": None, "seed": None, "config": None}
    launch(program, argparse.Namespace(**vars(arguments), **flags, out=run.path, resume=True), failed)


def add_places(parser: argparse.ArgumentParser, program: Program) -> None:
    """Flags that say where things are."""
    for name, (metavar, text) in program.places.items():
        parser.add_argument(option(name), metavar=metavar, help=text)


def _function(
    program: Program, folder: RunFolder, where: Where, plan: Plan, places: Mapping[str, str | None]
) -> Any:
    """What runs one trial; on a cluster, paths are the same from wherever a node starts."""
    path = folder.path
    if where.address is not None:
        path = path.resolve()
        places = {
            name: str(Path(place).resolve()) if place and "://" not in place else place
            for name, place in places.items()
        }
    return partial(_run_one, run_trial=program.run_trial, path=path, plan=plan, places=places)


def _open_folder(plan: Plan, arguments: argparse.Namespace) -> RunFolder:
    path = arguments.out or Path("runs") / f"{plan.experiment.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    description = plan.description()
    if not (arguments.resume and (path / "run.json").exists()):
        return RunFolder.create(path, description)
    folder = RunFolder(path)
    # A setting that came later than the run was not there to differ from its default.
    stored = _defaults(plan.settings) | what_decides(folder.description)
    for name, value in what_decides(description).items():
        if stored.get(name) != value:
            raise UserError(f"--out {path}: holds another run: its {name} is {stored.get(name)}, not {value}")
    return folder


def _defaults(settings: Any) -> dict[str, Any]:
    """Defaults of settings, under the names and in the form of `what_decides`."""
    defaults = {f"settings.{field.name}": field.default for field in dataclasses.fields(settings)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}


def _run(
    program: Program, folder: RunFolder, where: Where, function: Any, waiting: list[Trial], display: Display
) -> None:
    again = f"{program.name} run --resume --out {folder.path}"
    try:
        with display:
            failures = where.run(function, waiting, _Notes(folder, display))
    except KeyboardInterrupt:
        print(f"\nstopped; go on with: {again}", file=sys.stderr)
        sys.exit(130)
    if failures:
        raise UserError(
            f"{len(failures)} of {display.total} trials failed; "
            f"try them again with: {program.name} retry {folder.path}"
        )


class _Notes:
    """Leaves a note in the folder of a trial that failed, until it is tried again, and tells the display."""

    def __init__(self, folder: RunFolder, display: Display) -> None:
        self.folder, self.display = folder, display
        self.noted = folder.holding("failure.json")
        self.advanced, self.finished = display.advanced, display.finished

    def started(self, trial: Trial) -> None:
        if trial in self.noted:
            self.noted.remove(trial)
            self.folder.trial(trial.treatment, trial.number).forget_failure()
        self.display.started(trial)

    def failed(self, trial: Trial, message: str) -> None:
        self.noted.add(trial)
        self.folder.trial(trial.treatment, trial.number).failed(message)
        self.display.failed(trial, message)


def _run_one(
    trial: Trial,
    progress: Progress,
    run_trial: Any,
    path: Path,
    plan: Plan,
    places: Mapping[str, str | None],
) -> None:
    settings = plan.experiment.treated(plan.settings, trial.treatment)
    run_trial(trial, progress, path, settings, plan.seed, **places)
