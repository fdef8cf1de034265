"""How the connections of a network are drawn: their colours, widths, paths and arrowheads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from analysis import style
from analysis.layout import Node, Positions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES = (0.0, (2.4, 1.3))


def draw_connections(
    graph: nx.DiGraph, axes: Axes, positions: Positions, layers: dict[Node, float] | None, diameter: float
) -> None:
    """Draw all connections between nodes of so many points in diameter, below the nodes."""
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
        linestyles=[_DASHES if weight < 0 else "solid" for weight in weights],
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


def sign_handles() -> list[Any]:
    """Return the legend entries of positive and negative weights."""
    return [_line(1.0, "positive weight", 1.2), _line(-1.0, "negative weight", 1.2)]


def weight_handles(graph: nx.DiGraph) -> list[Any]:
    """Return a legend entry for each weight if they are few, else for the signs."""
    weights = {float(weight) for _, _, weight in graph.edges(data="weight", default=1.0)}
    if not weights:
        return []
    if len(weights) > 4:
        return sign_handles()
    widest = max(2.0, *(abs(weight) for weight in weights))
    return [_line(w, f"weight {_signed(w)}", 1.8 * abs(w) / widest) for w in sorted(weights, reverse=True)]


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−")  # noqa: RUF001


def _line(weight: float, label: str, width: float) -> Any:
    from matplotlib.lines import Line2D

    dashes: Any = _DASHES if weight < 0 else "solid"
    return Line2D([], [], color=_sign_colour(weight), linewidth=width, linestyle=dashes, label=label)
