"""Hierarchical logic: what each output answers as a tree of gates (Mengistu et al. 2016).

Names read from the inputs up: or-xor-and is the AND of XORs of ORs of neighbouring inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

from networks.gates import Gate, pairs


@dataclass(frozen=True)
class Logic:
    """A task of logic.

    Attributes:
        layers: nodes in each layer of the networks that learn it.
        gates: what each output answers.
        halves: whether inputs 0-3 and 4-7 each answer questions of their own before these are brought together.
    """

    layers: tuple[int, ...]
    gates: tuple[Gate, ...]
    halves: bool = False


def _neighbours(kind: str, features: Sequence[Gate | int]) -> list[Gate]:
    """Gates over every two neighbours, so that each gate shares its inputs with the next."""
    return [Gate(kind, (first, second)) for first, second in pairwise(features)]


def _tree(lowest: str, middle: str, highest: str) -> tuple[Gate]:
    (root,) = pairs(highest, pairs(middle, pairs(lowest, range(8))))
    return (root,)


def _tasks() -> dict[str, Logic]:
    ors, equals = pairs("or", range(8)), pairs("equals", range(8))
    combination = Gate("equals", (Gate("xor", tuple(ors[:2])), Gate("equals", tuple(ors[2:]))))
    mixed = Gate("and", (Gate("and", tuple(equals[:2])), Gate("nor", tuple(equals[2:]))))
    cascade = reduce(lambda gate, feature: Gate("and", (gate, feature)), range(2, 8), Gate("and", (0, 1)))
    ands = pairs("and", range(8))
    xors = tuple(pairs("xor", ands))
    overlapping = _neighbours("and", range(5))
    while len(overlapping) > 1:
        overlapping = _neighbours("and", overlapping)
    overlapping_xors = _neighbours("xor", _neighbours("and", range(4)))
    small = (8, 4, 4, 2, 1)
    return {
        "and-xor-and": Logic(small, _tree("and", "xor", "and"), True),
        "and-xor-and-big": Logic((8, 8, 4, 4, 2, 1), _tree("and", "xor", "and"), True),
        "and-equals-and": Logic(small, _tree("and", "equals", "and"), True),
        "or-xor-and": Logic(small, _tree("or", "xor", "and"), True),
        # The published program lacks its file; with these layers it can follow and-xor-and.
        "or-xor-equals": Logic(small, _tree("or", "xor", "equals"), True),
        "combination": Logic(small, (combination,), True),
        "combination-big": Logic((8, 4, 4, 2, 2, 1), (combination,), True),
        "all-xor": Logic((8, 8, 4, 4, 2, 2, 1), _tree("xor", "xor", "xor"), True),
        "all-and": Logic((8, 4, 2, 1), _tree("and", "and", "and"), True),
        "cascade-and": Logic((8, 7, 6, 5, 4, 3, 2, 1), (cascade,)),
        # Layers that suffice; the published ones are not known.
        "equals-and-nor-and": Logic((8, 8, 4, 2, 1), (mixed,), True),
        # Layers as published; which gates share which inputs, and which end in outputs, is what they suggest.
        "overlapping-and": Logic((5, 4, 3, 2, 1), tuple(overlapping)),
        "overlapping-and-xor": Logic((4, 3, 3, 2, 1), tuple(_neighbours("and", overlapping_xors))),
        "and-xor-two-outputs": Logic((8, 4, 4, 2, 2), (Gate("and", xors), Gate("or", xors)), True),
        "and-xor-three-outputs": Logic((8, 4, 6, 3), tuple(_neighbours("xor", ands))),
    }


#: Tasks by name.
LOGIC: Mapping[str, Logic] = _tasks()
