"""Modularity of directed networks and the partitions that maximise it.

Q is the directed modularity of Leicht and Newman (2008, Physical Review Letters 100:118703); the optimiser is
their recursive spectral bisection with the settings of Clune, Mouret and Lipson (2013, Proc. R. Soc. B
280:20122863). Everything ignores edge weights.

Inside, the modularity matrix is multiplied by the number of edges m, so that it holds whole numbers:
m (A_ij + A_ji) - k_i^out k_j^in - k_i^in k_j^out. Float64 holds them and their sums exactly, so gains and Q
have no rounding error before the last division, and equal partitions have equal Q in any order of the nodes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import networkx as nx
import numpy as np
from numba import njit
from numpy.typing import NDArray

SMALLEST_GAIN = 1e-5  # a further split must raise Q by more than this (Clune et al. 2013)
RESTARTS = 12  # random starts of the refined partition

# Relative to the size of the matrix: how closely the leading eigenvalue is bracketed and how far above it the
# inverse iteration is shifted. Eigenvalues closer together than this count as equal.
_EIGENVALUE_TOLERANCE = 1e-10
# Relative to the largest entry: smaller entries of the leading eigenvector are rounding errors of zero.
_ZERO_ENTRY = 1e-9

Adjacency = NDArray[np.uint8]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


# --- Graphs -------------------------------------------------------------------------------------------------


def adjacency_matrix(graph: nx.DiGraph) -> Adjacency:
    """Which node connects to which, nodes in the order of the graph.

    Args:
        graph: any directed graph; weights are ignored.

    Returns:
        uint8 array (nodes, nodes); [i, j] is 1 where an edge runs from node i to node j.

    Raises:
        ValueError: the graph is undirected or a multigraph.
    """
    if not graph.is_directed() or graph.is_multigraph():
        raise ValueError(f"graph: {type(graph).__name__}: allowed is a networkx.DiGraph (directed, single edges)")
    index = {node: i for i, node in enumerate(graph)}
    adjacency = np.zeros((len(index), len(index)), np.uint8)
    for source, target in graph.edges():
        adjacency[index[source], index[target]] = 1
    return adjacency


def modularity(graph: nx.DiGraph, partition: Iterable[Iterable[Hashable]]) -> float:
    """Directed modularity Q of a partition (Leicht and Newman 2008, equation 4).

    Q = 1/m sum_ij [A_ij - k_i^out k_j^in / m] delta(c_i, c_j), with m edges; 0 without edges.

    Args:
        graph: any directed graph; weights are ignored, a self-loop is an edge inside its module.
        partition: modules, each an iterable of nodes; every node in exactly one.

    Raises:
        ValueError: not a directed simple graph, or not a partition of its nodes.
    """
    adjacency = adjacency_matrix(graph)
    modules = [list(module) for module in partition]
    placed = [node for module in modules for node in module]
    if len(placed) != len(graph) or set(placed) != set(graph):
        raise ValueError(
            f"partition: {len(placed)} entries, {len(set(placed) & set(graph))} of the graph's {len(graph)} "
            "nodes: allowed are modules that hold every node exactly once"
        )
    module_of = {node: label for label, module in enumerate(modules) for node in module}
    # Empty modules are harmless, but would number the others beyond the number of nodes.
    _, labels = np.unique([module_of[node] for node in graph], return_inverse=True)
    return float(labels_modularity(adjacency, labels.astype(np.int64)))


def spectral_partition(graph: nx.DiGraph) -> list[list[Hashable]]:
    """Modules by recursive spectral bisection, as in Clune et al. (2013).

    Args:
        graph: any directed graph.

    Returns:
        Modules in the order of their first node, nodes in the order of the graph; one module without edges.

    Raises:
        ValueError: the graph is undirected or a multigraph.
    """
    return _modules(graph, spectral_labels(adjacency_matrix(graph)))


def first_split(graph: nx.DiGraph) -> tuple[list[Hashable], list[Hashable]]:
    """The two halves of the first spectral bisection; the second is empty if the graph is indivisible.

    Args:
        graph: any directed graph.

    Returns:
        The half with the graph's first node, then the other, nodes in the order of the graph.

    Raises:
        ValueError: the graph is undirected or a multigraph.
    """
    halves = _modules(graph, first_split_labels(adjacency_matrix(graph)))
    halves += [[], []]
    return halves[0], halves[1]


def refined_partition(graph: nx.DiGraph, seed: int = 0) -> list[list[Hashable]]:
    """The best partition found by local search from the spectral one and from random ones.

    The local search alternates Kernighan-Lin sweeps over single nodes with merges of modules until neither
    raises Q. Its result never has a lower Q than `spectral_partition`.

    Args:
        graph: any directed graph.
        seed: seed of the random starts.

    Returns:
        Modules in the order of their first node, nodes in the order of the graph.

    Raises:
        ValueError: the graph is undirected or a multigraph.
    """
    adjacency = adjacency_matrix(graph)
    return _modules(graph, refined_labels(adjacency, random_starts(len(graph), seed)))


def random_starts(nodes: int, seed: int, starts: int = RESTARTS) -> Integers:
    """Random partitions of 2 to 8 modules to start a local search from, shape (starts, nodes)."""
    rng = np.random.default_rng(seed)
    modules = rng.integers(2, 9, size=(starts, 1))
    labels = np.floor(rng.random((starts, nodes)) * modules).astype(np.int64)
    return np.minimum(labels, max(nodes - 1, 0))


def _modules(graph: nx.DiGraph, labels: Integers) -> list[list[Hashable]]:
    modules: list[list[Hashable]] = [[] for _ in range(int(labels.max(initial=-1)) + 1)]
    for node, label in zip(graph, labels, strict=True):
        modules[label].append(node)
    return modules


# --- Q and spectral bisection on arrays ---------------------------------------------------------------------


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
def spectral_labels(adjacency: Adjacency) -> Integers:
    """Modules by recursive spectral bisection, as in Clune et al. (2013).

    The first split is always accepted, a further one if it raises Q by more than 1e-5; no fine-tuning.

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
    while module < modules and edges > 0:
        members = np.flatnonzero(labels == module)
        signs, gain = _bisect(_group_matrix(matrix, members))
        if np.any(signs < 0) and (modules == 1 or gain > threshold):
            labels[members[signs < 0]] = modules
            modules += 1
        else:
            module += 1
    return _numbered_by_first_node(labels)


