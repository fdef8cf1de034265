"""Networks drawn in layers, inputs at the bottom, coloured by module (in the manner of Clune et al. 2013).

Any `networkx.DiGraph` can be drawn. Used where present: node attributes `layer`, `position` ([x, y]) and
`bias`, edge attribute `weight`. Without `layer` a node's layer is the longest path to it; a graph with cycles
and without layers is drawn by `position`, or else by a seeded spring layout, with arrowheads.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Node = Hashable
Positions = dict[Node, tuple[float, float]]
Partition = Iterable[Collection[Node]]
Layout = Literal["layered", "position"]

DASHES = (0.0, (2.4, 1.3))
_UNTANGLED_EDGES = 300
_UNGROUPED = "#bdbdbd"


def draw_network(
    graph: nx.DiGraph,
    axes: Axes,
    partition: Partition | None = None,
    title: str | None = None,
    left_inputs: Collection[Node] | None = None,
    right_inputs: Collection[Node] | None = None,
    *,
    layout: Layout = "layered",
) -> None:
    """Draw one network.

    Nodes are coloured by module, modules from left to right in the order of the palette, so that the module
    around the left inputs has the same colour in every drawing. A connection is dark and solid if its weight
    is positive, red and dashed if negative, and as wide as |weight|. One that does not go up has an
    arrowhead. A + or - in a node is its bias. Nodes without connections are small and hollow.

    Args:
        graph: The network; a missing weight counts as 1, a missing bias as 0.
        axes: Where to draw. Sizes follow the size the axes have now.
        partition: Groups of nodes, the modules; nodes in none are grey, nodes not in the graph are ignored.
        title: A line or more above the drawing.
        left_inputs: Inputs to bracket as "left"; those not in the graph are ignored.
        right_inputs: Inputs to bracket as "right".
        layout: "layered" or "position", see `node_positions`.

    Raises:
        ValueError: As `node_positions`.
    """
    positions = node_positions(graph, layout)
    sides = {"left": left_inputs or (), "right": right_inputs or ()}
    _draw_placed(graph, axes, positions, [positions], partition, title, sides)


def draw_network_figure(
    graph: nx.DiGraph,
    partition: Partition | None = None,
    title: str | None = None,
    left_inputs: Collection[Node] | None = None,
    right_inputs: Collection[Node] | None = None,
    *,
    layout: Layout = "layered",
) -> Figure:
    """Draw one network with a legend, as wide as a journal's column; arguments as for `draw_network`."""
    from matplotlib.figure import Figure

    modules = [set(module) for module in partition or ()]
    with style.house_style():
        figure = Figure(figsize=(style.SINGLE_COLUMN, 3.3))
        axes = figure.add_axes((0.03, 0.14, 0.94, 0.83 if not title else 0.77))
        draw_network(graph, axes, modules or None, title, left_inputs, right_inputs, layout=layout)
        handles = _weight_handles(graph) + _bias_handles(graph)
        if handles:
            columns = len(handles) if len(handles) <= 4 else math.ceil(len(handles) / 2)
            figure.legend(handles=handles, loc="lower center", ncols=columns, fontsize=style.TINY_FONT_SIZE)
    return figure


