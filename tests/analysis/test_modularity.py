from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from adjacencies import graph_of, layered_adjacency

from analysis.modularity import (
    adjacency_matrix,
    batch_modularity,
    first_split,
    modularity,
    refined_partition,
    spectral_partition,
)

LEFT = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 20]


def retina_edges():
    """Two 4-4-2-1 halves, each layer fully connected within its half, joined at output 22."""
    left = [range(4), range(8, 12), range(16, 18), range(20, 21)]
    right = [range(4, 8), range(12, 16), range(18, 20), range(21, 22)]
    edges = [(20, 22), (21, 22)]
    for half in (left, right):
        for lower, upper in pairwise(half):
            edges += [(i, j) for i in lower for j in upper]
    return edges


def test_adjacency_follows_the_order_of_the_graph():
    graph = nx.DiGraph([("z", "a"), ("a", "a")])
    assert np.array_equal(adjacency_matrix(graph), [[0, 1], [0, 1]])


def test_q_of_a_partition_is_that_of_networkx():
    for seed in range(30):
        graph = graph_of(layered_adjacency(10 + 3 * seed, seed))
        partition = refined_partition(graph, seed)
        assert sorted(node for module in partition for node in module) == list(range(23))
        for modules in (partition, spectral_partition(graph)):
            expected = nx.community.modularity(graph, modules, weight=None)
            assert modularity(graph, [*modules, []]) == pytest.approx(expected, abs=1e-12)


def test_weights_and_names_of_nodes_do_not_matter():
    plain = nx.DiGraph([("a", "b"), ("b", "a"), ("c", "d")])
    weighted = nx.DiGraph()
    weighted.add_weighted_edges_from([("a", "b", -2), ("b", "a", 5), ("c", "d", 0.5)])
    # m = 3; a, b: both have in- and out-degree 1; Q = (2 - 2*2/3)/3 + (1 - 1/3)/3 = 4/9.
    for graph in (plain, weighted):
        assert modularity(graph, [["a", "b"], ["c", "d"]]) == pytest.approx(4 / 9, abs=1e-15)
        assert spectral_partition(graph) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    "partition", [[[0, 1]], [[0, 1], [1, 2]], [[0, 1, 2], [3]], [[0, 1, 2], [0]], [[0, 0, 1, 2]], []]
)
def test_what_is_no_partition_is_refused(partition):
    with pytest.raises(ValueError, match=r"partition: .*exactly once"):
        modularity(nx.DiGraph([(0, 1), (1, 2)]), partition)


@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiDiGraph, nx.MultiGraph])
@pytest.mark.parametrize(
    "function",
    [lambda graph: modularity(graph, [[0, 1]]), spectral_partition, first_split, refined_partition],
)
def test_other_kinds_of_graph_are_refused(kind, function):
    with pytest.raises(ValueError, match=f"graph: {kind.__name__}: allowed is a networkx.DiGraph"):
        function(kind([(0, 1)]))


def test_graphs_without_edges():
    empty, loose = nx.DiGraph(), nx.empty_graph(3, create_using=nx.DiGraph)
    assert modularity(empty, []) == 0.0
    assert modularity(loose, [[0], [1, 2]]) == 0.0
    assert spectral_partition(empty) == refined_partition(empty) == []
    assert spectral_partition(loose) == [[0, 1, 2]]
    assert first_split(empty) == ([], [])
    assert first_split(loose) == ([0, 1, 2], [])
    assert modularity(loose, refined_partition(loose)) == 0.0


def test_two_separate_halves_joined_at_the_output():
    # Each half has 4*4 + 4*2 + 2*1 = 26 edges; with the two to the output m = 54. Put the output with the
    # left half. Left module: 26 + 1 edges inside, out-degrees 27, in-degrees 26 + 2 = 28. Right: 26 inside,
    # out 27, in 26. Q = 53/54 - (27*28 + 27*26)/54^2 = 53/54 - 1/2 = 13/27.
    graph = nx.DiGraph()
    graph.add_nodes_from(range(23))
    graph.add_edges_from(retina_edges())
    halves = [[*LEFT, 22], [node for node in range(22) if node not in LEFT]]
    assert modularity(graph, halves) == pytest.approx(13 / 27, abs=1e-15)
    first, second = first_split(graph)
    assert {frozenset(first) - {22}, frozenset(second) - {22}} == {frozenset(LEFT), frozenset(halves[1])}
    assert modularity(graph, [first, second]) == pytest.approx(13 / 27, abs=1e-15)
    assert modularity(graph, spectral_partition(graph)) >= 13 / 27


def test_batch_is_the_spectral_q_of_each_network_without_its_absent_nodes():
    rng = np.random.default_rng(5)
    adjacencies = np.stack([layered_adjacency(edges, edges) for edges in range(0, 106, 3)])
    present = rng.random((len(adjacencies), 23)) < 0.8
    values = batch_modularity(adjacencies, present)
    for adjacency, kept, value in zip(adjacencies, present, values, strict=True):
        graph = graph_of(adjacency).subgraph(np.flatnonzero(kept))
        expected = 0.0
        if graph.number_of_edges():
            expected = nx.community.modularity(graph, spectral_partition(graph), weight=None)
        assert value == pytest.approx(expected, abs=1e-12)
    assert values[0] == 0.0 and np.ptp(values) > 0.1


def test_batch_of_nothing_present():
    adjacencies = layered_adjacency(40, 0)[np.newaxis]
    assert np.array_equal(batch_modularity(adjacencies, np.zeros((1, 23), np.bool_)), [0.0])
