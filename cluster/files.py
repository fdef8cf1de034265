"""Files that are either whole or not there, and that run no code when read."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.errors import UserError
from cluster.storage import is_remote


def write_atomic(path: Path, content: bytes) -> None:
    """Replace a file at once: a reader, or a run killed at any moment, sees the old content or the new.

    The content is first written beside the file, under a name of its own that the next write of this file takes
    again: a kill leaves no litter behind for good. One process at a time writes a file. On remote storage, one PUT
    replaces the object.

    Raises:
        UserError: the disk is full, the folder is missing or may not be written to.
    """
    if is_remote(path):
        path.write_bytes(content)
        return
    partial = partial_path(path)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise disk_error(path, error) from None


def append(path: Path, content: bytes) -> int:
    """Add to the end of a file, and how long it is then; remote storage replaces the whole object.

    Raises:
        UserError: the disk is full or the file may not be written.
    """
    if is_remote(path):
        before = path.read_bytes() if path.exists() else b""
        if content:
            path.write_bytes(before + content)
        return len(before) + len(content)
    try:
        with path.open("ab") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()
    except OSError as error:
        raise disk_error(path, error) from None


def cut(path: Path, length: int) -> int:
    """Shorten a file to a length if it is longer, and how long it was."""
    if is_remote(path):
        content = path.read_bytes() if path.exists() else b""
        if len(content) > length:
            path.write_bytes(content[:length])
        return len(content)
    present = path.stat().st_size if path.exists() else 0
    if present > length:
        os.truncate(path, length)
    return present


def partial_path(path: Path) -> Path:
    """Where a file's new content stands until it is whole."""
    return path.with_name(f".{path.name}.partial")


def disk_error(path: Path, error: OSError) -> UserError:
    """What the operating system refused, in one line."""
    return UserError(f"{path}: cannot be written: {error.strerror or error}")


def check_writable(flag: str, folder: Path) -> None:
    """Refuse a folder in which no file can be made; it is left as it was.

    Raises:
        UserError: names the flag.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"{flag} {folder}: cannot be written: {error.strerror or error}") from None
    finally:
        remove_empty(made)


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders that are empty, inner ones first; others stay."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically."""
    write_atomic(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        UserError: no such file, or it holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or 'no such file'}") from None
    except ValueError as error:
        raise UserError(f"{path}: not a JSON file ({error})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds a {type(content).__name__}: allowed is a JSON object")
    return content


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write named arrays as an npz file, atomically."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_atomic(path, buffer.getvalue())


def read_arrays(path: Path, remedy: str = "") -> dict[str, NDArray]:
    """Read an npz file; never unpickles.

    Args:
        path: of the file.
        remedy: what a person can do if it is damaged.

    Raises:
        UserError: no such file, or it is truncated, corrupt or holds objects.
    """
    try:
        source = io.BytesIO(path.read_bytes()) if is_remote(path) else path
        with np.load(source, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        advice = f"; {remedy}" if remedy else ""
        raise UserError(f"{path}: truncated or corrupt ({type(error).__name__}){advice}") from None
