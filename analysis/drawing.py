"""Networks drawn in layers, inputs at the bottom, coloured by module (in the manner of Clune et al. 2013).

Any `networkx.DiGraph` can be drawn. Used where present: node attributes `layer`, `position` ([x, y]) and
`bias`, edge attribute `weight`. A graph with cycles and without layers is drawn with arrowheads.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from analysis import style
from analysis.connections import draw_connections, weight_handles
from analysis.layout import Layout, Node, Positions, node_layers, node_positions
from analysis.nodes import Partition, bias_handles, draw_biases, draw_nodes, node_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    draw_placed(graph, axes, positions, [positions], partition, title, sides)


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
        handles = weight_handles(graph) + bias_handles(graph)
        if handles:
            columns = len(handles) if len(handles) <= 4 else math.ceil(len(handles) / 2)
            figure.legend(handles=handles, loc="lower center", ncols=columns, fontsize=style.TINY_FONT_SIZE)
    return figure


def draw_placed(
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
    draw_connections(graph, axes, positions, layers, diameter)
    draw_nodes(graph, axes, positions, colours, diameter)
    draw_biases(graph, axes, positions, layers, colours, diameter)
    for name, nodes in sides.items():
        _draw_side(axes, [positions[node] for node in nodes if node in positions], name, diameter)


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
