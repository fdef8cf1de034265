from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from adjacencies import graph_of, layered_adjacency
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.labels import labels_modularity, numbered_by_first_node


@st.composite
def graphs_with_partitions(draw):
    nodes = draw(st.integers(1, 9))
    flags = draw(st.lists(st.booleans(), min_size=nodes**2, max_size=nodes**2).filter(any))
    labels = draw(st.lists(st.integers(0, nodes - 1), min_size=nodes, max_size=nodes))
    return np.array(flags, np.uint8).reshape(nodes, nodes), np.array(labels)


@given(graphs_with_partitions())
@settings(max_examples=150, deadline=None)
def test_q_is_that_of_networkx(case):
    adjacency, labels = case
    partition = [set(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    expected = nx.community.modularity(graph_of(adjacency), partition, weight=None)
    assert labels_modularity(adjacency, labels) == pytest.approx(expected, abs=1e-12)


def test_q_is_exactly_the_same_in_any_order_of_the_nodes():
    adjacency = layered_adjacency(40, seed=1)
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, 23)
    value = labels_modularity(adjacency, labels)
    for _ in range(20):
        order = rng.permutation(23)
        assert labels_modularity(adjacency[order][:, order], labels[order]) == value


def test_modules_are_numbered_by_their_first_node():
    assert numbered_by_first_node(np.array([3, 0, 3, 1, 0])).tolist() == [0, 1, 0, 2, 1]
    assert numbered_by_first_node(np.zeros(0, np.int64)).tolist() == []
