from __future__ import annotations

from collections import Counter
from itertools import product

import networkx as nx
import numpy as np
import pytest
from scipy.stats import chisquare

from analysis.hierarchy import global_reaching_centrality, hierarchy
from analysis.modularity import adjacency_matrix, modularity, refined_partition, spectral_partition
from analysis.significance import hierarchy_significance, modularity_significance, null_networks, significance

LAYERS = (8, 8, 4, 2, 1)


def layered_graph(edges, seed, layers=LAYERS):
    rng = np.random.default_rng(seed)
    layer = np.repeat(np.arange(len(layers)), layers)
    possible = np.argwhere(layer[:, None] + 1 == layer)
    graph = nx.DiGraph()
    graph.add_nodes_from((i, {"layer": int(layer[i])}) for i in range(len(layer)))
    graph.add_edges_from(possible[rng.permutation(len(possible))[:edges]].tolist())
    return graph


def mixed_graph(seed):
    """Three layers with edges within and between all of them, some self-loops among them."""
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    graph.add_nodes_from((i, {"layer": "abc"[i % 3]}) for i in range(12))
    graph.add_edges_from(np.argwhere(rng.random((12, 12)) < 0.3).tolist())
    return graph


def layer_counts(graph, adjacency):
    layers = [data["layer"] for _, data in graph.nodes(data=True)]
    return Counter((layers[i], layers[j]) for i, j in np.argwhere(adjacency))


def without_layers(graph):
    return nx.DiGraph(graph.edges)


@pytest.mark.parametrize("graph", [layered_graph(50, 1), layered_graph(90, 2), mixed_graph(3), mixed_graph(4)])
def test_nulls_keep_degrees_and_edges_between_layers(graph):
    real = adjacency_matrix(graph)
    nulls = null_networks(graph, 40, seed=5)
    assert nulls.shape == (40, *real.shape) and nulls.max() == 1
    for null in nulls:
        assert np.array_equal(null.sum(axis=0), real.sum(axis=0))
        assert np.array_equal(null.sum(axis=1), real.sum(axis=1))
        assert layer_counts(graph, null) == layer_counts(graph, real)
        assert np.array_equal(np.diag(null), np.diag(real))  # self-loops stay, none is made
    assert len({null.tobytes() for null in nulls}) > 30


def test_without_layers_only_degrees_are_kept():
    graph = without_layers(mixed_graph(3))
    real = adjacency_matrix(graph)
    nulls = null_networks(graph, 40, seed=5)
    assert all(np.array_equal(null.sum(axis=0), real.sum(axis=0)) for null in nulls)
    assert all(np.array_equal(null.sum(axis=1), real.sum(axis=1)) for null in nulls)
    layers = [data["layer"] for node in graph for data in [mixed_graph(3).nodes[node]]]
    named = nx.DiGraph()
    named.add_nodes_from((i, {"layer": layer}) for i, layer in enumerate(layers))
    assert any(layer_counts(named, null) != layer_counts(named, real) for null in nulls)


def same_degrees(adjacency, allowed):
    """Every adjacency matrix with these degrees and edges in allowed places only, by trying all of them."""
    places = np.argwhere(allowed)
    found = []
    for flags in product((0, 1), repeat=len(places)):
        candidate = np.zeros_like(adjacency)
        candidate[places[:, 0], places[:, 1]] = flags
        if np.array_equal(candidate.sum(0), adjacency.sum(0)) and np.array_equal(
            candidate.sum(1), adjacency.sum(1)
        ):
            found.append(candidate.tobytes())
    return found


def uniform_p(graph, allowed, seed):
    """P-value of all networks with the degrees being equally frequent; fails if others occur."""
    possible = same_degrees(adjacency_matrix(graph), allowed)
    counts = Counter(null.tobytes() for null in null_networks(graph, 150 * len(possible), seed))
    assert set(counts) <= set(possible)
    return len(possible), chisquare([counts[key] for key in possible]).pvalue


def test_nulls_of_two_layers_are_uniform():
    graph = nx.DiGraph([(0, 4), (0, 5), (1, 4), (1, 6), (2, 5), (3, 6), (3, 4)])
    for node in graph:
        graph.nodes[node]["layer"] = int(node > 3)
    order = list(graph)
    allowed = [[a < 4 <= b for b in order] for a in order]
    size, p = uniform_p(graph, allowed, seed=1)
    assert size > 10
    assert p > 0.001


def test_nulls_without_layers_are_uniform():
    graph = nx.DiGraph([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (3, 1)])
    size, p = uniform_p(graph, 1 - np.eye(4), seed=2)
    assert size > 5
    assert p > 0.001


def test_a_directed_triangle_is_turned_round():
    # The only other network of these degrees; no swap of two edges leads to it.
    size, p = uniform_p(nx.DiGraph([(0, 1), (1, 2), (2, 0)]), 1 - np.eye(3), seed=3)
    assert size == 2
    assert p > 0.001


def test_nulls_follow_the_seed():
    graph = layered_graph(50, 1)
    assert np.array_equal(null_networks(graph, 5, seed=1), null_networks(graph, 5, seed=1))
    assert not np.array_equal(null_networks(graph, 5, seed=1), null_networks(graph, 5, seed=2))


