"""How networks begin, change and mix (Clune et al. 2013, Methods)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from networks import Networks, Topology

#: Weights that a connection can have, in the order in which mutation walks through them.
WEIGHT_VALUES = np.array([-2, -1, 1, 2], np.int8)
#: Largest and (negated) smallest bias.
BIAS_LIMIT = 2


@dataclass(frozen=True)
class Mutation:
    """Rates of mutation.

    Attributes:
        weight_changes: expected number of connections of a network whose weight moves one step; each of its n
            connections moves with probability weight_changes / n.
        bias_rate: probability that a node's bias changes.
        bias_change: "redraw" draws one of the five biases, "step" moves one up or down, steps out of range being
            ignored.
        add: probability of one new connection.
        remove: probability of one connection less.
        minimum_connections: networks with no more connections than this lose none.
    """

    weight_changes: float = 2.0
    bias_rate: float = 1 / 24
    bias_change: Literal["redraw", "step"] = "step"
    add: float = 0.2
    remove: float = 0.2
    minimum_connections: int = 0


def random_networks(
    topology: Topology, count: int, insertions: tuple[int, int], rng: np.random.Generator
) -> Networks:
    """Networks of a first generation.

    Biases are uniform, and a uniform number of connections is inserted one after the other: layer gap,
    source, target and weight are each drawn uniformly, so that the small upper layers fill first.

    Args:
        topology: which connections are possible.
        count: number of networks.
        insertions: least and largest number of insertions.
        rng: source of chance.
    """
    weights = np.zeros((count, topology.connections), np.int8)
    biases = rng.integers(-BIAS_LIMIT, BIAS_LIMIT + 1, (count, topology.nodes), dtype=np.int8)
    numbers = rng.integers(insertions[0], insertions[1] + 1, count)
    _insert_many(weights, numbers, topology.first, topology.incoming, WEIGHT_VALUES, rng)
    return Networks(topology, weights, biases)


def mutate(networks: Networks, mutation: Mutation, rng: np.random.Generator) -> tuple[Networks, NDArray[np.bool_]]:
    """Mutated copies: weights, biases, one more connection, one less, in this order.

    Returns:
        The copies, and which of them have other connections than before, (networks,).
    """
    weights = networks.weights.copy()
    biases = networks.biases.copy()
    topology = networks.topology
    rewired = _mutate(
        weights,
        biases,
        topology.first,
        topology.incoming,
        WEIGHT_VALUES,
        mutation.weight_changes,
        mutation.bias_rate,
        mutation.bias_change == "redraw",
        mutation.add,
        mutation.remove,
        mutation.minimum_connections,
        rng,
    )
    return Networks(topology, weights, biases), rewired


def mate(networks: Networks, probability: float, rng: np.random.Generator) -> Networks:
    """Copies in which neighbours (0 and 1, 2 and 3, ...) have swapped nodes with all that comes into them.

    The published experiments use no crossover.

    Args:
        networks: the batch.
        probability: chance that a pair mates; each node is then swapped with probability 1/2.
        rng: source of chance.
    """
    topology = networks.topology
    pairs = len(networks) // 2
    swap = (rng.random((pairs, 1)) < probability) & (rng.random((pairs, topology.nodes)) < 0.5)
    weights, biases = networks.weights.copy(), networks.biases.copy()
    for array, exchanged in ((weights, swap[:, topology.targets]), (biases, swap)):
        first, second = array[0 : 2 * pairs : 2], array[1 : 2 * pairs : 2]
        first[exchanged], second[exchanged] = second[exchanged], first[exchanged]
    return Networks(topology, weights, biases)


# In the kernels, int(rng.random() * n) draws 0..n-1; its bias is below 2**-45 for the small n here, and it is
# eight times as fast as rng.integers.


@njit(cache=True)
def _insert(weights: NDArray, first: NDArray, incoming: NDArray, values: NDArray, rng: np.random.Generator) -> int:
    """Add one connection to a network: which, or -1 after as many vain tries as the square of the nodes."""
    layers = len(first) - 1
    nodes = first[layers]
    for _ in range(nodes * nodes):
        gap = int(rng.random() * (layers - 1))
        lower = first[gap + 1] - first[gap]
        upper = first[gap + 2] - first[gap + 1]
        source = int(rng.random() * lower)
        target = first[gap + 1] + int(rng.random() * upper)
        connection = incoming[target] + source
        if weights[connection] == 0:
            weights[connection] = values[int(rng.random() * len(values))]
            return connection
    return -1


@njit(cache=True)
def _insert_many(
    weights: NDArray,
    numbers: NDArray,
    first: NDArray,
    incoming: NDArray,
    values: NDArray,
    rng: np.random.Generator,
) -> None:
    for n in range(len(weights)):
        for _ in range(numbers[n]):
            _insert(weights[n], first, incoming, values, rng)


@njit(cache=True)
def _skip(log_keep: float, rng: np.random.Generator) -> int:
    """How many independent events fail before the next success; `log_keep` = log(1 - probability)."""
    if log_keep == 0.0:
        return 1 << 40
    return int(min(math.log(1.0 - rng.random()) / log_keep, 1e12))


@njit(cache=True)
def _steps(values: NDArray) -> NDArray:
    """What each value becomes one step down (row 0) and up (row 1), itself at the ends; -128 is column 0."""
    steps = np.empty((2, 256), np.int8)
    steps[:] = np.arange(-128, 128)
    for k in range(len(values) - 1):
        steps[1, values[k] + 128] = values[k + 1]
        steps[0, values[k + 1] + 128] = values[k]
    return steps


@njit(cache=True)
def _mutate(
    weights: NDArray,
    biases: NDArray,
    first: NDArray,
    incoming: NDArray,
    values: NDArray,
    weight_changes: float,
    bias_rate: float,
    redraw: bool,
    add: float,
    remove: float,
    minimum: int,
    rng: np.random.Generator,
) -> NDArray:
    count, nodes = biases.shape
    rewired = np.zeros(count, np.bool_)
    existing = np.empty(weights.shape[1], np.int64)
    log_keep_bias = math.log1p(-bias_rate) if bias_rate < 1.0 else -np.inf
    log_keeps = np.empty(weights.shape[1] + 1)  # of weights, by number of connections
    for number in range(1, len(log_keeps)):
        rate = weight_changes / number
        log_keeps[number] = math.log1p(-rate) if rate < 1.0 else -np.inf
    steps = _steps(values)
    for n in range(np.uintp(count)):
        connections = np.uintp(0)
        for c in range(np.uintp(weights.shape[1])):  # unsigned indices spare the test for negative ones
            existing[connections] = c
            connections += np.uintp(weights[n, c] != 0)
        used = np.int64(connections)
        if used > 0:
            log_keep = log_keeps[used]
            k = _skip(log_keep, rng)
            while k < used:
                c = existing[k]
                weights[n, c] = steps[int(rng.random() < 0.5), weights[n, c] + 128]
                k += 1 + _skip(log_keep, rng)
        node = _skip(log_keep_bias, rng)
        while node < nodes:
            if redraw:
                biases[n, node] = int(rng.random() * (2 * BIAS_LIMIT + 1)) - BIAS_LIMIT
            else:
                moved = biases[n, node] + (1 if rng.random() < 0.5 else -1)
                if -BIAS_LIMIT <= moved <= BIAS_LIMIT:
                    biases[n, node] = moved
            node += 1 + _skip(log_keep_bias, rng)
        if rng.random() < add:
            inserted = _insert(weights[n], first, incoming, values, rng)
            if inserted >= 0:
                k = used
                while k > 0 and existing[k - 1] > inserted:
                    existing[k] = existing[k - 1]
                    k -= 1
                existing[k] = inserted
                used += 1
                rewired[n] = True
        if rng.random() < remove and used > max(minimum, 0):
            weights[n, existing[int(rng.random() * used)]] = 0
            rewired[n] = True
    return rewired
