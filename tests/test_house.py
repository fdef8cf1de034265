"""Who may import whom: arrows between the rooms point down only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BELOW = {
    "networks": set(),
    "cluster": set(),
    "analysis": {"networks", "cluster"},
    "evo": {"analysis", "networks", "cluster"},
    "meta": {"analysis", "networks", "cluster"},
}


def imported(file: Path) -> set[str]:
    """Top-level packages that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for file in files:
        rooms = imported(file) & set(BELOW)
        assert rooms <= BELOW[room] | {room}, file
