"""Trials for tests, where worker processes can import them."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.errors import UserError
from cluster.trials import Progress, Trial

TRIALS = [Trial(treatment, number) for number in range(3) for treatment in ("a", "b")]


class Log:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Trial]] = []

    def started(self, trial: Trial) -> None:
        self.events.append(("started", trial))

    def advanced(self, trial: Trial, row: Mapping[str, Any]) -> None:
        self.events.append((f"row {row['step']}", trial))

    def finished(self, trial: Trial) -> None:
        self.events.append(("finished", trial))

    def failed(self, trial: Trial, message: str) -> None:
        self.events.append(("failed", trial))

    def of(self, trial: Trial) -> list[str]:
        return [event for event, who in self.events if who == trial]


def write(trial: Trial, progress: Progress, path: Path) -> None:
    """Two rows and a file."""
    for step in range(2):
        progress({"step": step})
    (path / str(trial).replace("/", "-")).write_text(trial.treatment * trial.number)


def fail_one(trial: Trial, progress: Progress, path: Path) -> None:
    """One trial raises."""
    if trial == TRIALS[1]:
        raise ZeroDivisionError("in the trial")
    write(trial, progress, path)


def refuse_one(trial: Trial, progress: Progress, path: Path) -> None:
    """One trial meets what would stop the others too."""
    if trial == TRIALS[1]:
        raise UserError("disk full")
    write(trial, progress, path)


def die(trial: Trial, progress: Progress, path: Path, times: int) -> None:
    """Trial b/0 is killed the first `times` times it runs."""
    if trial == TRIALS[1]:
        deaths = path / "deaths"
        count = len(deaths.read_text()) if deaths.exists() else 0
        if count < times:
            deaths.write_text("x" * (count + 1))
            os.kill(os.getpid(), signal.SIGKILL)
    write(trial, progress, path)


def die_further_on(trial: Trial, progress: Progress, path: Path) -> None:
    """Each time it runs it gets one step further, says so and is killed; it ends at step 5."""
    steps = path / "steps"
    count = len(steps.read_text()) if steps.exists() else 0
    steps.write_text("x" * (count + 1))
    progress({"step": count})
    if count < 5:
        time.sleep(1.1)
        os.kill(os.getpid(), signal.SIGKILL)


def overlap(trial: Trial, progress: Progress, path: Path) -> None:
    """Note how many run at the same time, and on which GPU."""
    mark = path / f"running-{trial.treatment}-{trial.number}"
    mark.touch()
    time.sleep(0.3)
    with (path / "most").open("a") as file:
        file.write(f"{len(list(path.glob('running-*')))}\n")
    with (path / "gpus").open("a") as file:
        file.write(os.environ.get("CUDA_VISIBLE_DEVICES", "") + "\n")
    mark.unlink()
