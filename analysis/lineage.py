"""The ancestors of a network: what changed from each to the next, and drawings through time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from analysis import style
from analysis.connections import sign_handles
from analysis.curves import Scale
from analysis.drawing import draw_placed
from analysis.layout import Positions, node_positions
from analysis.modularity import check_directed, spectral_partition
from analysis.nodes import Partition

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches: height of a panel of curves, space between two, space left of them, title of a drawing.
_PANEL, _GAP, _LEFT, _TITLE = 0.62, 0.12, 0.7, 0.24
_TALL = 0.68  # height of a drawing for a width of 1
_MOST_IN_A_ROW = 6


@dataclass(frozen=True, eq=False)
class Ancestor:
    """One network of a lineage.

    Attributes:
        generation: in which it was born.
        graph: the network.
        measures: numbers that it had, e.g. performance, modularity and hierarchy.
    """

    generation: int
    graph: nx.DiGraph
    measures: Mapping[str, float] = field(default_factory=dict)


def lineage_table(lineage: Sequence[Ancestor]) -> pd.DataFrame:
    """What changed from each network to the next.

    Args:
        lineage: in ascending order of generation.

    Returns:
        A row for each network: `generation`, its measures, `connections`, and how many of them are `added`,
        `removed` and `reweighted` since the one before, and nodes whose bias is other (`rebiased`); NaN for the
        first.

    Raises:
        ValueError: an empty lineage, generations that do not ascend, or a network that is not a directed simple
            graph.
    """
    import pandas as pd

    _check(lineage)
    changes = [dict.fromkeys(("added", "removed", "reweighted", "rebiased"), np.nan)]
    changes += [_changes(before.graph, after.graph) for before, after in pairwise(lineage)]
    return pd.DataFrame(
        [
            {"generation": one.generation, **one.measures, "connections": one.graph.number_of_edges(), **change}
            for one, change in zip(lineage, changes, strict=True)
        ]
    )


def turning_points(lineage: Sequence[Ancestor], count: int) -> list[int]:
    """Networks of a lineage to look at: the first, the last, and others with about as many changes between them.

    Args:
        lineage: in ascending order of generation.
        count: how many, 2 or more; fewer are returned where fewer differ.

    Returns:
        Their places in the lineage, ascending.

    Raises:
        ValueError: a count below 2, or as `lineage_table`.
    """
    if count < 2:
        raise ValueError(f"count: {count}: allowed are 2 or more")
    _check(lineage)
    steps = [sum(_changes(before.graph, after.graph).values()) for before, after in pairwise(lineage)]
    passed = np.cumsum([0.0, *steps])
    wanted = passed[-1] * np.arange(1, count - 1) / (count - 1)
    between = [int(np.argmin(np.abs(passed - target))) for target in wanted]
    return sorted({0, *between, len(lineage) - 1})


def lineage_figure(
    lineage: Sequence[Ancestor],
    measures: Mapping[str, str] | None = None,
    count: int = 6,
    *,
    partition: Callable[[nx.DiGraph], Partition | None] = spectral_partition,
    xscale: Scale = "linear",
) -> Figure:
    """Draw the measures of a lineage over generations, and below them some of its networks.

    Every node is at the same place in all drawings: that of a network with all of their connections. Letters say
    where on the curves each drawing belongs.

    Args:
        lineage: in ascending order of generation.
        measures: Panels: the measures by their titles; by default all that the first network has.
        count: Networks to draw, 2 or more, chosen as in `turning_points`.
        partition: Modules of a network, for the colours of its nodes.
        xscale: Scale of the x axis; generation 0 is not seen on a logarithmic one.

    Raises:
        ValueError: a network without one of the measures, or as `turning_points`.
    """
    from matplotlib.figure import Figure

    shown = turning_points(lineage, count)
    titles = {name: name for name in lineage[0].measures} if measures is None else dict(measures)
    for one in lineage:
        for name in titles.values():
            if name not in one.measures:
                raise ValueError(
                    f"lineage: generation {one.generation}: no {name}: allowed is one in each network"
                )
    rows = math.ceil(len(shown) / _MOST_IN_A_ROW)
    columns = math.ceil(len(shown) / rows)
    side = min(style.DOUBLE_COLUMN / columns, 2.0)
    curves = len(titles) * (_PANEL + _GAP) + 0.35 if titles else 0.0
    height = 0.15 + curves + rows * (_TALL * side + _TITLE) + 0.3
    with style.house_style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, height))
        _draw_curves(figure, lineage, titles, shown, height, xscale)
        everywhere = node_positions(nx.compose_all([one.graph for one in lineage]))
        for number, place in enumerate(shown):
            row, column = divmod(number, columns)
            bottom = height - 0.15 - curves - (row + 1) * (_TALL * side + _TITLE)
            box = (column * side + 0.04 * side, bottom, 0.92 * side, (_TALL - 0.03) * side)
            _draw_one(figure, box, height, lineage[place], f"{_letter(number)}  ", everywhere, partition)
        figure.legend(handles=sign_handles(), loc="lower center", ncols=2, fontsize=style.TINY_FONT_SIZE)
    return figure


def _check(lineage: Sequence[Ancestor]) -> None:
    if not lineage:
        raise ValueError("lineage: empty: allowed are one or more networks")
    for one in lineage:
        check_directed(one.graph)
    for before, after in pairwise(lineage):
        if after.generation <= before.generation:
            raise ValueError(
                f"lineage: generation {after.generation} after {before.generation}: allowed is ascending order"
            )


def _changes(before: nx.DiGraph, after: nx.DiGraph) -> dict[str, float]:
    old, new = ({(s, t): w for s, t, w in graph.edges(data="weight")} for graph in (before, after))
    biases = [dict(graph.nodes(data="bias")) for graph in (before, after)]
    return {
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "reweighted": sum(old[edge] != new[edge] for edge in old.keys() & new.keys()),
        "rebiased": sum(biases[0][node] != biases[1][node] for node in biases[0].keys() & biases[1].keys()),
    }


def _letter(number: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[number % 26]


def _draw_curves(
    figure: Figure,
    lineage: Sequence[Ancestor],
    titles: Mapping[str, str],
    shown: Sequence[int],
    height: float,
    xscale: Scale,
) -> None:
    generations = [one.generation for one in lineage]
    first: Axes | None = None
    for number, (title, name) in enumerate(titles.items()):
        bottom = height - 0.15 - (number + 1) * _PANEL - number * _GAP
        width = style.DOUBLE_COLUMN - _LEFT - 0.15
        box = (_LEFT / style.DOUBLE_COLUMN, bottom / height, width / style.DOUBLE_COLUMN, _PANEL / height)
        axes = figure.add_axes(box, sharex=first)
        values = [one.measures[name] for one in lineage]
        axes.step(generations, values, where="post", color=style.PALETTE[number % len(style.PALETTE)])
        axes.set_ylabel(title.replace(" ", "\n", 1))
        axes.yaxis.set_label_coords(-0.36 / width, 0.5)
        axes.margins(x=0.0)
        last = number == len(titles) - 1
        axes.tick_params(axis="x", labelbottom=last)
        for place in shown:
            axes.axvline(generations[place], color=style.GREY, linewidth=0.5, zorder=0)
        if first is None:
            first = axes
            axes.set_xscale(xscale)
            _letters(axes, [generations[place] for place in shown])
        if last:
            axes.set_xlabel("Generation")
            if xscale == "linear":
                axes.xaxis.set_major_formatter("{x:,.10g}")


def _letters(axes: Axes, generations: Sequence[int]) -> None:
    look: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": style.TINY_FONT_SIZE}
    for number, generation in enumerate(generations):
        axes.text(generation, 1.02, _letter(number), transform=axes.get_xaxis_transform(), **look)


def _draw_one(
    figure: Figure,
    box: tuple[float, float, float, float],
    height: float,
    one: Ancestor,
    letter: str,
    everywhere: Positions,
    partition: Callable[[nx.DiGraph], Partition | None],
) -> None:
    left, bottom, width, tall = box
    place = (left / style.DOUBLE_COLUMN, bottom / height, width / style.DOUBLE_COLUMN, tall / height)
    axes = figure.add_axes(place)
    positions = {node: everywhere[node] for node in one.graph}
    title = f"{letter}generation {one.generation:,}"
    draw_placed(one.graph, axes, positions, [everywhere], partition(one.graph), title, {})
