"""Every notebook runs from end to end, networks that learn at a small scale, and is stored as it was executed."""

import importlib.util
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
_spec = importlib.util.spec_from_file_location("execute", ROOT / "notebooks" / "execute.py")
assert _spec is not None and _spec.loader is not None
execute = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(execute)
SOURCES = execute.sources()


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_notebook_runs_and_draws(source: Path) -> None:
    notebook = execute.execute(source, iterations=40)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_stored_notebook_is_its_plain_text_with_figures(source: Path) -> None:
    stored = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert [cell.source for cell in stored.cells] == [cell.source for cell in jupytext.read(source).cells]
    assert any("image/png" in o.get("data", {}) for cell in stored.cells for o in cell.get("outputs", []))
