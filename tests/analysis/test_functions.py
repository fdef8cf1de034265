from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import node_values, random_batch
from solvers import PATTERNS, TASK, solver

from analysis.functions import (
    Carrier,
    all_patterns,
    layered_activations,
    readability,
    sub_problem_carriers,
    sub_problems_solved,
)
from networks import Networks, from_graph, to_graph
from networks.gates import Gate, sub_problems


def names(task=TASK):
    return list(sub_problems([task]))


def test_a_solver_solves_every_sub_problem_where_it_was_built_to():
    graph = solver()
    assert np.array_equal(layered_activations(graph, PATTERNS)[18] > 0, TASK.answers(PATTERNS))
    result = sub_problems_solved(graph, [TASK])
    assert (result.solved, result.score) == (6, 1.0)
    wanted = [Carrier((node,)) for node in (8, 9, 10, 11, 16, 17)]
    assert result.carriers == dict(zip(names(), wanted, strict=True))


def test_two_neurons_may_solve_a_sub_problem_together():
    result = sub_problems_solved(solver(xor_neurons=False), [TASK])
    assert result.score == 1.0
    first, second = (result.carriers[name] for name in names()[4:])
    assert (first, second) == (Carrier((12, 13), 16), Carrier((14, 15), 16))


def test_without_one_and_its_xor_two_sub_problems_are_not_solved():
    graph = solver()
    graph.remove_node(8)
    result = sub_problems_solved(graph, [TASK])
    assert result.score == pytest.approx(4 / 6)
    assert [name for name, carrier in result.carriers.items() if carrier is None] == [names()[0], names()[4]]


def balanced(values, answer):
    """Accuracy of the best threshold by trying all, both ways round."""
    middles = (values[:, None] + values[None, :]).ravel() / 2
    yes = values[None, :] > np.unique(middles)[:, None]
    accuracy = (yes[:, answer].mean(axis=1) + (~yes)[:, ~answer].mean(axis=1)) / 2
    return max(accuracy.max(), 1 - accuracy.min())


def everything(graph, values, layers):
    """All that may carry a sub-problem, by brute force over all nodes, pairs and targets."""
    neurons = [node for node in graph if layers[node] > 0]
    for node in sorted(neurons, key=lambda node: layers[node]):
        yield (node,), None, values[node]
    for layer in sorted(set(layers)):
        row = [node for node in neurons if layers[node] == layer]
        for a, b in combinations(row, 2):
            for target in graph:
                if graph.has_edge(a, target) and graph.has_edge(b, target):
                    weight = {node: graph.edges[node, target]["weight"] for node in (a, b)}
                    yield (a, b), target, weight[a] * values[a] + weight[b] * values[b]


@given(seed=st.integers(0, 2**32 - 1), density=st.sampled_from([0.3, 0.6, 1.0]), kind=st.sampled_from([0, 1]))
@settings(max_examples=25)
def test_carriers_and_readability_by_brute_force(seed, density, kind):
    dtype = (np.int8, np.float64)[kind]
    networks = random_batch((4, 4, 3, 2), seed, 1, density, dtype=dtype)
    graph = to_graph(networks, simplified=False)
    patterns = all_patterns(4)
    values = node_values(networks, patterns, slope=1.0 if kind else 20.0)[0]
    activations = layered_activations(graph, patterns, slope=1.0 if kind else 20.0)
    assert np.allclose([activations[node] for node in graph], values)
    tasks = [Gate("xor", (Gate("and", (0, 1)), Gate("or", (2, 3)))), Gate("and", (Gate("nor", (0, 2)), 3))]
    answers = {name: gate.answers(patterns) for name, gate in sub_problems(tasks).items()}
    answers["random"] = np.random.default_rng(seed).permutation(np.arange(16) < 5)
    found = list(everything(graph, values, networks.topology.layer))
    scores = {name: [balanced(read, answer) for _, _, read in found] for name, answer in answers.items()}
    read = readability(graph, activations, answers)
    carriers = sub_problem_carriers(graph, activations, answers).carriers
    for name, own in scores.items():
        assert read[name] == pytest.approx(max(own))
        solving = [(nodes, target) for score, (nodes, target, _) in zip(own, found, strict=True) if score == 1.0]
        if not solving:
            assert carriers[name] is None
            continue
        carrier = carriers[name]
        assert (carrier.nodes, carrier.target) in solving
        first = solving[0][0]  # a single neuron if there is one, of the lowest layer
        assert len(carrier.nodes) == len(first)
        assert networks.topology.layer[carrier.nodes[0]] == networks.topology.layer[first[0]]


