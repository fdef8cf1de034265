"""Local search for the partition of highest Q, from the spectral partition and from random ones.

It alternates Kernighan-Lin sweeps over single nodes (1970; for modules Newman 2006, PNAS 103:8577) with merges of
modules until neither raises Q. Gains are m^2 times those in Q, with m edges: whole numbers, without rounding.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.bisection import spectral_labels
from analysis.labels import Adjacency, Integers, labels_modularity, numbered_by_first_node

RESTARTS = 12  # random starts of the refined partition


def random_starts(nodes: int, seed: int, starts: int = RESTARTS) -> Integers:
    """Random partitions of 2 to 8 modules to start a local search from, shape (starts, nodes)."""
    rng = np.random.default_rng(seed)
    modules = rng.integers(2, 9, size=(starts, 1))
    labels = np.floor(rng.random((starts, nodes)) * modules).astype(np.int64)
    return np.minimum(labels, max(nodes - 1, 0))


@njit(cache=True)
def refined_labels(adjacency: Adjacency, starts: Integers) -> Integers:
    """The best partition found by local search from the spectral one and from others.

    Args:
        adjacency: uint8 (nodes, nodes), [i, j] is 1 for an edge from i to j.
        starts: int64 (starts, nodes), further partitions to start from, labels from 0 to nodes - 1.

    Returns:
        int64 (nodes,), modules numbered by their first node; never a lower Q than `spectral_labels`.
    """
    best = _local_search(adjacency, spectral_labels(adjacency))
    best_modularity = labels_modularity(adjacency, best)
    for k in range(len(starts)):
        labels = _local_search(adjacency, starts[k].copy())
        value = labels_modularity(adjacency, labels)
        if value > best_modularity:
            best, best_modularity = labels, value
    return numbered_by_first_node(best)


@njit(cache=True)
def _local_search(adjacency: Adjacency, labels: Integers) -> Integers:
    """Sweeps and merges until neither raises Q; labels are changed in place and returned."""
    whole = adjacency.astype(np.int64)
    degree_out, degree_in = whole.sum(axis=1), whole.sum(axis=0)
    edges = degree_out.sum()
    both = whole + whole.T
    np.fill_diagonal(both, 0)  # a self-loop stays inside wherever its node goes
    gain = edges  # without edges there is nothing to gain
    while gain > 0:
        gain = _sweep(both, degree_out, degree_in, edges, labels)
        gain += _merge(both, degree_out, degree_in, edges, labels)
    return labels


@njit(cache=True)
def _sweep(both: Integers, degree_out: Integers, degree_in: Integers, edges: int, labels: Integers) -> int:
    """Moves every node once, the best move left even if it loses; keeps the best prefix and returns its gain."""
    nodes = len(labels)
    links, group_out, group_in, sizes = _group_sums(both, degree_out, degree_in, labels)
    free = np.ones(nodes, np.bool_)
    moved = np.empty(nodes, np.int64)
    origins = np.empty(nodes, np.int64)
    gain, best_gain, best_length, length = 0, 0, 0, 0
    while length < nodes:
        change, node, target = _best_move(
            links, degree_out, degree_in, group_out, group_in, sizes, edges, labels, free
        )
        if node < 0:
            break
        moved[length], origins[length], free[node] = node, labels[node], False
        length += 1
        for group, sign in ((labels[node], -1), (target, 1)):
            links[:, group] += sign * both[:, node]
            group_out[group] += sign * degree_out[node]
            group_in[group] += sign * degree_in[node]
            sizes[group] += sign
        labels[node] = target
        gain += change
        if gain > best_gain:
            best_gain, best_length = gain, length
    labels[moved[best_length:length]] = origins[best_length:length]
    return best_gain


@njit(cache=True)
def _group_sums(
    both: Integers, degree_out: Integers, degree_in: Integers, labels: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """Edges between each node and each module (nodes, modules); out-degrees, in-degrees, sizes of modules."""
    nodes = len(labels)
    links = np.zeros((nodes, nodes), np.int64)
    group_out, group_in = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    sizes = np.zeros(nodes, np.int64)
    for j in range(nodes):
        links[:, labels[j]] += both[:, j]
        group_out[labels[j]] += degree_out[j]
        group_in[labels[j]] += degree_in[j]
        sizes[labels[j]] += 1
    return links, group_out, group_in, sizes


@njit(cache=True)
def _best_move(
    links: Integers,
    degree_out: Integers,
    degree_in: Integers,
    group_out: Integers,
    group_in: Integers,
    sizes: Integers,
    edges: int,
    labels: Integers,
    free: NDArray[np.bool_],
) -> tuple[int, int, int]:
    """Gain, node and target module of the best move of a free node; node is -1 if there is none."""
    best_gain, best_node, best_target = 0, -1, -1
    empty = np.flatnonzero(sizes == 0)
    targets = np.concatenate((np.flatnonzero(sizes > 0), empty[:1]))
    for i in range(len(labels)):
        if not free[i]:
            continue
        home, out, into = labels[i], degree_out[i], degree_in[i]
        stay = edges * links[i, home] - out * (group_in[home] - into) - into * (group_out[home] - out)
        for target in targets:
            if target == home or (sizes[target] == 0 and sizes[home] == 1):
                continue
            gain = edges * links[i, target] - out * group_in[target] - into * group_out[target] - stay
            if best_node < 0 or gain > best_gain:
                best_gain, best_node, best_target = gain, i, target
    return best_gain, best_node, best_target


@njit(cache=True)
def _merge(both: Integers, degree_out: Integers, degree_in: Integers, edges: int, labels: Integers) -> int:
    """Merges the two modules that gain most while any gain; returns the sum of the gains."""
    links, group_out, group_in, sizes = _group_sums(both, degree_out, degree_in, labels)
    between = np.zeros_like(links)
    for i in range(len(labels)):
        between[labels[i]] += links[i]
    total = 0
    while True:
        gain, kept, absorbed = _best_merge(between, group_out, group_in, sizes, edges)
        if gain <= 0:
            return total
        total += gain
        labels[labels == absorbed] = kept
        between[kept] += between[absorbed]
        between[:, kept] += between[:, absorbed]
        group_out[kept] += group_out[absorbed]
        group_in[kept] += group_in[absorbed]
        sizes[kept] += sizes[absorbed]
        sizes[absorbed] = 0


@njit(cache=True)
def _best_merge(
    between: Integers, group_out: Integers, group_in: Integers, sizes: Integers, edges: int
) -> tuple[int, int, int]:
    """Gain of the merge that gains most, and the labels of the two modules; the gain is 0 if none gains."""
    best_gain, kept, absorbed = 0, 0, 0
    for a in range(len(sizes)):
        for b in range(a + 1, len(sizes)):
            if sizes[a] == 0 or sizes[b] == 0:
                continue
            gain = edges * between[a, b] - group_out[a] * group_in[b] - group_in[a] * group_out[b]
            if gain > best_gain:
                best_gain, kept, absorbed = gain, a, b
    return best_gain, kept, absorbed
