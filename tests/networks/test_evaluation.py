from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import FUNCTIONS, batches, node_values, random_batch, seeds, simplified_graph

from networks import Evaluator, Networks, layered, simplify, torch_outputs

RETINA = (8, 8, 4, 2, 1)


def patterns_of(inputs: int, count: int, seed: int, dtype: type = np.int8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype is np.float64:
        return rng.normal(size=(count, inputs))
    return rng.integers(-1, 2, (count, inputs)).astype(np.int8)


def fan_in(width: int, weight: int, bias: int, dtype: type = np.int8) -> Networks:
    """One output over `width` inputs, all weights equal."""
    topology = layered((width, 1))
    biases = np.zeros((1, width + 1), dtype)
    biases[0, -1] = bias
    return Networks(topology, np.full((1, width), weight, dtype), biases)


@settings(deadline=None, max_examples=60)
@given(batches(widest=9), st.integers(1, 600), seeds, st.sampled_from([19.1, 20.0, 1000.0]))
def test_integer_networks_give_exactly_the_tanh_of_float64(
    networks: Networks, count: int, seed: int, slope: float
) -> None:
    patterns = patterns_of(networks.topology.inputs, count, seed)
    evaluator = Evaluator(patterns, slope)
    assert evaluator.exact(networks)
    wanted = node_values(networks, patterns, slope)
    outputs = evaluator.outputs(networks)
    assert outputs.dtype == np.int8
    assert np.array_equal(outputs, wanted[:, -networks.topology.outputs :])
    assert np.array_equal(evaluator.activations(networks), wanted)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 512, 1024])
def test_blocks_of_patterns_are_put_together_in_order(count: int) -> None:
    networks, patterns = random_batch(RETINA, 1, density=0.9), patterns_of(8, count, 2)
    found = Evaluator(patterns).outputs(networks)
    assert found.shape == (3, 1, count)
    assert np.array_equal(found, node_values(networks, patterns)[:, -1:])


def test_all_patterns_of_plus_and_minus_one_on_the_retina() -> None:
    networks = random_batch(RETINA, 3, count=50, density=0.6)
    patterns = np.array([[1 if n >> k & 1 else -1 for k in range(8)] for n in range(256)])
    wanted = node_values(networks, patterns)[:, -1:]
    assert set(np.unique(wanted)) == {-1, 0, 1}
    assert np.array_equal(Evaluator(patterns).outputs(networks), wanted)


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from([2, 3, 63, 127]), st.sampled_from([0.3, 1.0]), st.sampled_from(["tanh", "step"]))
def test_any_integer_network_is_exact_by_whichever_form(
    seed: int, most: int, density: float, activation: str
) -> None:
    networks = random_batch((40, 5, 64, 2), seed, density=density, most=most)
    patterns = patterns_of(40, 30, seed)
    found = Evaluator(patterns, activation=activation).outputs(networks)
    assert np.array_equal(found, node_values(networks, patterns, activation=activation)[:, -2:])


@pytest.mark.parametrize(
    ("width", "weight", "bias", "exact"),
    [
        (62, 2, 2, True),
        (63, 2, 1, True),  # the largest sum: 127
        (63, -2, -1, True),
        (63, 2, 2, False),  # 128 has no place in a byte
        (63, -2, -2, False),
        (64, 1, 0, False),  # refused for its width: the kernel does not look at the weights one by one
        (5, 3, 0, False),
        (5, -3, 0, False),
        (5, -128, 0, False),
        (5, 2, 127, False),
        (5, 2, -128, False),
        (5, 2, 117, True),
    ],
)
def test_the_exact_form_is_taken_only_where_sums_fit_a_byte(
    width: int, weight: int, bias: int, exact: bool
) -> None:
    networks, evaluator = fan_in(width, weight, bias), Evaluator(np.ones((2, width)) * [[1], [-1]])
    assert evaluator.exact(networks) is exact
    assert np.array_equal(
        evaluator.outputs(networks)[0, 0], np.sign([width * weight + bias, bias - width * weight])
    )


