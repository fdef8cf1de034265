"""Is a network more modular, or more hierarchical, than chance: against networks of the same degrees and layers.

Small and sparse networks have a high Q by chance, so a raw Q says little (Guimera, Sales-Pardo and Amaral
2004, Physical Review E 70:025101), and so it is with a raw H. The null networks keep what a layered
network is given before any such question: the in- and out-degree of every node and the number of edges between
every two layers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.hierarchy import batch_hierarchy, output_indices
from analysis.labels import Adjacency, Floats, Integers, labels_modularity
from analysis.modularity import adjacency_matrix, batch_modularity
from analysis.refinement import random_starts, refined_labels

ATTEMPTS = 100  # attempted swaps an edge: enough to forget the start (Milo et al. 2003, arXiv:cond-mat/0312028)


#: Values of many networks, float64 (networks,), from their adjacency matrices, uint8 (networks, nodes, nodes).
BatchMeasure = Callable[[Adjacency], Floats]


@dataclass(frozen=True)
class Significance:
    """A measure of a network against that of its null networks.

    Attributes:
        value: of the network.
        null_mean: mean of the null networks.
        null_std: their sample standard deviation (divisor nulls - 1).
        z: (value - null_mean) / null_std. Where all nulls have the same value (few edges to swap, or few
            ways to place them) there is no scale: z is then 0 if the network has that value too, else inf or
            -inf, and only p says how much it means. Never nan.
        p: one-sided Monte-Carlo p-value, (1 + nulls with at least this value) / (1 + nulls).
        nulls: value of each null network, shape (nulls,).
    """

    value: float
    null_mean: float
    null_std: float
    z: float
    p: float
    nulls: Floats


def significance(
    graph: nx.DiGraph, measures: Mapping[str, BatchMeasure] | None = None, nulls: int = 200, seed: int = 0
) -> dict[str, Significance]:
    """How much greater the measures of a network are than those of random networks of its degrees and layers.

    All measures see the same null networks, which take most of the time to make.

    Args:
        graph: any directed graph; `null_networks` says what the nulls keep of it.
        measures: what to measure; by default `modularity` (spectral partitions) and `hierarchy` (outputs as
            `analysis.hierarchy.output_nodes` tells them).
        nulls: number of null networks, 2 or more.
        seed: seed of the null networks.

    Returns:
        The significance of each measure, under its name.

    Raises:
        ValueError: not a directed simple graph, a `layer` on some nodes only, too few nulls.
    """
    if nulls < 2:
        raise ValueError(f"nulls: {nulls}: allowed are 2 or more")
    if measures is None:
        measures = {"modularity": spectral_modularity, "hierarchy": hierarchy_measure(graph)}
    networks = np.concatenate([adjacency_matrix(graph)[np.newaxis], null_networks(graph, nulls, seed)])
    values = {name: measure(networks) for name, measure in measures.items()}
    return {name: _compare(float(array[0]), array[1:]) for name, array in values.items()}


def modularity_significance(
    graph: nx.DiGraph, nulls: int = 200, seed: int = 0, method: str = "spectral"
) -> Significance:
    """How much more modular a network is than random networks of the same degrees and layers.

    Args:
        graph: any directed graph; `null_networks` says what the nulls keep of it.
        nulls: number of null networks, 2 or more.
        seed: seed of the null networks and of the random starts of the refined partitions.
        method: how each network is partitioned, `spectral` or `refined`; the same for network and nulls.

    Raises:
        ValueError: not a directed simple graph, a `layer` on some nodes only, too few nulls, unknown method.
    """
    if method not in ("spectral", "refined"):
        raise ValueError(f"method: {method!r}: allowed are 'spectral' and 'refined'")
    measure = spectral_modularity if method == "spectral" else refined_modularity(len(graph), seed)
    return significance(graph, {"modularity": measure}, nulls, seed)["modularity"]


def hierarchy_significance(
    graph: nx.DiGraph, nulls: int = 200, seed: int = 0, outputs: Collection[Hashable] | None = None
) -> Significance:
    """How much more hierarchical a network is than random networks of the same degrees and layers.

    Args:
        graph: any directed graph; `null_networks` says what the nulls keep of it.
        nulls: number of null networks, 2 or more.
        seed: seed of the null networks.
        outputs: as in `analysis.hierarchy.hierarchy`; the nulls have the same.

    Raises:
        ValueError: not a directed simple graph, a `layer` on some nodes only, too few nulls, unknown outputs.
    """
    return significance(graph, {"hierarchy": hierarchy_measure(graph, outputs)}, nulls, seed)["hierarchy"]


def spectral_modularity(networks: Adjacency) -> Floats:
    """Q of the spectral partition of each network, shape (networks,)."""
    return batch_modularity(networks, np.ones(networks.shape[:2], np.bool_))


def refined_modularity(nodes: int, seed: int = 0) -> BatchMeasure:
    """The measure Q of the refined partition, for networks of so many nodes and one set of random starts."""
    starts = random_starts(nodes, seed)
    return lambda networks: _batch_refined(networks, starts)


def hierarchy_measure(graph: nx.DiGraph, outputs: Collection[Hashable] | None = None) -> BatchMeasure:
    """The measure H, for networks of the nodes and outputs of a graph.

    Raises:
        ValueError: an output that is not in the graph, or layers that do not tell them.
    """
    chosen = output_indices(graph, outputs)
    return lambda networks: batch_hierarchy(networks, np.ones(networks.shape[:2], np.bool_), chosen)


def null_networks(graph: nx.DiGraph, count: int, seed: int = 0) -> Adjacency:
    """Random networks with the degrees and layers of a given one, by random swaps of edges.

    A swap turns edges a-b and c-d into a-d and c-b. If the nodes have a `layer` attribute both edges must run
    from the same layer to the same layer, so every node even keeps its number of edges to and from each one.
    No swap creates an edge twice or a self-loop; self-loops of the graph stay. Each null network starts anew
    from the graph and is, in the limit of many swaps, uniform among all networks with these properties.

    Args:
        graph: any directed graph.
        count: number of null networks, 1 or more.
        seed: seed of the swaps.

    Returns:
        uint8 (count, nodes, nodes), nodes in the order of the graph, [k, i, j] is 1 for an edge from i to j.

    Raises:
        ValueError: not a directed simple graph, count below 1, or a `layer` on some nodes only.
    """
    if count < 1:
        raise ValueError(f"count: {count}: allowed are 1 or more")
    adjacency = adjacency_matrix(graph)
    sources, targets = np.nonzero(adjacency)
    groups = _edge_groups(_layers(graph), sources, targets)
    swappable = np.flatnonzero(sources != targets)
    order = swappable[np.argsort(groups[swappable], kind="stable")]
    return _rewire(adjacency, sources[order], targets[order], groups[order], count, np.random.default_rng(seed))


def _layers(graph: nx.DiGraph) -> Integers:
    """Number of the layer of each node, shape (nodes,); all 0 in a graph without layers."""
    layers = [data["layer"] for _, data in graph.nodes(data=True) if "layer" in data]
    if layers and len(layers) < len(graph):
        raise ValueError(
            f"graph: {len(layers)} of {len(graph)} nodes have a layer: allowed is on all of them or on none"
        )
    numbers = {layer: number for number, layer in enumerate(dict.fromkeys(layers))}
    return np.array([numbers[layer] for layer in layers] or [0] * len(graph), np.int64)


def _edge_groups(layers: Integers, sources: Integers, targets: Integers) -> Integers:
    """A number for each pair of layers, the same for edges that may be swapped, shape (edges,)."""
    pairs = layers[sources] * (layers.max(initial=0) + 1) + layers[targets]
    return np.unique(pairs, return_inverse=True)[1].astype(np.int64)


def _compare(value: float, nulls: Floats) -> Significance:
    # Equal values have a rounded mean and with it a tiny standard deviation that means nothing.
    constant = bool(np.all(nulls == nulls[0]))
    mean = float(nulls[0] if constant else nulls.mean())
    deviation = 0.0 if constant else float(nulls.std(ddof=1))
    difference = value - mean
    if constant:
        z = 0.0 if difference == 0.0 else float(np.copysign(np.inf, difference))
    else:
        z = difference / deviation
    p = (1 + int(np.count_nonzero(nulls >= value))) / (1 + len(nulls))
    return Significance(value, mean, deviation, z, p, nulls)


@njit(cache=True)
def _batch_refined(adjacencies: Adjacency, starts: Integers) -> Floats:
    """Q of the refined partition of each network, shape (networks,)."""
    result = np.zeros(len(adjacencies))
    for k in range(len(adjacencies)):
        result[k] = labels_modularity(adjacencies[k], refined_labels(adjacencies[k], starts))
    return result


@njit(cache=True)
def _rewire(
    adjacency: Adjacency,
    sources: Integers,
    targets: Integers,
    groups: Integers,
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Adjacency matrices after random swaps within groups; edges are sorted by group, without self-loops."""
    nodes, edges = len(adjacency), len(sources)
    first, size = _group_ranges(groups)
    result = np.empty((count, nodes, nodes), np.uint8)
    for k in range(count):
        result[k] = adjacency
        source, target = sources.copy(), targets.copy()
        edge_at = np.full((nodes, nodes), -1, np.int64)
        for e in range(edges):
            edge_at[source[e], target[e]] = e
        for _ in range(ATTEMPTS * edges):
            e = int(rng.random() * edges)
            f = first[groups[e]] + int(rng.random() * size[groups[e]])
            _attempt(result[k], edge_at, source, target, groups, e, f)
    return result


