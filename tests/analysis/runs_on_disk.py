"""Run folders with given numbers in them, made the way a run makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cluster.folder import RunFolder


def make_run(path: Path, treatments: Sequence[str] = ("pa", "pcc"), experiment: str = "counting") -> RunFolder:
    return RunFolder.create(
        path,
        {
            "experiment": experiment,
            "question": "?",
            "command": "none",
            "scale": "smoke",
            "treatments": list(treatments),
            "trials": 3,
            "seed": 1,
            "settings": {},
        },
    )


def add_trial(
    run: RunFolder,
    treatment: str,
    number: int,
    rows: Sequence[Mapping[str, Any]],
    result: Mapping[str, Any] | None = None,
) -> Path:
    """A trial that has logged some rows, finished if it has a result."""
    folder = run.trial(treatment, number)
    with folder.locked():
        for row in rows:
            folder.record(row)
        folder.checkpoint({"state": np.zeros(1)})
        if result is not None:
            folder.finish(result)
    return folder.path


def rows_of(performances: Sequence[float], every: int = 100) -> list[dict[str, float]]:
    return [{"generation": every * k, "performance": value} for k, value in enumerate(performances)]
