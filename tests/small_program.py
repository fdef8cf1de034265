"""A command line with one experiment that only counts: everything a run does, in milliseconds."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cluster.commands import add_cluster_commands, add_command, did_cluster_command, new_parser, run_command
from cluster.experiments import Experiment, Plan, Program
from cluster.folder import RunFolder, TrialFolder
from cluster.launch import add_run_arguments, launch
from cluster.parameters import check, parameter
from cluster.trials import Progress, Trial


@dataclass(frozen=True)
class Settings:
    """How far to count."""

    steps: int = parameter(6, "how far to count", low=1)
    pause: float = parameter(0.0, "seconds between two steps", low=0)
    base: int = parameter(1, "what a step adds")

    def checked(self) -> Settings:
        check(self)
        return self


def run_trial(
    trial: Trial, progress: Progress, path: Path, settings: Settings, seed: int, **places: str | None
) -> None:
    """Count, one checkpoint a step; trials named in the environment fail, at the step named there."""

    def work(folder: TrialFolder, own_seed: int) -> dict[str, Any]:
        restored = folder.restore()
        step, total = (0, seed) if restored is None else (int(restored["step"]), int(restored["total"]))
        while step < settings.steps:
            step, total = step + 1, total + settings.base
            if os.environ.get("FAIL") == f"{trial} {step}":
                raise ArithmeticError(f"cannot count to {step}")
            time.sleep(settings.pause)
            row = {"step": step, "total": total}
            folder.record(row)
            progress(row)
            folder.checkpoint({"step": np.array(step), "total": np.array(total)})
        return {"total": total}

    RunFolder(path).complete(trial, seed, work)


def prepare(plan: Plan, places: Mapping[str, str | None]) -> None:
    """Nothing to do."""


COUNT = Experiment(
    name="count",
    question="how far?",
    source="none",
    settings=Settings(),
    treatments={"one": {"base": 1}, "two": {"base": 2}},
    default=("one", "two"),
    trials={"paper": 3},
    scales={"paper": {}},
)
PROGRAM = Program("small_program", {"count": COUNT}, run_trial, prepare, "step", "steps", places={}, epilog="")


def main(words: Sequence[str] | None = None) -> None:
    """The command line."""
    run_command("small_program", _work, words)


def _work(words: list[str]) -> None:
    parser, commands = new_parser("small_program", "counts")
    run = add_command(commands, "run", "run")
    add_run_arguments(run, PROGRAM, Settings)
    add_cluster_commands(commands, PROGRAM)
    arguments: argparse.Namespace = parser.parse_args(words)
    if not did_cluster_command(arguments, PROGRAM):
        launch(PROGRAM, arguments)


def small(*words: Any) -> int:
    """Exit code of the command line."""
    try:
        main([str(word) for word in words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    main()