def gallery(
    graphs: Sequence[nx.DiGraph],
    titles: Sequence[str] | None = None,
    partitions: Sequence[Partition | None] | None = None,
    columns: int | None = None,
    *,
    left_inputs: Collection[Node] | None = None,
    right_inputs: Collection[Node] | None = None,
    layout: Layout = "layered",
) -> Figure:
    """Draw many networks in a grid, each with its title; those with positions are drawn at one scale.

    Args:
        graphs: The networks, in reading order; none gives an empty figure.
        titles: One for each network, e.g. "1.00, Q 0.42".
        partitions: One for each network, as in `draw_network`.
        columns: Networks in a row; by default a grid somewhat wider than high.
        left_inputs: As in `draw_network`, the same for all networks.
        right_inputs: As in `draw_network`, the same for all networks.
        layout: As in `draw_network`.

    Raises:
        ValueError: `titles` or `partitions` has another length than `graphs`, or `columns` is below 1.
    """
    from matplotlib.figure import Figure

    titles = _one_each("titles", titles, len(graphs)) or [""] * len(graphs)
    partitions = _one_each("partitions", partitions, len(graphs)) or [None] * len(graphs)
    grid = _Grid.of(len(graphs), columns, max((title.count("\n") + 1 for title in titles if title), default=0))
    places = [node_positions(graph, layout) for graph in graphs]
    placed = [len(_given_positions(graph)) == len(graph) for graph in graphs]
    shared = [positions for positions, given in zip(places, placed, strict=True) if given]
    sides = {"left": left_inputs or (), "right": right_inputs or ()}
    with style.house_style():
        figure = Figure(figsize=(grid.width, grid.height))
        for index, (graph, title, partition) in enumerate(zip(graphs, titles, partitions, strict=True)):
            axes = figure.add_axes(grid.cell(index))
            frame = shared if placed[index] else [places[index]]
            _draw_placed(graph, axes, places[index], frame, partition, title, sides)
        handles = _sign_handles() if any(graph.number_of_edges() for graph in graphs) else []
        if handles:
            figure.legend(handles=handles, loc="lower center", ncols=2, fontsize=style.TINY_FONT_SIZE)
    return figure


def _draw_placed(
    graph: nx.DiGraph,
    axes: Axes,
    positions: Positions,
    frame: Sequence[Positions],
    partition: Partition | None,
    title: str | None,
    sides: dict[str, Collection[Node]],
) -> None:
    """Draw a network at given positions, at a scale at which every drawing of `frame` would fit."""
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=_title_size(axes, title), linespacing=1.15)
    if not graph:
        return
    layers, colours = node_layers(graph), node_colours(graph, partition, positions)
    diameter = _fit_axes(axes, [places for places in frame if places], labelled=any(sides.values()))
    _draw_connections(graph, axes, positions, layers, diameter)
    _draw_nodes(graph, axes, positions, colours, diameter)
    _draw_biases(graph, axes, positions, layers, colours, diameter)
    for name, nodes in sides.items():
        _draw_side(axes, [positions[node] for node in nodes if node in positions], name, diameter)


# Where nodes lie


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
    given = _given_positions(graph)
    layers = node_layers(graph)
    if len(given) == len(graph) and (layout == "position" or layers is None):
        return given
    if layers is not None:
        return _layered_positions(graph, layers, given)
    return {node: (float(x), float(y)) for node, (x, y) in nx.spring_layout(graph, seed=0, weight=None).items()}


def _given_positions(graph: nx.DiGraph) -> Positions:
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


# Sizes


def _points(axes: Axes) -> tuple[float, float]:
    """Return width and height of the axes in points."""
    box, (width, height) = axes.get_position(), _figure(axes).get_size_inches()
    return box.width * width * 72.0, box.height * height * 72.0


