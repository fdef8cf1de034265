"""Layers go up, rows are even, and few connections cross."""

from collections.abc import Hashable
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from drawings import LAYERS, retina

from analysis import layout


def _crossings(graph: nx.DiGraph, x: dict[Hashable, float]) -> int:
    """Count crossings the slow way."""
    layer = nx.get_node_attributes(graph, "layer")
    edges = list(graph.edges)
    return sum(
        (x[a] - x[c]) * (x[b] - x[d]) < 0 and layer[a] == layer[c]
        for number, (a, b) in enumerate(edges)
        for c, d in edges[number + 1 :]
    )


def test_layers_go_up_and_ends_keep_their_positions() -> None:
    graph = retina(24, 1)
    places = layout.node_positions(graph)
    assert all(places[target][1] > places[source][1] for source, target in graph.edges)
    for node, (layer, (x, _)) in enumerate(
        zip(*(nx.get_node_attributes(graph, name).values() for name in ("layer", "position")), strict=True)
    ):
        assert places[node][1] == layer
        assert layer not in (0, 4) or places[node][0] == x


def test_hidden_nodes_are_evenly_spaced() -> None:
    places = layout.node_positions(retina(60, 2))
    for layer in (1, 2, 3):
        xs = sorted(x for x, y in places.values() if y == layer)
        gaps = np.diff(xs)
        np.testing.assert_allclose(gaps, 8.0 / LAYERS[layer])


@pytest.mark.parametrize("seed", range(5))
def test_no_swap_of_two_nodes_leaves_fewer_crossings(seed: int) -> None:
    graph = retina(40, seed)
    shown = {node: x for node, (x, _) in layout.node_positions(graph).items()}
    fewest = _crossings(graph, shown)
    assert fewest < _crossings(graph, {node: place[0] for node, place in graph.nodes(data="position")})
    for row in (range(8, 16), range(16, 20), range(20, 22)):
        for one, other in combinations(row, 2):
            assert _crossings(graph, {**shown, one: shown[other], other: shown[one]}) >= fewest


def test_a_shuffled_planar_network_is_untangled() -> None:
    graph = nx.DiGraph()
    for node in range(15):
        layer = 0 if node < 8 else 1 if node < 12 else 2 if node < 14 else 3
        graph.add_node(node, layer=layer)
    pairs = {0: 10, 1: 10, 2: 8, 3: 8, 4: 11, 5: 11, 6: 9, 7: 9, 10: 13, 8: 13, 11: 12, 9: 12, 12: 14, 13: 14}
    graph.add_edges_from(pairs.items())
    shown = {node: x for node, (x, _) in layout.node_positions(graph).items()}
    assert _crossings(graph, shown) == 0


def test_positions_are_kept_on_request() -> None:
    graph = retina(24, 3)
    given = {node: tuple(place) for node, place in graph.nodes(data="position")}
    assert layout.node_positions(graph, "position") == given
    assert layout.node_positions(graph, "layered") != given
    with pytest.raises(ValueError, match="'circle'"):
        layout.node_positions(graph, "circle")


def test_inputs_that_share_an_x_are_spread() -> None:
    graph = nx.DiGraph([(0, 2), (1, 2)])
    nx.set_node_attributes(graph, {0: [0.0, 0.0], 1: [0.0, 0.0]}, "position")
    places = layout.node_positions(graph)
    assert places[0][0] != places[1][0]


def test_layers_without_attributes_are_longest_paths() -> None:
    assert layout.node_layers(nx.DiGraph([(0, 1), (1, 2), (0, 2)])) == {0: 0, 1: 1, 2: 2}
    assert layout.node_layers(nx.DiGraph([(0, 1), (1, 0)])) is None
