"""Tasks of hierarchical logic: against Python's own logic, counts of positives, networks that solve them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evo.logic import LOGIC
from evo.problems import PROBLEMS, Problem, logic
from networks import Networks
from networks.gates import Gate

Rule = Callable[..., tuple[bool, ...]]

# What each output answers, written out: a, b, c, ... are the inputs.
RULES: dict[str, Rule] = {
    "and-xor-and": lambda a, b, c, d, e, f, g, h: (((a and b) != (c and d)) and ((e and f) != (g and h)),),
    "and-equals-and": lambda a, b, c, d, e, f, g, h: (((a and b) == (c and d)) and ((e and f) == (g and h)),),
    "or-xor-and": lambda a, b, c, d, e, f, g, h: (((a or b) != (c or d)) and ((e or f) != (g or h)),),
    "or-xor-equals": lambda a, b, c, d, e, f, g, h: (((a or b) != (c or d)) == ((e or f) != (g or h)),),
    "combination": lambda a, b, c, d, e, f, g, h: (((a or b) != (c or d)) == ((e or f) == (g or h)),),
    "all-xor": lambda *inputs: (sum(inputs) % 2 == 1,),
    "all-and": lambda *inputs: (all(inputs),),
    "cascade-and": lambda *inputs: (all(inputs),),
    "equals-and-nor-and": lambda a, b, c, d, e, f, g, h: ((a == b and c == d) and not ((e == f) or (g == h)),),
    "overlapping-and": lambda *inputs: (all(inputs),),
    "overlapping-and-xor": lambda a, b, c, d: (((a and b) != (b and c)) and ((b and c) != (c and d)),),
    "and-xor-two-outputs": lambda a, b, c, d, e, f, g, h: (
        ((a and b) != (c and d)) and ((e and f) != (g and h)),
        ((a and b) != (c and d)) or ((e and f) != (g and h)),
    ),
    "and-xor-three-outputs": lambda a, b, c, d, e, f, g, h: (
        (a and b) != (c and d),
        (c and d) != (e and f),
        (e and f) != (g and h),
    ),
}
RULES |= {name + "-big": RULES[name] for name in ("and-xor-and", "combination")}

# Positives of each output, counted by hand from the probabilities of the gates; layers; number of sub-problems.
PUBLISHED = {
    "and-xor-and": ([36], (8, 4, 4, 2, 1), 6),
    "and-xor-and-big": ([36], (8, 8, 4, 4, 2, 1), 6),
    "and-equals-and": ([100], (8, 4, 4, 2, 1), 6),
    "or-xor-and": ([36], (8, 4, 4, 2, 1), 6),
    "or-xor-equals": ([136], (8, 4, 4, 2, 1), 6),
    "combination": ([120], (8, 4, 4, 2, 1), 6),
    "combination-big": ([120], (8, 4, 4, 2, 2, 1), 6),
    "all-xor": ([128], (8, 8, 4, 4, 2, 2, 1), 6),
    "all-and": ([1], (8, 4, 2, 1), 6),
    "cascade-and": ([1], (8, 7, 6, 5, 4, 3, 2, 1), 6),
    "equals-and-nor-and": ([16], (8, 8, 4, 2, 1), 6),
    "overlapping-and": ([1], (5, 4, 3, 2, 1), 9),
    "overlapping-and-xor": ([1], (4, 3, 3, 2, 1), 5),
    "and-xor-two-outputs": ([36, 156], (8, 4, 4, 2, 2), 6),
    "and-xor-three-outputs": ([96, 96, 96], (8, 4, 6, 3), 4),
}


def test_every_task_is_written_out_here_and_is_a_problem_of_its_name() -> None:
    assert set(RULES) == set(PUBLISHED) == set(LOGIC)
    assert all(PROBLEMS[name]().name == name for name in LOGIC)


@pytest.mark.parametrize("name", LOGIC)
def test_targets_are_those_written_out(name: str) -> None:
    problem = logic(name)
    wanted = [RULES[name](*(value > 0 for value in row)) for row in problem.patterns.tolist()]
    assert problem.targets.tolist() == [list(row) for row in wanted]


@pytest.mark.parametrize("name", LOGIC)
def test_counts_layers_and_sub_problems_are_the_published_ones(name: str) -> None:
    problem = logic(name)
    positives, layers, parts = PUBLISHED[name]
    assert problem.targets.sum(axis=0).tolist() == positives
    assert (problem.topology.layers, len(problem.parts)) == (layers, parts)
    assert len(problem.patterns) == 2 ** layers[0]
    assert not problem.zero_is_wrong


def test_always_no_is_right_for_all_but_36_patterns_of_the_main_task() -> None:
    problem = logic("and-xor-and")
    no = problem.performance(np.full((1, 1, 256), -1, np.int8))
    silent = problem.performance(np.zeros((1, 1, 256), np.int8))  # an output of 0 says no
    assert no[0] == silent[0] == 220 / 256


def test_coordinates_are_the_published_ones() -> None:
    for name in LOGIC:
        topology = logic(name).topology
        inputs, outputs = topology.positions[: topology.inputs], topology.positions[-topology.outputs :]
        middle = (topology.inputs - 1) / 2
        assert inputs.tolist() == [[x - middle, 0.0] for x in range(topology.inputs)]
        wanted = {1: [0.0], 2: [-2.0, 2.0], 3: [-2.0, 0.0, 2.0]}[topology.outputs]
        assert outputs.tolist() == [[x, 4.0] for x in wanted]


def test_parts_are_the_gates_below_the_outputs() -> None:
    parts = logic("and-xor-and").parts
    a, b, c, d = ((logic("and-xor-and").patterns[:, k] > 0) for k in range(4))
    assert parts["and(2, 3)"].tolist() == (c & d).tolist()
    assert parts["xor(and(0, 1), and(2, 3))"].tolist() == ((a & b) != (c & d)).tolist()
    assert [name.count("xor") for name in parts] == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("name", LOGIC)
def test_halves_stand_where_no_gate_but_the_outputs_mixes_them(name: str) -> None:
    problem = logic(name)
    if problem.left:
        assert (problem.left, problem.right) == ((0, 1, 2, 3), (4, 5, 6, 7))
        sides = [gate.features() for output in problem.gates for gate in output.below()]
        assert all(side <= set(problem.left) or side <= set(problem.right) for side in sides)
        assert all(gate.features() == set(range(8)) for gate in problem.gates)


def test_a_network_made_by_hand_solves_the_main_task() -> None:
    problem = logic("and-xor-and")
    topology = problem.topology
    # ANDs 8-11; "the one and not the other" 12-15; XORs 16, 17; 18 says both.
    edges = {(2 * k + j, 8 + k): 1 for k in range(4) for j in range(2)}
    for k in range(4):
        edges |= {(8 + k, 12 + k): 1, (8 + (k ^ 1), 12 + k): -1, (12 + k, 16 + k // 2): 1}
    edges |= {(16, 18): 1, (17, 18): 1}
    biases = dict.fromkeys(range(8, 16), -1) | {16: 1, 17: 1, 18: -1}
    weights = [
        edges.get(edge, 0) for edge in zip(topology.sources.tolist(), topology.targets.tolist(), strict=True)
    ]
    bias = [biases.get(node, 0) for node in range(topology.nodes)]
    found = Networks(topology, np.array([weights], np.int8), np.array([bias], np.int8))
    assert problem.performance(problem.outputs(found)).tolist() == [1.0]


def test_a_problem_of_gates_of_ones_own_takes_two_lines() -> None:
    problem = Problem.from_gates([Gate("nand", (0, Gate("or", (1, 2))))], (3, 4, 1))
    assert problem.targets[:, 0].tolist() == [not (n & 1 and n & 6) for n in range(8)]
    assert list(problem.parts) == ["or(1, 2)"]


@pytest.mark.parametrize(
    ("gates", "layers", "message"),
    [
        ([Gate("and", (0, 3))], (3, 1), r"gates: inputs \[0, 3\]: allowed are 0 to 2"),
        ([Gate("and", (0, 1))], (3, 2), "targets: shape"),
        ([], (3, 1), "gates: none: allowed is one an output"),
    ],
)
def test_gates_must_fit_the_layers(gates: list[Gate], layers: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Problem.from_gates(gates, layers)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^name: 'and-and-and': allowed are and-xor-and, "):
        logic("and-and-and")