@njit(cache=True)
def first_split_labels(adjacency: Adjacency) -> Integers:
    """The first bisection of `spectral_labels` only.

    Args:
        adjacency: uint8 (nodes, nodes), [i, j] is 1 for an edge from i to j.

    Returns:
        int64 (nodes,), 0 for the half with the first node, 1 for the other; all 0 if indivisible.
    """
    labels = np.zeros(len(adjacency), np.int64)
    matrix, edges = _scaled_modularity_matrix(adjacency)
    if edges > 0:
        signs, _ = _bisect(_group_matrix(matrix, np.arange(len(adjacency))))
        labels[signs < 0] = 1
    return _numbered_by_first_node(labels)


@njit(cache=True)
def batch_modularity(adjacencies: Adjacency, present: NDArray[np.bool_]) -> Floats:
    """Q of the spectral partition of each network, on its present nodes only.

    Args:
        adjacencies: uint8 (networks, nodes, nodes), [k, i, j] is 1 for an edge from i to j in network k.
        present: bool (networks, nodes); absent nodes and their edges are removed before the analysis.

    Returns:
        float64 (networks,); 0 for a network without edges.
    """
    result = np.zeros(len(adjacencies))
    for k in range(len(adjacencies)):
        nodes = np.flatnonzero(present[k])
        adjacency = np.empty((len(nodes), len(nodes)), np.uint8)
        for i in range(len(nodes)):
            for j in range(len(nodes)):
                adjacency[i, j] = adjacencies[k, nodes[i], nodes[j]]
        result[k] = labels_modularity(adjacency, spectral_labels(adjacency))
    return result


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
    vector, positive = _leading_eigenvector(matrix)
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


