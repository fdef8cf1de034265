from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import batches, random_batch, same_distribution, seeds
from scipy.stats import binom, binomtest, chisquare

from evo.variation import Mutation, mate, mutate, random_networks
from networks import Networks, Topology, layered

RETINA = layered((8, 8, 4, 2, 1), output_y=4.0)
CLONES = 20_000
NOTHING = {"weight_changes": 0.0, "bias_rate": 0.0, "add": 0.0, "remove": 0.0}


def clones(topology: Topology, weights: Sequence[int], bias: int = 0, count: int = CLONES) -> Networks:
    """Equal networks whose first connections have these weights."""
    row = np.zeros(topology.connections, np.int8)
    row[: len(weights)] = weights
    return Networks(topology, np.tile(row, (count, 1)), np.full((count, topology.nodes), bias, np.int8))


def change(networks: Networks, seed: int, **rates: object) -> tuple[Networks, np.ndarray]:
    """Mutated with nothing but the given rates."""
    return mutate(networks, Mutation(**(NOTHING | rates)), np.random.default_rng(seed))


def plausible(successes: int, trials: int, probability: float) -> bool:
    return binomtest(int(successes), int(trials), probability).pvalue > 1e-4


def uniform(values: np.ndarray, kinds: Sequence[int]) -> bool:
    """Whether values fall on every kind equally often, and on nothing else."""
    found = Counter(values.tolist())
    assert set(found) <= set(kinds)
    return chisquare([found[kind] for kind in kinds]).pvalue > 1e-4


# --- Weights ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edges", [2, 3, 24, 106])
def test_two_weights_move_on_average_each_independently(edges: int) -> None:
    before = clones(RETINA, [1] * edges)
    after, _ = change(before, edges, weight_changes=2.0)
    moved = after.weights != before.weights
    assert not moved[:, edges:].any()
    assert plausible(moved.sum(), CLONES * edges, 2 / edges)
    if edges > 2:
        assert uniform(np.nonzero(moved)[1], range(edges))
        # Independent moves: the number of them in a network is binomial.
        wanted = Counter(binom(edges, 2 / edges).rvs(CLONES, random_state=1).tolist())
        assert same_distribution(moved.sum(axis=1).tolist(), list(wanted.elements())) > 1e-4


@pytest.mark.parametrize(("weight", "down", "up"), [(-2, -2, -1), (-1, -2, 1), (1, -1, 2), (2, 1, 2)])
def test_a_move_is_one_step_up_or_down_that_stops_at_the_ends(weight: int, down: int, up: int) -> None:
    after, _ = change(clones(RETINA, [weight]), 1, weight_changes=1.0)  # one connection: it always moves
    values = after.weights[:, 0]
    assert set(values.tolist()) == {down, up}
    assert plausible((values == up).sum(), CLONES, 0.5)


def test_a_network_with_fewer_connections_than_expected_moves_moves_them_all() -> None:
    after, _ = change(clones(RETINA, [1, -1]), 2, weight_changes=5.0)
    assert (after.weights[:, 0] != 1).all()
    assert (after.weights[:, 1] != -1).all()


def test_no_rate_no_change() -> None:
    before = random_batch(RETINA.layers, 1, count=200)
    after, rewired = change(before, 3)
    assert np.array_equal(after.weights, before.weights)
    assert np.array_equal(after.biases, before.biases)
    assert not rewired.any()


# --- Biases -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1 / 24, 1 / 15, 1.0])
@pytest.mark.parametrize("bias", [-2, 0, 1])
def test_a_redrawn_bias_is_uniform_over_five(rate: float, bias: int) -> None:
    after, _ = change(clones(RETINA, [], bias), 4, bias_rate=rate, bias_change="redraw")
    changed = after.biases[after.biases != bias]
    assert plausible(len(changed), CLONES * 23, rate * 4 / 5)
    assert uniform(changed, [value for value in range(-2, 3) if value != bias])
    assert uniform(np.nonzero(after.biases != bias)[1], range(23))


@pytest.mark.parametrize("rate", [1 / 24, 1 / 15, 1.0])
@pytest.mark.parametrize("bias", [-2, -1, 0, 1, 2])
def test_a_stepped_bias_moves_by_one_and_ignores_steps_out_of_range(rate: float, bias: int) -> None:
    after, _ = change(clones(RETINA, [], bias), 5, bias_rate=rate, bias_change="step")
    for value in range(-3, 4):
        found = (after.biases == value).sum()
        if abs(value - bias) == 1 and abs(value) <= 2:
            assert plausible(found, CLONES * 23, rate / 2)
        elif value != bias:
            assert found == 0


# --- Connections --------------------------------------------------------------------------------------------


