"""Modules of a network as a label on each node: their modularity Q, and their numbering.

Q is the directed modularity of Leicht and Newman (2008, Physical Review Letters 100:118703), counted in whole
numbers: it has no rounding error before the last division, and equal partitions have equal Q in any order of
the nodes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Adjacency = NDArray[np.uint8]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@njit(cache=True)
def labels_modularity(adjacency: Adjacency, labels: Integers) -> float:
    """Directed modularity Q of labelled nodes.

    Args:
        adjacency: uint8 (nodes, nodes), [i, j] is 1 for an edge from i to j.
        labels: int64 (nodes,), module of each node, from 0 to nodes - 1.

    Returns:
        Q; 0 without edges.
    """
    nodes = len(labels)
    group_in = np.zeros(nodes, np.int64)
    group_out = np.zeros(nodes, np.int64)
    inside = 0
    edges = 0
    for i in range(nodes):
        for j in range(nodes):
            if adjacency[i, j]:
                edges += 1
                inside += labels[i] == labels[j]
                group_out[labels[i]] += 1
                group_in[labels[j]] += 1
    if edges == 0:
        return 0.0
    return (edges * inside - np.sum(group_in * group_out)) / (edges * edges)


@njit(cache=True)
def numbered_by_first_node(labels: Integers) -> Integers:
    """The same modules, numbered from 0 in the order of their first node."""
    numbers = np.full(len(labels) + 1, -1, np.int64)
    result = np.empty_like(labels)
    used = 0
    for i in range(len(labels)):
        if numbers[labels[i]] < 0:
            numbers[labels[i]] = used
            used += 1
        result[i] = numbers[labels[i]]
    return result
