from dataclasses import dataclass
from typing import Any

import pytest

from cluster.errors import UserError
from cluster.parameters import check, parameter, whole_number, with_values


@dataclass(frozen=True)
class Example:
    size: int = parameter(10, "how many", 1)
    rate: float = parameter(0.5, "how often", 0, 1)
    kind: str = parameter("a", "which", choices=("a", "b"))
    names: tuple[str, ...] = parameter(("a",), "which ones", choices=("a", "b"))
    fast: bool = parameter(False, "whether")


def test_texts_become_values_of_the_fields_types() -> None:
    made = with_values(Example(), {"size": "3", "rate": "1e-1", "kind": "b", "names": "a b", "fast": "true"})
    assert made == Example(3, 0.1, "b", ("a", "b"), True)
    assert with_values(Example(), {"names": ["b", "a"], "size": 4.0}) == Example(4, names=("b", "a"))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("size", "0", "--size 0: allowed is a whole number of 1 or more"),
        ("size", 2.5, "--size 2.5: allowed is a whole number of 1 or more"),
        ("size", True, "--size True: allowed is a whole number of 1 or more"),
        ("size", None, "--size None: allowed is a whole number of 1 or more"),
        ("rate", "1.1", "--rate 1.1: allowed is a number from 0 to 1"),
        ("rate", "nan", "--rate nan: allowed is a number from 0 to 1"),
        ("kind", "c", "--kind c: allowed is one of a, b"),
        ("kind", 3, "--kind 3: allowed is one of a, b"),
        ("names", ["a", "x"], "--names x: allowed is one of a, b"),
        ("names", 3, "--names 3: allowed is a list, each one of a, b"),
        ("fast", "perhaps", "--fast perhaps: allowed is true or false"),
        ("colour", "red", "colour: no such field: allowed are size, rate, kind, names, fast"),
    ],
)
def test_what_is_not_allowed_is_named_in_one_line(field: str, value: Any, says: str) -> None:
    with pytest.raises(UserError) as error:
        with_values(Example(), {field: value})
    assert str(error.value) == says


def test_fields_set_in_python_are_checked_too() -> None:
    check(Example())
    with pytest.raises(UserError, match="--rate 2: allowed"):
        check(Example(rate=2))


def test_whole_numbers() -> None:
    assert whole_number("--trials", "12", 1) == 12
    for wrong in ("0", "1.5", "x", None, False):
        with pytest.raises(UserError, match="allowed is a whole number of 1 or more"):
            whole_number("--trials", wrong, 1)
