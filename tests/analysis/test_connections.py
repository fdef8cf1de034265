"""A drawn connection shows its ends, its sign and its weight."""

import networkx as nx
import numpy as np
import pytest
from drawings import drawn, lines_of, retina
from matplotlib.colors import to_hex

from analysis import style
from analysis.drawing import draw_network_figure
from analysis.layout import node_positions


@pytest.mark.parametrize("edges", [1, 24, 80, 106])
def test_every_connection_joins_its_nodes_with_sign_and_weight(edges: int) -> None:
    graph = retina(edges, edges)
    lines = lines_of(drawn(graph))
    places = node_positions(graph)
    weights = [weight for _, _, weight in graph.edges(data="weight")]
    assert len(lines.get_segments()) == edges
    for (source, target), segment in zip(graph.edges, lines.get_segments(), strict=True):
        np.testing.assert_array_equal(segment, [places[source], places[target]])
    colours = [to_hex(colour) for colour in np.asarray(lines.get_colors())]
    assert colours == [style.POSITIVE if weight > 0 else style.NEGATIVE for weight in weights]
    dashed = [dashes is not None for _, dashes in lines.get_linestyles()]
    assert dashed == [weight < 0 for weight in weights]
    widths = np.asarray(lines.get_linewidths())
    np.testing.assert_allclose(widths / np.abs(weights), widths[0] / abs(weights[0]))


def test_weights_of_any_size_fit() -> None:
    graph = nx.DiGraph()
    graph.add_weighted_edges_from([(0, 3, 1e6), (1, 3, -5e5), (2, 3, 0.0)])
    lines = lines_of(drawn(graph))
    wide, half, zero = np.asarray(lines.get_linewidths())
    assert wide == pytest.approx(2 * half)
    assert wide < 5.0
    assert 0.0 < zero < half
    assert to_hex(np.asarray(lines.get_colors())[2]) == style.GREY


def test_missing_weights_count_as_one() -> None:
    assert (
        lines_of(drawn(nx.DiGraph([(0, 1)]))).get_linewidths()
        == lines_of(drawn(nx.DiGraph([(0, 1, {"weight": 1})]))).get_linewidths()
    )


def test_only_connections_that_do_not_go_up_have_arrowheads_and_both_ways_show() -> None:
    graph = retina(24, 8)
    assert not drawn(graph).texts
    source, target = next(iter(graph.edges))
    graph.add_edge(target, source, weight=1)
    axes = drawn(graph)
    assert len(axes.texts) == 1
    there, back = [
        segment
        for edge, segment in zip(graph.edges, lines_of(axes).get_segments(), strict=True)
        if edge in ((source, target), (target, source))
    ]
    assert len(there) == len(back) > 2
    assert not np.allclose(there, back[::-1])


def test_the_legend_of_a_single_network_names_its_weights() -> None:
    graph = nx.DiGraph([(0, 1, {"weight": -2}), (1, 2, {"weight": 1})])
    graph.nodes[1]["bias"] = 1
    legend = draw_network_figure(graph).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["weight +1", "weight −2", "positive bias"]  # noqa: RUF001