@njit(cache=True)
def _group_ranges(groups: Integers) -> tuple[Integers, Integers]:
    """First edge and number of edges of each group, of edges sorted by group."""
    numbers = np.max(groups) + 1 if len(groups) > 0 else 0
    first = np.searchsorted(groups, np.arange(numbers))
    return first, np.searchsorted(groups, np.arange(numbers), side="right") - first


@njit(cache=True)
def _attempt(
    adjacency: Adjacency,
    edge_at: Integers,
    source: Integers,
    target: Integers,
    groups: Integers,
    e: int,
    f: int,
) -> None:
    """Swaps the targets of edges e and f, or reverses the triangle they belong to, if that is allowed.

    Refused attempts count as steps of the chain, which makes its stationary distribution uniform.
    """
    a, b, c, d = source[e], target[e], source[f], target[f]
    if b == c:
        # The swap would make a self-loop. Swaps alone cannot turn a directed triangle round, and would miss
        # networks that only this reaches (Rao, Jana and Bandyopadhyay 1996, Sankhya A 58:225-242).
        g = edge_at[d, a]
        if g >= 0 and groups[g] == groups[e] and not (adjacency[b, a] or adjacency[d, b] or adjacency[a, d]):
            for edge in (e, f, g):
                _place(adjacency, edge_at, source, target, edge, target[edge], source[edge])
    elif a != d and not (adjacency[a, d] or adjacency[c, b]):
        _place(adjacency, edge_at, source, target, e, a, d)
        _place(adjacency, edge_at, source, target, f, c, b)


@njit(cache=True)
def _place(
    adjacency: Adjacency,
    edge_at: Integers,
    source: Integers,
    target: Integers,
    edge: int,
    new_source: int,
    new_target: int,
) -> None:
    """Moves an edge to a free place."""
    adjacency[source[edge], target[edge]] = 0
    edge_at[source[edge], target[edge]] = -1
    source[edge], target[edge] = new_source, new_target
    adjacency[new_source, new_target] = 1
    edge_at[new_source, new_target] = edge
