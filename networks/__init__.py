"""What a network is: layered networks as batches of arrays, their evaluation, graphs and connection cost.

Names are imported when they are first asked for: a torch cell needs neither compiled loops nor graphs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from networks.batch import Networks as Networks, concatenate as concatenate
    from networks.cost import (
        connection_cost as connection_cost,
        connection_count as connection_count,
        longest_connection as longest_connection,
        optimal_positions as optimal_positions,
        thresholded_cost as thresholded_cost,
    )
    from networks.device import torch_outputs as torch_outputs
    from networks.evaluation import Evaluator as Evaluator
    from networks.graph import (
        from_graph as from_graph,
        from_json as from_json,
        graph_topology as graph_topology,
        to_graph as to_graph,
        to_json as to_json,
    )
    from networks.simplification import (
        adjacency_matrices as adjacency_matrices,
        connected_nodes as connected_nodes,
        influential_nodes as influential_nodes,
        simplify as simplify,
    )
    from networks.topology import Topology as Topology, layered as layered

#: Public names by the modules they are in.
_NAMES = {
    "batch": ("Networks", "concatenate"),
    "cost": ("connection_cost", "connection_count", "longest_connection", "optimal_positions", "thresholded_cost"),
    "device": ("torch_outputs",),
    "evaluation": ("Evaluator",),
    "graph": ("from_graph", "from_json", "graph_topology", "to_graph", "to_json"),
    "simplification": ("adjacency_matrices", "connected_nodes", "influential_nodes", "simplify"),
    "topology": ("Topology", "layered"),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