def _figure(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("axes: they belong to no figure")
    return figure


def _fit_axes(axes: Axes, frame: Sequence[Positions], labelled: bool) -> float:
    """Set the limits so that every drawing of `frame` fits, and return the diameter of a node in points."""
    width, height = _points(axes)
    drawings = [np.array(list(positions.values())) for positions in frame]
    low = np.min([places.min(axis=0) for places in drawings], axis=0)
    high = np.max([places.max(axis=0) for places in drawings], axis=0)
    scale = np.array([width, height]) * 0.85 / np.where(high > low, high - low, 1.0)
    nearest = min(_smallest_distance(places * scale) for places in drawings)
    diameter = float(np.clip(0.5 * nearest, 2.5, 11.0))
    margin = diameter / 2.0 + 2.0
    below = margin + (diameter * 0.35 + 1.4 * _side_size(diameter) if labelled else 0.0)
    axes.set_xlim(*_limits(low[0], high[0], width, margin, margin))
    axes.set_ylim(*_limits(low[1], high[1], height, below, margin))
    return diameter


def _smallest_distance(places: NDArray[np.float64]) -> float:
    if len(places) < 2:
        return math.inf
    distances = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    return float(distances[np.triu_indices(len(places), 1)].min())


def _limits(low: float, high: float, length: float, below: float, above: float) -> tuple[float, float]:
    """Return limits that leave so many points free `below` and `above` on an axis of `length` points."""
    if high <= low:
        return low - 0.5, low + 0.5
    unit = (high - low) / max(length - below - above, 0.3 * length)
    return low - below * unit, high + above * unit


def _title_size(axes: Axes, title: str) -> float:
    longest = max(len(line) for line in title.split("\n"))
    return float(np.clip(_points(axes)[0] / (0.58 * max(longest, 1)), 4.0, style.FONT_SIZE))


def _side_size(diameter: float) -> float:
    return float(np.clip(0.8 * diameter, 4.5, style.SMALL_FONT_SIZE))


# Connections


def _draw_connections(
    graph: nx.DiGraph, axes: Axes, positions: Positions, layers: dict[Node, float] | None, diameter: float
) -> None:
    from matplotlib.collections import LineCollection

    connections = list(graph.edges(data="weight", default=1.0))
    if not connections:
        return
    weights = np.array([float(weight) for _, _, weight in connections])
    paths = [_path(graph, positions, layers, source, target) for source, target, _ in connections]
    widths = _widths(weights, diameter, len(connections))
    lines = LineCollection(
        paths,
        colors=[_sign_colour(weight) for weight in weights],
        linewidths=widths.tolist(),
        linestyles=[DASHES if weight < 0 else "solid" for weight in weights],
        zorder=1,
    )
    axes.add_collection(lines, autolim=False)
    for (source, target, weight), path in zip(connections, paths, strict=True):
        if not _goes_up(positions, layers, source, target):
            _draw_arrowhead(axes, path, _sign_colour(float(weight)), diameter)


def _sign_colour(weight: float) -> str:
    return style.POSITIVE if weight > 0 else style.NEGATIVE if weight < 0 else style.GREY


def _widths(weights: NDArray[np.float64], diameter: float, count: int) -> NDArray[np.float64]:
    """Return line widths proportional to |weight|; the widest is that of 2, or of a larger weight."""
    widest = 0.19 * diameter * min(1.0, (40.0 / count) ** 0.4)
    return np.maximum(np.abs(weights) / max(2.0, float(np.abs(weights).max())) * widest, 0.15)


def _goes_up(positions: Positions, layers: dict[Node, float] | None, source: Node, target: Node) -> bool:
    return layers is not None and positions[target][1] > positions[source][1]


def _path(
    graph: nx.DiGraph, positions: Positions, layers: dict[Node, float] | None, source: Node, target: Node
) -> NDArray[np.float64]:
    """Return the points of a connection: straight, or bent where others would hide it, shape (points, 2)."""
    start, end = np.array(positions[source]), np.array(positions[target])
    if source == target:
        angle = np.linspace(-0.5 * np.pi, 1.5 * np.pi, 33)[:, None]
        radius = 0.16 * _unit(positions)
        return start + radius * np.hstack([np.cos(angle), 1.0 + np.sin(angle)])
    between = layers is not None and any(
        min(start[1], end[1]) < y < max(start[1], end[1]) for _, y in positions.values()
    )
    level = layers is not None and start[1] == end[1]
    if not (between or level or graph.has_edge(target, source)):
        return np.array([start, end])
    along = np.linspace(0.0, 1.0, 25)[:, None]
    middle = (start + end) / 2.0 + 0.18 * np.array([end[1] - start[1], start[0] - end[0]])
    return (1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end


def _unit(positions: Positions) -> float:
    """Return the distance of neighbouring nodes if all were on a square grid."""
    places = np.array(list(positions.values()))
    return float(np.ptp(places, axis=0).max() or 1.0) / max(1.0, math.sqrt(len(places)))


def _draw_arrowhead(axes: Axes, path: NDArray[np.float64], colour: str, diameter: float) -> None:
    along = (len(path) - 1) * 0.62
    tail, tip = (_along(path, along + step) for step in (-0.04 * (len(path) - 1), 0.04 * (len(path) - 1)))
    arrow = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": 0,
        "mutation_scale": max(5.0, 0.9 * diameter),
        "shrinkA": 0,
    }
    axes.annotate("", tip, tail, arrowprops={**arrow, "shrinkB": 0}, zorder=1.5)


def _along(path: NDArray[np.float64], place: float) -> tuple[float, float]:
    steps = np.arange(len(path))
    return float(np.interp(place, steps, path[:, 0])), float(np.interp(place, steps, path[:, 1]))


# Nodes


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


def _draw_nodes(
    graph: nx.DiGraph, axes: Axes, positions: Positions, colours: dict[Node, str], diameter: float
) -> None:
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


def _draw_biases(
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


def _draw_side(axes: Axes, places: list[tuple[float, float]], name: str, diameter: float) -> None:
    """Draw a bracket with a name under some inputs, clear of the nodes."""
    from matplotlib.transforms import ScaledTranslation

    if not places:
        return
    xs, y = [x for x, _ in places], min(y for _, y in places)
    inches = _figure(axes).dpi_scale_trans
    down = ScaledTranslation(0.0, -0.85 * diameter / 72.0, inches)
    where = axes.transData + down
    axes.plot([min(xs), max(xs)], [y, y], color=style.GREY, linewidth=0.8, transform=where, clip_on=False)
    size = _side_size(diameter)
    lower = where + ScaledTranslation(0.0, -0.3 * size / 72.0, inches)
    middle = (min(xs) + max(xs)) / 2.0
    axes.text(middle, y, name, ha="center", va="top", fontsize=size, color=style.INK, transform=lower)


# Legends and grids


def _sign_handles() -> list[Any]:
    return [_line(1.0, "positive weight", 1.2), _line(-1.0, "negative weight", 1.2)]


def _weight_handles(graph: nx.DiGraph) -> list[Any]:
    """Return a legend entry for each weight if they are few, else for the signs."""
    weights = {float(weight) for _, _, weight in graph.edges(data="weight", default=1.0)}
    if not weights:
        return []
    if len(weights) > 4:
        return _sign_handles()
    widest = max(2.0, *(abs(weight) for weight in weights))
    return [_line(w, f"weight {_signed(w)}", 1.8 * abs(w) / widest) for w in sorted(weights, reverse=True)]


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−")  # noqa: RUF001


def _line(weight: float, label: str, width: float) -> Any:
    from matplotlib.lines import Line2D

    dashes: Any = DASHES if weight < 0 else "solid"
    return Line2D([], [], color=_sign_colour(weight), linewidth=width, linestyle=dashes, label=label)


def _bias_handles(graph: nx.DiGraph) -> list[Any]:
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


class _Grid(NamedTuple):
    """Sizes in inches of a grid of drawings with room for titles above and a legend below."""

    columns: int
    rows: int
    side: float
    title: float
    width: float
    height: float

    @classmethod
    def of(cls, count: int, columns: int | None, title_lines: int) -> _Grid:
        if columns is not None and columns < 1:
            raise ValueError(f"columns: {columns}: must be at least 1")
        columns = columns or _columns(count)
        rows = max(1, math.ceil(count / columns))
        side = min(2.2, style.DOUBLE_COLUMN / columns)
        title = title_lines * style.FONT_SIZE * 1.25 / 72.0 + 0.05
        return cls(columns, rows, side, title, columns * side, rows * (0.85 * side + title) + 0.3)

    def cell(self, index: int) -> tuple[float, float, float, float]:
        """Return left, bottom, width and height of a drawing in fractions of the figure."""
        row, column = divmod(index, self.columns)
        bottom = self.height - (row + 1) * (0.85 * self.side + self.title) + 0.04 * self.side
        left = (column + 0.06) * self.side
        return (
            left / self.width,
            bottom / self.height,
            0.88 * self.side / self.width,
            0.78 * self.side / self.height,
        )


def _columns(count: int) -> int:
    """Return the number of columns, from a square grid to one twice as wide, with fewest cells empty."""
    if count <= 4:
        return max(1, count)
    allowed = range(math.ceil(math.sqrt(count)), math.ceil(math.sqrt(2.0 * count)) + 1)
    return min(allowed, key=lambda columns: (-count % columns, abs(columns - math.sqrt(1.3 * count))))


def _one_each(name: str, values: Sequence[Any] | None, count: int) -> list[Any]:
    if values is not None and len(values) != count:
        raise ValueError(f"{name}: {len(values)} for {count} networks")
    return list(values or ())