@pytest.mark.parametrize(
    ("change", "exact"),
    [
        ({}, True),
        ({"slope": 19.1}, True),
        ({"slope": 19.0}, False),  # tanh(19) < 1 in float64
        ({"slope": 1.0}, False),
        ({"activation": "step", "slope": 0.5}, True),
        ({"activation": "sigmoid"}, False),
        ({"activation": "relu"}, False),
        ({"activation": "linear"}, False),
        ({"patterns": 0.5}, False),
        ({"patterns": 2}, False),
        ({"dtype": np.int64}, False),
        ({"dtype": np.float64}, False),
    ],
)
def test_the_exact_form_is_taken_only_for_ternary_nodes(change: dict, exact: bool) -> None:
    given = {"slope": 20.0, "activation": "tanh", "patterns": 1, "dtype": np.int8} | change
    networks = random_batch((3, 4, 2), 5, density=0.8)
    networks = Networks(
        networks.topology, networks.weights.astype(given["dtype"]), networks.biases.astype(given["dtype"])
    )
    patterns = patterns_of(3, 20, 6) * given["patterns"]
    evaluator = Evaluator(patterns, given["slope"], given["activation"])
    assert evaluator.exact(networks) is exact
    wanted = node_values(networks, patterns, given["slope"], given["activation"])[:, -2:]
    np.testing.assert_allclose(evaluator.outputs(networks), wanted, rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=4),
    seeds,
    st.sampled_from(list(FUNCTIONS)),
    st.floats(0.1, 20),
    st.sampled_from([0.0, 0.4, 1.0]),
)
def test_the_general_form_gives_the_numbers_of_numpy(
    layers: list[int], seed: int, activation: str, slope: float, density: float
) -> None:
    networks = random_batch(layers, seed, density=density, dtype=np.float64)
    patterns = patterns_of(layers[0], 17, seed, np.float64)
    wanted = node_values(networks, patterns, slope, activation)
    tolerance = 1e-9 * max(1.0, np.abs(wanted).max())  # rounding grows with slope and fan-in from layer to layer
    evaluator = Evaluator(patterns, slope, activation)
    np.testing.assert_allclose(evaluator.activations(networks), wanted, rtol=1e-9, atol=tolerance)
    outputs = evaluator.outputs(networks)
    assert outputs.dtype == np.float64
    np.testing.assert_allclose(outputs, wanted[:, -layers[-1] :], rtol=1e-9, atol=tolerance)


@settings(deadline=None, max_examples=30)
@given(batches(widest=8), seeds)
def test_torch_in_float32_is_exact_for_integer_networks(networks: Networks, seed: int) -> None:
    patterns = patterns_of(networks.topology.inputs, 40, seed)
    found = torch_outputs(networks, patterns)
    assert found.dtype == torch.float32
    assert np.array_equal(found.numpy(), node_values(networks, patterns)[:, -networks.topology.outputs :])
    assert np.array_equal(found.numpy(), Evaluator(patterns).outputs(networks))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), seeds, st.sampled_from(list(FUNCTIONS)))
def test_torch_in_float64_gives_the_numbers_of_numpy(layers: list[int], seed: int, activation: str) -> None:
    networks = random_batch(layers, seed, dtype=np.float64)
    patterns = patterns_of(layers[0], 17, seed, np.float64)
    wanted = node_values(networks, patterns, 3.0, activation)[:, -layers[-1] :]
    found = torch_outputs(networks, patterns, dtype=torch.float64, slope=3.0, activation=activation)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(wanted).max()))


@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_some_nodes_are_rows_of_all_nodes(dtype: type) -> None:
    networks = random_batch(RETINA, 7, dtype=dtype)
    evaluator = Evaluator(patterns_of(8, 30, 8))
    every = evaluator.activations(networks)
    assert every.shape == (3, 23, 30)
    assert np.array_equal(every[:, :8], np.tile(evaluator.patterns.T, (3, 1, 1)))
    assert np.array_equal(evaluator.activations(networks, [22, 3, 9]), every[:, [22, 3, 9]])


