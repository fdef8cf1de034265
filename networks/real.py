"""Evaluation of layered networks with any weights, slope and activation function, in double precision."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

TANH, SIGMOID, STEP, RELU, LINEAR = range(5)

#: Names of the activation functions, for `evaluate` and its torch form.
ACTIVATIONS = {"tanh": TANH, "sigmoid": SIGMOID, "step": STEP, "relu": RELU, "linear": LINEAR}


@njit(cache=True)
def _activate(x: float, function: int) -> float:
    if function == TANH:
        return math.tanh(x)
    if function == SIGMOID:
        return 0.5 + 0.5 * math.tanh(0.5 * x)
    if function == STEP:
        return 1.0 if x > 0 else (-1.0 if x < 0 else 0.0)
    if function == RELU:
        return max(x, 0.0)
    return x


@njit(cache=True)
def real_activations(
    weights: NDArray,
    biases: NDArray,
    incoming: NDArray,
    sources: NDArray,
    patterns: NDArray,
    recorded: NDArray,
    slope: float,
    function: int,
) -> NDArray:
    """Activations of the recorded nodes on all patterns.

    Args:
        weights: float64 (networks, connections).
        biases: float64 (networks, nodes).
        incoming: first incoming connection of each node, (nodes + 1,).
        sources: source node of each connection, (connections,).
        patterns: float64 (inputs, patterns).
        recorded: nodes to return, (recorded,).
        slope: factor on the weighted sum before the activation function.
        function: one of ACTIVATIONS' numbers.

    Returns:
        float64 (networks, recorded, patterns).
    """
    count, nodes = biases.shape
    inputs, width = patterns.shape
    state = np.zeros((nodes, width))
    state[:inputs] = patterns
    result = np.empty((count, len(recorded), width))
    for n in range(count):
        for node in range(inputs, nodes):
            total = state[node]
            total[:] = biases[n, node]
            for c in range(incoming[node], incoming[node + 1]):
                weight = weights[n, c]
                if weight != 0.0:
                    total += weight * state[sources[c]]
            for p in range(width):
                total[p] = _activate(slope * total[p], function)
        for r in range(len(recorded)):
            result[n, r] = state[recorded[r]]
    return result
