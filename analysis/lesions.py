"""Which part of a network a sub-problem depends on: silence a neuron or a module, and see which answer is lost.

The definition: a sub-problem is as readable as the best threshold is accurate on any remaining neuron's output or
pair's weighted sum (`analysis.functions.readability`; 1 solved, 0.5 nothing left). The drop is its readability in
the whole network less that after the lesion. So a neuron that solves a sub-problem shows no drop where another
one solves it too; what is needed below it shows one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from analysis import style
from analysis.decomposition import Answers
from analysis.functions import Activations, readability
from analysis.layout import node_layers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

#: Activations of all nodes, when some nodes are silent.
Responses = Callable[[Collection[Hashable]], Activations]

_CELL = 0.3  # inches


def lesions(
    graph: nx.DiGraph,
    responses: Responses,
    answers: Answers,
    parts: Mapping[str, Collection[Hashable]] | None = None,
) -> pd.DataFrame:
    """How much less readable each sub-problem is without each part of a network.

    Args:
        graph: any directed graph with an edge attribute `weight`, layered as in
            `analysis.functions.sub_problem_carriers`.
        responses: what the nodes do when given nodes send nothing, e.g.
            `functools.partial(layered_activations, graph, patterns)`.
        answers: for each sub-problem, or for the whole task, its correct answers, bool (patterns,).
        parts: nodes that are silenced together, by name (`module_parts` of a partition); by default each neuron by
            itself, under the name of its node.

    Returns:
        A row for each part and sub-problem: `part`, `nodes` (how many), `sub_problem`, `before`, `after`, `drop`;
        below 0 where what remains tells it better than before.

    Raises:
        ValueError: a part without nodes or with some that are not in the graph, or what `readability` refuses.
    """
    import pandas as pd

    before = readability(graph, responses(()), answers)
    rows = []
    for part, nodes in (_neurons(graph) if parts is None else parts).items():
        unknown = [node for node in nodes if node not in graph]
        if unknown or not nodes:
            named = repr(unknown[0]) if unknown else "no nodes"
            raise ValueError(f"parts: {part}: {named}: allowed are one or more nodes of the graph")
        after = readability(graph, responses(nodes), answers, nodes)
        rows += [
            (part, len(nodes), name, before[name], after[name], before[name] - after[name]) for name in answers
        ]
    return pd.DataFrame(rows, columns=["part", "nodes", "sub_problem", "before", "after", "drop"])


def module_parts(partition: Iterable[Collection[Hashable]], prefix: str = "module") -> dict[str, list[Hashable]]:
    """Modules as parts, named by their number from 1; empty ones are left out."""
    modules = [list(module) for module in partition if module]
    return {f"{prefix} {number}": module for number, module in enumerate(modules, 1)}


def lesions_figure(table: pd.DataFrame, xlabel: str = "sub-problem", ylabel: str = "silenced") -> Figure:
    """Draw drops in readability as a heat map: a row for each part, a column for each sub-problem.

    A sub-problem that the whole network does not solve has its readability there after its name.

    Args:
        table: as `lesions` makes it.
        xlabel: Name of the columns.
        ylabel: Name of the rows.

    Raises:
        ValueError: The table has no rows.
    """
    from matplotlib.figure import Figure

    if table.empty:
        raise ValueError("table: no rows: allowed are those of one or more lesions")
    rows, columns = list(dict.fromkeys(table["part"])), list(dict.fromkeys(table["sub_problem"]))
    drops = table.pivot(index="part", columns="sub_problem", values="drop").loc[rows, columns].to_numpy()
    before = dict(zip(table["sub_problem"], table["before"], strict=True))
    labels = [name if before[name] == 1.0 else f"{name}  ({before[name]:.2f})" for name in columns]
    margins = (0.55 + 0.062 * max(map(len, rows)), 0.45 + 0.062 * max(map(len, labels)))
    with style.house_style():
        size = (margins[0] + _CELL * len(columns) + 0.75, margins[1] + _CELL * 0.7 * len(rows))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(drops, cmap=_colours(), vmin=0.0, vmax=0.5, aspect="auto", interpolation="none")
        _number(axes, drops)
        axes.set_xticks(range(len(columns)), labels, rotation=90)
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        bar = figure.colorbar(image, ax=axes, label="drop", fraction=0.08, ticks=[0, 0.25, 0.5])
        bar.outline.set_linewidth(0.4)
    return figure


def _neurons(graph: nx.DiGraph) -> dict[str, list[Hashable]]:
    """Every node above the lowest layer by itself, the lowest first."""
    layers = node_layers(graph) or {}
    lowest = min(layers.values(), default=0.0)
    neurons = sorted((node for node in layers if layers[node] > lowest), key=layers.__getitem__)
    return {str(node): [node] for node in neurons}


def _colours() -> LinearSegmentedColormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("drops", ["#f4f4f4", style.PALETTE[0]], N=257)


def _number(axes: Axes, drops: np.ndarray) -> None:
    """Write each drop that is not 0 into its cell."""
    for (row, column), drop in np.ndenumerate(drops):
        if round(drop, 2):
            axes.text(
                column,
                row,
                f"{drop:.2f}".replace("0.", ".").replace("-", "\N{MINUS SIGN}"),
                ha="center",
                va="center",
                fontsize=style.TINY_FONT_SIZE,
                color="#ffffff" if drop > 0.25 else style.INK,
            )
