"""A network as a networkx graph and back, and as plain JSON.

Node attributes: `layer` (0 = inputs), `position` [x, y], `bias`. Edge attribute: `weight`. Graph attributes:
`layers`, `input_x`, `output_x`, `output_y`, enough to rebuild the topology.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from networks.batch import Networks
from networks.cost import optimal_positions
from networks.simplification import connected_nodes, simplify
from networks.topology import Topology


def to_graph(networks: Networks, index: int = 0, simplified: bool = True) -> nx.DiGraph:
    """One network of a batch as a graph.

    Args:
        networks: the batch.
        index: which network.
        simplified: leave out what cannot influence an output and nodes without connections; hidden nodes then
            stand at their optimal places.
    """
    topology = networks.topology
    one = networks.take([index])
    if simplified:
        one = simplify(one)
        positions = optimal_positions(one)[0]
        present = connected_nodes(topology, one.weights)[0]
        present[-topology.outputs :] = True
    else:
        positions = topology.positions
        present = np.ones(topology.nodes, bool)
    graph = nx.DiGraph(
        layers=list(topology.layers),
        input_x=list(topology.input_x),
        output_x=list(topology.output_x),
        output_y=topology.output_y,
    )
    for node in np.flatnonzero(present):
        graph.add_node(
            int(node),
            layer=int(topology.layer[node]),
            position=[float(value) for value in positions[node]],
            bias=one.biases[0, node].item(),
        )
    for connection in np.flatnonzero(one.weights[0]):
        graph.add_edge(
            int(topology.sources[connection]),
            int(topology.targets[connection]),
            weight=one.weights[0, connection].item(),
        )
    return graph


def from_graph(graph: nx.DiGraph, topology: Topology | None = None) -> Networks:
    """A batch of one network from a graph made by `to_graph`, or any with nodes numbered as in `topology`.

    Raises:
        ValueError: no topology given or stored in the graph, a node or an edge that the topology lacks, a
            weight that is not a number or 0.
    """
    if topology is None:
        topology = graph_topology(graph)
    index = {(int(s), int(t)): c for c, (s, t) in enumerate(zip(topology.sources, topology.targets, strict=True))}
    weights: list[float] = [0] * topology.connections
    biases: list[float] = [0] * topology.nodes
    for node, data in graph.nodes(data=True):
        if not isinstance(node, int) or not 0 <= node < topology.nodes:
            raise ValueError(f"node {node!r}: allowed are the integers 0 to {topology.nodes - 1}")
        biases[node] = _number(data.get("bias", 0), f"bias of node {node}")
    for source, target, data in graph.edges(data=True):
        if (source, target) not in index:
            raise ValueError(f"edge {source} -> {target}: allowed are edges between adjacent layers, upwards")
        weight = _number(data.get("weight", 1), f"weight of edge {source} -> {target}")
        if weight == 0:
            raise ValueError(f"weight of edge {source} -> {target}: 0: allowed are other numbers")
        weights[index[source, target]] = weight
    return Networks(topology, _compact(weights), _compact(biases))


def graph_topology(graph: nx.DiGraph) -> Topology:
    """The topology stored in a graph's attributes.

    Raises:
        ValueError: the attributes are missing or do not fit together.
    """
    try:
        return Topology(
            tuple(int(size) for size in graph.graph["layers"]),
            tuple(float(x) for x in graph.graph["input_x"]),
            tuple(float(x) for x in graph.graph["output_x"]),
            float(graph.graph["output_y"]),
        )
    except KeyError as missing:
        raise ValueError(f"graph attribute {missing}: missing; give a topology") from None
    except TypeError:
        raise ValueError("graph attributes layers, input_x, output_x: allowed are lists of numbers") from None


def to_json(graph: nx.DiGraph) -> dict[str, Any]:
    """Node-link data (networkx) of a graph, ready for `json.dumps`."""
    return nx.node_link_data(graph, edges="edges")


def from_json(data: dict[str, Any]) -> nx.DiGraph:
    """The graph of node-link data.

    Raises:
        ValueError: not node-link data of a directed graph.
    """
    try:
        graph = nx.node_link_graph(data, edges="edges")
    except (KeyError, TypeError, AttributeError, nx.NetworkXError) as error:
        raise ValueError(f"network: not networkx node-link data ({error!r})") from None
    if not graph.is_directed() or graph.is_multigraph():
        raise ValueError("network: allowed is a directed graph without parallel edges")
    return graph


def _number(value: object, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # an integer beyond any float
            if math.isfinite(value):
                return value
    raise ValueError(f"{name}: {value!r}: allowed is a finite number")


def _compact(row: list[float]) -> NDArray:
    """One row of small integers as int8, anything else as float64."""
    array = np.array([row])
    if array.dtype.kind == "i" and np.abs(array).max(initial=0) <= 127:
        return array.astype(np.int8)
    return array.astype(np.float64)
