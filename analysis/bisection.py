"""Recursive spectral bisection (Leicht and Newman 2008, Physical Review Letters 100:118703).

The settings are those of Clune, Mouret and Lipson (2013, Proc. R. Soc. B 280:20122863): the first split is always
accepted, a further one if it raises Q by more than 1e-5, and there is no fine-tuning.

The modularity matrix is multiplied by the number of edges m, so that it holds whole numbers:
m (A_ij + A_ji) - k_i^out k_j^in - k_i^in k_j^out. Float64 holds them and their sums exactly, so gains have no
rounding error.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from analysis.eigenvector import leading_eigenvector
from analysis.labels import Adjacency, Floats, Integers, numbered_by_first_node

SMALLEST_GAIN = 1e-5  # a further split must raise Q by more than this (Clune et al. 2013)

# Relative to the largest entry: smaller entries of the leading eigenvector are rounding errors of zero.
_ZERO_ENTRY = 1e-9


@njit(cache=True)
def spectral_labels(adjacency: Adjacency) -> Integers:
    """Modules by recursive spectral bisection, as in Clune et al. (2013).

    Args:
        adjacency: uint8 (nodes, nodes), [i, j] is 1 for an edge from i to j.

    Returns:
        int64 (nodes,), modules numbered by their first node.
    """
    labels = np.zeros(len(adjacency), np.int64)
    matrix, edges = _scaled_modularity_matrix(adjacency)
    threshold = SMALLEST_GAIN * 4.0 * edges * edges
    modules = 1
    module = 0
    while module < modules:
        members = np.flatnonzero(labels == module)
        signs, gain = _bisect(_group_matrix(matrix, members))
        if np.any(signs < 0) and (modules == 1 or gain > threshold):
            labels[members[signs < 0]] = modules
            modules += 1
        else:
            module += 1
    return numbered_by_first_node(labels)


@njit(cache=True)
def first_split_labels(adjacency: Adjacency) -> Integers:
    """The first bisection of `spectral_labels` only.

    Args:
        adjacency: uint8 (nodes, nodes), [i, j] is 1 for an edge from i to j.

    Returns:
        int64 (nodes,), 0 for the half with the first node, 1 for the other; all 0 if indivisible.
    """
    labels = np.zeros(len(adjacency), np.int64)
    matrix, _ = _scaled_modularity_matrix(adjacency)
    signs, _ = _bisect(_group_matrix(matrix, np.arange(len(adjacency))))
    labels[signs < 0] = 1
    return numbered_by_first_node(labels)


@njit(cache=True)
def _scaled_modularity_matrix(adjacency: Adjacency) -> tuple[Floats, float]:
    """The matrix m (B + B^T), whole numbers, and m, the number of edges."""
    nodes = len(adjacency)
    degree_out = np.zeros(nodes)
    degree_in = np.zeros(nodes)
    for i in range(nodes):
        for j in range(nodes):
            degree_out[i] += adjacency[i, j]
            degree_in[j] += adjacency[i, j]
    edges = np.sum(degree_out)
    matrix = np.empty((nodes, nodes))
    for i in range(nodes):
        for j in range(nodes):
            both = float(adjacency[i, j]) + float(adjacency[j, i])
            matrix[i, j] = edges * both - degree_out[i] * degree_in[j] - degree_in[i] * degree_out[j]
    return matrix, edges


@njit(cache=True)
def _group_matrix(matrix: Floats, members: Integers) -> Floats:
    """The generalised matrix of a group: row sums within the group subtracted from the diagonal.

    Row sums of the whole matrix are exactly zero, so the whole needs no case of its own.
    """
    size = len(members)
    group = np.empty((size, size))
    for i in range(size):
        total = 0.0
        for j in range(size):
            group[i, j] = matrix[members[i], members[j]]
            total += group[i, j]
        group[i, i] -= total
    return group


@njit(cache=True)
def _bisect(matrix: Floats) -> tuple[Integers, float]:
    """Signs of the leading eigenvector, and their gain s^T matrix s; all +1 if no eigenvalue is positive."""
    size = len(matrix)
    signs = np.ones(size, np.int64)
    if size < 2:
        return signs, 0.0
    vector, positive = leading_eigenvector(matrix)
    if not positive:
        return signs, 0.0
    _set_signs(signs, vector, matrix)
    gain = 0.0
    for i in range(size):
        for j in range(size):
            gain += signs[i] * signs[j] * matrix[i, j]
    return signs, gain


@njit(cache=True)
def _set_signs(signs: Integers, vector: Floats, matrix: Floats) -> None:
    """+1 for positive entries, -1 for negative ones; all zero entries go to one side.

    "Positive or not" puts zero entries with the negative ones, but an eigenvector and its opposite are the
    same solution, so which half that is would be the eigensolver's whim (and, for entries that are zero only
    up to rounding, each node's own). Of the two readings the one with the higher Q is taken, in any order of
    the nodes; if they are equal, zero entries go to the half without the first nonzero entry.
    """
    zero = np.abs(vector) <= _ZERO_ENTRY * np.max(np.abs(vector))
    first = np.flatnonzero(~zero)[0]
    for i in range(len(signs)):
        signs[i] = 1 if vector[i] * vector[first] > 0.0 else -1
    pull = 0.0
    for i in range(len(signs)):
        for j in range(len(signs)):
            if zero[i] and not zero[j]:
                pull += matrix[i, j] * signs[j]
    signs[zero] = 1 if pull > 0.0 else -1
