from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from oracles import batches, node_values, random_batch, simplified_graph, whole_graph

from analysis.modularity import modularity, spectral_partition
from networks import (
    Evaluator,
    Networks,
    connection_cost,
    from_graph,
    from_json,
    graph_topology,
    layered,
    simplify,
    to_graph,
    to_json,
)

RETINA = (8, 8, 4, 2, 1)


def through_text(graph: nx.DiGraph) -> nx.DiGraph:
    return from_json(json.loads(json.dumps(to_json(graph))))


def outputs_of(stored: dict[str, Any], patterns: np.ndarray) -> np.ndarray:
    """What a stored network answers, from its JSON alone, with tanh(20 x) nodes, (outputs, patterns)."""
    inputs, outputs = stored["graph"]["layers"][0], stored["graph"]["layers"][-1]
    total = sum(stored["graph"]["layers"])
    values = {node: patterns[:, node] for node in range(inputs)}
    for node in sorted(stored["nodes"], key=lambda node: node["id"]):
        if node["id"] >= inputs:
            arriving = [edge for edge in stored["edges"] if edge["target"] == node["id"]]
            summed = sum(edge["weight"] * values[edge["source"]] for edge in arriving)
            values[node["id"]] = np.tanh(20 * (summed + node["bias"] + np.zeros(len(patterns))))
    return np.array([values.get(node, np.zeros(len(patterns))) for node in range(total - outputs, total)])


@settings(deadline=None)
@given(batches())
def test_a_whole_network_survives_the_journey_through_json(networks: Networks) -> None:
    for index in range(len(networks)):
        returned = from_graph(through_text(to_graph(networks, index, simplified=False)))
        assert returned.topology == networks.topology
        assert np.array_equal(returned.weights, networks.weights[[index]])
        assert np.array_equal(returned.biases, networks.biases[[index]])
        assert returned.integer


@settings(deadline=None)
@given(batches())
def test_a_simplified_network_survives_it_as_simplified(networks: Networks) -> None:
    simplified = simplify(networks)
    for index in range(len(networks)):
        returned = from_graph(through_text(to_graph(networks, index)))
        assert np.array_equal(returned.weights, simplified.weights[[index]])
        assert np.array_equal(returned.biases, simplified.biases[[index]])


@settings(deadline=None)
@given(batches())
def test_the_graph_has_the_nodes_and_edges_of_the_network(networks: Networks) -> None:
    for index in range(len(networks)):
        whole, simple = to_graph(networks, index, simplified=False), to_graph(networks, index)
        assert set(whole.nodes) == set(range(networks.topology.nodes))
        assert set(whole.edges) == set(whole_graph(networks, index).edges)
        assert set(simple.edges) == set(simplified_graph(networks, index).edges)
        assert set(simple.nodes) - set(nx.isolates(simple)) == set(simplified_graph(networks, index).nodes)
        assert dict(whole.nodes(data="layer")) == dict(enumerate(networks.topology.layer))
        assert dict(whole.nodes(data="bias")) == dict(enumerate(networks.biases[index]))


def test_real_weights_survive_to_the_last_bit() -> None:
    networks = random_batch((3, 4, 2), 1, dtype=np.float64)
    returned = from_graph(through_text(to_graph(networks, 2, simplified=False)))
    assert np.array_equal(returned.weights, networks.weights[[2]])
    assert np.array_equal(returned.biases, networks.biases[[2]])


def test_weights_beyond_a_byte_are_stored_as_numbers_not_bytes() -> None:
    graph = nx.DiGraph([(0, 1, {"weight": 300})])
    returned = from_graph(graph, layered((1, 1)))
    assert returned.weights.tolist() == [[300]]
    assert not returned.integer


def test_an_outsider_recomputes_everything_from_the_json_alone() -> None:
    networks = random_batch(RETINA, 2, count=20, density=0.5)
    patterns = np.array([[1 if n >> k & 1 else -1 for k in range(8)] for n in range(256)])
    answers, costs = Evaluator(patterns).outputs(networks), connection_cost(networks)
    for index in range(len(networks)):
        graph = to_graph(networks, index)
        stored = json.loads(json.dumps(to_json(graph)))
        assert np.array_equal(outputs_of(stored, patterns), answers[index])
        places = {node["id"]: np.array(node["position"]) for node in stored["nodes"]}
        squares = [((places[e["source"]] - places[e["target"]]) ** 2).sum() for e in stored["edges"]]
        assert sum(squares) == pytest.approx(costs[index], abs=1e-9)
        partition = spectral_partition(graph)
        loaded = nx.node_link_graph(stored, edges="edges")
        wanted = nx.community.modularity(loaded, partition, weight=None) if loaded.edges else 0.0
        assert modularity(from_json(stored), partition) == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None)
@given(batches())
def test_an_outsider_finds_the_same_answers_for_any_network(networks: Networks) -> None:
    patterns = np.random.default_rng(3).choice([-1, 1], (20, networks.topology.inputs))
    wanted = node_values(networks, patterns)[:, -networks.topology.outputs :]
    for index in range(len(networks)):
        assert np.array_equal(outputs_of(to_json(to_graph(networks, index)), patterns), wanted[index])


