from __future__ import annotations

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.modularity import (
    adjacency_matrix,
    batch_modularity,
    first_split,
    first_split_labels,
    labels_modularity,
    modularity,
    random_starts,
    refined_labels,
    refined_partition,
    spectral_labels,
    spectral_partition,
)

LAYERS = (8, 8, 4, 2, 1)
LAYER = np.repeat(np.arange(5), LAYERS)


def graph_of(adjacency):
    return nx.from_numpy_array(np.asarray(adjacency), create_using=nx.DiGraph)


def random_adjacency(nodes, edges, seed, loops=False):
    rng = np.random.default_rng(seed)
    possible = np.argwhere(np.ones((nodes, nodes)) if loops else 1 - np.eye(nodes))
    chosen = possible[rng.permutation(len(possible))[:edges]]
    adjacency = np.zeros((nodes, nodes), np.uint8)
    adjacency[chosen[:, 0], chosen[:, 1]] = 1
    return adjacency


def layered_adjacency(edges, seed):
    rng = np.random.default_rng(seed)
    possible = np.argwhere(LAYER[:, None] + 1 == LAYER)
    chosen = possible[rng.permutation(len(possible))[:edges]]
    adjacency = np.zeros((23, 23), np.uint8)
    adjacency[chosen[:, 0], chosen[:, 1]] = 1
    return adjacency


def retina_edges():
    """Two 4-4-2-1 halves, each layer fully connected within its half, joined at output 22."""
    left = [range(4), range(8, 12), range(16, 18), range(20, 21)]
    right = [range(4, 8), range(12, 16), range(18, 20), range(21, 22)]
    edges = [(20, 22), (21, 22)]
    for half in (left, right):
        for lower, upper in pairwise(half):
            edges += [(i, j) for i in lower for j in upper]
    return edges


LEFT = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 20]


def reference_matrix(adjacency):
    a = adjacency.astype(float)
    return a - np.outer(a.sum(1), a.sum(0)) / a.sum()


def reference_partition(adjacency):
    """Recursive bisection as the papers state it, on real numbers, with LAPACK's eigenvectors.

    Returns the groups, and the smallest relevant distance from a tie: entries near zero, near-equal leading
    eigenvalues, or a gain near the threshold, where a partition depends on the solver.
    """
    b = reference_matrix(adjacency)
    m = adjacency.sum()
    margins = []

    def bisect(group, is_first):
        matrix = b[np.ix_(group, group)] + b[np.ix_(group, group)].T
        matrix = matrix - np.diag(matrix.sum(axis=1))
        values, vectors = np.linalg.eigh(matrix)
        s = np.where(vectors[:, -1] > 0, 1.0, -1.0)
        gain = s @ matrix @ s / (4 * m)
        if len(group) > 1:
            margins.append(values[-1] - values[-2])
            if values[-1] > 1e-9:
                margins.extend([np.abs(vectors[:, -1]).min(), abs(gain - 1e-5)])
        if not 0 < np.sum(s > 0) < len(group) or not (is_first or gain > 1e-5):
            return [group]
        return bisect(group[s > 0], False) + bisect(group[s < 0], False)

    groups = bisect(np.arange(len(adjacency)), True)
    return groups, min(margins)


def set_partitions(items):
    """All partitions, by placing each item in every old group and in a new one."""
    if not items:
        yield []
        return
    for rest in set_partitions(items[1:]):
        for k, group in enumerate(rest):
            yield [*rest[:k], [items[0], *group], *rest[k + 1 :]]
        yield [[items[0]], *rest]


def optimum(adjacency):
    b = reference_matrix(adjacency)
    together = best = -np.inf
    for partition in set_partitions(list(range(len(adjacency)))):
        together = sum(b[np.ix_(group, group)].sum() for group in partition)
        best = max(best, together)
    return best / adjacency.sum()


# --- Q ------------------------------------------------------------------------------------------------------


@st.composite
def graphs_with_partitions(draw):
    nodes = draw(st.integers(1, 9))
    flags = draw(st.lists(st.booleans(), min_size=nodes**2, max_size=nodes**2).filter(any))
    labels = draw(st.lists(st.integers(0, nodes - 1), min_size=nodes, max_size=nodes))
    return np.array(flags, np.uint8).reshape(nodes, nodes), np.array(labels)


