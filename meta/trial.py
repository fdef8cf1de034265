"""One trial: train, evaluate, store."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from cluster.files import write_arrays
from cluster.folder import RunFolder, TrialFolder
from cluster.trials import Progress, Trial
from meta.settings import Training
from meta.sharing import open_pool
from meta.start import start_from
from meta.training import advised, train
from networks.compiled import share_threads

#: Parameters of glibc's mallopt.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def run_trial(
    trial: Trial, progress: Progress, path: Path, settings: Training, seed: int, **places: str | None
) -> None:
    """Run or continue one trial of an experiment in its folder.

    Args:
        trial: treatment and number.
        progress: called with every row of the metrics.
        path: run folder.
        settings: of the trial's treatment.
        seed: of the run.
        places: data_folder, where data are; tensorboard, where to write events.
    """

    def work(folder: TrialFolder, own_seed: int) -> dict[str, Any]:
        keep_memory()
        use_threads(settings.threads)
        data, events = places.get("data_folder"), places.get("tensorboard")
        task = settings.task(own_seed, data)
        if settings.start:
            start_from(task.model, settings.start, trial.number)
        with ExitStack() as stack:
            pool = open_pool(settings, own_seed, data, places)
            if pool is not None:
                stack.enter_context(pool)
            train(task, folder, progress, None if events is None else str(Path(events) / str(trial)), pool)
        with torch.no_grad(), advised(settings, lambda: settings.iterations):
            measured = task.evaluate()  # first, for it may put averages in the parameters' place
        weights = {name: value.cpu().numpy() for name, value in task.model.state_dict().items()}
        write_arrays(folder.path / "model.npz", weights)
        reached = {
            "settings": dataclasses.asdict(settings),
            "iteration": settings.iterations,
            "parameters": sum(p.numel() for p in task.model.parameters() if p.requires_grad),
        }
        return reached | measured

    RunFolder(path).complete(trial, seed, work)


def keep_memory() -> None:
    """Have the C library keep freed memory instead of giving it back after every iteration.

    The matrices of a lifetime are freed and asked for again all the time; each time the system would have to hand
    out fresh pages, which cost as much as what is computed on them. Other C libraries are left as they are.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(M_MMAP_THRESHOLD, 1 << 30)
        library.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)


def use_threads(threads: int) -> None:
    """Have torch and the compiled kernels use so many threads; how sums are split decides their rounding."""
    torch.set_num_threads(threads)
    if "numba" in sys.modules:  # else loops that are loaded later see to it
        share_threads()