def test_silenced_nodes_send_nothing_and_are_not_read():
    graph = solver()
    silent = layered_activations(graph, PATTERNS, [8, 3])
    graph.remove_edges_from([*graph.out_edges(8), *graph.out_edges(3)])
    cut = Networks.take(from_graph(graph), [0])
    assert np.array_equal([silent[node] for node in range(19)], node_values(cut, PATTERNS)[0])
    answers = {"or": Gate("or", (Gate("and", (0, 1)), 7)).answers(PATTERNS)}
    assert readability(solver(), layered_activations(solver(), PATTERNS), answers, range(8, 19)) == {"or": 0.5}


def test_any_graph_with_activations_will_do():
    graph = nx.DiGraph()
    graph.add_weighted_edges_from([("a", "c", 1.0), ("b", "c", 0.5), ("c", "d", -1)])
    answers = {"both": np.array([False, False, False, True])}
    activations = {"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "c": [0, 0.5, 1, 1.5], "d": [0, 0, 0, 0]}
    assert sub_problem_carriers(graph, activations, answers).carriers == {"both": Carrier(("c",))}
    rows = nx.convert_node_labels_to_integers(graph)
    by_row = np.array([activations[node] for node in graph])
    assert sub_problem_carriers(rows, by_row, answers).carriers == {"both": Carrier((1,))}
    both = Gate("and", (Gate("and", (0, 1)), 0))
    assert sub_problems_solved(graph, [both], all_patterns(2), activations).score == 1.0


def test_bad_input_is_refused():
    graph = solver()
    activations = layered_activations(graph, PATTERNS)
    answer = {"first": TASK.answers(PATTERNS)}
    with pytest.raises(ValueError, match=r"gates: and\(0, 1\): allowed are gates made of others"):
        sub_problems_solved(graph, [Gate("and", (0, 1))])
    with pytest.raises(ValueError, match="patterns: missing: allowed with activations"):
        sub_problems_solved(graph, [TASK], activations=activations)
    with pytest.raises(ValueError, match="inputs: 0: allowed are 1 to 20; give patterns"):
        sub_problems_solved(nx.DiGraph([(0, 1)]), [TASK])
    with pytest.raises(ValueError, match="answers: none"):
        sub_problem_carriers(graph, activations, {})
    with pytest.raises(ValueError, match="answers: never: the same on every pattern"):
        readability(graph, activations, {"never": np.zeros(256, bool)})
    with pytest.raises(ValueError, match=r"answers: first: bool \(256,\): allowed is bool \(3,\)"):
        sub_problem_carriers(graph, np.zeros((19, 3)), answer)
    with pytest.raises(ValueError, match="activations: node 18: missing"):
        sub_problem_carriers(graph, np.zeros((18, 256)), answer)
    with pytest.raises(ValueError, match="silenced: 99: allowed are nodes of the graph"):
        layered_activations(graph, PATTERNS, [99])
    with pytest.raises(ValueError, match="graph: has cycles and no layers"):
        readability(nx.DiGraph([(0, 1), (1, 0)]), activations, answer)
    for weight, message in ((None, "has no weight"), ("heavy", "has weight 'heavy': allowed are finite numbers")):
        graph.edges[16, 18]["weight"] = weight
        with pytest.raises(ValueError, match=f"graph: edge 16 to 18 {message}"):
            readability(graph, activations, answer)
