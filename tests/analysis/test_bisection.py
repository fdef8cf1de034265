from __future__ import annotations

import numpy as np
import pytest
from adjacencies import layered_adjacency, random_adjacency, reference_matrix

from analysis.bisection import first_split_labels, spectral_labels
from analysis.labels import labels_modularity, numbered_by_first_node


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
        labels = spectral_labels(adjacency)
        assert np.array_equal(labels, numbered_by_first_node(labels))


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
    assert np.array_equal(first_split_labels(adjacency), np.zeros(7))


def test_several_equal_leading_eigenvalues():
    adjacency = np.kron(np.eye(4, dtype=np.uint8), np.ones((3, 3), np.uint8) - np.eye(3, dtype=np.uint8))
    labels = spectral_labels(adjacency)
    assert np.array_equal(labels, np.repeat(np.arange(4), 3))
    assert labels_modularity(adjacency, labels) == pytest.approx(0.75, abs=1e-15)
