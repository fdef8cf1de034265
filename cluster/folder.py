"""What a run leaves behind, one format for both halves of the house.

RUN/run.json                  what runs: experiment, every parameter, versions, commit, seeds; written first
RUN/<treatment>/trial-000/    metrics.csv (append-only), checkpoint.npz (replaced), result.json (= finished)
RUN/report/                   index.html, figures, tables, statistics.json

While it runs, and after a kill, there may also be RUN/driver.json (`cluster.driver`), failure.json in the folder
of a trial that failed, and on remote storage owner.json in that of a trial that runs. A run that ends well leaves
none of them.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.driver import driving
from cluster.errors import UserError
from cluster.files import (
    append,
    cut,
    disk_error,
    partial_path,
    read_arrays,
    read_json,
    write_arrays,
    write_atomic,
    write_json,
)
from cluster.locks import locked_folder
from cluster.seeds import trial_seed
from cluster.storage import files_below, is_remote, location
from cluster.trials import Trial

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
    """The folder of one run, at a path or a URL."""

    def __init__(self, path: Path | str) -> None:
        self.path = location(path)

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
        if is_remote(folder.path):
            return folder._create_remote({"format": FORMAT, **description})
        litter = {partial_path(folder.path / "run.json")}  # of a run killed before it began
        if folder.path.exists() and (not folder.path.is_dir() or set(folder.path.iterdir()) - litter):
            held = "holds another run" if (folder.path / "run.json").exists() else "holds other files"
            state = held if folder.path.is_dir() else "is a file"
            raise UserError(f"--out {path}: {state}: allowed is a new or empty folder, or --resume")
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

    def _create_remote(self, description: Mapping[str, Any]) -> RunFolder:
        file = self.path / "run.json"
        present = files_below(self.path)
        if present - {"run.json"}:
            held = "another run" if "run.json" in present else "other files"
        else:
            content = (json.dumps(description, indent=1, allow_nan=False) + "\n").encode()
            if file.create(content):  # type: ignore[attr-defined]
                return self
            held = "another run"
        raise UserError(f"--out {self.path}: holds {held}: allowed is a new or empty folder, or --resume")

    def trial(self, treatment: str, number: int) -> TrialFolder:
        """The folder of one trial, whether it exists or not."""
        return TrialFolder(self.path / treatment / f"trial-{number:03d}")

    def complete(self, trial: Trial, seed: int, work: Callable[[TrialFolder, int], dict[str, Any]]) -> None:
        """Have a trial's work done in its folder, which nobody else then uses, unless it is done.

        Args:
            trial: whose.
            seed: of the run.
            work: gives the result, from the folder and the trial's own seed; what names the trial is added to it.
        """
        folder = self.trial(trial.treatment, trial.number)
        with folder.locked():
            if folder.finished:
                return
            own_seed = trial_seed(seed, trial.treatment, trial.number)
            identity = {
                "experiment": self.description["experiment"],
                "treatment": trial.treatment,
                "trial": trial.number,
                "seed": own_seed,
            }
            folder.finish(identity | work(folder, own_seed))

    def trials(self, treatment: str) -> list[TrialFolder]:
        """Folders of a treatment's trials that exist, in order."""
        if is_remote(self.path):
            names = {name.split("/")[0] for name in files_below(self.path / treatment)}
            return [TrialFolder(self.path / treatment / name) for name in sorted(names)]
        return [TrialFolder(path) for path in sorted((self.path / treatment).glob("trial-*"))]

    def holding(self, name: str) -> set[Trial]:
        """The trials whose folders hold a file of this name; one listing, however many there are."""
        return trials_holding(files_below(self.path), name)

    @contextmanager
    def locked(self, tell: Callable[[], Mapping[str, Any]] | None = None) -> Iterator[None]:
        """Hold the folder, so that no second process runs the same run.

        Args:
            tell: how the run goes, asked now and then and written to driver.json for whoever watches.

        Raises:
            UserError: another process holds it.
        """
        if is_remote(self.path):
            with driving(self.path, tell or dict):
                yield
            return
        with locked_folder(self.path, wait=False):
            if tell is None:
                yield
            else:
                with driving(self.path, tell):
                    yield


