"""How a run stands, from anywhere that sees its folder."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from cluster.display import duration
from cluster.driver import DEAD, read_sign
from cluster.folder import RunFolder, trials_holding
from cluster.locks import is_held
from cluster.storage import files_below, is_remote
from cluster.trials import Trial


@dataclass(frozen=True)
class Status:
    """How a run stands.

    Attributes:
        done: trials with a result.
        failed: trials that failed when they were last tried, and why.
        running: trials that run now, and the step each has reached as far as its driver knows.
        waiting: all others.
        begun: those of the waiting that have a checkpoint to go on from.
        driver: the last sign of life of whoever drives the run; None if it ended or never began.
        alive: whether that is still so.
    """

    done: set[Trial] = field(default_factory=set)
    failed: dict[Trial, str] = field(default_factory=dict)
    running: dict[Trial, float] = field(default_factory=dict)
    waiting: set[Trial] = field(default_factory=set)
    begun: set[Trial] = field(default_factory=set)
    driver: dict[str, Any] | None = None
    alive: bool = False


def read_status(run: RunFolder) -> Status:
    """How a run stands.

    Raises:
        UserError: not a run folder, or its storage cannot be read.
    """
    description = run.description
    trials = {Trial(name, number) for name in description["treatments"] for number in range(description["trials"])}
    names = files_below(run.path)
    done = trials_holding(names, "result.json") & trials
    failing = trials_holding(names, "failure.json") & trials - done
    failed = {trial: _why(run, trial) for trial in failing}
    driver = read_sign(run.path)
    alive = _alive(run.path, driver)
    steps = {str(trial): trial for trial in trials - done - failing}
    at_work = (driver or {}).get("running", {}) if alive else {}
    running = {steps[name]: step for name, step in at_work.items() if name in steps}
    waiting = trials - done - failing - set(running)
    begun = trials_holding(names, "checkpoint.npz") & waiting
    return Status(done, failed, running, waiting, begun, driver, alive)


def _why(run: RunFolder, trial: Trial) -> str:
    failure = run.trial(trial.treatment, trial.number).failure
    return "" if failure is None else str(failure.get("error", ""))


def _alive(path: Path, driver: dict[str, Any] | None) -> bool:
    if driver is None:
        return False
    return (not is_remote(path) and is_held(path)) or _age(driver) < DEAD


def _age(driver: dict[str, Any]) -> float:
    return max(0.0, time.time() - float(driver.get("time", 0)))


def show_status(program: str, run: RunFolder) -> None:
    """Print how a run stands, and what to do next with the program that made it, else with this one."""
    program = str(run.description["command"]).partition(" ")[0] or program
    status = read_status(run)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    total = len(status.done) + len(status.failed) + len(status.running) + len(status.waiting)
    begun = f" ({len(status.begun)} of them begun)" if status.begun else ""
    console.print(f"{run.path}: {run.description['command']}")
    console.print(
        f"{total} trials: {len(status.done)} done, {len(status.running)} running, {len(status.failed)} failed, "
        f"{len(status.waiting)} waiting{begun}"
    )
    if status.alive and status.driver is not None:
        console.print(_speed(status.driver))
    for trial, step in sorted(status.running.items(), key=lambda item: str(item[0])):
        console.print(f"  {trial}  at {step:g}")
    for trial, why in sorted(status.failed.items(), key=lambda item: str(item[0])):
        console.print(f"  {trial} failed: {why}")
    if status.failed:
        console.print(f"the failed once more: {program} retry {run.path}")
    if status.waiting and not status.alive:
        console.print(f"nobody runs it; go on with: {program} run --resume --out {run.path}")
    elif len(status.done) == total:
        console.print(f"next: {program} report {run.path}")


def _speed(driver: dict[str, Any]) -> str:
    text = f"driver: process {driver.get('process')} on {driver.get('host')}, seen {_age(driver):.0f} s ago"
    if driver.get("steps_per_second"):
        text += f"; {driver['steps_per_second']:.3g} steps/s"
    if driver.get("seconds_left") is not None:
        text += f", about {duration(driver['seconds_left'])} left"
    return text
