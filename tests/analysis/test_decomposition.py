from __future__ import annotations

from itertools import pairwise, product

import networkx as nx
import numpy as np
import pytest

from analysis.decomposition import (
    left_right_score,
    left_right_split,
    one_sided_share,
    separable_sub_solutions,
    sub_solutions,
)

LEFT, RIGHT = [0, 1, 2, 3], [4, 5, 6, 7]


def retina_graph(crossed=False):
    """Layers 8-8-4-2-1: two halves, each fully connected between its layers, joined at output 22.

    Crossed, the even inputs lead to one half and the odd ones to the other, so both see left and right.
    """
    halves = [
        [range(4), range(8, 12), range(16, 18), range(20, 21)],
        [range(4, 8), range(12, 16), range(18, 20), range(21, 22)],
    ]
    if crossed:
        halves = [[range(side, 8, 2), *halves[side][1:]] for side in (0, 1)]
    graph = nx.DiGraph([(20, 22), (21, 22)])
    for half in halves:
        for lower, upper in pairwise(half):
            graph.add_edges_from(product(lower, upper))
    return graph


def test_separate_halves_are_decomposed():
    assert left_right_split(retina_graph(), LEFT, RIGHT) is True
    assert left_right_score(retina_graph(), LEFT, RIGHT) == 1.0
    assert left_right_split(retina_graph(), RIGHT, LEFT) is True


def test_crossed_halves_are_not():
    # The first split finds the halves 0 2 4 6 and 1 3 5 7: two left and two right inputs in each.
    assert left_right_split(retina_graph(crossed=True), LEFT, RIGHT) is False
    assert left_right_score(retina_graph(crossed=True), LEFT, RIGHT) == 0.0
    assert left_right_split(retina_graph(crossed=True), [0, 2, 4, 6], [1, 3, 5, 7]) is True


def test_one_input_on_the_wrong_side():
    graph = retina_graph()
    graph.remove_edges_from(list(graph.edges(0)))
    graph.add_edges_from((0, node) for node in range(12, 16))
    # Left inputs 3 and 1, right inputs 0 and 4: (|3 - 0| + |1 - 4|) / 8.
    assert left_right_score(graph, LEFT, RIGHT) == 6 / 8
    assert left_right_split(graph, LEFT, RIGHT) is False


@pytest.mark.parametrize("keep_node", [True, False])
def test_every_input_must_be_connected(keep_node):
    graph = retina_graph()
    graph.remove_node(0)
    if keep_node:
        graph.add_node(0)
    assert left_right_score(graph, LEFT, RIGHT) == 7 / 8
    assert left_right_split(graph, LEFT, RIGHT) is False


def test_an_indivisible_network_is_not_decomposed():
    graph = nx.DiGraph(product(range(8), [8]))
    assert left_right_score(graph, LEFT, RIGHT) == 0.0


def test_sides_of_unequal_size():
    graph = nx.DiGraph([(0, 3), (1, 3), (2, 4), (3, 5), (4, 5)])
    assert left_right_split(graph, [0, 1], [2]) is True
    assert left_right_score(graph, [0, 2], [1]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("left", "right"), [([], RIGHT), (LEFT, []), ([0, 1], [1, 2]), ([0, 0], [1, 2])])
def test_bad_sides_are_refused(left, right):
    with pytest.raises(ValueError, match=r"left, right: .*allowed are two sides with no input twice"):
        left_right_split(retina_graph(), left, right)


# --- Sub-solutions ------------------------------------------------------------------------------------------


def test_each_sign_convention_is_found():
    activations = np.array([[-1, 0, 1, 1], [1, 1, 0, -1]])
    answers = {
        ">0": np.array([False, False, True, True]),
        ">=0": np.array([False, True, True, True]),
        "<0": np.array([True, False, False, False]),
        "<=0": np.array([True, True, False, False]),
    }
    for convention, answer in answers.items():
        result = sub_solutions(activations[:1], {"task": answer})["task"]
        assert (result.node, result.convention, result.score, result.solved) == (0, convention, 1.0, True)


def test_score_is_the_best_fraction_by_hand():
    activations = np.array([[1, 1, 1, -1, -1], [0, 1, -1, 1, 0], [1, -1, 1, 1, -1]])
    answers = {
        "a": np.array([True, True, False, False, False]),
        "b": np.array([True, False, True, True, False]),
    }
    result = sub_solutions(activations, answers)
    # Node 0, >0: right on all but the third pattern. Node 2, >0: right everywhere.
    assert (result["a"].node, result["a"].convention, result["a"].score) == (0, ">0", 0.8)
    assert not result["a"].solved
    assert (result["b"].node, result["b"].score, result["b"].solved) == (2, 1.0, True)


def test_sub_solutions_against_plain_loops():
    rng = np.random.default_rng(0)
    activations = rng.integers(-1, 2, (9, 32))
    answers = {name: rng.random(32) < 0.4 for name in "xyz"}
    tests = [lambda v: v > 0, lambda v: v >= 0, lambda v: v < 0, lambda v: v <= 0]
    for name, result in sub_solutions(activations, answers).items():
        scores = [
            sum(test(v) == answer for v, answer in zip(row, answers[name], strict=True)) / 32
            for row in activations
            for test in tests
        ]
        assert result.score == max(scores)
        assert result.node == scores.index(max(scores)) // 4


