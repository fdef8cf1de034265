from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from adjacencies import layered_adjacency, random_adjacency, reference_matrix

from analysis.bisection import spectral_labels
from analysis.labels import labels_modularity, numbered_by_first_node
from analysis.refinement import random_starts, refined_labels


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
    best = -np.inf
    for partition in set_partitions(list(range(len(adjacency)))):
        together = sum(b[np.ix_(group, group)].sum() for group in partition)
        best = max(best, together)
    return best / adjacency.sum()


def test_spectral_and_refined_against_the_best_of_all_partitions():
    gaps = []
    for seed in range(24):
        nodes = 5 + seed % 3 if seed else 8
        adjacency = random_adjacency(nodes, 6 + seed % 12, seed, loops=seed % 3 == 0)
        best = optimum(adjacency)
        spectral = labels_modularity(adjacency, spectral_labels(adjacency))
        refined = labels_modularity(adjacency, refined_labels(adjacency, random_starts(nodes, 0)))
        assert spectral <= refined <= best + 1e-12
        assert refined == pytest.approx(best, abs=1e-12)
        gaps.append(best - spectral)
    assert max(gaps) > 1e-3  # somewhere there was something to refine


def test_refined_is_never_worse_and_numbered_by_first_node():
    better = 0
    for seed in range(30):
        adjacency = layered_adjacency(10 + 3 * seed, seed)
        labels = refined_labels(adjacency, random_starts(23, seed))
        assert np.array_equal(labels, numbered_by_first_node(labels))
        spectral = labels_modularity(adjacency, spectral_labels(adjacency))
        refined = labels_modularity(adjacency, labels)
        assert refined >= spectral
        better += refined > spectral
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
    adjacency = layered_adjacency(50, seed=3)
    one, other = (refined_labels(adjacency, random_starts(23, seed=1)) for _ in range(2))
    assert np.array_equal(one, other)
