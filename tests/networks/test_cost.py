from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import batches, edge_lengths, optimal_places, random_batch, seeds, simplified_graph
from scipy.optimize import minimize

from networks import (
    Networks,
    Topology,
    connection_cost,
    connection_count,
    layered,
    longest_connection,
    optimal_positions,
    simplify,
    thresholded_cost,
)


def network(topology: Topology, *edges: tuple[int, int]) -> Networks:
    weights = np.zeros((1, topology.connections), np.int8)
    for connection, edge in enumerate(zip(topology.sources, topology.targets, strict=True)):
        weights[0, connection] = edge in edges
    return Networks(topology, weights, np.zeros((1, topology.nodes), np.int8))


def measures(networks: Networks) -> list[float]:
    """Count, cost, cost above length 1.5 and longest connection of one network."""
    every = connection_count, connection_cost, thresholded_cost, longest_connection
    return [float(measure(networks)[0]) for measure in every]


@settings(deadline=None)
@given(batches(widest=8), st.floats(0, 4))
def test_costs_are_those_of_the_laplacian_solution(networks: Networks, threshold: float) -> None:
    lengths = []
    for index in range(len(networks)):
        graph = simplified_graph(networks, index)
        lengths.append(edge_lengths(graph, optimal_places(graph, networks.topology)))
    assert connection_count(networks).tolist() == [len(row) for row in lengths]
    np.testing.assert_allclose(connection_cost(networks), [(row**2).sum() for row in lengths], atol=1e-9)
    np.testing.assert_allclose(longest_connection(networks), [row.max(initial=0) for row in lengths], atol=1e-9)
    # A length within rounding of the threshold may fall on either side.
    found = thresholded_cost(networks, threshold)
    assert (found >= [(row[row > threshold + 1e-9] ** 2).sum() - 1e-9 for row in lengths]).all()
    assert (found <= [(row[row > threshold - 1e-9] ** 2).sum() + 1e-9 for row in lengths]).all()


@settings(deadline=None, max_examples=25)
@given(batches(widest=4, fewest_layers=3), seeds)
def test_no_other_placement_is_cheaper(networks: Networks, seed: int) -> None:
    topology, rng = networks.topology, np.random.default_rng(seed)
    places = optimal_positions(networks)
    for index, cost in enumerate(connection_cost(networks)):
        graph = simplified_graph(networks, index)
        for size in (1e-3, 0.1, 3.0):
            step = rng.normal(0, size, (topology.nodes, 2)) * ~topology.fixed[:, None]
            assert (edge_lengths(graph, places[index] + step) ** 2).sum() >= cost - 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_a_numeric_minimiser_finds_the_same_cost(seed: int) -> None:
    networks = random_batch((3, 3, 2, 1), seed, count=1, density=0.7)
    topology, graph = networks.topology, simplified_graph(networks, 0)

    def cost(hidden: np.ndarray) -> float:
        places = topology.positions.copy()
        places[~topology.fixed] = hidden.reshape(-1, 2)
        return float((edge_lengths(graph, places) ** 2).sum())

    found = minimize(cost, np.zeros(10), method="BFGS")
    assert connection_cost(networks)[0] == pytest.approx(found.fun, abs=1e-6)


@settings(deadline=None)
@given(batches())
def test_places_are_optimal_for_hidden_nodes_and_given_for_the_others(networks: Networks) -> None:
    topology, places = networks.topology, optimal_positions(networks)
    for index in range(len(networks)):
        wanted = topology.positions.copy()
        for node, place in optimal_places(simplified_graph(networks, index), topology).items():
            wanted[node] = place
        np.testing.assert_allclose(places[index], wanted, atol=1e-9)


@settings(deadline=None)
@given(batches())
def test_cost_is_that_of_the_simplified_network(networks: Networks) -> None:
    for measure in (connection_count, connection_cost, thresholded_cost, longest_connection):
        assert np.array_equal(measure(networks), measure(simplify(networks)))


@settings(deadline=None)
@given(batches(widest=8))
def test_weights_and_neighbours_in_the_batch_do_not_matter(networks: Networks) -> None:
    alone = [connection_cost(networks.take([index]))[0] for index in range(len(networks))]
    ones = Networks(networks.topology, np.abs(np.sign(networks.weights)), networks.biases)
    assert connection_cost(networks).tolist() == alone == connection_cost(ones).tolist()


def test_an_edge_from_input_to_output_costs_its_squared_length() -> None:
    topology = layered((2, 1))  # inputs at (-0.5, 0) and (0.5, 0), output at (0, 1)
    assert measures(network(topology, (0, 2))) == pytest.approx([1, 1.25, 0, 1.25**0.5])
    assert measures(network(topology, (0, 2), (1, 2))) == pytest.approx([2, 2.5, 0, 1.25**0.5])


def test_a_chain_has_equal_lengths() -> None:
    topology = layered((1, 1, 1, 1), output_y=6.0)
    chain = network(topology, (0, 1), (1, 2), (2, 3))
    assert optimal_positions(chain)[0].tolist() == pytest.approx(np.array([[0, 0], [0, 2], [0, 4], [0, 6]]))
    assert measures(chain) == pytest.approx([3, 12, 12, 2])


def test_a_hidden_node_lies_at_the_mean_of_its_neighbours() -> None:
    topology = layered((2, 1, 1))  # (-0.5, 0), (0.5, 0); output at (0, 2)
    star = network(topology, (0, 2), (1, 2), (2, 3))
    assert optimal_positions(star)[0, 2].tolist() == pytest.approx([0, 2 / 3])
    # Two edges of 1/4 + 4/9 and one of 16/9.
    assert measures(star) == pytest.approx([3, 19 / 6, 0, 4 / 3])


def test_a_hidden_node_without_inputs_lies_on_its_output() -> None:
    topology = layered((1, 1, 1))
    assert measures(network(topology, (1, 2))) == [1, 0, 0, 0]
    assert optimal_positions(network(topology, (1, 2)))[0].tolist() == [[0, 0], [0, 2], [0, 2]]


@pytest.mark.parametrize("layers", [(3, 2), (3, 2, 2), (8, 8, 4, 2, 1)])
def test_networks_without_a_path_cost_nothing(layers: tuple[int, ...]) -> None:
    topology = layered(layers)
    assert measures(network(topology)) == [0, 0, 0, 0]
    if len(layers) > 2:
        assert measures(network(topology, (0, layers[0]))) == [0, 0, 0, 0]
        assert np.array_equal(optimal_positions(network(topology, (0, layers[0])))[0], topology.positions)


def test_only_longer_connections_than_the_threshold_count() -> None:
    topology = layered((2, 1), input_x=(0.0, 2.0), output_x=(0.0,), output_y=1.5)
    both = network(topology, (0, 2), (1, 2))  # lengths 1.5 and 2.5
    found = [thresholded_cost(both, threshold)[0] for threshold in (0.0, 1.49, 1.5, 2.49, 2.5, np.inf)]
    assert found == pytest.approx([8.5, 8.5, 6.25, 6.25, 0, 0])


@pytest.mark.parametrize("threshold", [-0.1, float("nan")])
def test_a_threshold_below_zero_is_an_error(threshold: float) -> None:
    with pytest.raises(ValueError, match=r"^threshold: .*: allowed is a length of 0 or more$"):
        thresholded_cost(network(layered((1, 1))), threshold)
