"""Where the nodes of a drawn network lie: in layers from the bottom up, with few connections crossing.

Any `networkx.DiGraph` has a layout. Used where present: node attributes `layer` and `position` ([x, y]). Without
`layer` a node's layer is the longest path to it; a graph with cycles and without layers is laid out by
`position`, or else by a seeded spring layout.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Literal, NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import NDArray

Node = Hashable
Positions = dict[Node, tuple[float, float]]
Layout = Literal["layered", "position"]

_UNTANGLED_EDGES = 300  # up to here swaps are tried; counting crossings takes time with the square of it


def node_layers(graph: nx.DiGraph) -> dict[Node, float] | None:
    """Return the layer of every node: its attribute, or the longest path to it; None if neither exists."""
    given = nx.get_node_attributes(graph, "layer")
    if len(given) == len(graph):
        return {node: float(layer) for node, layer in given.items()}
    if not nx.is_directed_acyclic_graph(graph):
        return None
    generations = enumerate(nx.topological_generations(graph))
    return {node: float(level) for level, nodes in generations for node in nodes}


def node_positions(graph: nx.DiGraph, layout: Layout = "layered") -> Positions:
    """Return where to draw each node.

    Args:
        graph: The network.
        layout: "position" takes every node's own position where all have one. "layered" takes those of the
            first and the last layer only and spaces the nodes of every other layer evenly, in an order with
            few crossings.

    Returns:
        Coordinates (x, y) of each node; y is the layer if the layout is by layers.

    Raises:
        ValueError: There is no such layout.
    """
    if layout not in ("layered", "position"):
        raise ValueError(f"layout: {layout!r}: allowed are 'layered' and 'position'")
    if not graph:
        return {}
    given = given_positions(graph)
    layers = node_layers(graph)
    if len(given) == len(graph) and (layout == "position" or layers is None):
        return given
    if layers is not None:
        return _layered_positions(graph, layers, given)
    return {node: (float(x), float(y)) for node, (x, y) in nx.spring_layout(graph, seed=0, weight=None).items()}


def given_positions(graph: nx.DiGraph) -> Positions:
    """Return the positions of the nodes that have one."""
    given = nx.get_node_attributes(graph, "position")
    return {node: (float(place[0]), float(place[1])) for node, place in given.items() if place is not None}


def _layered_positions(graph: nx.DiGraph, layers: dict[Node, float], given: Positions) -> Positions:
    rows = {
        level: _ordered(node for node in graph if layers[node] == level) for level in sorted(set(layers.values()))
    }
    place: dict[Node, float] = {}
    movable: list[list[Node]] = []
    centre, width = _extent(rows, given)
    for level, row in rows.items():
        own = [given[node][0] for node in row if node in given]
        fixed = level in (min(rows), max(rows)) and len(set(own)) == len(row)
        xs = own if fixed else [centre + width * ((slot + 0.5) / len(row) - 0.5) for slot in range(len(row))]
        place.update(zip(row, xs, strict=True))
        if not fixed and level != min(rows):
            movable.append(row)
    _order_by_neighbours(graph, place, movable)
    _untangle(graph, layers, place, movable)
    return {node: (place[node], layers[node]) for node in graph}


def _ordered(nodes: Iterable[Any]) -> list[Any]:
    nodes = list(nodes)
    try:
        return sorted(nodes)
    except TypeError:
        return nodes


def _extent(rows: dict[float, list[Node]], given: Positions) -> tuple[float, float]:
    """Return the centre of the drawing and its width, in which `n` evenly placed nodes have a slot each."""
    first = sorted(given[node][0] for row in list(rows.values())[:1] for node in row if node in given)
    gaps = [gap for gap in np.diff(first) if gap > 0]
    if not gaps:
        return (0.0 if not first else first[0]), float(max(len(row) for row in rows.values()))
    low, high = min(x for x, _ in given.values()), max(x for x, _ in given.values())
    return (low + high) / 2.0, high - low + float(min(gaps))


def _order_by_neighbours(graph: nx.DiGraph, place: dict[Node, float], movable: list[list[Node]]) -> None:
    """Order each movable row by where its nodes come to rest if every connection pulls them like a spring."""
    rest = dict(place)
    for _ in range(30):
        for row in movable:
            for node in row:
                neighbours = [rest[other] for other in nx.all_neighbors(graph, node)]
                rest[node] = sum(neighbours) / len(neighbours) if neighbours else place[node]
    for row in movable:
        slots = sorted(place[node] for node in row)
        place.update(zip(sorted(row, key=lambda node: (rest[node], place[node])), slots, strict=True))


def _untangle(
    graph: nx.DiGraph, layers: dict[Node, float], place: dict[Node, float], movable: list[list[Node]]
) -> None:
    """Swap nodes within rows as long as that leaves fewer crossings, or as many and shorter connections."""
    if not 1 < graph.number_of_edges() <= _UNTANGLED_EDGES:
        return
    tangle = _Tangle.of(graph, layers)
    x = np.array([place[node] for node in graph])
    pairs = [
        (tangle.number[one], tangle.number[other])
        for row in movable
        for step, one in enumerate(row)
        for other in row[step + 1 :]
    ]
    best, improved = tangle.measure(x), True
    while improved:
        improved = False
        for one, other in pairs:
            x[[one, other]] = x[[other, one]]
            if (measure := tangle.measure(x)) < best:
                best, improved = measure, True
            else:
                x[[one, other]] = x[[other, one]]
    place.update((node, float(x[tangle.number[node]])) for node in graph)


class _Tangle(NamedTuple):
    """A graph's connections as arrays, to count crossings."""

    number: dict[Node, int]
    source: NDArray[np.intp]
    target: NDArray[np.intp]
    may_cross: NDArray[np.bool_]  # (connections, connections): pairs between the same two layers, each pair once

    @classmethod
    def of(cls, graph: nx.DiGraph, layers: dict[Node, float]) -> _Tangle:
        number = {node: place for place, node in enumerate(graph)}
        source = np.array([number[source] for source, _ in graph.edges], dtype=np.intp)
        target = np.array([number[target] for _, target in graph.edges], dtype=np.intp)
        level = np.array([layers[node] for node in graph])
        same = (level[source][:, None] == level[source]) & (level[target][:, None] == level[target])
        return cls(number, source, target, np.triu(same, 1))

    def measure(self, x: NDArray[np.float64]) -> tuple[int, float]:
        """Return the number of crossings and the sum of squared lengths, rounded so that ties are ties."""
        start, end = x[self.source], x[self.target]
        crossed = (start[:, None] - start) * (end[:, None] - end) < 0.0
        return int(np.count_nonzero(crossed & self.may_cross)), round(float(np.sum((start - end) ** 2)), 6)
