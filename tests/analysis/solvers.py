"""Networks built by hand that solve AND-XOR-AND, and what each of their neurons is for."""

from __future__ import annotations

import numpy as np

from analysis.functions import all_patterns
from networks import Networks, layered, to_graph
from networks.gates import Gate, pairs

ANDS = pairs("and", range(8))
TASK = Gate("and", tuple(pairs("xor", ANDS)))
PATTERNS = all_patterns(8)


def network(layers, edges, biases):
    """A layered network as a graph, from {(source, target): weight} and {node: bias}."""
    topology = layered(layers)
    weights = np.zeros((1, topology.connections), np.int8)
    for c, ends in enumerate(zip(topology.sources, topology.targets, strict=True)):
        weights[0, c] = edges.get(tuple(map(int, ends)), 0)
    bias = np.zeros((1, topology.nodes), np.int8)
    for node, value in biases.items():
        bias[0, node] = value
    return to_graph(Networks(topology, weights, bias))


def solver(xor_neurons=True):
    """AND-XOR-AND as one would build it: ANDs 8..11, OR and NAND of both pairs 12..15, XORs 16, 17, output."""
    edges = {(i, 8 + i // 2): 1 for i in range(8)}
    biases = dict.fromkeys(range(8, 12), -1)
    for first in (8, 10):
        either, not_both = first + 4, first + 5
        edges |= {(node, either): 1 for node in (first, first + 1)}
        edges |= {(node, not_both): -1 for node in (first, first + 1)}
        biases |= {either: 1, not_both: 1}
    if xor_neurons:
        edges |= {(12, 16): 1, (13, 16): 1, (14, 17): 1, (15, 17): 1, (16, 18): 1, (17, 18): 1}
        return network((8, 4, 4, 2, 1), edges, biases | {16: -1, 17: -1, 18: -1})
    edges |= {(node, 16): 1 for node in range(12, 16)}
    return network((8, 4, 4, 1), edges, biases | {16: -2})
