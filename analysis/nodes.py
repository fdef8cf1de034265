"""How the nodes of a network are drawn: in the colours of their modules, with a sign for their bias."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from analysis import style
from analysis.layout import Node, Positions, node_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Partition = Iterable[Collection[Node]]

_UNGROUPED = "#bdbdbd"


def node_colours(graph: nx.DiGraph, partition: Partition | None, positions: Positions) -> dict[Node, str]:
    """Return every node's colour: modules take the palette's from left to right, other nodes are grey."""
    modules = [[node for node in module if node in graph] for module in partition or ()]
    ranked = sorted((module for module in modules if module), key=lambda module: _leftness(module, positions))
    colours: dict[Node, str] = dict.fromkeys(graph, _UNGROUPED)
    for module, colour in zip(ranked, style.distinct_colours(len(ranked)), strict=True):
        colours.update(dict.fromkeys(module, colour))
    return colours


def _leftness(module: Collection[Node], positions: Positions) -> tuple[float, float]:
    places = np.array([positions[node] for node in module])
    return round(float(places[:, 0].mean()), 9), round(float(places[:, 1].mean()), 9)


def draw_nodes(
    graph: nx.DiGraph, axes: Axes, positions: Positions, colours: dict[Node, str], diameter: float
) -> None:
    """Draw all nodes, so many points in diameter; those without connections small and hollow."""
    places = np.array([positions[node] for node in graph])
    lonely = [graph.degree(node) == 0 for node in graph]
    axes.scatter(
        places[:, 0],
        places[:, 1],
        s=[(0.5 * diameter if alone else diameter) ** 2 for alone in lonely],
        c=["#ffffff" if alone else colours[node] for node, alone in zip(graph, lonely, strict=True)],
        edgecolors=[style.GREY if alone else style.INK for alone in lonely],
        linewidths=0.06 * diameter,
        clip_on=False,
        zorder=2,
    )


def draw_biases(
    graph: nx.DiGraph,
    axes: Axes,
    positions: Positions,
    layers: dict[Node, float] | None,
    colours: dict[Node, str],
    diameter: float,
) -> None:
    """Mark biases other than 0 with a + or - that grows with |bias|."""
    biases = _shown_biases(graph, layers)
    largest = max([2.0, *map(abs, biases.values())])
    for marker, chosen in (
        ("+", [node for node in biases if biases[node] > 0]),
        ("_", [node for node in biases if biases[node] < 0]),
    ):
        axes.scatter(
            [positions[node][0] for node in chosen],
            [positions[node][1] for node in chosen],
            s=[(diameter * (0.25 + 0.35 * abs(biases[node]) / largest)) ** 2 for node in chosen],
            marker=marker,
            c=[_contrast(colours[node]) for node in chosen],
            linewidths=0.1 * diameter,
            clip_on=False,
            zorder=3,
        )


def _shown_biases(graph: nx.DiGraph, layers: dict[Node, float] | None) -> dict[Node, float]:
    """Return the biases other than 0 of connected nodes; inputs are clamped and have none."""
    lowest = min(layers.values()) if layers else None
    biases = {node: float(bias or 0.0) for node, bias in graph.nodes(data="bias", default=0.0)}
    inputs = {node for node in graph if layers and layers[node] == lowest}
    return {node: bias for node, bias in biases.items() if bias and graph.degree(node) and node not in inputs}


def _contrast(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) / 255.0 for start in (1, 3, 5))
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else style.INK


def bias_handles(graph: nx.DiGraph) -> list[Any]:
    """Return the legend entries of the signs of the biases that are drawn."""
    from matplotlib.lines import Line2D

    biases = _shown_biases(graph, node_layers(graph)).values()
    kinds = (
        ("+", "positive bias", max(biases, default=0.0) > 0),
        ("_", "negative bias", min(biases, default=0.0) < 0),
    )
    look: dict[str, Any] = {
        "linestyle": "none",
        "color": style.INK,
        "markersize": 5.0,
        "markeredgewidth": 0.9,
    }
    return [Line2D([], [], marker=marker, label=label, **look) for marker, label, present in kinds if present]
