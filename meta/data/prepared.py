"""Arrays that take seconds to make, made once and then mapped into memory from disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.errors import UserError
from meta.data.folder import CACHE_VARIABLE, prepared_folder


def prepared(name: str, make: Callable[[], Mapping[str, NDArray]]) -> dict[str, NDArray]:
    """The named arrays that `make` returns, read from disk if they were made before.

    The arrays are kept as `<prepared folder>/<name>/<array>.npy`, a folder that appears as a whole, so that
    any number of processes may ask for the same arrays at once. A damaged folder is made again.

    Args:
        name: names everything that the arrays depend on, the version of the code that makes them included.
        make: makes the arrays; none may hold objects.

    Returns:
        The arrays, mapped read-only into memory: their pages are shared by all processes of a machine.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = prepared_folder() / name
    arrays = _read(folder)
    if arrays is None:
        made = make()
        try:
            _write(folder, made)
        except OSError as error:
            raise UserError(
                f"{folder}: cannot be written: {error.strerror or error}: "
                f"name a folder for prepared arrays with {CACHE_VARIABLE}"
            ) from None
        arrays = _read(folder)
        if arrays is None:
            raise UserError(f"{folder}: cannot be read back: remove it, or name another with {CACHE_VARIABLE}")
    return arrays


def _read(folder: Path) -> dict[str, NDArray] | None:
    """The arrays of a folder; None if it is missing or damaged."""
    try:
        names = (folder / "arrays").read_text().split()
        return {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names}
    except (OSError, ValueError, EOFError):
        return None


def _write(folder: Path, arrays: Mapping[str, NDArray]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A temporary folder of each process's own: several may prepare the same arrays at the same time.
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, array in arrays.items():
            np.save(partial / f"{name}.npy", array, allow_pickle=False)
        (partial / "arrays").write_text("\n".join(arrays))
        if folder.exists() and _read(folder) is None:
            shutil.rmtree(folder)
        try:
            partial.rename(folder)
        except OSError:
            if _read(folder) is None:  # else another process was faster: its arrays are the same
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