@njit(cache=True)
def _numbered_by_first_node(labels: Integers) -> Integers:
    numbers = np.full(len(labels) + 1, -1, np.int64)
    result = np.empty_like(labels)
    used = 0
    for i in range(len(labels)):
        if numbers[labels[i]] < 0:
            numbers[labels[i]] = used
            used += 1
        result[i] = numbers[labels[i]]
    return result


# --- Leading eigenvector ------------------------------------------------------------------------------------
# Written out rather than left to LAPACK: several times as fast at this size, since one eigenvector of n is
# needed, and the same bits on every machine, whatever library, processor or number of threads is there.


@njit(cache=True)
def _leading_eigenvector(matrix: Floats) -> tuple[Floats, bool]:
    """Eigenvector of the largest eigenvalue of a symmetric matrix, and whether that eigenvalue is positive.

    Householder tridiagonalisation, bisection for the eigenvalue, inverse iteration just above it (Golub and
    Van Loan, Matrix Computations, chapter 8). Where several eigenvalues are equally the largest it gives one
    fixed combination of their eigenvectors. The matrix must have an eigenvalue of at least 0.
    """
    diagonal, beside, reflectors = _tridiagonalise(matrix.copy())
    scale = _row_bound(diagonal, beside)
    shift = _above_largest_eigenvalue(diagonal, beside, scale)
    if shift <= 4.0 * _EIGENVALUE_TOLERANCE * scale:
        return diagonal, False
    vector = _inverse_iteration(diagonal, beside, shift)
    for k in range(len(matrix) - 3, -1, -1):
        overlap = 2.0 * np.sum(reflectors[k] * vector)
        for i in range(k + 1, len(vector)):
            vector[i] -= overlap * reflectors[k, i]
    return vector, True


