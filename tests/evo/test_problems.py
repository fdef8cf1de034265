from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import seeds

from analysis.decomposition import left_right_split, sub_solutions
from analysis.modularity import spectral_partition
from evo.objectives import modularity
from evo.problems import PROBLEMS, Problem, all_patterns, hierarchical_xor, parallel_xor, retina
from networks import Networks, connection_count, layered, to_graph

# The objects of the published program, as it lists them.
LEFT = {15, 7, 5, 13, 1, 11, 4, 14}
RIGHT = {15, 14, 10, 11, 8, 13, 2, 7}

# A perfect retina network by hand. A half has an object if three pixels are black or if its own column has more
# black pixels than the other one. Nodes 8 and 10 count columns, 9 and 11 count pixels, 16 and 17 say "either",
# 20 and 21 pass it on, 22 says "both".
MODULAR_INCOMING = {
    8: {0: 1, 1: -1, 2: 1, 3: -1},
    9: {0: 1, 1: 1, 2: 1, 3: 1},
    10: {4: -1, 5: 1, 6: -1, 7: 1},
    11: {4: 1, 5: 1, 6: 1, 7: 1},
    16: {8: 1, 9: 1},
    17: {10: 1, 11: 1},
    20: {16: 1},
    21: {17: 1},
    22: {20: 1, 21: 1},
}
MODULAR_EDGES = {(s, t): weight for t, arriving in MODULAR_INCOMING.items() for s, weight in arriving.items()}
MODULAR_BIASES = {8: -1, 9: -1, 10: -1, 11: -1, 16: 1, 17: 1, 22: -1}


def network(problem: Problem, edges: dict[tuple[int, int], int], biases: dict[int, int]) -> Networks:
    topology = problem.topology
    weights, bias = np.zeros((1, topology.connections), np.int8), np.zeros((1, topology.nodes), np.int8)
    for connection, edge in enumerate(zip(topology.sources.tolist(), topology.targets.tolist(), strict=True)):
        weights[0, connection] = edges.get(edge, 0)
    for node, value in biases.items():
        bias[0, node] = value
    assert np.count_nonzero(weights) == len(edges)
    return Networks(topology, weights, bias)


def score(problem: Problem, networks: Networks) -> float:
    return float(problem.performance(problem.outputs(networks))[0])


def in_column(nibble: int, column: tuple[int, int]) -> bool:
    """Three or four black pixels, or one or two that all lie in the column (Kashtan & Alon 2005)."""
    black = [pixel for pixel in range(4) if nibble >> pixel & 1]
    return len(black) >= 3 or (len(black) > 0 and all(pixel in column for pixel in black))


def test_every_pattern_appears_once_and_bit_k_is_input_k() -> None:
    patterns = all_patterns(8)
    assert patterns.dtype == np.int8
    assert patterns.tolist() == [[1 if n >> k & 1 else -1 for k in range(8)] for n in range(256)]


def test_retina_objects_are_the_published_ones_and_follow_the_rule() -> None:
    problem = retina()
    for number in range(256):
        low, high = number % 16, number // 16
        left, right = bool(problem.parts["left"][number]), bool(problem.parts["right"][number])
        assert left == (low in LEFT) == in_column(low, (0, 2))
        assert right == (high in RIGHT) == in_column(high, (1, 3))
        ones = bin(low).count("1"), bin(high).count("1")
        assert left == (ones[0] >= 3 or (low != 0 and low & 10 == 0))
        assert right == (ones[1] >= 3 or (high != 0 and high & 5 == 0))


def test_both_objects_are_in_64_patterns_and_one_or_both_in_192() -> None:
    conjunction, disjunction = retina("and").targets[:, 0], retina("or").targets[:, 0]
    parts = retina().parts
    assert (conjunction.sum(), disjunction.sum()) == (64, 192)
    assert conjunction.tolist() == [
        bool(a) and bool(b) for a, b in zip(parts["left"], parts["right"], strict=True)
    ]
    assert disjunction.tolist() == [bool(a) or bool(b) for a, b in zip(parts["left"], parts["right"], strict=True)]


def test_layers_and_coordinates_are_the_published_ones() -> None:
    places = retina().topology.positions
    assert retina().topology.layers == (8, 8, 4, 2, 1)
    assert places[:8].tolist() == [[x, 0] for x in (-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5)]
    assert places[-1:].tolist() == [[0, 4]]
    places = parallel_xor(5).topology.positions
    assert parallel_xor(5).topology.layers == (10, 10, 5)
    assert places[:10].tolist() == [[x - 4.5, 0] for x in range(10)]
    assert places[-5:].tolist() == [[x, 2] for x in (-4, -2, 0, 2, 4)]
    places = hierarchical_xor().topology.positions
    assert hierarchical_xor().topology.layers == (8, 8, 4, 4, 2)
    assert places[:8].tolist() == [[x, 0] for x in (-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5)]
    assert places[-2:].tolist() == [[-2, 4], [2, 4]]


