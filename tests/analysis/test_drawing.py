"""A drawing shows every node and connection, its sign, weight and module, and takes any directed graph."""

from collections.abc import Hashable, Iterable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis import drawing, style

LAYERS = (8, 8, 4, 2, 1)
WEIGHTS = (-2, -1, 1, 2)


def _retina(edges: int, seed: int) -> nx.DiGraph:
    """Return a random network of the retina problem with all 23 nodes and so many connections."""
    random = np.random.default_rng(seed)
    graph = nx.DiGraph()
    starts = np.cumsum([0, *LAYERS])
    for layer, size in enumerate(LAYERS):
        for slot in range(size):
            place = [slot - (size - 1) / 2, float(layer)]
            graph.add_node(len(graph), layer=layer, position=place, bias=int(random.integers(-2, 3)))
    possible = [
        (source, target)
        for layer in range(4)
        for source in range(starts[layer], starts[layer + 1])
        for target in range(starts[layer + 1], starts[layer + 2])
    ]
    for number in random.permutation(len(possible))[:edges]:
        graph.add_edge(*map(int, possible[number]), weight=int(random.choice(WEIGHTS)))
    return graph


def _drawn(graph: nx.DiGraph, *arguments: Any, **options: Any) -> Axes:
    axes = Figure(figsize=(3.0, 3.0)).add_axes((0.0, 0.0, 1.0, 0.9))
    drawing.draw_network(graph, axes, *arguments, **options)
    return axes


def _lines(axes: Axes) -> LineCollection:
    return next(one for one in axes.collections if isinstance(one, LineCollection))


def _nodes(axes: Axes) -> PathCollection:
    return next(one for one in axes.collections if isinstance(one, PathCollection))


def _faces(axes: Axes, graph: nx.DiGraph) -> dict[Hashable, str]:
    return {node: to_hex(face) for node, face in zip(graph, np.asarray(_nodes(axes).get_facecolor()), strict=True)}


def _crossings(graph: nx.DiGraph, x: dict[Hashable, float]) -> int:
    """Count crossings the slow way."""
    layer = nx.get_node_attributes(graph, "layer")
    edges = list(graph.edges)
    return sum(
        (x[a] - x[c]) * (x[b] - x[d]) < 0 and layer[a] == layer[c]
        for number, (a, b) in enumerate(edges)
        for c, d in edges[number + 1 :]
    )


@pytest.mark.parametrize("edges", [1, 24, 80, 106])
def test_every_connection_joins_its_nodes_with_sign_and_weight(edges: int) -> None:
    graph = _retina(edges, edges)
    lines = _lines(_drawn(graph))
    places = drawing.node_positions(graph)
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
    lines = _lines(_drawn(graph))
    wide, half, zero = np.asarray(lines.get_linewidths())
    assert wide == pytest.approx(2 * half)
    assert wide < 5.0
    assert 0.0 < zero < half
    assert to_hex(np.asarray(lines.get_colors())[2]) == style.GREY


def test_missing_weights_count_as_one() -> None:
    assert (
        _lines(_drawn(nx.DiGraph([(0, 1)]))).get_linewidths()
        == _lines(_drawn(nx.DiGraph([(0, 1, {"weight": 1})]))).get_linewidths()
    )


def test_layers_go_up_and_ends_keep_their_positions() -> None:
    graph = _retina(24, 1)
    places = drawing.node_positions(graph)
    assert all(places[target][1] > places[source][1] for source, target in graph.edges)
    for node, (layer, (x, _)) in enumerate(
        zip(*(nx.get_node_attributes(graph, name).values() for name in ("layer", "position")), strict=True)
    ):
        assert places[node][1] == layer
        assert layer not in (0, 4) or places[node][0] == x


def test_hidden_nodes_are_evenly_spaced() -> None:
    places = drawing.node_positions(_retina(60, 2))
    for layer in (1, 2, 3):
        xs = sorted(x for x, y in places.values() if y == layer)
        gaps = np.diff(xs)
        np.testing.assert_allclose(gaps, 8.0 / LAYERS[layer])


@pytest.mark.parametrize("seed", range(5))
def test_no_swap_of_two_nodes_leaves_fewer_crossings(seed: int) -> None:
    graph = _retina(40, seed)
    shown = {node: x for node, (x, _) in drawing.node_positions(graph).items()}
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
    shown = {node: x for node, (x, _) in drawing.node_positions(graph).items()}
    assert _crossings(graph, shown) == 0


def test_positions_are_kept_on_request() -> None:
    graph = _retina(24, 3)
    given = {node: tuple(place) for node, place in graph.nodes(data="position")}
    assert drawing.node_positions(graph, "position") == given
    assert drawing.node_positions(graph, "layered") != given
    with pytest.raises(ValueError, match="'circle'"):
        drawing.node_positions(graph, "circle")


def test_inputs_that_share_an_x_are_spread() -> None:
    graph = nx.DiGraph([(0, 2), (1, 2)])
    nx.set_node_attributes(graph, {0: [0.0, 0.0], 1: [0.0, 0.0]}, "position")
    places = drawing.node_positions(graph)
    assert places[0][0] != places[1][0]


@pytest.mark.parametrize("modules", [1, 2, 5, 22])
def test_modules_have_distinct_colours_and_the_rest_is_grey(modules: int) -> None:
    graph = _retina(106, 4)
    partition = [{node for node in range(22) if node % modules == number} for number in range(modules)]
    faces = _faces(_drawn(graph, [*partition, {"not there"}]), graph)
    colours = [{faces[node] for node in module} for module in partition]
    assert all(len(colour) == 1 for colour in colours)
    assert len(set().union(*colours)) == modules
    assert faces[22] not in set().union(*colours)