@given(graphs_with_partitions())
@settings(max_examples=150, deadline=None)
def test_modularity_is_that_of_networkx(case):
    adjacency, labels = case
    graph = graph_of(adjacency)
    partition = [set(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    expected = nx.community.modularity(graph, partition, weight=None)
    assert modularity(graph, partition) == pytest.approx(expected, abs=1e-12)
    assert labels_modularity(adjacency, labels) == pytest.approx(expected, abs=1e-12)


def test_weights_and_names_of_nodes_do_not_matter():
    plain = nx.DiGraph([("a", "b"), ("b", "a"), ("c", "d")])
    weighted = nx.DiGraph()
    weighted.add_weighted_edges_from([("a", "b", -2), ("b", "a", 5), ("c", "d", 0.5)])
    # m = 3; a, b: both have in- and out-degree 1; Q = (2 - 2*2/3)/3 + (1 - 1/3)/3 = 4/9.
    for graph in (plain, weighted):
        assert modularity(graph, [["a", "b"], ["c", "d"]]) == pytest.approx(4 / 9, abs=1e-15)
        assert spectral_partition(graph) == [["a", "b"], ["c", "d"]]


def test_q_is_exactly_the_same_in_any_order_of_the_nodes():
    adjacency = layered_adjacency(40, seed=1)
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, 23)
    value = labels_modularity(adjacency, labels)
    for _ in range(20):
        order = rng.permutation(23)
        assert labels_modularity(adjacency[order][:, order], labels[order]) == value


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


# --- Spectral bisection -------------------------------------------------------------------------------------


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


def test_partition_is_that_of_the_written_out_bisection():
    compared = 0
    for seed in range(150):
        adjacency = (
            layered_adjacency(15 + seed % 60, seed)
            if seed % 2
            else random_adjacency(5 + seed % 20, 10 + seed, seed, loops=seed % 4 == 0)
        )
        connected = (adjacency.sum(0) + adjacency.sum(1)) > 0
        adjacency = np.ascontiguousarray(adjacency[connected][:, connected])
        groups, margin = reference_partition(adjacency)
        if margin < 1e-7:
            continue
        compared += 1
        labels = spectral_labels(adjacency)
        ours = {frozenset(np.flatnonzero(labels == label)) for label in np.unique(labels)}
        assert ours == {frozenset(group) for group in groups}
    assert compared > 75  # most networks have no tie; without comparisons the test would say nothing


def test_first_split_is_the_sign_of_the_leading_eigenvector_even_when_it_loses():
    losing = 0
    for seed in range(300):
        adjacency = random_adjacency(7, 24, seed)
        b = reference_matrix(adjacency)
        values, vectors = np.linalg.eigh(b + b.T)
        if values[-1] < 1e-6 or values[-1] - values[-2] < 1e-6 or np.abs(vectors[:, -1]).min() < 1e-6:
            continue
        s = np.where(vectors[:, -1] > 0, 1, -1)
        labels = first_split_labels(adjacency)
        assert np.array_equal(labels, (s != s[0]).astype(int))
        gain = s @ b @ s
        if gain < 0:
            losing += 1
            assert len(np.unique(spectral_labels(adjacency))) >= 2
    assert losing > 0


def test_labels_are_numbered_by_first_node():
    for seed in range(20):
        adjacency = layered_adjacency(30, seed)
        for labels in (spectral_labels(adjacency), refined_labels(adjacency, random_starts(23, seed))):
            firsts = [np.flatnonzero(labels == label)[0] for label in range(labels.max() + 1)]
            assert firsts == sorted(firsts)


def test_q_of_the_spectral_partition_does_not_depend_on_the_order_of_the_nodes():
    for seed in range(40):
        adjacency = layered_adjacency(12 + seed, seed)
        order = np.random.default_rng(seed).permutation(23)
        shuffled = np.ascontiguousarray(adjacency[order][:, order])
        value = labels_modularity(adjacency, spectral_labels(adjacency))
        assert labels_modularity(shuffled, spectral_labels(shuffled)) == value


def test_nodes_that_the_eigenvector_does_not_touch_go_together_where_q_is_higher():
    differing = several = 0
    for seed in range(800):  # of these sizes zero entries, and readings that differ, are frequent enough
        nodes = 5 + seed % 2
        adjacency = random_adjacency(nodes, 5, seed)
        b = reference_matrix(adjacency)
        values, vectors = np.linalg.eigh(b + b.T)
        v = vectors[:, -1]
        zero = np.abs(v) < 1e-12
        if values[-1] - values[-2] < 1e-6 or values[-1] < 1e-6 or not zero.any() or zero.all():
            continue
        readings = [np.where(zero, side, np.sign(v)) for side in (-1, 1)]
        gains = [s @ b @ s for s in readings]
        labels = first_split_labels(adjacency)
        s = np.where(labels == 0, 1, -1)
        assert s @ b @ s == pytest.approx(max(gains), abs=1e-9)
        assert any(abs(s @ reading) == nodes for reading in readings)
        differing += abs(gains[0] - gains[1]) > 1e-6
        several += zero.sum() > 1
    assert differing > 5 and several > 5


def test_a_complete_bipartite_network_is_indivisible():
    adjacency = np.zeros((7, 7), np.uint8)
    adjacency[:4, 4:] = 1  # every edge is expected by chance: B is zero
    assert np.array_equal(spectral_labels(adjacency), np.zeros(7))
    assert first_split(graph_of(adjacency)) == (list(range(7)), [])


def test_several_equal_leading_eigenvalues():
    adjacency = np.kron(np.eye(4, dtype=np.uint8), np.ones((3, 3), np.uint8) - np.eye(3, dtype=np.uint8))
    partition = spectral_partition(graph_of(adjacency))
    assert partition == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert modularity(graph_of(adjacency), partition) == pytest.approx(0.75, abs=1e-15)


# --- Batches ------------------------------------------------------------------------------------------------


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


# --- Refinement ---------------------------------------------------------------------------------------------


def test_spectral_and_refined_against_the_best_of_all_partitions():
    gaps = []
    for seed in range(24):
        nodes = 5 + seed % 3 if seed else 8
        adjacency = random_adjacency(nodes, 6 + seed % 12, seed, loops=seed % 3 == 0)
        graph = graph_of(adjacency)
        best = optimum(adjacency)
        spectral = modularity(graph, spectral_partition(graph))
        refined = modularity(graph, refined_partition(graph))
        assert spectral <= refined <= best + 1e-12
        assert refined == pytest.approx(best, abs=1e-12)
        gaps.append(best - spectral)
    assert max(gaps) > 1e-3  # somewhere there was something to refine


def test_refined_is_never_worse_and_holds_every_node_once():
    better = 0
    for seed in range(30):
        graph = graph_of(layered_adjacency(10 + 3 * seed, seed))
        partition = refined_partition(graph, seed)
        assert sorted(node for module in partition for node in module) == list(range(23))
        spectral = modularity(graph, spectral_partition(graph))
        assert modularity(graph, partition) >= spectral
        better += modularity(graph, partition) > spectral
    assert better > 10


def test_refined_is_a_local_optimum_of_moves_and_merges():
    for seed in range(40):
        adjacency = layered_adjacency(25 + seed, seed)
        labels = refined_labels(adjacency, np.arange(23)[np.newaxis])  # from modules of one node each
        value = labels_modularity(adjacency, labels)
        for node, module in np.ndindex(23, labels.max() + 2):
            moved = labels.copy()
            moved[node] = module
            assert labels_modularity(adjacency, moved) <= value
        for a, b in combinations(range(labels.max() + 1), 2):
            assert labels_modularity(adjacency, np.where(labels == b, a, labels)) <= value


def test_random_starts_find_what_the_spectral_start_does_not():
    gains = []
    for seed in range(30):
        adjacency = layered_adjacency(25 + seed, seed)
        values = [
            labels_modularity(adjacency, refined_labels(adjacency, random_starts(23, seed, starts)))
            for starts in (0, 12)
        ]
        gains.append(values[1] - values[0])
    assert min(gains) >= 0 and np.count_nonzero(gains) > 3


def test_refined_is_repeatable():
    graph = graph_of(layered_adjacency(50, seed=3))
    assert refined_partition(graph, seed=1) == refined_partition(graph, seed=1)


def test_adjacency_follows_the_order_of_the_graph():
    graph = nx.DiGraph([("z", "a"), ("a", "a")])
    assert np.array_equal(adjacency_matrix(graph), [[0, 1], [0, 1]])
