"""Random networks to draw, and what is in a drawing."""

from collections.abc import Hashable
from typing import Any

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis import drawing

LAYERS = (8, 8, 4, 2, 1)
WEIGHTS = (-2, -1, 1, 2)


def retina(edges: int, seed: int) -> nx.DiGraph:
    """Return a random network of the retina problem with all 23 nodes and so many connections."""
    random = np.random.default_rng(seed)
    graph = nx.DiGraph()
    starts = np.cumsum([0, *LAYERS])
    for layer, size in enumerate(LAYERS):
        for slot in range(size):
            place = [slot - (size - 1) / 2, float(layer)]
            graph.add_node(len(graph), layer=layer, position=place, bias=int(random.integers(-2, 3)))
    possible = [
        (source, target)
        for layer in range(4)
        for source in range(starts[layer], starts[layer + 1])
        for target in range(starts[layer + 1], starts[layer + 2])
    ]
    for number in random.permutation(len(possible))[:edges]:
        graph.add_edge(*map(int, possible[number]), weight=int(random.choice(WEIGHTS)))
    return graph


def drawn(graph: nx.DiGraph, *arguments: Any, **options: Any) -> Axes:
    axes = Figure(figsize=(3.0, 3.0)).add_axes((0.0, 0.0, 1.0, 0.9))
    drawing.draw_network(graph, axes, *arguments, **options)
    return axes


def lines_of(axes: Axes) -> LineCollection:
    return next(one for one in axes.collections if isinstance(one, LineCollection))


def nodes_of(axes: Axes) -> PathCollection:
    return next(one for one in axes.collections if isinstance(one, PathCollection))


def faces(axes: Axes, graph: nx.DiGraph) -> dict[Hashable, str]:
    colours = np.asarray(nodes_of(axes).get_facecolor())
    return {node: to_hex(colour) for node, colour in zip(graph, colours, strict=True)}