@pytest.mark.parametrize(
    ("goal", "answer", "wanted"), [("and", -1, 192), ("and", 1, 64), ("or", 1, 192), ("or", -1, 64)]
)
def test_a_constant_answer_is_right_for_its_share_of_patterns(goal: str, answer: int, wanted: int) -> None:
    problem = retina(goal)
    assert score(problem, network(problem, {}, {22: answer})) == wanted / 256


@pytest.mark.parametrize("goal", ["and", "or"])
def test_an_output_of_zero_is_always_wrong_for_the_retina(goal: str) -> None:
    problem = retina(goal)
    assert score(problem, network(problem, {}, {})) == 0.0
    assert problem.performance(np.zeros((1, 1, 256))).tolist() == [0.0]


@pytest.mark.parametrize("problem", [parallel_xor(5), hierarchical_xor()], ids=lambda problem: problem.name)
def test_an_output_of_zero_means_no_for_the_xor_problems(problem: Problem) -> None:
    silent = network(problem, {}, {})
    denying = network(problem, {}, dict.fromkeys(range(problem.topology.nodes), -1))
    assert score(problem, silent) == score(problem, denying) == 0.5
    outputs = np.where(problem.targets.T, 1, 0)[None]
    assert problem.performance(outputs.astype(np.int8)).tolist() == [1.0]
    assert problem.performance(outputs.astype(np.float64)).tolist() == [1.0]


def test_xor_targets() -> None:
    five, two = parallel_xor(5), hierarchical_xor()
    assert (five.targets.shape, two.targets.shape) == ((1024, 5), (256, 2))
    for pattern, target in zip(five.patterns > 0, five.targets, strict=True):
        assert target.tolist() == [sum(pattern[2 * k : 2 * k + 2]) == 1 for k in range(5)]
    for pattern, target in zip(two.patterns > 0, two.targets, strict=True):
        assert target.tolist() == [sum(pattern[:4]) % 2 == 1, sum(pattern[4:]) % 2 == 1]


