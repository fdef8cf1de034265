from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given, settings
from oracles import batches, random_batch, simplified_graph, whole_graph

from networks import Networks, adjacency_matrices, connected_nodes, influential_nodes, layered, simplify


def edges(networks: Networks, index: int) -> set[tuple[int, int]]:
    used = np.flatnonzero(networks.weights[index])
    return {(int(networks.topology.sources[c]), int(networks.topology.targets[c])) for c in used}


@settings(deadline=None)
@given(batches())
def test_only_what_reaches_an_output_is_kept(networks: Networks) -> None:
    simplified = simplify(networks)
    present = connected_nodes(networks.topology, simplified.weights)
    for index in range(len(networks)):
        wanted = simplified_graph(networks, index)
        assert edges(simplified, index) == set(wanted.edges)
        assert set(np.flatnonzero(present[index])) == set(wanted.nodes)


@settings(deadline=None)
@given(batches())
def test_what_is_kept_keeps_its_weight_and_bias(networks: Networks) -> None:
    simplified = simplify(networks)
    used = simplified.weights != 0
    assert np.array_equal(simplified.weights[used], networks.weights[used])
    present = connected_nodes(networks.topology, simplified.weights)
    assert np.array_equal(simplified.biases[present], networks.biases[present])
    assert (simplified.weights.dtype, simplified.biases.dtype) == (np.int8, np.int8)


@settings(deadline=None)
@given(batches())
def test_simplifying_twice_changes_no_more_and_the_original_never(networks: Networks) -> None:
    before = networks.weights.copy(), networks.biases.copy()
    once = simplify(networks)
    twice = simplify(once)
    assert np.array_equal(once.weights, twice.weights)
    assert np.array_equal(once.biases, twice.biases)
    once.weights[:] = 7
    once.biases[:] = 7
    assert np.array_equal(before[0], networks.weights)
    assert np.array_equal(before[1], networks.biases)


@settings(deadline=None)
@given(batches())
def test_influential_nodes_are_outputs_and_their_ancestors(networks: Networks) -> None:
    topology = networks.topology
    found = influential_nodes(networks)
    for index in range(len(networks)):
        graph = whole_graph(networks, index)
        outputs = range(topology.nodes - topology.outputs, topology.nodes)
        wanted = set(outputs).union(*(nx.ancestors(graph, output) for output in outputs))
        assert set(np.flatnonzero(found[index])) == wanted


@settings(deadline=None)
@given(batches())
def test_adjacency_leads_from_row_to_column(networks: Networks) -> None:
    matrices = adjacency_matrices(networks)
    assert matrices.dtype == np.uint8
    for index in range(len(networks)):
        wanted = nx.to_numpy_array(whole_graph(networks, index), nodelist=range(networks.topology.nodes))
        assert np.array_equal(matrices[index], wanted)


def test_a_blind_alley_goes_and_a_node_without_inputs_stays() -> None:
    topology = layered((1, 3, 1))
    # Connections: input 0 to hidden 1, 2, 3; hidden 1, 2, 3 to output 4. Hidden 2 has no way out, 3 no way in.
    weights, biases = np.array([[1, 1, 0, 2, 0, -1]], np.int8), np.array([[1, 1, 1, 1, 1]], np.int8)
    simplified = simplify(Networks(topology, weights, biases))
    assert simplified.weights.tolist() == [[1, 0, 0, 2, 0, -1]]
    assert simplified.biases.tolist() == [[1, 1, 0, 1, 1]]


def test_a_network_without_any_path_keeps_no_connection() -> None:
    networks = random_batch((4, 3, 2, 1), 1, density=1.0)
    networks.weights[:, networks.topology.targets >= 9] = 0
    assert not simplify(networks).weights.any()


def test_real_weights_stay_real() -> None:
    networks = random_batch((3, 4, 2), 2, dtype=np.float64)
    simplified = simplify(networks)
    used = simplified.weights != 0
    assert simplified.weights.dtype == np.float64
    assert np.array_equal(simplified.weights[used], networks.weights[used])
    assert edges(simplified, 0) == set(simplified_graph(networks, 0).edges)
