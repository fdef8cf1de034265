"""A drawn node shows its module and its bias."""

import networkx as nx
import numpy as np
import pytest
from drawings import drawn, faces, retina
from matplotlib.collections import PathCollection

from analysis import style
from analysis.layout import node_positions


@pytest.mark.parametrize("modules", [1, 2, 5, 22])
def test_modules_have_distinct_colours_and_the_rest_is_grey(modules: int) -> None:
    graph = retina(106, 4)
    partition = [{node for node in range(22) if node % modules == number} for number in range(modules)]
    shown = faces(drawn(graph, [*partition, {"not there"}]), graph)
    colours = [{shown[node] for node in module} for module in partition]
    assert all(len(colour) == 1 for colour in colours)
    assert len(set().union(*colours)) == modules
    assert shown[22] not in set().union(*colours)


def test_the_left_module_has_the_same_colour_whatever_its_place_in_the_partition() -> None:
    graph = retina(106, 5)
    left, right = {0, 1, 2, 3}, {4, 5, 6, 7}
    for partition in ([left, right], [right, left]):
        shown = faces(drawn(graph, partition), graph)
        assert (shown[0], shown[4]) == style.PALETTE[:2]


def test_biases_are_marked_except_at_inputs() -> None:
    graph = nx.DiGraph([(0, 2), (1, 2), (2, 3), (2, 4)])
    nx.set_node_attributes(graph, {0: -2, 1: 2, 2: 1, 3: -1, 4: -2}, "bias")
    axes = drawn(graph)
    places = node_positions(graph)
    positive, negative = [one for one in axes.collections if isinstance(one, PathCollection)][1:]
    np.testing.assert_array_equal(positive.get_offsets(), [places[2]])
    np.testing.assert_array_equal(negative.get_offsets(), [places[3], places[4]])
    assert negative.get_sizes()[0] < negative.get_sizes()[1]