def test_parts_of_the_xor_problems() -> None:
    for problem in (parallel_xor(4), parallel_xor(5), hierarchical_xor()):
        for k in range(problem.topology.inputs // 2):
            pair = problem.patterns[:, 2 * k : 2 * k + 2]
            assert problem.parts[f"xor-{k}"].tolist() == (pair.prod(axis=1) < 0).tolist()
    problem = hierarchical_xor()
    assert np.array_equal(np.stack([problem.parts["left"], problem.parts["right"]], axis=1), problem.targets)


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_by_name_are_complete(name: str) -> None:
    problem = PROBLEMS[name]()
    assert problem.name == name
    assert problem.patterns.shape == (2**problem.topology.inputs, problem.topology.inputs)
    assert len(np.unique(problem.patterns, axis=0)) == len(problem.patterns)
    assert all(part.shape == (len(problem.patterns),) for part in problem.parts.values())


@settings(deadline=None)
@given(seeds, st.booleans(), st.sampled_from([np.int8, np.float64]))
def test_performance_is_the_share_of_right_answers(seed: int, zero_is_wrong: bool, dtype: type) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.random((7, 3)) < 0.5
    problem = Problem("random", layered((2, 3)), rng.choice([-1, 1], (7, 2)), targets, zero_is_wrong)
    outputs = rng.integers(-1, 2, (4, 3, 7)).astype(dtype)
    right = np.zeros(4)
    for n, node, pattern in np.ndindex(*outputs.shape):
        value, yes = outputs[n, node, pattern], targets[pattern, node]
        right[n] += value > 0 if yes else (value < 0 or (value == 0 and not zero_is_wrong))
    assert problem.performance(outputs).tolist() == pytest.approx(right / 21)
    assert (problem.performance(outputs) == 1).tolist() == (right == 21).tolist()


def test_the_modular_network_is_perfect_and_takes_both_halves() -> None:
    problem = retina()
    perfect = network(problem, MODULAR_EDGES, MODULAR_BIASES)
    assert score(problem, perfect) == 1.0
    real = Networks(perfect.topology, perfect.weights.astype(float), perfect.biases.astype(float))
    assert score(problem, real) == 1.0
    assert score(retina("or"), perfect) == 0.5  # wrong where one half alone has an object: 192 - 64 patterns
    left_only = {edge: weight for edge, weight in MODULAR_EDGES.items() if edge != (21, 22)}
    # Output 20's sign - 1 is 0 or negative: never "yes", and 0 is wrong where there is a left object.
    assert score(problem, network(problem, left_only, MODULAR_BIASES)) == 0.5


def test_the_modular_network_is_decomposed_and_solves_both_parts_inside() -> None:
    problem = retina()
    perfect = network(problem, MODULAR_EDGES, MODULAR_BIASES)
    assert left_right_split(to_graph(perfect), problem.left, problem.right)
    assert not left_right_split(to_graph(perfect), (0, 1, 4, 5), (2, 3, 6, 7))
    hidden = list(range(8, 22))
    found = sub_solutions(problem.evaluator.activations(perfect, hidden)[0], problem.parts)
    assert {name: (hidden[part.node], part.score) for name, part in found.items()} == {
        "left": (16, 1.0),
        "right": (17, 1.0),
    }


def test_modularity_of_the_modular_network_is_that_by_hand() -> None:
    problem = retina()
    perfect = network(problem, MODULAR_EDGES, MODULAR_BIASES)
    assert connection_count(perfect)[0] == 24
    graph = to_graph(perfect)
    modules = spectral_partition(graph)
    # Left half; right inputs with their counters; the rest of the right half with the output.
    assert modules == [[0, 1, 2, 3, 8, 9, 16, 20], [4, 5, 6, 7, 10, 11], [17, 21, 22]]
    # 11 + 8 + 2 of 24 edges stay inside; out times in degrees 12 * 11 + 10 * 8 + 2 * 5.
    by_hand = 21 / 24 - (12 * 11 + 10 * 8 + 2 * 5) / 24**2
    assert modularity(perfect)[0] == pytest.approx(by_hand, abs=1e-15)
    assert nx.community.modularity(graph, modules, weight=None) == pytest.approx(by_hand, abs=1e-15)


def test_a_problem_of_ones_own_takes_three_lines() -> None:
    patterns = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    problem = Problem.from_table(patterns, [0, 1, 1, 0], hidden=(2,), name="xor")
    solution = network(
        problem, {(0, 2): 1, (1, 2): 1, (0, 3): -1, (1, 3): -1, (2, 4): 1, (3, 4): 1}, {2: 1, 3: 1, 4: -1}
    )
    assert score(problem, solution) == 1.0
    assert (problem.name, problem.topology.layers) == ("xor", (2, 2, 1))
    assert problem.evaluator.exact(solution)


def test_a_table_may_hold_real_inputs_and_several_outputs() -> None:
    problem = Problem.from_table([[0.2, 3.0], [0.7, -1.0], [-0.1, 2.0]], [[1, 0], [1, 1], [-2, 1]], hidden=())
    assert problem.targets.tolist() == [[True, False], [True, True], [False, True]]
    # The first input's sign answers the first output; a constant "yes" is right twice of three times.
    assert score(problem, network(problem, {(0, 2): 1}, {3: 1})) == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("patterns", "targets", "message"),
    [
        ([[1, -1], [1, 1]], [1], "targets: 1 rows: allowed is 2, one a pattern"),
        ([[1, -1]], [1, 0], "targets: 2 rows: allowed is 1, one a pattern"),
        ([[1, float("nan")]], [1], "patterns: a value is not finite"),
        ([[1, float("inf")]], [1], "patterns: a value is not finite"),
        ([[1, -1]], [float("nan")], "targets: "),
        ([[[1, -1]]], [1], "patterns: shape"),
        ([[1, -1]], [[[1]]], "targets: shape"),
    ],
)
def test_a_table_that_does_not_fit_together_is_an_error(patterns: list, targets: list, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Problem.from_table(patterns, targets)


def test_arrays_must_fit_the_topology() -> None:
    topology = layered((2, 1))
    with pytest.raises(ValueError, match=r"^patterns: shape \(4, 3\): allowed is \(4, 2\)"):
        Problem("wrong", topology, np.ones((4, 3)), np.ones((4, 1), bool))
    with pytest.raises(ValueError, match=r"^targets: shape \(4, 2\): allowed is \(4, 1\)"):
        Problem("wrong", topology, np.ones((4, 2)), np.ones((4, 2), bool))
    with pytest.raises(ValueError, match=r"^targets: shape \(3, 1\): allowed is \(4, 1\)"):
        Problem("wrong", topology, np.ones((4, 2)), np.ones((3, 1), bool))
