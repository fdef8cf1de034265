"""One evolved trial in a run folder of its own, whole or killed on the way."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from cluster.folder import RunFolder, TrialFolder
from cluster.trials import Trial
from evo.settings import Settings


def run(
    folder: Path, settings: Settings, stop: int | None = None, experiment: str = "clune2013-retina"
) -> dict[str, Any]:
    """Result of a whole trial; raises KeyboardInterrupt, as if killed, when it has logged generation `stop`."""
    if not (folder / "run.json").exists():
        description: dict[str, Any] = {"experiment": experiment, "question": "", "command": "", "scale": "smoke"}
        description |= {"treatments": ["t"], "trials": 1, "seed": 1, "settings": {}}
        RunFolder.create(folder, description)

    def progress(row: Any) -> None:
        if row["generation"] == stop:
            raise KeyboardInterrupt

    settings.run(Trial("t", 0), progress, folder, 1)
    return trial(folder).result


def trial(folder: Path) -> TrialFolder:
    """Its folder."""
    return RunFolder(folder).trial("t", 0)


def rows(folder: Path) -> list[dict[str, str]]:
    """Rows of its metrics."""
    with (trial(folder).path / "metrics.csv").open() as file:
        return list(csv.DictReader(file))
