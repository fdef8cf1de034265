"""Random networks for the tests, and the modularity matrix as the papers state it."""

from __future__ import annotations

import networkx as nx
import numpy as np

LAYERS = (8, 8, 4, 2, 1)
LAYER = np.repeat(np.arange(5), LAYERS)


def graph_of(adjacency):
    return nx.from_numpy_array(np.asarray(adjacency), create_using=nx.DiGraph)


def random_adjacency(nodes, edges, seed, loops=False):
    rng = np.random.default_rng(seed)
    possible = np.argwhere(np.ones((nodes, nodes)) if loops else 1 - np.eye(nodes))
    chosen = possible[rng.permutation(len(possible))[:edges]]
    adjacency = np.zeros((nodes, nodes), np.uint8)
    adjacency[chosen[:, 0], chosen[:, 1]] = 1
    return adjacency


def layered_adjacency(edges, seed):
    rng = np.random.default_rng(seed)
    possible = np.argwhere(LAYER[:, None] + 1 == LAYER)
    chosen = possible[rng.permutation(len(possible))[:edges]]
    adjacency = np.zeros((23, 23), np.uint8)
    adjacency[chosen[:, 0], chosen[:, 1]] = 1
    return adjacency


def reference_matrix(adjacency):
    a = adjacency.astype(float)
    return a - np.outer(a.sum(1), a.sum(0)) / a.sum()
