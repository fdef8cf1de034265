"""Where data lies: one setting for what the user has, one for what we derive from it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Environment variable of the data folder.
DATA_VARIABLE = "NEUROMATERIALS_DATA"

#: Environment variable of the folder of prepared arrays.
CACHE_VARIABLE = "NEUROMATERIALS_CACHE"


def data_folder(given: str | Path | None = None) -> Path:
    """The folder with the data sets: the flag's value, else NEUROMATERIALS_DATA, else the user's cache.

    Args:
        given: value of the flag `--data-folder`, if there was one.

    Returns:
        A folder that need not exist yet.
    """
    chosen = given or os.environ.get(DATA_VARIABLE)
    return Path(chosen).expanduser() if chosen else _user_cache() / "neuromaterials"


def prepared_folder() -> Path:
    """Where arrays derived from data sets are kept: NEUROMATERIALS_CACHE, else in the user's cache.

    Never in the data folder, which may be read-only or shared. Everything in it can be removed at any time.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else _user_cache() / "neuromaterials" / "prepared"


def find_file(folder: Path, data_set: str, name: str) -> Path | None:
    """A data set's file, `<folder>/<data set>/<name>` or `<folder>/<name>`; None if it is in neither place."""
    for path in (folder / data_set / name, folder / name):
        if path.is_file():
            return path
    return None


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    # The XDG specification: a relative path is to be ignored.
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return chosen if chosen.is_absolute() else Path.home() / ".cache"