@pytest.mark.parametrize(
    ("method", "partition"), [("spectral", spectral_partition), ("refined", refined_partition)]
)
def test_significance_is_that_of_its_nulls(method, partition):
    graph = layered_graph(40, 7)
    result = modularity_significance(graph, nulls=50, seed=3, method=method)
    assert result.value == pytest.approx(modularity(graph, partition(graph)), abs=1e-12)
    nulls = [
        nx.from_numpy_array(null, create_using=nx.DiGraph, edge_attr=None)
        for null in null_networks(graph, 50, seed=3)
    ]
    if method == "spectral":
        expected = [modularity(null, partition(null)) for null in nulls]
    else:
        expected = [modularity(null, refined_partition(null, seed=3)) for null in nulls]
    assert result.nulls == pytest.approx(expected, abs=1e-12)
    assert result.null_mean == pytest.approx(np.mean(expected), abs=1e-12)
    assert result.null_std == pytest.approx(np.std(expected, ddof=1), abs=1e-12)
    assert result.z == pytest.approx((result.value - np.mean(expected)) / np.std(expected, ddof=1))
    greater = sum(value >= result.value - 1e-12 for value in expected)
    assert result.p == pytest.approx((1 + greater) / 51)


def test_one_set_of_nulls_answers_all_measures():
    graph = layered_graph(35, 7, layers=(8, 8, 4, 3))
    found = significance(graph, nulls=30, seed=4)
    assert list(found) == ["modularity", "hierarchy"]
    for name, alone in (("modularity", modularity_significance), ("hierarchy", hierarchy_significance)):
        other = alone(graph, nulls=30, seed=4)
        assert np.array_equal(found[name].nulls, other.nulls)
        assert (found[name].value, found[name].z, found[name].p) == (other.value, other.z, other.p)
    edges = significance(graph, {"edges": lambda networks: networks.sum(axis=(1, 2)).astype(float)}, nulls=5)
    assert (edges["edges"].value, edges["edges"].z, edges["edges"].p) == (35.0, 0.0, 1.0)


def test_hierarchy_is_compared_with_that_of_the_nulls():
    graph = layered_graph(35, 7, layers=(8, 8, 4, 3))
    nulls = []
    for null in null_networks(graph, 30, seed=4):
        other = nx.from_numpy_array(null, create_using=nx.DiGraph, edge_attr=None)
        nulls.append(hierarchy(other, [20, 21, 22]))
    result = hierarchy_significance(graph, nulls=30, seed=4)
    assert result.value == hierarchy(graph)
    assert np.array_equal(result.nulls, nulls)
    one = hierarchy_significance(graph, nulls=5, outputs=[21])
    assert one.value == hierarchy(graph, [21])
    cycles = without_layers(mixed_graph(3))  # every node leads on: the whole graph is measured
    assert hierarchy_significance(cycles, nulls=5).value == global_reaching_centrality(cycles)


def test_two_modules_are_significant_and_random_wiring_is_not():
    modular = nx.DiGraph()
    modular.add_nodes_from((i, {"layer": i // 8}) for i in range(24))
    half = {i: (i % 8) // 4 for i in range(24)}
    modular.add_edges_from(
        (i, j) for i in range(16) for j in range(i // 8 * 8 + 8, i // 8 * 8 + 16) if half[i] == half[j]
    )
    result = modularity_significance(modular, nulls=100, seed=0)
    assert result.value == pytest.approx(0.5, abs=1e-12)
    assert result.z > 5
    assert result.p == pytest.approx(1 / 101)
    random_p = [modularity_significance(layered_graph(45, seed), nulls=60).p for seed in range(20)]
    assert 0.25 < np.mean(random_p) < 0.75


def test_z_is_zero_where_nulls_do_not_vary():
    star = nx.DiGraph([(0, i) for i in range(1, 6)])  # no other network has these degrees
    result = modularity_significance(star, nulls=10)
    assert (result.null_std, result.z, result.p) == (0.0, 0.0, 1.0)
    assert result.null_mean == result.value
    empty = modularity_significance(nx.DiGraph(), nulls=2)
    assert (empty.value, empty.z, empty.p) == (0.0, 0.0, 1.0)


def test_z_is_infinite_where_nulls_agree_on_another_q():
    # Only 0-2 and 1-3 can be swapped (every other edge is alone between its layers): into 0-3 and 1-2, which
    # opens the triangle 0-2-4 to a path and lowers Q. So both of two nulls are the other network in a quarter
    # of all seeds.
    graph = nx.DiGraph()
    graph.add_nodes_from((node, {"layer": layer}) for node, layer in enumerate("aabbc"))
    graph.add_edges_from([(0, 2), (1, 3), (4, 0), (4, 2)])
    results = [modularity_significance(graph, nulls=2, seed=seed) for seed in range(30)]
    lower = [result for result in results if np.all(result.nulls < result.value)]
    assert lower and all(result.z == np.inf and result.p == pytest.approx(1 / 3) for result in lower)
    assert not any(np.isnan(result.z) for result in results)


def test_bad_input_is_refused():
    graph = layered_graph(30, 0)
    with pytest.raises(ValueError, match="nulls: 1: allowed are 2 or more"):
        modularity_significance(graph, nulls=1)
    with pytest.raises(ValueError, match="outputs: 99: allowed are nodes of the graph"):
        hierarchy_significance(graph, outputs=[99])
    with pytest.raises(ValueError, match="method: 'best': allowed are 'spectral' and 'refined'"):
        modularity_significance(graph, method="best")
    with pytest.raises(ValueError, match="count: 0: allowed are 1 or more"):
        null_networks(graph, 0)
    with pytest.raises(ValueError, match=r"graph: Graph: allowed is a networkx.DiGraph"):
        null_networks(nx.Graph(), 2)
    del graph.nodes[3]["layer"]
    with pytest.raises(ValueError, match="graph: 22 of 23 nodes have a layer"):
        null_networks(graph, 2)
