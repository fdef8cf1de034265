"""Hierarchy of directed networks: how unevenly nodes reach others, against the direction of the edges.

The global reaching centrality of Mones, Vicsek and Vicsek (2012, PLoS ONE 7:e33799), taken on the reversed network
as in Mengistu, Huizinga, Mouret and Clune (2016, PLoS Comput Biol 12:e1004829): in a hierarchical network the
output draws on every node, the nodes below it on ever fewer. Everything ignores edge weights and self-loops.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable

import networkx as nx
import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.labels import Adjacency, Floats, Integers
from analysis.modularity import adjacency_matrix

Masks = NDArray[np.uint64]


def global_reaching_centrality(graph: nx.DiGraph) -> float:
    """Global reaching centrality of the reversed network, from 0 to 1.

    sum_i (C_max - C(i)) / (N - 1), where C(i) is the fraction of the N - 1 other nodes from which a path leads to
    node i (Mones et al. 2012, equations 3 and 4, edges reversed and of weight 1). The N nodes are those with an
    edge to or from another one; 0 without any. A star that points inwards has 1, a cycle 0.

    Args:
        graph: any directed graph.

    Raises:
        ValueError: the graph is undirected or a multigraph.
    """
    return _hierarchy(graph, np.empty(0, np.int64))


def hierarchy(graph: nx.DiGraph, outputs: Collection[Hashable] | None = None) -> float:
    """Hierarchy H of a network: the mean over its outputs of the reaching centrality of what leads to them.

    Every output is taken with the nodes from which a path leads to it; an output without any counts as 0. With one
    output this is the global reaching centrality of the simplified network (Mengistu et al. 2016).

    Args:
        graph: any directed graph.
        outputs: the outputs; by default those of `output_nodes`. Where there are none (every node leads on to
            another one), H is the global reaching centrality of the whole graph.

    Raises:
        ValueError: not a directed simple graph, an output that is not in it, or layers as in `output_nodes`.
    """
    return _hierarchy(graph, output_indices(graph, outputs))


def output_nodes(graph: nx.DiGraph) -> list[Hashable]:
    """The outputs of a network: the nodes of the highest `layer`, or without layers those that lead nowhere.

    Nodes without any edge are outputs in the first case (an output that was not wired up), not in the second.

    Args:
        graph: any directed graph.

    Raises:
        ValueError: a `layer` on some nodes only, or layers that have no order.
    """
    layers = {node: data["layer"] for node, data in graph.nodes(data=True) if "layer" in data}
    if not layers:
        edges = [(source, target) for source, target in graph.edges() if source != target]
        ends = {target for _, target in edges} - {source for source, _ in edges}
        return [node for node in graph if node in ends]
    if len(layers) < len(graph):
        raise ValueError(
            f"graph: {len(layers)} of {len(graph)} nodes have a layer: allowed is on all of them or on none"
        )
    try:
        highest = max(layers.values())
    except TypeError:
        raise ValueError("graph: layers of several kinds: allowed are layers that can be ordered") from None
    return [node for node in graph if layers[node] == highest]


def output_indices(graph: nx.DiGraph, outputs: Collection[Hashable] | None = None) -> Integers:
    """Places of the outputs in the order of the graph, as `batch_hierarchy` wants them, shape (outputs,).

    Raises:
        ValueError: an output that is not in the graph, or layers as in `output_nodes`.
    """
    chosen = output_nodes(graph) if outputs is None else list(dict.fromkeys(outputs))
    index = {node: i for i, node in enumerate(graph)}
    for node in chosen:
        if node not in index:
            raise ValueError(f"outputs: {node!r}: allowed are nodes of the graph")
    return np.array([index[node] for node in chosen], np.int64)


@njit(cache=True)
def batch_hierarchy(adjacencies: Adjacency, present: NDArray[np.bool_], outputs: Integers) -> Floats:
    """H of each network, on its present nodes only.

    Args:
        adjacencies: uint8 (networks, nodes, nodes), [k, i, j] is 1 for an edge from i to j in network k. Fastest
            where edges lead from lower to higher numbers.
        present: bool (networks, nodes); absent nodes and their edges are removed before the analysis.
        outputs: int64 (outputs,), the output nodes, the same in every network; without any the result is the
            global reaching centrality of each whole network.

    Returns:
        float64 (networks,); an output that is absent or has no edge counts as 0.
    """
    nodes = adjacencies.shape[1]
    result = np.zeros(len(adjacencies))
    masks = np.empty((nodes, (nodes + 63) // 64), np.uint64)
    reached = np.empty(nodes, np.int64)
    for k in range(len(adjacencies)):
        _fill_masks(adjacencies[k], present[k], masks)
        for i in range(nodes):
            reached[i] = _ones(masks[i])
        if len(outputs) == 0:
            result[k] = _whole_centrality(adjacencies[k], present[k], reached)
        else:
            total = 0.0
            for output in outputs:
                total += _centrality_below(masks[output], reached, output)
            result[k] = total / len(outputs)
    return result


def _hierarchy(graph: nx.DiGraph, outputs: Integers) -> float:
    adjacency = adjacency_matrix(graph)[np.newaxis]
    return float(batch_hierarchy(adjacency, np.ones(adjacency.shape[:2], np.bool_), outputs)[0])


@njit(cache=True)
def _fill_masks(adjacency: Adjacency, present: NDArray[np.bool_], masks: Masks) -> None:
    """Marks in the bits of masks[j] from which other nodes a path leads to node j, (nodes, words)."""
    nodes = len(adjacency)
    one = np.uint64(1)
    masks[:] = np.uint64(0)
    changed = True
    backward = True  # one sweep is enough where every edge leads to a higher number
    while changed and backward:
        changed = backward = False
        for i in range(nodes):
            if not present[i]:
                continue
            for j in range(nodes):
                if adjacency[i, j] and present[j] and i != j:
                    backward |= j < i
                    changed |= _merge(masks[j], masks[i], i >> 6, one << np.uint64(i & 63))
    for i in range(nodes):
        masks[i, i >> 6] &= ~(one << np.uint64(i & 63))


@njit(cache=True)
def _merge(into: Masks, more: Masks, word: int, bit: np.uint64) -> bool:
    """Adds the bits of `more` and one bit besides; whether any of them is new."""
    new = False
    for w in range(len(into)):
        merged = into[w] | more[w]
        if w == word:
            merged |= bit
        new |= merged != into[w]
        into[w] = merged
    return new


@njit(cache=True)
def _ones(mask: Masks) -> np.int64:
    """Number of bits that are 1 (Warren 2012, Hacker's Delight, chapter 5)."""
    total = np.uint64(0)
    for word in mask:
        x = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
        x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
        x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
        total += (x * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return np.int64(total)


@njit(cache=True)
def _centrality_below(mask: Masks, reached: Integers, output: int) -> float:
    """Reaching centrality of an output and the nodes that lead to it, which reach the same nodes as before."""
    others = reached[output]
    if others == 0:
        return 0.0
    total = others
    for i in range(len(reached)):
        if (mask[i >> 6] >> np.uint64(i & 63)) & np.uint64(1):
            total += reached[i]
    return ((others + 1) * others - total) / (others * others)


@njit(cache=True)
def _whole_centrality(adjacency: Adjacency, present: NDArray[np.bool_], reached: Integers) -> float:
    nodes = len(adjacency)
    connected = np.zeros(nodes, np.bool_)
    for i in range(nodes):
        for j in range(nodes):
            if adjacency[i, j] and present[i] and present[j] and i != j:
                connected[i] = connected[j] = True
    others = np.sum(connected) - 1
    if others < 1:
        return 0.0
    return ((others + 1) * np.max(reached) - np.sum(reached)) / (others * others)