def test_inputs_are_clamped_and_nodes_without_connections_follow_their_bias() -> None:
    topology = layered((1, 3, 1))
    biases = np.array([[2, -1, 0, 2, 0]], np.int8)
    networks = Networks(topology, np.zeros((1, topology.connections), np.int8), biases)
    values = Evaluator(np.array([[-1], [0]])).activations(networks)[0]
    assert values.T.tolist() == [[-1, -1, 0, 1, 0], [0, -1, 0, 1, 0]]


@settings(deadline=None, max_examples=40)
@given(batches(fewest_layers=3), seeds)
def test_what_cannot_reach_an_output_changes_no_output(networks: Networks, seed: int) -> None:
    rng = np.random.default_rng(seed)
    topology = networks.topology
    weights, biases = networks.weights.copy(), networks.biases.copy()
    for index in range(len(networks)):
        outputs = range(topology.nodes - topology.outputs, topology.nodes)
        dead = sorted(
            set(range(topology.inputs, topology.nodes)) - set(simplified_graph(networks, index)) - {*outputs}
        )
        into = np.isin(topology.targets, dead)
        weights[index, into] = rng.integers(-2, 3, into.sum())
        biases[index, dead] = rng.integers(-2, 3, len(dead))
    evaluator = Evaluator(patterns_of(topology.inputs, 50, seed))
    changed = Networks(topology, weights, biases)
    assert np.array_equal(evaluator.outputs(changed), evaluator.outputs(networks))


@settings(deadline=None, max_examples=40)
@given(batches(), seeds)
def test_simplified_networks_answer_the_same(networks: Networks, seed: int) -> None:
    evaluator = Evaluator(patterns_of(networks.topology.inputs, 50, seed))
    assert np.array_equal(evaluator.outputs(simplify(networks)), evaluator.outputs(networks))


def test_no_networks_give_no_outputs() -> None:
    networks = random_batch(RETINA, 9).take(np.array([], int))
    assert Evaluator(patterns_of(8, 30, 8)).outputs(networks).shape == (0, 1, 30)


@pytest.mark.parametrize("node", [23, -24])
def test_a_node_that_does_not_exist_is_an_error(node: int) -> None:
    with pytest.raises((ValueError, IndexError)):
        Evaluator(patterns_of(8, 30, 8)).activations(random_batch(RETINA, 9), [node])


@pytest.mark.parametrize(
    ("patterns", "change", "message"),
    [
        (np.ones(3), {}, r"^patterns: shape \(3,\): allowed is \(patterns, inputs\)"),
        (np.ones((0, 3)), {}, r"^patterns: shape \(0, 3\)"),
        (np.ones((3, 0)), {}, r"^patterns: shape \(3, 0\)"),
        (np.array([[1.0, np.nan]]), {}, "^patterns: a value is not finite"),
        (np.array([[1.0, np.inf]]), {}, "^patterns: a value is not finite"),
        (np.ones((2, 2)), {"activation": "cosine"}, "^activation: 'cosine': allowed are tanh, sigmoid"),
        (np.ones((2, 2)), {"slope": 0}, "^slope: 0: allowed is a number above 0"),
        (np.ones((2, 2)), {"slope": float("nan")}, "^slope: nan"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error(patterns: np.ndarray, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Evaluator(patterns, **change)


@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_patterns_must_fit_the_inputs(dtype: type) -> None:
    networks = random_batch((3, 2), 1, dtype=dtype)
    with pytest.raises(ValueError, match=r"^patterns: 2 values each: allowed is 3, one an input$"):
        Evaluator(np.ones((4, 2))).outputs(networks)
    with pytest.raises(ValueError, match=r"^patterns: 2 values each: allowed is 3, one an input$"):
        torch_outputs(networks, np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"^activation: 'cosine': allowed are tanh, sigmoid"):
        torch_outputs(networks, np.ones((4, 3)), activation="cosine")


def test_arrays_must_fit_the_topology() -> None:
    topology = layered((2, 1))
    with pytest.raises(ValueError, match=r"^weights: shape \(1, 3\): allowed is \(1, 2\)$"):
        Networks(topology, np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"^biases: shape \(2, 3\): allowed is \(1, 3\)$"):
        Networks(topology, np.zeros((1, 2)), np.zeros((2, 3)))