def trials_holding(names: set[str], wanted: str) -> set[Trial]:
    """The trials that have a file of a name among the files of a run folder."""
    found = set()
    for name in names:
        parts = name.split("/")
        if len(parts) == 3 and parts[2] == wanted and parts[1].removeprefix("trial-").isdigit():
            found.add(Trial(parts[0], int(parts[1].removeprefix("trial-"))))
    return found


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


class Superseded(Exception):
    """Another process has taken this trial over, because this one was thought lost: it must write no more."""


class TrialFolder:
    """The folder of one trial: metrics, checkpoint, result."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows = io.StringIO()
        self._columns: list[str] = []
        self._token = ""

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
        self._check_owner()
        write_json(self.path / "result.json", result)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and hold it.

        On a disk this waits for a dying worker of a killed run to let go. Remote storage has no locks: there this
        process puts its name into owner.json and whoever was there before writes no more (`Superseded`).
        """
        if is_remote(self.path):
            with self._owned():
                yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(self.path, error) from None
        with locked_folder(self.path, wait=True):
            yield

    def record(self, row: Mapping[str, Any]) -> None:
        """Add a row to the metrics; it reaches the file with the next checkpoint.

        Metrics that an earlier version began keep its columns.
        """
        fresh = not self._columns
        if fresh:
            self._columns = self._begun_columns() or list(row)
        writer = csv.DictWriter(self._rows, self._columns, extrasaction="ignore", lineterminator="\n")
        if fresh and not self._metrics.exists():
            writer.writeheader()
        writer.writerow(row)

    def _begun_columns(self) -> list[str]:
        """Columns of the metrics so far; none where there are no metrics."""
        if not self._metrics.exists():
            return []
        return next(csv.reader(self._metrics.read_bytes().decode().splitlines()[:1]), [])

    def checkpoint(self, arrays: Mapping[str, NDArray]) -> None:
        """Flush the metrics, then replace the checkpoint, which remembers how long the metrics were."""
        self._check_owner()
        rows = self._rows.getvalue()
        length = append(self._metrics, rows.encode()) if rows or self._metrics.exists() else 0
        self._rows = io.StringIO()
        write_arrays(self._checkpoint, {**arrays, "metrics_bytes": np.array(length)})

    def restore(self) -> dict[str, NDArray] | None:
        """The last checkpoint, the metrics cut back to its time; None (and no metrics) where there is none.

        Raises:
            UserError: the checkpoint is corrupt.
        """
        self._rows, self._columns = io.StringIO(), []
        if not self._checkpoint.exists():
            self._metrics.unlink(missing_ok=True)
            return None
        arrays = read_arrays(self._checkpoint, "remove it to start this trial over")
        if "metrics_bytes" not in arrays:
            raise UserError(f"{self._checkpoint}: not a trial's checkpoint; remove it to start this trial over")
        length = int(arrays.pop("metrics_bytes"))
        present = cut(self._metrics, length)
        if present < length:
            raise UserError(
                f"{self._metrics}: {present} bytes where the checkpoint knows {length}; "
                f"remove {self._checkpoint} to start this trial over"
            )
        return arrays

    @property
    def failure(self) -> dict[str, Any] | None:
        """Content of failure.json: what went wrong when this trial was last tried; None if nothing did."""
        file = self.path / "failure.json"
        return read_json(file) if file.exists() else None

    def failed(self, message: str) -> None:
        """Leave a note of what went wrong."""
        if not is_remote(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "failure.json", {"error": message})

    def forget_failure(self) -> None:
        """Remove the note: the trial is tried again."""
        (self.path / "failure.json").unlink(missing_ok=True)

    @property
    def _metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def _checkpoint(self) -> Path:
        return self.path / "checkpoint.npz"

    @contextmanager
    def _owned(self) -> Iterator[None]:
        self._token = secrets.token_hex(8)
        write_atomic(self.path / "owner.json", json.dumps({"token": self._token}).encode())
        try:
            yield
        finally:
            if self._owner() == self._token:
                (self.path / "owner.json").unlink(missing_ok=True)
            self._token = ""

    def _owner(self) -> str:
        try:
            return str(json.loads((self.path / "owner.json").read_bytes()).get("token"))
        except FileNotFoundError:
            return ""

    def _check_owner(self) -> None:
        if self._token and self._owner() != self._token:
            raise Superseded(f"{self.path}: another process has taken this trial over")
