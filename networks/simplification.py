"""Removing what cannot influence an output (Clune et al. 2013, before cost and modularity are measured)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from networks.batch import Networks
from networks.topology import Topology


def influential_nodes(networks: Networks, inputs: bool = True) -> NDArray[np.bool_]:
    """Whether a path leads from a node to an output (outputs: always), shape (networks, nodes).

    Args:
        networks: the batch.
        inputs: look at the inputs too, which most of the work is for; else they are False.
    """
    topology = networks.topology
    lowest = topology.first[1 if inputs else 2]
    return _influential(networks.weights, topology.incoming, topology.sources, lowest, topology.outputs)


def simplify(networks: Networks) -> Networks:
    """The same networks without connections into nodes that cannot influence an output.

    Nodes that are left without a connection are absent from the simplified network; their biases become 0.
    """
    influential = influential_nodes(networks, inputs=False)
    topology = networks.topology
    weights = np.where(influential[:, topology.targets], networks.weights, 0).astype(networks.weights.dtype)
    kept = connected_nodes(topology, weights)
    kept[:, -topology.outputs :] = True
    biases = np.where(kept, networks.biases, 0).astype(networks.biases.dtype)
    return Networks(topology, weights, biases)


def connected_nodes(topology: Topology, weights: NDArray) -> NDArray[np.bool_]:
    """Whether a node has any connection, shape (networks, nodes)."""
    return _connected(weights, topology.sources, topology.targets, topology.nodes)


def adjacency_matrices(networks: Networks) -> NDArray[np.uint8]:
    """1 where a connection leads from row to column, shape (networks, nodes, nodes)."""
    topology = networks.topology
    matrices = np.zeros((len(networks), topology.nodes, topology.nodes), np.uint8)
    matrices[:, topology.sources, topology.targets] = networks.weights != 0
    return matrices


@njit(cache=True)
def _influential(weights: NDArray, incoming: NDArray, sources: NDArray, lowest: int, outputs: int) -> NDArray:
    """Marks what leads into nodes from `lowest` on."""
    count = len(weights)
    nodes = len(incoming) - 1
    influential = np.zeros((count, nodes), np.bool_)
    # Unsigned indices spare every access the test for a negative one.
    for n in range(np.uintp(count)):
        influential[n, nodes - outputs :] = True
        for above in range(np.uintp(nodes - lowest)):
            node = np.uintp(nodes - 1) - above
            if influential[n, node]:
                for c in range(np.uintp(incoming[node]), np.uintp(incoming[node + np.uintp(1)])):
                    influential[n, np.uintp(sources[c])] |= weights[n, c] != 0
    return influential


@njit(cache=True)
def _connected(weights: NDArray, sources: NDArray, targets: NDArray, nodes: int) -> NDArray:
    connected = np.zeros((len(weights), nodes), np.bool_)
    for n in range(np.uintp(len(weights))):
        for c in range(np.uintp(len(sources))):
            if weights[n, c] != 0:
                connected[n, np.uintp(sources[c])] = True
                connected[n, np.uintp(targets[c])] = True
    return connected
