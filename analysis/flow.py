"""Hierarchy of directed networks as order in what flows along the edges: cycles, trophic levels, random walks.

Where the reaching centrality (`analysis.hierarchy`) asks which nodes a node draws on, these ask whether there is
an up and a down at all. Everything ignores edge weights.
"""

from __future__ import annotations

import math
from collections.abc import Hashable

import networkx as nx
import numpy as np

from analysis.modularity import adjacency_matrix, check_directed


def flow_hierarchy(graph: nx.DiGraph) -> float:
    """Fraction of the edges that are in no cycle (Luo and Magee 2011, Complexity 16:53-61), by networkx.

    Args:
        graph: any directed graph with edges; a self-loop is a cycle.

    Returns:
        From 0 to 1; 1 for every feed-forward network.

    Raises:
        ValueError: not a directed simple graph, or no edges.
    """
    _check_edges(graph)
    return float(nx.flow_hierarchy(graph))


def trophic_levels(graph: nx.DiGraph) -> dict[Hashable, float]:
    """How far up each node stands: 1 without incoming edges, else 1 + the mean level of what leads to it.

    Levine (1980, Journal of Theoretical Biology 83:195-207), by networkx; self-loops are left out.

    Args:
        graph: a directed graph in which a path from a node without incoming edges leads to every node.

    Returns:
        Level of each node, in the order of the graph.

    Raises:
        ValueError: not a directed simple graph, or a node that no such path leads to.
    """
    plain = _with_levels(graph)
    levels = nx.trophic_levels(plain, weight=None) if plain else {}
    return {node: float(levels[node]) for node in graph}


def trophic_incoherence(graph: nx.DiGraph) -> float:
    """Standard deviation of the difference in trophic level over all edges, q, by networkx.

    Johnson, Dominguez-Garcia, Donetti and Munoz (2014, PNAS 111:17923-17928). 0 where every edge leads exactly one
    level up; the more edges skip levels or lead back, the greater.

    Args:
        graph: a directed graph with `trophic_levels` and with edges; self-loops are left out.

    Raises:
        ValueError: as `trophic_levels`, or no edges besides self-loops.
    """
    plain = _with_levels(graph)
    _check_edges(plain)
    return float(nx.trophic_incoherence_parameter(plain, weight=None))


def random_walk_hierarchy(graph: nx.DiGraph, length: float = 4.0) -> float:
    """How unevenly long random walks against the edges are, depending on where they start.

    From each node a walker steps to one of the nodes that lead there, all equally likely; before every step it
    gives up with probability 1 - exp(-1 / length). The measure is the standard deviation of the mean number of
    visited nodes, over its mean. A pyramid of many levels has the highest values: in chains nearly all nodes, in
    stars all but one are equal. After Czégel and Palla (2015, Scientific Reports 5:17994), written from what their
    abstract states of their measure: trees come before chains and stars, and large regular trees have a limit
    that depends on their branching number only.

    Args:
        graph: any directed graph; self-loops are left out.
        length: number of steps over which walkers fade, above 0; the authors' is 4.

    Returns:
        0 or more; 0 where all nodes are alike, as in a cycle or without edges.

    Raises:
        ValueError: not a directed simple graph, or a length that is not above 0.
    """
    if not 0.0 < length < math.inf:
        raise ValueError(f"length: {length}: allowed are finite numbers above 0")
    into = adjacency_matrix(graph).T.astype(np.float64)
    np.fill_diagonal(into, 0.0)
    if not into.any():
        return 0.0
    steps = into / np.maximum(into.sum(axis=1, keepdims=True), 1.0)
    visited = np.linalg.solve(np.eye(len(graph)) - math.exp(-1.0 / length) * steps, np.ones(len(graph)))
    if np.ptp(visited) < 1e-12 * visited.max():
        return 0.0  # equal but for rounding
    return float(visited.std() / visited.mean())


def _check_edges(graph: nx.DiGraph) -> None:
    check_directed(graph)
    if graph.number_of_edges() == 0:
        raise ValueError("graph: no edges: allowed are one or more")


def _with_levels(graph: nx.DiGraph) -> nx.DiGraph:
    """The graph without self-loops, if its nodes have trophic levels."""
    check_directed(graph)
    plain = nx.DiGraph()
    plain.add_nodes_from(graph)
    plain.add_edges_from((source, target) for source, target in graph.edges() if source != target)
    basal = [node for node, degree in plain.in_degree() if degree == 0]
    reached = {node for layer in nx.bfs_layers(plain, basal) for node in layer} if basal else set()
    for node in plain:
        if node not in reached:
            raise ValueError(
                f"graph: no path leads to node {node!r} from a node without incoming edges: trophic levels are "
                "defined where one leads to every node"
            )
    return plain
