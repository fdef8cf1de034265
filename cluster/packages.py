"""What a job takes along to a cluster: the source of this package, and files named for it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from cluster.describe import COMMIT, commit
from cluster.errors import UserError

ROOMS = ("networks", "cluster", "analysis", "evo", "meta")
ROOT = Path(__file__).resolve().parent.parent
#: Bytes that Ray's job server takes.
LIMIT = 100 * 2**20


def pack(target: Path, include: Sequence[Path] = ()) -> str:
    """Copy what a job needs into a folder.

    Args:
        target: an empty folder.
        include: files and folders to take along under their names, such as modules of one's own.

    Returns:
        What was taken and what was left out, in one line.

    Raises:
        UserError: a file to include does not exist, or all is more than the job server takes.
    """
    rooms = [room for room in ROOMS if (ROOT / room).is_dir()]
    for room in rooms:
        _copy(ROOT / room, target / room)
    made_of = commit()
    if made_of is not None:
        (target / "cluster" / COMMIT.name).write_text(made_of + "\n")
    for path in include:
        if not path.exists():
            raise UserError(f"--include {path}: no such file or folder")
        if (target / path.name).exists():
            raise UserError(f"--include {path}: the package has a {path.name} of its own: allowed are other names")
        _copy(path, target / path.name)
    sizes = {entry.name: _size(entry) for entry in target.iterdir()}
    total = sum(sizes.values())
    if total > LIMIT:
        largest = max(sizes, key=lambda name: sizes[name])
        raise UserError(
            f"--include: {_mebibytes(total)} in all, most of it {largest} with {_mebibytes(sizes[largest])}: "
            f"allowed are {_mebibytes(LIMIT)}; put data where all nodes see them"
        )
    left = sorted(entry.name for entry in ROOT.iterdir() if entry.name not in sizes)
    taken = ", ".join([*rooms, *(path.name for path in include)])
    return f"taking along {taken} ({_mebibytes(total)}); leaving out {', '.join(left)}"


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy2(source, target)
    else:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*", "runs"))


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
