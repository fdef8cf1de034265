"""Downloads that are either whole and verified or not there."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cluster.errors import UserError
from cluster.files import remove_empty
from meta.data.folder import DATA_VARIABLE, find_file

#: Seconds without an answer after which a download is given up.
PATIENCE = 30.0

_BLOCK = 2**17


@dataclass(frozen=True)
class Source:
    """A published file.

    Attributes:
        url: where it is published.
        size: its length in bytes.
        sha256: its SHA-256 in hexadecimal digits.
    """

    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """File name."""
        return self.url.rpartition("/")[2]


def obtain(source: Source, folder: Path, data_set: str, fetch: bool) -> Path:
    """The path of a data set's file, downloaded if it is missing and `fetch` allows it.

    A file that is already there is taken as it is: the user may have packed it anew.

    Raises:
        UserError: it is missing and was not, or could not be, downloaded.
    """
    found = find_file(folder, data_set, source.name)
    if found is not None:
        return found
    path = folder / data_set / source.name
    if not fetch:
        raise UserError(f"{path}: no such file: {by_hand(source.url, path.parent)}")
    download(source.url, path, source.sha256, source.size)
    return path


def by_hand(url: str, folder: Path) -> str:
    """What a user can do without a download of ours, for the end of an error's line."""
    return (
        f"get {url} and put it into {folder} (--data-folder DIR or {DATA_VARIABLE} names the data folder), "
        "or use --data generated, which needs no download"
    )


def download(url: str, path: Path, sha256: str, size: int) -> None:
    """Download a file over https, with a progress bar on standard error.

    The file appears at its place when all of it has come and its length and SHA-256 are right; otherwise
    nothing is left behind. (The checksum is why plain http is allowed as well.)

    Args:
        url: address, https or http.
        path: where the file goes; missing folders are made.
        sha256: expected SHA-256 in hexadecimal digits.
        size: expected length in bytes.

    Raises:
        UserError: no connection, an error of the server, another length or checksum, or a disk that is full
            or may not be written.
    """
    if not url.startswith(("https://", "http://")):
        raise UserError(f"{url}: cannot be downloaded: allowed is an https address")
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            partial = Path(folder) / path.name
            with partial.open("wb") as file:
                _receive(url, path, file, sha256, size)
                os.fsync(file.fileno())
            partial.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        if not path.exists():
            remove_empty(made)


def _receive(url: str, path: Path, file: BinaryIO, sha256: str, size: int) -> None:
    digest, received = hashlib.sha256(), 0
    with _bar(path.name, size) as progress:
        for block in _blocks(url, path):
            file.write(block)
            digest.update(block)
            received += len(block)
            progress.update(progress.task_ids[0], completed=received)
            if received > size:
                break
    if received != size:
        length = f"more than {size}" if received > size else received
        raise UserError(f"{url}: {length} bytes came, not {size}: try again, or {by_hand(url, path.parent)}")
    if digest.hexdigest() != sha256:
        raise UserError(
            f"{url}: SHA-256 is {digest.hexdigest()}, not {sha256}: the file is not what was published"
        )


def _blocks(url: str, path: Path) -> Iterator[bytes]:
    """The content, block by block; what goes wrong on the way is the network's fault, not the disk's."""
    try:
        with contextlib.closing(urllib.request.urlopen(url, timeout=PATIENCE)) as answer:
            while block := answer.read(_BLOCK):
                yield block
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(f"{url}: cannot be downloaded ({reason}): {by_hand(url, path.parent)}") from None


def _bar(name: str, size: int) -> Progress:
    progress = Progress(
        TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=Console(stderr=True)
    )
    progress.add_task(name, total=size)
    return progress
