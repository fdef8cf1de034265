from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from drawings import nodes_of, retina

from analysis.lineage import Ancestor, lineage_figure, lineage_table, turning_points
from analysis.style import save_figure


def descendants(count: int, seed: int = 0) -> list[Ancestor]:
    """A network that loses an edge in every 10 generations, and the last one never."""
    graph, rng = retina(60, seed), np.random.default_rng(seed)
    lineage = []
    for step in range(count):
        if 0 < step < count - 1:
            edges = list(graph.edges)
            graph = graph.copy()
            graph.remove_edge(*edges[rng.integers(len(edges))])
        lineage.append(Ancestor(10 * step, graph, {"performance": 0.5 + step / 100, "modularity": step / count}))
    return lineage


def test_what_changed_is_counted() -> None:
    first = nx.DiGraph([(0, 2, {"weight": 1}), (1, 2, {"weight": 2})])
    nx.set_node_attributes(first, 0, "bias")
    second = first.copy()
    second.edges[0, 2]["weight"] = -1
    second.nodes[2]["bias"] = 1
    third = second.copy()
    third.remove_edge(1, 2)
    third.add_edges_from([(0, 1), (1, 0)], weight=1)
    table = lineage_table([Ancestor(k, graph, {"q": k / 2}) for k, graph in enumerate((first, second, third))])
    assert list(table) == ["generation", "q", "connections", "added", "removed", "reweighted", "rebiased"]
    assert table.iloc[0, 3:].isna().all()
    assert table.iloc[1:].to_numpy().tolist() == [[1, 0.5, 2, 0, 0, 1, 1], [2, 1.0, 3, 2, 1, 0, 0]]


def test_networks_shown_have_as_many_changes_between_them() -> None:
    lineage = descendants(42)
    assert turning_points(lineage, 6) == [0, 8, 16, 24, 32, 41]
    assert turning_points(lineage, 2) == [0, 41]
    same = [Ancestor(k, lineage[0].graph) for k in range(5)]
    assert turning_points(same, 4) == [0, 4]
    assert turning_points(same[:1], 4) == [0]


def test_the_figure_shows_curves_and_networks(tmp_path: Path) -> None:
    lineage = descendants(30)
    figure = lineage_figure(lineage, {"Performance": "performance", "Modularity Q": "modularity"}, count=8)
    curves, drawings = figure.axes[:2], figure.axes[2:]
    for axes, name in zip(curves, ("performance", "modularity"), strict=True):
        assert axes.lines[0].get_xdata().tolist() == [one.generation for one in lineage]
        assert axes.lines[0].get_ydata().tolist() == [one.measures[name] for one in lineage]
        assert len(axes.lines) == 1 + 8
    shown = turning_points(lineage, 8)
    assert [axes.get_title() for axes in drawings] == [
        f"{letter}  generation {lineage[place].generation}"
        for letter, place in zip("abcdefgh", shown, strict=True)
    ]
    places = [nodes_of(axes).get_offsets().tolist() for axes in drawings]
    assert all(place == places[0] for place in places)  # no node moves
    assert [text.get_text() for text in curves[0].texts] == list("abcdefgh")
    assert all(path.exists() for path in save_figure(figure, tmp_path / "lineage"))
    assert len(lineage_figure(lineage[:3]).axes) == 2 + 3


def test_bad_input_is_refused() -> None:
    lineage = descendants(5)
    with pytest.raises(ValueError, match="lineage: empty"):
        lineage_table([])
    with pytest.raises(ValueError, match="lineage: generation 30 after 40: allowed is ascending order"):
        lineage_table([lineage[4], lineage[3]])
    with pytest.raises(ValueError, match="count: 1: allowed are 2 or more"):
        turning_points(lineage, 1)
    with pytest.raises(ValueError, match="lineage: generation 0: no q: allowed is one in each network"):
        lineage_figure(lineage, {"Q": "q"})
    with pytest.raises(ValueError, match=r"graph: Graph: allowed is a networkx\.DiGraph"):
        lineage_table([Ancestor(0, nx.Graph([(0, 1)]))])
