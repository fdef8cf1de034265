from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from adjacencies import graph_of, random_adjacency
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import batches, simplified_graph

from analysis.hierarchy import batch_hierarchy, global_reaching_centrality, hierarchy, output_indices, output_nodes
from networks import adjacency_matrices, connected_nodes, simplify

TREE = nx.balanced_tree(2, 3, create_using=nx.DiGraph).reverse()  # 8-4-2-1, edges towards the root 0


def reaching(graph):
    """Global reaching centrality of the reversed graph without loops and lonely nodes, by networkx."""
    plain = nx.DiGraph([(source, target) for source, target in graph.edges if source != target])
    if not plain:
        return 0.0
    return nx.global_reaching_centrality(plain.reverse(), weight=None)


def mean_over_outputs(graph, outputs):
    """By the definition: each output with its ancestors, local centralities from networkx' descendants."""
    values = []
    for output in outputs:
        below = graph.subgraph(nx.ancestors(graph, output) | {output}).reverse()
        others = len(below) - 1
        local = [len(nx.descendants(below, node)) / others for node in below] if others else [0.0]
        values.append(sum(max(local) - value for value in local) / max(others, 1))
    return np.mean(values)


def test_the_binary_tree_has_the_published_value():
    assert hierarchy(TREE) == global_reaching_centrality(TREE) == pytest.approx(0.898, abs=5e-4)
    assert hierarchy(TREE) == pytest.approx((2 * 8 / 14 + 4 * 12 / 14 + 8) / 14, abs=1e-15)


@pytest.mark.parametrize("size", [2, 3, 10, 64, 65, 130])
def test_closed_forms(size):
    star = nx.DiGraph((node, size) for node in range(1, size))
    assert global_reaching_centrality(star) == hierarchy(star) == 1.0
    assert global_reaching_centrality(star.reverse()) == pytest.approx(1 / (size - 1) ** 2)  # the hub has nothing
    chain = nx.path_graph(size, create_using=nx.DiGraph)
    expected = size / (2 * (size - 1))  # C = 0, 1/(N-1), ..., 1
    assert global_reaching_centrality(chain) == hierarchy(chain) == pytest.approx(expected)
    cycle = nx.cycle_graph(size, create_using=nx.DiGraph)
    assert output_nodes(cycle) == []
    assert global_reaching_centrality(cycle) == hierarchy(cycle) == 0.0


@given(seed=st.integers(0, 2**32 - 1), nodes=st.integers(1, 90), density=st.floats(0, 3))
@settings(max_examples=60)
def test_any_graph_as_networkx(seed, nodes, density):
    graph = graph_of(random_adjacency(nodes, int(density * nodes), seed, loops=True))
    assert global_reaching_centrality(graph) == pytest.approx(reaching(graph), abs=1e-12)
    sinks = [node for node in graph if graph.in_degree(node) and not set(graph[node])]
    outputs = sinks or [0]
    assert hierarchy(graph, outputs) == pytest.approx(mean_over_outputs(graph, outputs), abs=1e-12)


@given(batches(widest=9))
@settings(max_examples=60)
def test_a_batch_as_its_simplified_graphs(networks):
    simplified = simplify(networks)
    present = connected_nodes(networks.topology, simplified.weights)
    outputs = np.arange(networks.topology.nodes - networks.topology.outputs, networks.topology.nodes)
    values = batch_hierarchy(adjacency_matrices(simplified), present, outputs)
    whole = batch_hierarchy(adjacency_matrices(simplified), present, outputs[:0])
    for k in range(len(networks)):
        graph = simplified_graph(networks, k)
        assert whole[k] == pytest.approx(reaching(graph), abs=1e-12)
        if len(outputs) == 1:
            assert values[k] == pytest.approx(whole[k], abs=1e-12)
        graph.add_nodes_from(outputs)
        assert values[k] == pytest.approx(mean_over_outputs(graph, outputs), abs=1e-12)
        assert hierarchy(graph, outputs) == values[k]


def test_absent_nodes_are_as_if_removed():
    adjacency = random_adjacency(40, 120, 3)
    present = np.random.default_rng(0).random(40) < 0.7
    value = batch_hierarchy(adjacency[np.newaxis], present[np.newaxis], np.empty(0, np.int64))[0]
    assert value == pytest.approx(reaching(graph_of(adjacency[np.ix_(present, present)])), abs=1e-12)


def test_several_outputs_are_averaged():
    graph = nx.DiGraph([(0, 2), (1, 2), (1, 3), (4, 1)])
    below_two = (0 + 3 + 3 + 2) / 9  # what 2, 0, 4 and 1 lack of the 3 others
    below_three = (0 + 1 + 2) / 4  # a chain of 3
    assert output_nodes(graph) == [2, 3]
    assert hierarchy(graph) == pytest.approx((below_two + below_three) / 2)
    assert hierarchy(graph, [3]) == pytest.approx(below_three)
    assert hierarchy(graph, [3, 3]) == hierarchy(graph, [3])


def test_outputs_are_the_highest_layer_or_what_leads_nowhere():
    graph = nx.DiGraph([("a", "b"), ("a", "c"), ("c", "c")])
    graph.add_node("d")
    assert output_nodes(graph) == ["b", "c"]
    assert list(output_indices(graph)) == [1, 2]
    nx.set_node_attributes(graph, dict(zip("abcd", (0, 1, 1, 2), strict=True)), "layer")
    assert output_nodes(graph) == ["d"]
    assert hierarchy(graph) == 0.0
    assert list(output_indices(graph, ["b"])) == [1]


def test_graphs_without_edges():
    for graph in (nx.DiGraph(), nx.empty_graph(3, create_using=nx.DiGraph), nx.DiGraph([(0, 0), (1, 1)])):
        assert global_reaching_centrality(graph) == hierarchy(graph) == 0.0


def test_weights_loops_and_lonely_nodes_do_not_matter():
    graph = TREE.copy()
    graph.add_node("lonely")
    graph.add_edge(3, 3)
    nx.set_edge_attributes(graph, "heavy", "weight")
    assert global_reaching_centrality(graph) == global_reaching_centrality(TREE)
    assert hierarchy(graph) == hierarchy(TREE)


@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiDiGraph, nx.MultiGraph])
@pytest.mark.parametrize("function", [global_reaching_centrality, hierarchy])
def test_other_kinds_of_graph_are_refused(kind, function):
    with pytest.raises(ValueError, match=f"graph: {kind.__name__}: allowed is a networkx.DiGraph"):
        function(kind([(0, 1)]))


def test_bad_outputs_and_layers_are_refused():
    graph = nx.DiGraph([(0, 1)])
    with pytest.raises(ValueError, match="outputs: 7: allowed are nodes of the graph"):
        hierarchy(graph, [7])
    graph.nodes[0]["layer"] = 0
    with pytest.raises(ValueError, match="graph: 1 of 2 nodes have a layer"):
        hierarchy(graph)
    graph.nodes[1]["layer"] = "top"
    with pytest.raises(ValueError, match="graph: layers of several kinds"):
        hierarchy(graph)