def test_a_graph_by_hand_needs_only_edges_and_a_topology() -> None:
    networks = from_graph(nx.DiGraph([(0, 2), (1, 2), (2, 3)]), layered((2, 1, 1)))
    assert networks.weights.tolist() == [[1, 1, 1]]
    assert networks.biases.tolist() == [[0, 0, 0, 0]]


def changed(change: Callable[[nx.DiGraph], object]) -> nx.DiGraph:
    """A chain 0 -> 1 -> 2 with something wrong."""
    networks = random_batch((1, 1, 1), 1, count=1, density=1.0)
    graph = to_graph(networks)
    change(graph)
    return graph


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.add_node(3), "node 3: allowed are the integers 0 to 2"),
        (lambda g: g.add_node(-1), "node -1: allowed are the integers 0 to 2"),
        (lambda g: g.add_node("a"), "node 'a': allowed are the integers 0 to 2"),
        (lambda g: g.add_node(1.5), "node 1.5: allowed are the integers 0 to 2"),
        (lambda g: g.add_edge(0, 2), "edge 0 -> 2: allowed are edges between adjacent layers, upwards"),
        (lambda g: g.add_edge(1, 0), "edge 1 -> 0: allowed are edges between adjacent layers, upwards"),
        (lambda g: g.add_edge(1, 1), "edge 1 -> 1: allowed are edges between adjacent layers, upwards"),
        (lambda g: g.add_edge(0, 1, weight=0), "weight of edge 0 -> 1: 0: allowed are other numbers"),
        (lambda g: g.add_edge(0, 1, weight="2"), "weight of edge 0 -> 1: '2': allowed is a finite number"),
        (lambda g: g.add_edge(0, 1, weight=True), "weight of edge 0 -> 1: True: allowed is a finite number"),
        (lambda g: g.add_edge(0, 1, weight=None), "weight of edge 0 -> 1: None: allowed is a finite number"),
        (lambda g: g.add_edge(0, 1, weight=float("nan")), "weight of edge 0 -> 1: nan: allowed is a finite"),
        (lambda g: g.add_node(1, bias=float("inf")), "bias of node 1: inf: allowed is a finite number"),
        (lambda g: g.add_node(1, bias=[1]), r"bias of node 1: \[1\]: allowed is a finite number"),
        (lambda g: g.add_edge(0, 1, weight=10**400), "weight of edge 0 -> 1: 1000.*: allowed is a finite number"),
        (lambda g: g.graph.clear(), "graph attribute 'layers': missing; give a topology"),
        (lambda g: g.graph.pop("output_y"), "graph attribute 'output_y': missing; give a topology"),
        (lambda g: g.graph.update(layers=3), "graph attributes .*: allowed are lists of numbers"),
        (lambda g: g.graph.update(output_y=None), "graph attributes .*: allowed are lists of numbers"),
        (lambda g: setattr(g, "graph", 5), "graph attributes .*: allowed are lists of numbers"),
        (lambda g: g.graph.update(layers=[3]), r"layers: \(3,\): allowed are two or more layers"),
        (lambda g: g.graph.update(input_x=[]), "input_x: 0 coordinates for a layer of 1 nodes"),
    ],
)
def test_a_graph_that_is_no_network_is_an_error_of_one_line(
    change: Callable[[nx.DiGraph], object], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as error:
        from_graph(changed(change))
    assert "\n" not in str(error.value)


def test_a_large_whole_number_is_a_number() -> None:
    graph = nx.DiGraph([(0, 1, {"weight": 10**30})])
    assert from_graph(graph, layered((1, 1))).weights.tolist() == [[1e30]]


def test_a_given_topology_replaces_the_stored_one() -> None:
    graph = changed(lambda graph: graph.graph.update(layers="nonsense"))
    assert from_graph(graph, layered((1, 1, 1))).topology == layered((1, 1, 1))


def test_the_stored_topology_is_the_given_one() -> None:
    networks = random_batch((3, 2), 1)
    assert graph_topology(to_graph(networks)) == layered((3, 2))


DIRECTED = {"directed": True, "multigraph": False, "graph": {}, "nodes": [{"id": 0}], "edges": []}


@pytest.mark.parametrize(
    "data",
    [
        [],
        None,
        "text",
        {},
        {"nodes": []},
        DIRECTED | {"nodes": 3},
        DIRECTED | {"nodes": [3]},
        DIRECTED | {"edges": [{"source": 0}]},
        DIRECTED | {"edges": [7]},
        DIRECTED | {"directed": False},
        DIRECTED | {"multigraph": True},
    ],
)
def test_json_that_is_no_directed_graph_is_an_error_of_one_line(data: Any) -> None:
    with pytest.raises(ValueError, match=r"^network: ") as error:
        from_json(data)
    assert "\n" not in str(error.value)
