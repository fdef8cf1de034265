"""One trial of a map: search, log, checkpoint, and describe the map with its best network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.errors import UserError
from cluster.files import read_arrays, write_arrays
from cluster.folder import RunFolder, TrialFolder
from cluster.trials import Progress, Trial
from evo.archive import Archive
from evo.axes import places
from evo.illumination import Search
from evo.maps import MapSettings
from evo.population import Population
from evo.problems import PROBLEMS, Problem
from evo.trial import describe_best

#: The finished map, in the folder of its trial.
FILE = "archive.npz"


def prepare(settings: MapSettings) -> None:
    """Compile the kernels of a trial by going through one generation of a small one."""
    small = {"starters": 4, "pairs": 2, "population": 4}
    own = {field.name for field in dataclasses.fields(settings)}
    changes: dict[str, Any] = {name: value for name, value in small.items() if name in own}
    search = dataclasses.replace(settings, cells=2, **changes).search(0)
    search.begin()
    search.advance(1)
    describe_best(elites(search.archive), PROBLEMS[settings.problem](), 0)


def run_trial(trial: Trial, progress: Progress, path: Path, settings: MapSettings, seed: int) -> None:
    """Run or continue one trial of a map in its folder.

    Args:
        trial: treatment and number.
        progress: called with every row of the metrics.
        path: run folder.
        settings: of the trial's treatment.
        seed: of the run.
    """

    def work(folder: TrialFolder, own_seed: int) -> dict[str, Any]:
        search = settings.search(own_seed)
        solved = _fill(search, settings, folder, progress)
        write_arrays(folder.path / FILE, search.archive.arrays())
        reached = {
            "problem": settings.problem,
            "generation": settings.generations,
            "solved_generation": None if solved < 0 else solved,
            "axes": list(settings.axes),
            "ends": list(settings.ends),
        }
        best = describe_best(elites(search.archive), PROBLEMS[settings.problem](), own_seed)
        return reached | describe_map(search.archive) | best

    RunFolder(path).complete(trial, seed, work)


def _fill(search: Search, settings: MapSettings, folder: TrialFolder, progress: Progress) -> int:
    """Go to the last generation; returns the first one with a perfect network, -1 without."""
    restored = folder.restore()
    if restored is None:
        search.begin()
        generation, begun, solved = 0, -1, -1
    else:
        generation, solved = _restore(search, restored, folder)
        begun = generation  # logged already
    while True:
        if solved < 0 and search.archive.elites["performance"].max() == 1.0:
            solved = generation
        ends = generation >= settings.generations
        fresh = generation > begun
        if fresh and (ends or generation % settings.log_every == 0):
            row = {"generation": generation} | describe_map(search.archive)
            folder.record(row)
            progress(row)
        if fresh and (ends or generation % settings.checkpoint_every == 0):
            state = {"generation": np.array(generation), "solved": np.array(solved)}
            folder.checkpoint(state | search.arrays())
        if ends:
            return solved
        generation += 1
        search.advance(generation)


def _restore(search: Search, arrays: Mapping[str, NDArray], folder: TrialFolder) -> tuple[int, int]:
    own = {"generation", "solved"}
    try:
        search.restore({name: array for name, array in arrays.items() if name not in own})
        return int(arrays["generation"]), int(arrays["solved"])
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{folder.path / 'checkpoint.npz'}: not a checkpoint of this trial ({error}); "
            "remove it to start this trial over"
        ) from None


def describe_map(archive: Archive) -> dict[str, Any]:
    """How full and how good a map is.

    Returns:
        "filled" cells, "coverage" (their share of all), best and mean "performance" of the filled ones, "qd_score"
        (the sum of performances, Pugh et al. 2016) and "perfect_cells".
    """
    performance = archive.elites["performance"]
    return {
        "filled": len(archive),
        "coverage": len(archive) / int(np.prod(archive.shape)),
        "performance": float(performance.max()),
        "performance_mean": float(performance.mean()),
        "qd_score": float(performance.sum()),
        "perfect_cells": int((performance == 1.0).sum()),
    }


def elites(archive: Archive) -> Population:
    """All elites as a population of one front."""
    return Population(archive.networks, (1.0,), archive.elites["performance"][:, None])


def read_map(folder: TrialFolder, result: Mapping[str, Any], problem: Problem) -> Archive:
    """The map of a finished trial, its elites borne out by their networks.

    Args:
        folder: of the trial.
        result: its result, which has been checked.
        problem: what the networks should answer.

    Raises:
        UserError: no map there, or one that is not what its networks give, or not that of the result.
    """
    path = folder.path / FILE
    arrays = read_arrays(path)
    try:
        archive = Archive.from_arrays(problem.topology, arrays)
        axes, ends = result["axes"], result["ends"]
        performance = problem.performance(problem.outputs(archive.networks))
        borne_out = {
            "performance of an elite": performance == archive.elites["performance"],
            "place of an elite": np.isclose(places(archive.networks, axes, ends), archive.elites["place"]),
        }
        if archive.ancestors is not None:
            performance = problem.performance(problem.outputs(archive.ancestors))
            borne_out["performance of an ancestor"] = performance == archive.history["performance"]
        stored = {name: result[name] for name in describe_map(archive)}
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path}: not the map of this trial ({error})") from None
    for name, right in borne_out.items():
        if not right.all():
            raise UserError(f"{path}: {name} is not what its network gives; the file was changed")
    if stored != describe_map(archive):
        raise UserError(f"{path}: not the map that the result describes; the file was changed")
    return archive
