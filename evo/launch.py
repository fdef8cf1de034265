"""How `evo` runs its experiments."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.experiments import Plan, Program
from cluster.trials import Progress, Trial
from evo.experiments import EXPERIMENTS

EPILOG = """\
examples:
  evo run clune2013-retina --scale laptop
  evo run clune2013-retina --treatments pa pcc pcc-p100 --trials 20 --generations 10000 --out runs/pressure
  evo run --resume --out runs/pressure           go on after a kill, to the same end
  evo run --config runs/pressure/run.json        the same run again, in a new folder
"""


def prepare(plan: Plan, places: Mapping[str, str | None]) -> None:
    """Compile the kernels once, here, where the user sees it; workers find them on disk."""
    print("preparing compiled kernels (the first time takes about 20 s) ...", end="", file=sys.stderr, flush=True)
    begun = time.monotonic()
    for treatment in plan.treatments:
        plan.experiment.treated(plan.settings, treatment).prepare()
    print(f" {time.monotonic() - begun:.1f} s", file=sys.stderr)


def run_trial(
    trial: Trial, progress: Progress, path: Path, settings: Any, seed: int, **places: str | None
) -> None:
    """Run or continue one trial; DEAP and the kernels load here, where they are used."""
    settings.run(trial, progress, path, seed)


PROGRAM = Program("evo", EXPERIMENTS, run_trial, prepare, "generation", "generations", places={}, epilog=EPILOG)
