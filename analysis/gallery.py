"""Many networks drawn in a grid."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import networkx as nx

from analysis import style
from analysis.connections import sign_handles
from analysis.drawing import draw_placed
from analysis.layout import Layout, Node, given_positions, node_positions
from analysis.nodes import Partition

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    placed = [len(given_positions(graph)) == len(graph) for graph in graphs]
    shared = [positions for positions, given in zip(places, placed, strict=True) if given]
    sides = {"left": left_inputs or (), "right": right_inputs or ()}
    with style.house_style():
        figure = Figure(figsize=(grid.width, grid.height))
        for index, (graph, title, partition) in enumerate(zip(graphs, titles, partitions, strict=True)):
            axes = figure.add_axes(grid.cell(index))
            frame = shared if placed[index] else [places[index]]
            draw_placed(graph, axes, places[index], frame, partition, title, sides)
        handles = sign_handles() if any(graph.number_of_edges() for graph in graphs) else []
        if handles:
            figure.legend(handles=handles, loc="lower center", ncols=2, fontsize=style.TINY_FONT_SIZE)
    return figure


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