def test_a_connection_is_added_with_its_probability_in_a_uniform_gap_with_a_uniform_weight() -> None:
    after, rewired = change(clones(RETINA, []), 6, add=0.2)
    added = after.weights != 0
    assert set(added.sum(axis=1).tolist()) == {0, 1}
    assert plausible(added.sum(), CLONES, 0.2)
    assert np.array_equal(added.any(axis=1), rewired)
    assert uniform(after.weights[added], [-2, -1, 1, 2])
    gaps = RETINA.layer[RETINA.sources]
    found = np.nonzero(added)[1]
    assert uniform(gaps[found], range(4))
    for gap in range(4):
        assert uniform(found[gaps[found] == gap], np.flatnonzero(gaps == gap).tolist())


def test_a_full_network_gets_no_other_connection() -> None:
    after, rewired = change(clones(RETINA, [1] * 106, count=50), 7, add=1.0)
    assert (after.weights == 1).all()
    assert not rewired.any()


def test_the_last_free_place_of_a_small_network_is_found() -> None:
    topology = layered((2, 2))
    after, rewired = change(clones(topology, [1, 1, 1]), 8, add=1.0)
    # 16 tries, each right with probability 1/4.
    assert plausible((after.weights[:, 3] != 0).sum(), CLONES, 1 - (3 / 4) ** 16)
    assert np.array_equal(after.weights[:, 3] != 0, rewired)


def test_one_uniform_connection_is_removed_with_its_probability() -> None:
    after, rewired = change(clones(RETINA, [1] * 10), 9, remove=0.2)
    missing = after.weights[:, :10] == 0
    assert set(missing.sum(axis=1).tolist()) == {0, 1}
    assert plausible(missing.sum(), CLONES, 0.2)
    assert uniform(np.nonzero(missing)[1], range(10))
    assert np.array_equal(missing.any(axis=1), rewired)


@pytest.mark.parametrize(("edges", "minimum", "left"), [(0, 0, 0), (1, 0, 0), (5, 5, 5), (4, 5, 4), (6, 5, 5)])
def test_networks_at_the_minimum_lose_nothing(edges: int, minimum: int, left: int) -> None:
    after, rewired = change(clones(RETINA, [1] * edges, count=50), 10, remove=1.0, minimum_connections=minimum)
    assert set(np.count_nonzero(after.weights, axis=1).tolist()) == {left}
    assert set(rewired.tolist()) == {left < edges}


# --- Order of events ----------------------------------------------------------------------------------------


def test_weights_move_before_a_connection_is_added() -> None:
    # Alone, the old connection moves for sure; together with a new one, it would in half of the cases.
    after, _ = change(clones(RETINA, [1]), 11, weight_changes=1.0, add=1.0)
    assert (after.weights[:, 0] != 1).all()


def test_weights_move_before_a_connection_is_removed() -> None:
    # One of two moves in half of the cases; the one left alone would for sure.
    after, _ = change(clones(RETINA, [1, 1]), 12, weight_changes=1.0, remove=1.0)
    left = after.weights[:, :2].sum(axis=1)
    assert plausible((left != 1).sum(), CLONES, 0.5)


def test_a_connection_is_added_before_one_is_removed() -> None:
    only = layered((1, 1))
    for start in ([], [1]):
        after, _ = change(clones(only, start, count=200), 13, add=1.0, remove=1.0)
        assert not after.weights.any()
    after, _ = change(clones(layered((2, 1)), [1], count=200), 13, add=1.0, remove=1.0, minimum_connections=1)
    assert set(np.count_nonzero(after.weights, axis=1).tolist()) <= {1}


# --- Laws ---------------------------------------------------------------------------------------------------

rates = st.builds(
    Mutation,
    weight_changes=st.floats(0, 5),
    bias_rate=st.floats(0, 1),
    bias_change=st.sampled_from(["redraw", "step"]),
    add=st.floats(0, 1),
    remove=st.floats(0, 1),
    minimum_connections=st.integers(0, 5),
)


@settings(deadline=None)
@given(batches(), rates, seeds)
def test_rewired_is_true_wherever_the_connections_differ(
    networks: Networks, mutation: Mutation, seed: int
) -> None:
    after, rewired = mutate(networks, mutation, np.random.default_rng(seed))
    differ = ((after.weights != 0) != (networks.weights != 0)).any(axis=1)
    assert (rewired | ~differ).all()
    if mutation.add == mutation.remove == 0:
        assert not rewired.any()


@settings(deadline=None)
@given(batches(), rates, seeds)
def test_mutants_stay_in_range_and_their_parents_as_they_were(
    networks: Networks, mutation: Mutation, seed: int
) -> None:
    before = networks.weights.copy(), networks.biases.copy()
    after, _ = mutate(networks, mutation, np.random.default_rng(seed))
    assert np.abs(after.weights).max() <= 2
    assert np.abs(after.biases).max() <= 2
    assert after.integer
    after.weights[:] = 9
    after.biases[:] = 9
    assert np.array_equal(networks.weights, before[0])
    assert np.array_equal(networks.biases, before[1])


