"""What a network is asked to answer: input patterns with target outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numba import int16, njit
from numpy.typing import NDArray

from evo.logic import LOGIC
from networks import Evaluator, Networks, Topology, layered
from networks.gates import Gate, pairs, sub_problems

# Objects of the retina as numbers whose bits 0-3 are the pixels top left, top right, bottom left, bottom right
# (Kashtan & Alon 2005; Clune et al. 2013).
LEFT_OBJECTS = (1, 4, 5, 7, 11, 13, 14, 15)
RIGHT_OBJECTS = (2, 7, 8, 10, 11, 13, 14, 15)


@dataclass(frozen=True)
class Problem:
    """Patterns, the answers wanted, and the topology of the networks that may learn them.

    Attributes:
        name: how runs and figures call it.
        topology: layers and coordinates.
        patterns: input values, shape (patterns, inputs).
        targets: whether each output should be above 0, bool (patterns, outputs).
        zero_is_wrong: an output of exactly 0 is an error whatever the target (else it means "no").
        slope: factor on the weighted sum of a node.
        activation: activation function of the nodes.
        left: input nodes of the left half, for functional decomposition; empty where there are no halves.
        right: input nodes of the right half.
        parts: answers of sub-problems, each bool (patterns,).
        gates: what each output answers as a tree of gates; empty where the targets are not made of gates.
    """

    name: str
    topology: Topology
    patterns: NDArray
    targets: NDArray[np.bool_]
    zero_is_wrong: bool = False
    slope: float = 20.0
    activation: str = "tanh"
    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    parts: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()

    def __post_init__(self) -> None:
        for name, array, columns in (
            ("patterns", self.patterns, self.topology.inputs),
            ("targets", self.targets, self.topology.outputs),
        ):
            if array.ndim != 2 or array.shape[1] != columns or len(array) != len(self.patterns):
                wanted = f"({len(self.patterns)}, {columns})"
                raise ValueError(f"{name}: shape {array.shape}: allowed is {wanted} for this topology")
        if self.gates and len(self.gates) != self.topology.outputs:
            raise ValueError(f"gates: {len(self.gates)}: allowed are {self.topology.outputs}, one an output")
        if self.targets.dtype != bool:
            raise ValueError(f"targets: {self.targets.dtype}: allowed is bool")
        _ = self.evaluator  # checks the patterns

    @classmethod
    def from_table(
        cls,
        patterns: Sequence[Sequence[float]] | NDArray,
        targets: Sequence[Sequence[float]] | Sequence[float] | NDArray,
        hidden: Sequence[int] = (8,),
        name: str = "table",
    ) -> Problem:
        """A problem from any table of inputs and wanted outputs.

        Args:
            patterns: input values, shape (patterns, inputs); the fast exact form wants -1 and +1.
            targets: above 0 for "yes", shape (patterns, outputs) or (patterns,).
            hidden: number of nodes in each hidden layer.
            name: how runs and figures call it.

        Raises:
            ValueError: shapes that do not fit together, values that are not finite.
        """
        inputs = np.atleast_2d(np.asarray(patterns))
        wanted = np.asarray(targets)
        if not np.isfinite(wanted).all():
            raise ValueError("targets: a value is not finite: allowed are finite numbers")
        wanted = (wanted[:, None] if wanted.ndim == 1 else wanted) > 0
        if len(wanted) != len(inputs):
            raise ValueError(f"targets: {len(wanted)} rows: allowed is {len(inputs)}, one a pattern")
        return cls(name, layered((inputs.shape[1], *hidden, wanted.shape[1])), inputs, wanted)

    @classmethod
    def from_gates(
        cls,
        gates: Sequence[Gate],
        layers: Sequence[int],
        name: str = "logic",
        left: Sequence[int] = (),
        right: Sequence[int] = (),
    ) -> Problem:
        """A problem from trees of gates over all patterns of its inputs; their sub-problems are its parts.

        Inputs and outputs lie where Mengistu et al. (2016) put them: inputs one unit apart at y = 0; one output at
        (0, 4), several at y = 4 and evenly spaced, at x = -2 and 2 if they are two.

        Args:
            gates: what each output answers.
            layers: number of nodes in each layer, inputs first.
            name: how runs and figures call it.
            left: input nodes of the left half, for functional decomposition.
            right: input nodes of the right half.

        Raises:
            ValueError: not one gate an output, or a gate over an input that the layers lack.
        """
        if not gates:
            raise ValueError("gates: none: allowed is one an output")
        output_x = np.linspace(-2.0, 2.0, layers[-1]) if layers[-1] > 1 else [0.0]
        topology = layered(layers, output_x=[float(x) for x in output_x], output_y=4.0)
        patterns = all_patterns(topology.inputs)
        used = {feature for gate in gates for feature in gate.features()}
        if not used <= set(range(topology.inputs)):
            raise ValueError(f"gates: inputs {sorted(used)}: allowed are 0 to {topology.inputs - 1}")
        return cls(
            name,
            topology,
            patterns,
            np.stack([gate.answers(patterns) for gate in gates], axis=1),
            left=tuple(left),
            right=tuple(right),
            parts={part: gate.answers(patterns) for part, gate in sub_problems(tuple(gates)).items()},
            gates=tuple(gates),
        )

    @cached_property
    def evaluator(self) -> Evaluator:
        """Evaluates networks on the patterns."""
        return Evaluator(self.patterns, self.slope, self.activation)

    def outputs(self, networks: Networks) -> NDArray:
        """Values of the output nodes, shape (networks, outputs, patterns)."""
        return self.evaluator.outputs(networks)

    def performance(self, outputs: NDArray) -> NDArray[np.float64]:
        """Share of right answers, 0..1, from values of the output nodes, shape (networks,)."""
        if outputs.dtype == np.int8:
            errors = _count_errors(np.ascontiguousarray(outputs), self._yes, self._limit)
        else:
            no_is_wrong = outputs >= 0 if self.zero_is_wrong else outputs > 0
            errors = np.where(self._yes, outputs <= 0, no_is_wrong).sum(axis=(1, 2))
        return 1.0 - errors / self.targets.size

    @cached_property
    def _yes(self) -> NDArray[np.bool_]:
        return np.ascontiguousarray(self.targets.T)

    @cached_property
    def _limit(self) -> NDArray[np.int8]:
        """The largest output that still counts as "no"; as wrong as can be for 0 where 0 is never right."""
        return np.where(self._yes, 0, -1 if self.zero_is_wrong else 0).astype(np.int8)


# Errors that a 16-bit number can certainly count.
MOST = 1 << 14


@njit(cache=True)
def _count_errors(outputs: NDArray, yes: NDArray, limit: NDArray) -> NDArray:
    count, nodes, patterns = outputs.shape
    errors = np.zeros(count, np.int64)
    # Unsigned indices and a narrow sum, so that one instruction compares and adds many patterns.
    for n in range(np.uintp(count)):
        for node in range(np.uintp(nodes)):
            for begin in range(np.uintp(0), np.uintp(patterns), np.uintp(MOST)):
                wrong = int16(0)
                for p in range(begin, min(begin + np.uintp(MOST), np.uintp(patterns))):
                    wrong = int16(wrong + int16((outputs[n, node, p] > limit[node, p]) != yes[node, p]))
                errors[n] += wrong
    return errors


def all_patterns(inputs: int) -> NDArray[np.int8]:
    """Every pattern of -1 and +1, bit k of the row number being input k, shape (2**inputs, inputs)."""
    return np.where(np.arange(2**inputs)[:, None] >> np.arange(inputs) & 1, 1, -1).astype(np.int8)


def retina(goal: str = "and") -> Problem:
    """Is there an object on the left AND (OR) the right half of a 4 by 2 retina? (Clune et al. 2013)."""
    patterns = all_patterns(8)
    number = np.arange(256)
    left = np.isin(number & 15, LEFT_OBJECTS)
    right = np.isin(number >> 4, RIGHT_OBJECTS)
    goals = {"and": np.logical_and, "or": np.logical_or}
    if goal not in goals:
        raise ValueError(f"goal: {goal!r}: allowed are {', '.join(goals)}")
    return Problem(
        f"retina-{goal}",
        layered((8, 8, 4, 2, 1), output_y=4.0),
        patterns,
        goals[goal](left, right)[:, None],
        zero_is_wrong=True,
        left=(0, 1, 2, 3),
        right=(4, 5, 6, 7),
        parts={"left": left, "right": right},
    )


def parallel_xor(pairs: int = 5) -> Problem:
    """One XOR for each pair of inputs, two layers of connections (Clune et al. 2013, n-XOR)."""
    patterns = all_patterns(2 * pairs)
    targets = (patterns[:, 0::2] > 0) ^ (patterns[:, 1::2] > 0)
    return Problem(
        f"{pairs}-xor",
        layered((2 * pairs, 2 * pairs, pairs), output_y=2.0),
        patterns,
        targets,
        parts={f"xor-{k}": targets[:, k] for k in range(pairs)},
    )


def hierarchical_xor() -> Problem:
    """Two XORs of two XORs each, over four inputs a side (Clune et al. 2013, H-XOR)."""
    patterns = all_patterns(8)
    first = (patterns[:, 0::2] > 0) ^ (patterns[:, 1::2] > 0)
    targets = first[:, 0::2] ^ first[:, 1::2]
    return Problem(
        "hierarchical-xor",
        layered((8, 8, 4, 4, 2), output_x=(-2.0, 2.0), output_y=4.0),
        patterns,
        targets,
        left=(0, 1, 2, 3),
        right=(4, 5, 6, 7),
        parts={f"xor-{k}": first[:, k] for k in range(4)} | {"left": targets[:, 0], "right": targets[:, 1]},
        gates=tuple(pairs("xor", pairs("xor", range(8)))),
    )


def logic(name: str) -> Problem:
    """A task of hierarchical logic by its name in `evo.logic.LOGIC` (Mengistu et al. 2016)."""
    if name not in LOGIC:
        raise ValueError(f"name: {name!r}: allowed are {', '.join(LOGIC)}")
    task = LOGIC[name]
    halves = ((0, 1, 2, 3), (4, 5, 6, 7)) if task.halves else ((), ())
    return Problem.from_gates(task.gates, task.layers, name, *halves)


#: The published problems by name.
PROBLEMS: dict[str, Callable[[], Problem]] = {
    "retina-and": lambda: retina("and"),
    "retina-or": lambda: retina("or"),
    "4-xor": lambda: parallel_xor(4),
    "5-xor": lambda: parallel_xor(5),
    "hierarchical-xor": hierarchical_xor,
    **{name: partial(logic, name) for name in LOGIC},
}
