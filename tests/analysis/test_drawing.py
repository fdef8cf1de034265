"""A drawing is whole, takes any directed graph, and is the same every time."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from drawings import drawn, lines_of, nodes_of, retina

from analysis import style
from analysis.drawing import draw_network_figure
from analysis.layout import node_positions


def test_sides_are_named_below_the_inputs() -> None:
    graph = retina(106, 6)
    graph.remove_node(0)
    axes = drawn(graph, None, None, range(4), range(4, 8))
    assert [text.get_text() for text in axes.texts] == ["left", "right"]
    assert [list(line.get_xdata()) for line in axes.lines] == [[-2.5, -0.5], [0.5, 3.5]]
    low = axes.transData.transform((0.0, 0.0))[1]
    assert all(text.get_window_extent().y1 < low for text in axes.texts)


def _odd_graphs() -> Iterable[Any]:
    cyclic = nx.gnp_random_graph(9, 0.3, seed=1, directed=True)
    cyclic.add_edge(0, 0)
    isolated = nx.DiGraph([(0, 1)])
    isolated.add_nodes_from([2, 3])
    partial = nx.DiGraph([(0, 1), (1, 2)])
    partial.add_node(0, layer=0, position=[0.0, 0.0])
    recurrent = retina(24, 7)
    recurrent.add_edges_from([(22, 20), (8, 9), (20, 20), (0, 16)])
    yield pytest.param(nx.DiGraph(), id="empty")
    yield pytest.param(nx.empty_graph(1, create_using=nx.DiGraph), id="one node")
    yield pytest.param(nx.empty_graph(5, create_using=nx.DiGraph), id="no connections")
    yield pytest.param(nx.DiGraph([("a", "b"), ("b", 3), ("a", 3)]), id="names and numbers")
    yield pytest.param(nx.DiGraph([(0, 1), (1, 0)]), id="two-cycle")
    yield pytest.param(cyclic, id="cyclic with a loop")
    yield pytest.param(isolated, id="isolated")
    yield pytest.param(partial, id="some attributes")
    yield pytest.param(recurrent, id="recurrent layers")
    yield pytest.param(nx.gn_graph(60, seed=1).reverse(), id="tree")


@pytest.mark.parametrize("graph", list(_odd_graphs()))
def test_any_graph_is_drawn_whole_and_the_same_every_time(graph: nx.DiGraph, tmp_path: Path) -> None:
    before = nx.node_link_data(graph, edges="edges")
    axes = drawn(graph, [set(graph)], "any graph")
    places = np.array(list(node_positions(graph).values()))
    assert len(places) == len(graph)
    assert np.isfinite(places).all()
    assert not axes.axison
    if graph:
        assert len(np.unique(places, axis=0)) == len(graph)
        assert len(np.asarray(nodes_of(axes).get_offsets())) == len(graph)
    if graph.number_of_edges():
        assert len(lines_of(axes).get_segments()) == graph.number_of_edges()
    files = [
        [path.read_bytes() for path in style.save_figure(draw_network_figure(graph), tmp_path / name)]
        for name in ("one", "two")
    ]
    assert files[0] == files[1]
    assert nx.node_link_data(graph, edges="edges") == before
