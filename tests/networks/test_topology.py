from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks import Topology, layered

shapes = st.lists(st.integers(1, 7), min_size=2, max_size=5)


@given(shapes)
def test_connections_are_all_pairs_of_adjacent_layers_by_target_then_source(layers: list[int]) -> None:
    topology = layered(layers)
    node, rows = 0, []
    for size in layers:
        rows.append(range(node, node + size))
        node += size
    wanted = [(s, t) for lower, upper in pairwise(rows) for t in upper for s in lower]
    assert list(zip(topology.sources.tolist(), topology.targets.tolist(), strict=True)) == wanted
    assert topology.connections == len(wanted)
    assert topology.nodes == node
    assert [topology.layer[row].tolist() for row in map(list, rows)] == [[k] * n for k, n in enumerate(layers)]
    assert topology.first.tolist() == [row.start for row in rows] + [node]


@given(shapes)
def test_incoming_connections_of_a_node_are_one_slice(layers: list[int]) -> None:
    topology = layered(layers)
    assert len(topology.incoming) == topology.nodes + 1
    for node in range(topology.nodes):
        wanted = np.flatnonzero(topology.targets == node)
        assert np.arange(topology.incoming[node], topology.incoming[node + 1]).tolist() == wanted.tolist()


@given(shapes)
def test_fixed_nodes_are_inputs_and_outputs(layers: list[int]) -> None:
    topology = layered(layers)
    hidden = topology.nodes - layers[0] - layers[-1]
    assert topology.fixed.tolist() == [True] * layers[0] + [False] * hidden + [True] * layers[-1]
    assert (topology.inputs, topology.outputs) == (layers[0], layers[-1])


def test_the_retina_has_106_possible_connections_and_its_published_coordinates() -> None:
    topology = layered((8, 8, 4, 2, 1), output_y=4.0)
    assert (topology.nodes, topology.connections) == (23, 106)
    assert topology.positions[:8].tolist() == [[x, 0.0] for x in (-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5)]
    assert topology.positions[22].tolist() == [0.0, 4.0]


@given(shapes)
def test_every_layer_is_drawn_at_its_height_centred_and_in_order(layers: list[int]) -> None:
    topology = layered(layers)
    assert topology.positions.shape == (topology.nodes, 2)
    assert topology.positions[:, 1].tolist() == topology.layer.tolist()
    for k in range(len(layers)):
        x = topology.positions[topology.layer == k, 0]
        assert x.sum() == pytest.approx(0)
        assert layers[0] == 1 or (np.diff(x) > 0).all()


def test_given_coordinates_are_kept() -> None:
    topology = layered((2, 3, 2), input_x=(1.0, 5.0), output_x=(-2.0, 2.0), output_y=7.0)
    assert topology.positions[[0, 1, 5, 6]].tolist() == [[1, 0], [5, 0], [-2, 7], [2, 7]]
    assert topology.positions[2:5, 1].tolist() == [3.5] * 3


@pytest.mark.parametrize("layers", [(), (3,), (3, 0), (0, 2, 1), (2, -1)])
def test_fewer_than_two_layers_or_an_empty_one_is_an_error(layers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^layers: .*two or more layers of at least one node$"):
        layered(layers)


@pytest.mark.parametrize(
    ("input_x", "output_x", "message"),
    [
        ((0.0,), (0.0,), "input_x: 1 coordinates for a layer of 2 nodes"),
        ((0.0, 1.0), (0.0, 1.0), "output_x: 2 coordinates for a layer of 1 nodes"),
    ],
)
def test_a_wrong_number_of_coordinates_is_an_error(input_x: tuple, output_x: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Topology((2, 1), input_x, output_x, 1.0)
