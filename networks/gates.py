"""Trees of logic gates: tasks whose sub-tasks, and their order, are known.

Gate("xor", (Gate("and", (0, 1)), Gate("and", (2, 3))))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

#: What gates of two or more inputs answer, from their inputs' answers.
KINDS: dict[str, Callable[[list[NDArray[np.bool_]]], NDArray[np.bool_]]] = {
    "and": lambda inputs: np.logical_and.reduce(inputs),
    "or": lambda inputs: np.logical_or.reduce(inputs),
    "nor": lambda inputs: ~np.logical_or.reduce(inputs),
    "nand": lambda inputs: ~np.logical_and.reduce(inputs),
    "xor": lambda inputs: reduce(np.logical_xor, inputs),
    "equals": lambda inputs: ~reduce(np.logical_xor, inputs),
}


@dataclass(frozen=True)
class Gate:
    """A gate over inputs of a network, or over other gates.

    Attributes:
        kind: one of KINDS; xor and equals of more than two inputs are the parity and its opposite.
        inputs: numbers of input nodes, or gates; two or more.
    """

    kind: str
    inputs: tuple[Gate | int, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r}: allowed are {', '.join(KINDS)}")
        if len(self.inputs) < 2:
            raise ValueError(f"inputs: {self.inputs}: allowed are two or more")

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(map(str, self.inputs))})"

    def answers(self, patterns: NDArray) -> NDArray[np.bool_]:
        """Answer to each pattern, bool (patterns,), from input values (patterns, inputs) that are yes above 0."""
        given = [
            feature.answers(patterns) if isinstance(feature, Gate) else patterns[:, feature] > 0
            for feature in self.inputs
        ]
        return KINDS[self.kind](given)

    def below(self) -> Iterator[Gate]:
        """All gates that it is made of, the lowest first, without itself."""
        for feature in self.inputs:
            if isinstance(feature, Gate):
                yield from feature.below()
                yield feature

    def features(self) -> set[int]:
        """Numbers of all input nodes that it depends on."""
        return {
            number
            for feature in self.inputs
            for number in (feature.features() if isinstance(feature, Gate) else {feature})
        }

    @property
    def depth(self) -> int:
        """Gates on the longest way from an input through it."""
        return 1 + max((feature.depth for feature in self.inputs if isinstance(feature, Gate)), default=0)


def pairs(kind: str, features: Sequence[Gate | int]) -> list[Gate]:
    """Gates of one kind over neighbouring pairs of inputs or gates, which share nothing."""
    return [Gate(kind, (first, second)) for first, second in zip(features[::2], features[1::2], strict=True)]


def sub_problems(gates: tuple[Gate, ...] | list[Gate]) -> dict[str, Gate]:
    """Every different gate below those of the outputs, by its name, the lowest layers first."""
    found = {str(gate): gate for output in gates for gate in output.below()}
    return dict(sorted(found.items(), key=lambda entry: entry[1].depth))