@njit(cache=True)
def _tridiagonalise(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Diagonal, entries beside it, unit vectors (n - 2, n) of the reflections; overwrites the matrix."""
    size = len(matrix)
    reflectors = np.zeros((max(size - 2, 0), size))
    beside = np.zeros(size - 1)
    product = np.empty(size)
    for k in range(size - 2):
        vector = reflectors[k]
        beside[k] = _reflector(matrix[k], k + 1, vector)
        product[:] = 0.0
        for j in range(k + 1, size):
            # By columns: sums of whole rows run in parallel lanes without changing their order of addition.
            for i in range(k + 1, size):
                product[i] += vector[j] * matrix[j, i]
        overlap = 0.0
        for i in range(k + 1, size):
            overlap += vector[i] * product[i]
        for i in range(k + 1, size):
            product[i] = 2.0 * (product[i] - overlap * vector[i])
        for i in range(k + 1, size):
            for j in range(k + 1, size):
                matrix[i, j] -= vector[i] * product[j] + product[i] * vector[j]
    beside[size - 2] = matrix[size - 2, size - 1]
    return np.diag(matrix).copy(), beside, reflectors


@njit(cache=True)
def _reflector(row: Floats, start: int, vector: Floats) -> float:
    """Fills the unit vector that reflects row[start:] onto its first entry; returns that entry."""
    rest = 0.0
    for i in range(start + 1, len(row)):
        rest += row[i] * row[i]
    if rest == 0.0:
        return row[start]
    length = np.sqrt(row[start] * row[start] + rest)
    entry = -length if row[start] > 0.0 else length
    scale = 1.0 / np.sqrt(2.0 * length * (length + abs(row[start])))
    vector[start] = (row[start] - entry) * scale
    for i in range(start + 1, len(row)):
        vector[i] = row[i] * scale
    return entry


@njit(cache=True)
def _row_bound(diagonal: Floats, beside: Floats) -> float:
    """The largest sum of absolute values in a row, which bounds every eigenvalue (Gershgorin)."""
    bound = 0.0
    for i in range(len(diagonal)):
        row = abs(diagonal[i])
        if i > 0:
            row += abs(beside[i - 1])
        if i < len(beside):
            row += abs(beside[i])
        bound = max(bound, row)
    return bound


@njit(cache=True)
def _above_largest_eigenvalue(diagonal: Floats, beside: Floats, scale: float) -> float:
    """A number above the largest eigenvalue by one to two tolerances."""
    low = 0.0
    high = scale
    while high - low > _EIGENVALUE_TOLERANCE * scale:
        middle = 0.5 * (low + high)
        pivot = middle - diagonal[0]
        i = 0
        while pivot > 0.0 and i < len(beside):
            pivot = middle - diagonal[i + 1] - beside[i] * beside[i] / pivot
            i += 1
        if pivot > 0.0:  # all pivots positive: every eigenvalue lies below
            high = middle
        else:
            low = middle
    return high + _EIGENVALUE_TOLERANCE * scale


@njit(cache=True)
def _inverse_iteration(diagonal: Floats, beside: Floats, shift: float) -> Floats:
    """Eigenvector of the eigenvalue next below the shift, of unit maximum."""
    size = len(diagonal)
    pivots = np.empty(size)
    pivots[0] = shift - diagonal[0]
    for i in range(1, size):  # positive definite, so elimination needs no exchange of rows
        pivots[i] = shift - diagonal[i] - beside[i - 1] * beside[i - 1] / pivots[i - 1]
    # Irregular, so that no symmetry of the network makes it orthogonal to the eigenvector.
    vector = np.empty(size)
    for i in range(size):
        vector[i] = 0.5 + (i * 0.6180339887498949) % 1.0
    for _ in range(4):  # other eigenvectors shrink by (2e-10 / relative gap) each time
        for i in range(1, size):
            vector[i] += beside[i - 1] / pivots[i - 1] * vector[i - 1]
        vector[size - 1] /= pivots[size - 1]
        for i in range(size - 2, -1, -1):
            vector[i] = (vector[i] + beside[i] * vector[i + 1]) / pivots[i]
        vector[:] = vector / np.max(np.abs(vector))
    return vector


# --- Local search -------------------------------------------------------------------------------------------


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
    return _numbered_by_first_node(best)


@njit(cache=True)
def _local_search(adjacency: Adjacency, labels: Integers) -> Integers:
    """Sweeps and merges until neither raises Q; labels are changed in place and returned."""
    whole = adjacency.astype(np.int64)
    degree_out, degree_in = whole.sum(axis=1), whole.sum(axis=0)
    edges = degree_out.sum()
    both = whole + whole.T
    for i in range(len(both)):
        both[i, i] = 0  # a self-loop stays inside wherever its node goes
    gain = edges  # without edges there is nothing to gain
    while gain > 0:
        gain = _sweep(both, degree_out, degree_in, edges, labels)
        gain += _merge(both, degree_out, degree_in, edges, labels)
    return labels


@njit(cache=True)
def _sweep(both: Integers, degree_out: Integers, degree_in: Integers, edges: int, labels: Integers) -> int:
    """Moves every node once, always the best move left even if it loses; keeps the best prefix of the moves.

    Kernighan and Lin (1970) for modules, as in Newman (2006, PNAS 103:8577). Returns m^2 times the gain in Q.
    """
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
    """Merges the two modules that gain most while any gain; returns the gain, m^2 times that in Q."""
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
    best_gain, kept, absorbed = 0, 0, 0
    for a in range(len(sizes)):
        for b in range(a + 1, len(sizes)):
            if sizes[a] == 0 or sizes[b] == 0:
                continue
            gain = edges * between[a, b] - group_out[a] * group_in[b] - group_in[a] * group_out[b]
            if gain > best_gain:
                best_gain, kept, absorbed = gain, a, b
    return best_gain, kept, absorbed
