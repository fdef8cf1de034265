"""Execute the notebooks and store them with their figures: python notebooks/execute.py [NAME ...]."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
#: Seconds that a cell may take.
LIMIT = 600


def sources() -> list[Path]:
    """Plain-text forms of all notebooks, in order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def execute(source: Path, iterations: int | None = None) -> Any:
    """A notebook with the outputs of its cells; raises what a cell raises.

    Args:
        source: its plain text.
        iterations: that no training may exceed, to see soon whether everything runs; None leaves them as written.
    """
    notebook = jupytext.read(source)
    if iterations is not None:
        for cell in notebook.cells:
            cell.source = re.sub(
                r"\biterations=(\d+)",
                lambda found: f"iterations={min(int(found[1]), iterations)}",
                cell.source,
            )
    NotebookClient(notebook, timeout=LIMIT, resources={"metadata": {"path": str(HERE.parent)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of the clock
    return notebook


def main(names: list[str]) -> None:
    """Execute and store the named notebooks, or all."""
    for source in sources():
        if not names or source.stem in names or source.stem[:2] in names:
            print(source.stem, flush=True)
            nbformat.write(execute(source), source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main(sys.argv[1:])