def test_bad_activations_and_answers_are_refused():
    answer = np.array([True, False])
    with pytest.raises(ValueError, match=r"activations: shape \(2,\): allowed is \(nodes, patterns\)"):
        sub_solutions([1, 2], {"a": answer})
    with pytest.raises(ValueError, match=r"answers: a: bool \(2,\): allowed is bool \(3,\)"):
        sub_solutions([[1, 2, 3]], {"a": answer})
    with pytest.raises(ValueError, match=r"answers: a: int64 \(2,\): allowed is bool \(2,\)"):
        sub_solutions([[1, 2]], {"a": np.array([1, 0])})


# --- Separable sums of edges --------------------------------------------------------------------------------

PATTERNS = np.array(list(product((-1, 1), repeat=4))).T  # (4 inputs, 16 patterns)
AND_LEFT = (PATTERNS[0] > 0) & (PATTERNS[1] > 0)
XOR_LEFT = PATTERNS[0] != PATTERNS[1]


def weighted(edges):
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(edges)
    return graph


def test_the_fewest_edges_that_carry_the_answer_are_found():
    graph = weighted([(0, 4, 1), (1, 4, 1), (2, 4, 2), (0, 5, 1), (2, 5, 1)])
    result = separable_sub_solutions(graph, PATTERNS, {"and": AND_LEFT, "xor": XOR_LEFT, "one": PATTERNS[2] < 0})
    assert result["and"].node == 4 and result["and"].sources == (0, 1)
    assert result["one"].node == 4 and result["one"].sources == (2,)  # reversed: yes is the lower sum
    assert result["xor"] is None  # no threshold on a weighted sum of inputs


def test_weights_matter():
    # With weights 1 and 2, and both inputs on: 3, else at most 1. With opposite signs no threshold exists.
    assert separable_sub_solutions(weighted([(0, 4, 1), (1, 4, 2)]), PATTERNS, {"and": AND_LEFT})["and"]
    assert not separable_sub_solutions(weighted([(0, 4, 1), (1, 4, -1)]), PATTERNS, {"and": AND_LEFT})["and"]


def test_activations_by_name():
    graph = weighted([("p", "s", 1), ("q", "s", 1)])
    result = separable_sub_solutions(graph, {"p": PATTERNS[0], "q": PATTERNS[1]}, {"and": AND_LEFT})
    assert result["and"].node == "s" and result["and"].sources == ("p", "q")


def test_bad_networks_for_separation_are_refused():
    with pytest.raises(ValueError, match="edge 0 to 4 has no weight"):
        separable_sub_solutions(nx.DiGraph([(0, 4)]), PATTERNS, {"and": AND_LEFT})
    with pytest.raises(ValueError, match="answers: never: the same on every pattern"):
        separable_sub_solutions(weighted([(0, 4, 1)]), PATTERNS, {"never": np.zeros(16, bool)})
    with pytest.raises(ValueError, match=r"answers: short: bool \(2,\): allowed is bool \(16,\)"):
        separable_sub_solutions(weighted([(0, 4, 1)]), PATTERNS, {"short": np.array([True, False])})
    crowd = weighted([(i, 20, 1) for i in range(17)])
    with pytest.raises(ValueError, match="17 edges into node 20: allowed are up to 16"):
        separable_sub_solutions(crowd, np.ones((21, 16)), {"and": AND_LEFT})


def test_one_sided_nodes_by_trying_every_pair_of_patterns():
    rng = np.random.default_rng(0)
    patterns = np.array(list(product((-1, 1), repeat=4)))[rng.permutation(16)]
    for _ in range(20):
        weights = rng.integers(-1, 2, (6, 4)) * (rng.random((6, 4)) < 0.6)
        values = np.sign(weights @ patterns.T + rng.integers(-1, 2, (6, 1)))
        sides = ([0, 2], [1, 3])
        moves = np.zeros((2, 6), bool)
        for a, b in product(range(16), repeat=2):
            differs = {i for i in range(4) if patterns[a, i] != patterns[b, i]}
            for side in (0, 1):
                if differs <= set(sides[side]):
                    moves[side] |= values[:, a] != values[:, b]
        assert one_sided_share(values, patterns, *sides) == np.mean(moves[0] ^ moves[1])


def test_sides_that_do_not_fit_the_patterns_are_refused():
    patterns, values = np.ones((8, 3)), np.ones((2, 8))
    for left, right in (([0], []), ([0], [0]), ([0], [3]), ([-1], [1])):
        with pytest.raises(ValueError, match=r"left, right: .* allowed are two sides of columns up to 2"):
            one_sided_share(values, patterns, left, right)
    with pytest.raises(ValueError, match=r"patterns: shape \(7, 3\): allowed is \(8, inputs\)"):
        one_sided_share(values, patterns[:7], [0], [1])
    with pytest.raises(ValueError, match=r"activations: shape \(8,\): allowed is"):
        one_sided_share(np.ones(8), patterns, [0], [1])
