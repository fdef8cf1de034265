"""What a run leaves behind, one format for both halves of the house.

RUN/run.json                  what runs: experiment, every parameter, versions, commit, seeds; written first
RUN/<treatment>/trial-000/    metrics.csv (append-only), checkpoint.npz (replaced), result.json (= finished)
RUN/report/                   figures, tables, statistics.json
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.errors import UserError
from cluster.files import disk_error, partial_path, read_arrays, read_json, write_arrays, write_json

FORMAT = 1

#: What every run.json holds.
DESCRIBED = {
    "experiment": str,
    "question": str,
    "command": str,
    "scale": str,
    "treatments": list,
    "trials": int,
    "seed": int,
    "settings": dict,
}


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def description(self) -> dict[str, Any]:
        """Content of run.json.

        Raises:
            UserError: not a run folder, or one of another format.
        """
        file = self.path / "run.json"
        if not file.exists():
            raise UserError(f"{self.path}: not a run folder (it holds no run.json)")
        return read_description(file)

    @classmethod
    def create(cls, path: Path | str, description: Mapping[str, Any]) -> RunFolder:
        """Make a new run folder and write run.json into it.

        Raises:
            UserError: the folder exists and is not empty, or cannot be made; nothing is left half-made.
        """
        folder = cls(path)
        litter = {partial_path(folder.path / "run.json")}  # of a run killed before it began
        if folder.path.exists() and (not folder.path.is_dir() or set(folder.path.iterdir()) - litter):
            held = "another run" if (folder.path / "run.json").exists() else "other files"
            raise UserError(f"--out {path}: holds {held}: allowed is a new or empty folder, or --resume")
        existed = folder.path.exists()
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(folder.path, error) from None
        try:
            write_json(folder.path / "run.json", {"format": FORMAT, **description})
        except UserError:
            if not existed:
                shutil.rmtree(folder.path, ignore_errors=True)
            raise
        return folder

    def trial(self, treatment: str, number: int) -> TrialFolder:
        """The folder of one trial, whether it exists or not."""
        return TrialFolder(self.path / treatment / f"trial-{number:03d}")

    def trials(self, treatment: str) -> list[TrialFolder]:
        """Folders of a treatment's trials that exist, in order."""
        return [TrialFolder(path) for path in sorted((self.path / treatment).glob("trial-*"))]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, so that no second process runs the same run.

        Raises:
            UserError: another process holds it.
        """
        with _lock(self.path, wait=False):
            yield


def read_description(file: Path) -> dict[str, Any]:
    """Content of a run.json.

    Raises:
        UserError: not a run.json, or one of another format.
    """
    content = read_json(file)
    if content.get("format") != FORMAT:
        raise UserError(f"{file}: format {content.get('format')!r}: allowed is {FORMAT}")
    for name, kind in DESCRIBED.items():
        if not isinstance(content.get(name), kind):
            raise UserError(f"{file}: {name} {content.get(name)!r}: allowed is a {kind.__name__}")
    return content


class TrialFolder:
    """The folder of one trial: metrics, checkpoint, result."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = io.StringIO()

    @property
    def finished(self) -> bool:
        """Whether the trial has its result."""
        return (self.path / "result.json").exists()

    @property
    def result(self) -> dict[str, Any]:
        """Content of result.json."""
        return read_json(self.path / "result.json")

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write the result; from now on the trial counts as finished."""
        write_json(self.path / "result.json", result)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and hold it; waits for a dying worker of a killed run to let go."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(self.path, error) from None
        with _lock(self.path, wait=True):
            yield

    def record(self, row: Mapping[str, Any]) -> None:
        """Add a row to the metrics; it reaches the file with the next checkpoint."""
        writer = csv.DictWriter(self._rows, list(row), lineterminator="\n")
        if self._rows.tell() == 0 and not self._metrics.exists():
            writer.writeheader()
        writer.writerow(row)

    def checkpoint(self, arrays: Mapping[str, NDArray]) -> None:
        """Flush the metrics, then replace the checkpoint, which remembers how long the metrics were."""
        self._flush()
        length = self._metrics.stat().st_size if self._metrics.exists() else 0
        write_arrays(self._checkpoint, {**arrays, "metrics_bytes": np.array(length)})

    def restore(self) -> dict[str, NDArray] | None:
        """The last checkpoint, the metrics cut back to its time; None (and no metrics) where there is none.

        Raises:
            UserError: the checkpoint is corrupt.
        """
        self._rows = io.StringIO()
        if not self._checkpoint.exists():
            self._metrics.unlink(missing_ok=True)
            return None
        arrays = read_arrays(self._checkpoint)
        if "metrics_bytes" not in arrays:
            raise UserError(f"{self._checkpoint}: not a trial's checkpoint; remove it to start this trial over")
        length = int(arrays.pop("metrics_bytes"))
        present = self._metrics.stat().st_size if self._metrics.exists() else 0
        if present < length:
            raise UserError(
                f"{self._metrics}: {present} bytes where the checkpoint knows {length}; "
                f"remove {self._checkpoint} to start this trial over"
            )
        if length:
            os.truncate(self._metrics, length)
        return arrays

    @property
    def _metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def _checkpoint(self) -> Path:
        return self.path / "checkpoint.npz"

    def _flush(self) -> None:
        rows = self._rows.getvalue()
        if not rows:
            return
        try:
            with self._metrics.open("a", encoding="utf-8", newline="") as file:
                file.write(rows)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(self._metrics, error) from None
        self._rows = io.StringIO()


@contextmanager
def _lock(path: Path, wait: bool) -> Iterator[None]:
    """An advisory lock on a folder; the system lets go of it when the process ends, however it ends."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        raise UserError(f"{path}: another process is writing this run; wait for it or stop it") from None
    try:
        yield
    finally:
        os.close(handle)