def test_the_left_module_has_the_same_colour_whatever_its_place_in_the_partition() -> None:
    graph = _retina(106, 5)
    left, right = {0, 1, 2, 3}, {4, 5, 6, 7}
    for partition in ([left, right], [right, left]):
        faces = _faces(_drawn(graph, partition), graph)
        assert (faces[0], faces[4]) == style.PALETTE[:2]


def test_biases_are_marked_except_at_inputs() -> None:
    graph = nx.DiGraph([(0, 2), (1, 2), (2, 3), (2, 4)])
    nx.set_node_attributes(graph, {0: -2, 1: 2, 2: 1, 3: -1, 4: -2}, "bias")
    axes = _drawn(graph)
    places = drawing.node_positions(graph)
    positive, negative = [one for one in axes.collections if isinstance(one, PathCollection)][1:]
    np.testing.assert_array_equal(positive.get_offsets(), [places[2]])
    np.testing.assert_array_equal(negative.get_offsets(), [places[3], places[4]])
    assert negative.get_sizes()[0] < negative.get_sizes()[1]


def test_sides_are_named_below_the_inputs() -> None:
    graph = _retina(106, 6)
    graph.remove_node(0)
    axes = _drawn(graph, None, None, range(4), range(4, 8))
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
    recurrent = _retina(24, 7)
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
    axes = _drawn(graph, [set(graph)], "any graph")
    places = np.array(list(drawing.node_positions(graph).values()))
    assert len(places) == len(graph)
    assert np.isfinite(places).all()
    assert not axes.axison
    if graph:
        assert len(np.unique(places, axis=0)) == len(graph)
        assert len(np.asarray(_nodes(axes).get_offsets())) == len(graph)
    if graph.number_of_edges():
        assert len(_lines(axes).get_segments()) == graph.number_of_edges()
    files = [
        [path.read_bytes() for path in style.save_figure(drawing.draw_network_figure(graph), tmp_path / name)]
        for name in ("one", "two")
    ]
    assert files[0] == files[1]
    assert nx.node_link_data(graph, edges="edges") == before


def test_layers_without_attributes_are_longest_paths() -> None:
    assert drawing.node_layers(nx.DiGraph([(0, 1), (1, 2), (0, 2)])) == {0: 0, 1: 1, 2: 2}
    assert drawing.node_layers(nx.DiGraph([(0, 1), (1, 0)])) is None


def test_only_connections_that_do_not_go_up_have_arrowheads_and_both_ways_show() -> None:
    graph = _retina(24, 8)
    assert not _drawn(graph).texts
    source, target = next(iter(graph.edges))
    graph.add_edge(target, source, weight=1)
    axes = _drawn(graph)
    assert len(axes.texts) == 1
    there, back = [
        segment
        for edge, segment in zip(graph.edges, _lines(axes).get_segments(), strict=True)
        if edge in ((source, target), (target, source))
    ]
    assert len(there) == len(back) > 2
    assert not np.allclose(there, back[::-1])


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (12, 4, 3), (50, 10, 5)])
def test_gallery_is_a_full_grid_without_overlap(count: int, columns: int, rows: int) -> None:
    graphs = [_retina(20 + number, number) for number in range(count)]
    figure = drawing.gallery(graphs, [f"1.00, Q {number / 100:.2f}" for number in range(count)])
    boxes = [axes.get_position() for axes in figure.axes]
    assert (len({round(box.x0, 6) for box in boxes}), len({round(box.y0, 6) for box in boxes})) == (
        columns,
        rows,
    )
    assert [axes.get_title() for axes in figure.axes][-1] == f"1.00, Q {(count - 1) / 100:.2f}"
    figure.draw_without_rendering()
    titles = [axes.title.get_window_extent() for axes in figure.axes[:columns]]
    assert all(one.x1 < other.x0 for one, other in pairwise(titles))
    assert max(title.y1 for title in titles) <= figure.bbox.y1
    assert min(axes.get_window_extent().y0 for axes in figure.axes) >= figure.legends[0].get_window_extent().y1


def test_gallery_draws_at_one_scale_with_each_partition() -> None:
    small, large = _retina(106, 1).subgraph([0, 1, 8, 16, 20, 22]), _retina(106, 2)
    figure = drawing.gallery([small, large], partitions=[None, [{0, 1, 2, 3}]], columns=1)
    first, second = figure.axes
    assert (first.get_xlim(), first.get_ylim()) == (second.get_xlim(), second.get_ylim())
    assert _nodes(first).get_sizes()[0] == _nodes(second).get_sizes()[0]
    assert style.PALETTE[0] in _faces(second, large).values()
    assert style.PALETTE[0] not in _faces(first, small).values()


def test_gallery_gives_networks_without_positions_a_scale_of_their_own() -> None:
    plain = nx.DiGraph([(0, 1)])
    first, second = drawing.gallery([_retina(106, 2), plain]).axes
    assert second.get_ylim()[1] < 2.0 < first.get_ylim()[1]


def test_gallery_of_nothing_is_empty_and_lengths_must_agree() -> None:
    assert not drawing.gallery([]).axes
    with pytest.raises(ValueError, match="titles: 1 for 2 networks"):
        drawing.gallery([nx.DiGraph()] * 2, ["one"])
    with pytest.raises(ValueError, match="columns: 0"):
        drawing.gallery([nx.DiGraph()], columns=0)


def test_the_legend_of_a_single_network_names_its_weights() -> None:
    graph = nx.DiGraph([(0, 1, {"weight": -2}), (1, 2, {"weight": 1})])
    graph.nodes[1]["bias"] = 1
    legend = drawing.draw_network_figure(graph).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["weight +1", "weight −2", "positive bias"]  # noqa: RUF001
