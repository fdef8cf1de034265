"""Slow and plain truths about layered networks, in networkx, numpy and scipy, and random networks to try."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import networkx as nx
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2_contingency

from networks import Networks, Topology, layered

FUNCTIONS = {
    "tanh": np.tanh,
    "sigmoid": expit,
    "step": np.sign,
    "relu": lambda x: np.maximum(x, 0.0),
    "linear": lambda x: x,
}

seeds = st.integers(0, 2**32 - 1)


def random_batch(
    layers: Sequence[int],
    seed: int,
    count: int = 3,
    density: float = 0.5,
    most: int = 2,
    dtype: type = np.int8,
) -> Networks:
    """Networks with weights and biases from -most to most, of which `density` are not 0."""
    topology, rng = layered(layers), np.random.default_rng(seed)
    arrays = []
    for columns in (topology.connections, topology.nodes):
        shape = (count, columns)
        if dtype is np.int8:
            values = rng.integers(1, most + 1, shape) * rng.choice([-1, 1], shape)
        else:
            values = rng.uniform(-most, most, shape)
        arrays.append(np.where(rng.random(shape) < density, values, 0).astype(dtype))
    return Networks(topology, *arrays)


@st.composite
def batches(draw: st.DrawFn, widest: int = 6, fewest_layers: int = 2, most: int = 2) -> Networks:
    """Integer networks of any shape and density."""
    layers = draw(st.lists(st.integers(1, widest), min_size=fewest_layers, max_size=5))
    return random_batch(layers, draw(seeds), density=draw(st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.0])), most=most)


def layer_slices(topology: Topology) -> list[slice]:
    """Nodes of each layer."""
    ends = np.cumsum(topology.layers).tolist()
    return [slice(end - size, end) for end, size in zip(ends, topology.layers, strict=True)]


def node_values(
    networks: Networks, patterns: NDArray, slope: float = 20.0, activation: str = "tanh"
) -> NDArray[np.float64]:
    """Values of all nodes, layer by layer in float64, (networks, nodes, patterns)."""
    topology, slices = networks.topology, layer_slices(networks.topology)
    result = []
    for weights, biases in zip(networks.weights, networks.biases, strict=True):
        matrix = np.zeros((topology.nodes, topology.nodes))
        matrix[topology.targets, topology.sources] = weights
        values = [patterns.T.astype(np.float64)]
        for lower, upper in pairwise(slices):
            total = matrix[upper, lower] @ values[-1] + biases[upper, None]
            values.append(FUNCTIONS[activation](slope * total))
        result.append(np.concatenate(values))
    return np.array(result)


def whole_graph(networks: Networks, index: int) -> nx.DiGraph:
    """Every node and every connection of one network."""
    topology = networks.topology
    graph = nx.DiGraph()
    graph.add_nodes_from(range(topology.nodes))
    for connection in range(topology.connections):
        if networks.weights[index, connection] != 0:
            graph.add_edge(int(topology.sources[connection]), int(topology.targets[connection]))
    return graph


def simplified_graph(networks: Networks, index: int) -> nx.DiGraph:
    """Without nodes from which no output can be reached, then without nodes that have no edge."""
    graph = whole_graph(networks, index)
    nodes, outputs = networks.topology.nodes, range(networks.topology.nodes)[-networks.topology.outputs :]
    useful = set(outputs).union(*(nx.ancestors(graph, output) for output in outputs))
    graph.remove_nodes_from(set(range(nodes)) - useful)
    graph.remove_nodes_from(list(nx.isolates(graph)))
    return graph


def optimal_places(graph: nx.DiGraph, topology: Topology) -> dict[int, NDArray[np.float64]]:
    """Inputs and outputs where they are given, hidden nodes where the summed squared length is least."""
    first, last = topology.layers[0], topology.nodes - topology.layers[-1]
    fixed = [node for node in graph if node < first or node >= last]
    hidden = [node for node in graph if first <= node < last]
    given = np.array([*zip(topology.input_x, [0.0] * first, strict=True)])
    wanted = np.array([(x, topology.output_y) for x in topology.output_x])
    places = {node: given[node] if node < first else wanted[node - last] for node in fixed}
    if hidden:
        laplacian = nx.laplacian_matrix(graph.to_undirected(), [*hidden, *fixed], weight=None).toarray()
        count = len(hidden)
        pull = -laplacian[:count, count:] @ np.array([places[node] for node in fixed])
        solution = np.linalg.solve(laplacian[:count, :count].astype(float), pull)
        places |= dict(zip(hidden, solution, strict=True))
    return places


def edge_lengths(graph: nx.DiGraph, places: dict[int, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Length of every edge."""
    return np.array([np.linalg.norm(places[s] - places[t]) for s, t in graph.edges])


def same_distribution(first: Sequence[object], second: Sequence[object], fewest: int = 20) -> float:
    """Chi-squared p-value that two samples of hashable things come from one distribution, rare ones pooled."""
    kinds = {kind: row for row, kind in enumerate(dict.fromkeys([*first, *second]))}
    table = np.zeros((len(kinds), 2), np.int64)
    for column, sample in enumerate((first, second)):
        for kind in sample:
            table[kinds[kind], column] += 1
    rare = table.sum(axis=1) < fewest
    pooled = np.vstack([table[~rare], table[rare].sum(axis=0)])
    pooled = pooled[pooled.sum(axis=1) > 0]
    return 1.0 if len(pooled) < 2 else float(chi2_contingency(pooled).pvalue)