@pytest.mark.parametrize("bias_change", ["redraw", "step"])
def test_the_seed_decides(bias_change: str) -> None:
    before = random_batch(RETINA.layers, 1, count=100)

    def genomes(seed: int) -> bytes:
        after, _ = mutate(before, Mutation(bias_change=bias_change), np.random.default_rng(seed))  # type: ignore
        mixed = mate(after, 0.5, np.random.default_rng(seed))
        fresh = random_networks(RETINA, 50, (0, 119), np.random.default_rng(seed))
        return b"".join(part.tobytes() for n in (after, mixed, fresh) for part in (n.weights, n.biases))

    assert genomes(1) == genomes(1)
    assert genomes(1) != genomes(2)


# --- First generation ---------------------------------------------------------------------------------------


def test_the_number_of_insertions_is_uniform_including_both_ends() -> None:
    networks = random_networks(RETINA, 8000, (3, 12), np.random.default_rng(1))
    assert uniform(np.count_nonzero(networks.weights, axis=1), range(3, 13))
    # Up to 119 as published. Few of the last places are ever missed, so below 60 every number is as likely.
    networks = random_networks(RETINA, 24_000, (0, 119), np.random.default_rng(2))
    numbers = np.count_nonzero(networks.weights, axis=1)
    assert plausible((numbers < 60).sum(), 24_000, 0.5)
    assert uniform(numbers[numbers < 60], range(60))
    assert numbers.max() == 106


def test_first_weights_and_biases_are_uniform() -> None:
    networks = random_networks(RETINA, 3000, (20, 40), np.random.default_rng(3))
    assert uniform(networks.weights[networks.weights != 0], [-2, -1, 1, 2])
    assert uniform(networks.biases.ravel(), range(-2, 3))
    assert networks.integer


def plain_insertions(number: int, random: Random) -> tuple[int, ...]:
    """Connections in each layer gap after insertions as published, one coin after the other."""
    present: set[tuple[int, int, int]] = set()
    for _ in range(number):
        for _ in range(23 * 23):
            gap = random.randrange(4)
            edge = gap, random.randrange(RETINA.layers[gap]), random.randrange(RETINA.layers[gap + 1])
            if edge not in present:
                present.add(edge)
                break
    return tuple(Counter(gap for gap, _, _ in present)[gap] for gap in range(4))


@pytest.mark.parametrize("number", [5, 25, 70])
def test_upper_layers_fill_first_as_in_a_plain_simulation(number: int) -> None:
    random = Random(number)
    wanted = [plain_insertions(number, random) for _ in range(3000)]
    networks = random_networks(RETINA, 12_000, (number, number), np.random.default_rng(number))
    gaps = RETINA.layer[RETINA.sources]
    found = [tuple(np.bincount(gaps[row != 0], minlength=4).tolist()) for row in networks.weights]
    assert same_distribution(found, wanted) > 1e-4
    for gap in range(4):
        assert same_distribution([row[gap] for row in found], [row[gap] for row in wanted]) > 1e-4


# --- Crossover ----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 7), st.floats(0, 1), seeds)
def test_mates_swap_whole_nodes(count: int, probability: float, seed: int) -> None:
    networks = random_batch((3, 4, 2), seed, count=count)
    before = networks.weights.copy(), networks.biases.copy()
    after = mate(networks, probability, np.random.default_rng(seed))
    topology = networks.topology

    def nodes(batch: Networks, index: int) -> list[tuple[int, ...]]:
        ends = zip(topology.incoming, topology.incoming[1:], strict=False)
        incoming = [batch.weights[index, begin:end].tolist() for begin, end in ends]
        return [(*weights, bias) for weights, bias in zip(incoming, batch.biases[index].tolist(), strict=True)]

    for first in range(0, count - 1, 2):
        old = list(zip(nodes(networks, first), nodes(networks, first + 1), strict=True))
        new = list(zip(nodes(after, first), nodes(after, first + 1), strict=True))
        assert all(pair in (was, was[::-1]) for pair, was in zip(new, old, strict=True))
    if count % 2:
        assert nodes(after, count - 1) == nodes(networks, count - 1)
    after.weights[:] = after.biases[:] = 9
    assert np.array_equal(networks.weights, before[0])
    assert np.array_equal(networks.biases, before[1])


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_pairs_mate_with_their_probability_and_half_of_the_nodes_swap(probability: float) -> None:
    topology = layered((2, 3, 1))
    count = 10_000
    biases = np.tile(np.array([[-1], [1]], np.int8), (count // 2, topology.nodes))
    networks = Networks(topology, np.zeros((count, topology.connections), np.int8), biases)
    swapped = mate(networks, probability, np.random.default_rng(1)).biases[::2] == 1
    mated = swapped.any(axis=1)
    assert plausible(mated.sum(), count // 2, probability * (1 - 0.5**6))
    # Among pairs that mated each of the 2^6 - 1 visible swaps is as likely.
    if mated.any():
        assert uniform(swapped[mated] @ (1 << np.arange(6)), range(1, 64))
