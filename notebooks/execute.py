"""Execute the notebooks and store them with their figures: python notebooks/execute.py [NAME ...]."""

from __future__ import annotations

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


def execute(source: Path) -> Any:
    """A notebook with the outputs of its cells; raises what a cell raises."""
    notebook = jupytext.read(source)
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
