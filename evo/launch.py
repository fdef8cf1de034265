"""How `evo` runs its experiments."""

from __future__ import annotations

import dataclasses
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


def run_trial(
    trial: Trial, progress: Progress, path: Path, settings: Any, seed: int, **places: str | None
) -> None:
    """Run or continue one trial; DEAP and the kernels load here, where they are used."""
    from evo import trial as evo_trial

    evo_trial.run_trial(trial, progress, path, settings, seed)


PROGRAM = Program("evo", EXPERIMENTS, run_trial, prepare, "generation", "generations", places={}, epilog=EPILOG)
