"""What a network is: layered networks as batches of arrays, their evaluation, graphs and connection cost."""

from networks.batch import Networks, concatenate
from networks.cost import (
    connection_cost,
    connection_count,
    longest_connection,
    optimal_positions,
    thresholded_cost,
)
from networks.device import torch_outputs
from networks.evaluation import Evaluator
from networks.graph import from_graph, from_json, graph_topology, to_graph, to_json
from networks.simplify import adjacency_matrices, connected_nodes, influential_nodes, simplify
from networks.topology import Topology, layered

__all__ = [
    "Evaluator",
    "Networks",
    "Topology",
    "adjacency_matrices",
    "concatenate",
    "connected_nodes",
    "connection_cost",
    "connection_count",
    "from_graph",
    "from_json",
    "graph_topology",
    "influential_nodes",
    "layered",
    "longest_connection",
    "optimal_positions",
    "simplify",
    "thresholded_cost",
    "to_graph",
    "to_json",
    "torch_outputs",
]
