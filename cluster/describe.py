"""What made a run: versions of what it ran on, and the commit of the code."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("neuromaterials", "numpy", "scipy", "numba", "networkx", "deap", "moocore", "torch")

#: Where code that was taken along to a cluster keeps the commit it is of (`cluster.packages`).
COMMIT = Path(__file__).with_name("COMMIT")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result; missing ones are left out."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """Commit of the checkout the code comes from, marked "+changes" if it differs; None if nobody knows."""
    if COMMIT.exists():
        return COMMIT.read_text().strip()
    here = Path(__file__).resolve().parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changes" if changes else "")
