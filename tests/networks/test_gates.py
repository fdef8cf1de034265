"""Trees of gates, against Python's own logic on every pattern."""

from __future__ import annotations

import numpy as np
import pytest

from networks.gates import KINDS, Gate, pairs, sub_problems

PATTERNS = np.where(np.arange(256)[:, None] >> np.arange(8) & 1, 1, -1)


def test_a_tree_answers_as_written_out() -> None:
    first, second = pairs("xor", pairs("and", range(8)))
    tree = Gate("and", (first, second))

    def wanted(row: np.ndarray) -> bool:
        a, b, c, d, e, f, g, h = (value > 0 for value in row)
        return ((a and b) != (c and d)) and ((e and f) != (g and h))

    assert tree.answers(PATTERNS).tolist() == [wanted(row) for row in PATTERNS]
    assert int(tree.answers(PATTERNS).sum()) == 36
    assert tree.depth == 3


@pytest.mark.parametrize(
    ("kind", "table"),
    [("and", "0001"), ("or", "0111"), ("nor", "1000"), ("nand", "1110"), ("xor", "0110"), ("equals", "1001")],
)
def test_each_kind_has_its_truth_table(kind: str, table: str) -> None:
    patterns = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])
    assert Gate(kind, (0, 1)).answers(patterns).tolist() == [digit == "1" for digit in table]


def test_equals_is_the_opposite_of_xor_for_any_number_of_inputs() -> None:
    assert (Gate("xor", (0, 1, 2)).answers(PATTERNS) != Gate("equals", (0, 1, 2)).answers(PATTERNS)).all()
    assert len(KINDS) == 6


def test_sub_problems_are_listed_once_and_lowest_first() -> None:
    shared = Gate("and", (0, 1))
    outputs = [Gate("xor", (shared, Gate("and", (2, 3)))), Gate("or", (Gate("nor", (shared, 4)), 5))]
    assert list(sub_problems(outputs)) == ["and(0, 1)", "and(2, 3)", "nor(and(0, 1), 4)"]


@pytest.mark.parametrize(("kind", "inputs"), [("implies", (0, 1)), ("and", (0,)), ("or", ())])
def test_impossible_gates_are_refused(kind: str, inputs: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="allowed are"):
        Gate(kind, inputs)
