"""Modularity of directed networks and the partitions that maximise it.

Q is the directed modularity of Leicht and Newman (2008, Physical Review Letters 100:118703). Everything ignores
edge weights.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import networkx as nx
import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.bisection import first_split_labels, spectral_labels
from analysis.labels import Adjacency, Floats, Integers, labels_modularity
from analysis.refinement import random_starts, refined_labels


def adjacency_matrix(graph: nx.DiGraph) -> Adjacency:
    """Which node connects to which, nodes in the order of the graph.

    Args:
        graph: any directed graph; weights are ignored.

    Returns:
        uint8 array (nodes, nodes); [i, j] is 1 where an edge runs from node i to node j.

    Raises:
        ValueError: the graph is undirected or a multigraph.
    """
    check_directed(graph)
    index = {node: i for i, node in enumerate(graph)}
    adjacency = np.zeros((len(index), len(index)), np.uint8)
    for source, target in graph.edges():
        adjacency[index[source], index[target]] = 1
    return adjacency


def check_directed(graph: nx.Graph) -> None:
    """Refuse what is no directed graph with single edges.

    Raises:
        ValueError: the graph is undirected or a multigraph.
    """
    if not graph.is_directed() or graph.is_multigraph():
        raise ValueError(f"graph: {type(graph).__name__}: allowed is a networkx.DiGraph (directed, single edges)")


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


def _modules(graph: nx.DiGraph, labels: Integers) -> list[list[Hashable]]:
    modules: list[list[Hashable]] = [[] for _ in range(int(labels.max(initial=-1)) + 1)]
    for node, label in zip(graph, labels, strict=True):
        modules[label].append(node)
    return modules
