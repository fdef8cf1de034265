"""How `meta` runs its experiments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.experiments import Plan, Program
from cluster.files import check_writable
from cluster.trials import Progress, Trial
from meta.experiments import EXPERIMENTS

EPILOG = """\
examples:
  meta run miconi2018-patterns --scale laptop
  meta run miconi2018-patterns --treatments plastic plastic-oja --trials 5 --out runs/patterns
  meta run --resume --out runs/patterns          go on after a kill, to the same end
  meta run miconi2018-patterns --help            every setting of this experiment
"""


def check(plan: Plan, places: Mapping[str, str | None]) -> None:
    """Look for the device and the data before the run folder is made."""
    from meta.sharing import gradient_workers
    from meta.start import check_start
    from meta.training import check_device

    events = places.get("tensorboard")
    if events is not None and "://" not in events:
        check_writable("--tensorboard", Path(events))
    for treatment in plan.treatments:
        settings = plan.experiment.treated(plan.settings, treatment)
        check_device(settings.device)
        gradient_workers(settings, places)
        settings.prepare(places.get("data_folder"))
        if settings.start:
            check_start(settings, plan.trials, places.get("data_folder"))


def prepare(plan: Plan, places: Mapping[str, str | None]) -> None:
    """Nothing to compile ahead: torch is ready, and kernels compile in a second where they are used."""


def run_trial(
    trial: Trial, progress: Progress, path: Path, settings: Any, seed: int, **places: str | None
) -> None:
    """Run or continue one trial; torch loads here, where it is used."""
    from meta import trial as meta_trial

    meta_trial.run_trial(trial, progress, path, settings, seed, **places)


PROGRAM = Program(
    "meta",
    EXPERIMENTS,
    run_trial,
    prepare,
    "iteration",
    "iterations",
    places={
        "data_folder": (
            "DIR",
            "where data are (default: environment NEUROMATERIALS_DATA, else the user's cache)",
        ),
        "tensorboard": ("DIR", "also write TensorBoard events there"),
        "gradient_workers": ("N", "with --parts: processes that share each trial's batches (default 0: its own)"),
        "gradient_address": (
            "A",
            "with --gradient-workers: Ray cluster that has them (default: this machine)",
        ),
        "gpus_per_worker": (
            "X",
            "with --gradient-workers: GPUs of each, or fractions (default 0); see --device",
        ),
    },
    epilog=EPILOG,
    check=check,
)
