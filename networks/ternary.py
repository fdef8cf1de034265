"""Exact evaluation of integer networks whose nodes compute tanh(20 x), in eight-bit integers.

Inputs are -1 or +1, weights and biases are integers, and tanh(20) rounds to 1 in double precision: every
activation is exactly -1, 0 or +1, the sign of an integer sum. All patterns of one node are one row of bytes,
to which a connection adds its source's row; a compiler turns that into vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import int8, njit
from numpy.typing import NDArray

# Patterns handled by one pass of the inner loops; a constant lets the compiler unroll them into vectors.
LANES = 256

# tanh(s) is 1.0 in double precision from this slope on: 1 - tanh(s) < 2**-54.
EXACT_SLOPE = 19.1


def pattern_blocks(patterns: NDArray) -> NDArray[np.int8]:
    """Patterns as blocks of LANES, one row of bytes an input, the last block filled up with zeros.

    Args:
        patterns: values -1, 0 or 1, shape (patterns, inputs).

    Returns:
        int8 (blocks, inputs, LANES).
    """
    count, inputs = patterns.shape
    blocks = -(-count // LANES)
    padded = np.zeros((blocks * LANES, inputs), np.int8)
    padded[:count] = patterns
    return np.ascontiguousarray(padded.reshape(blocks, LANES, inputs).transpose(0, 2, 1))


@njit(cache=True)
def ternary_activations(
    weights: NDArray,
    biases: NDArray,
    needed: NDArray,
    incoming: NDArray,
    sources: NDArray,
    patterns: NDArray,
    recorded: NDArray,
) -> NDArray:
    """Activations of the recorded nodes on all patterns.

    Args:
        weights: int8 (networks, connections).
        biases: int8 (networks, nodes).
        needed: whether a node must be computed, (networks, nodes); nodes that are not keep stale values.
        incoming: first incoming connection of each node, (nodes + 1,).
        sources: source node of each connection, (connections,).
        patterns: int8 (blocks, inputs, LANES).
        recorded: nodes to return, (recorded,).

    Returns:
        int8 (networks, recorded, blocks, LANES), values -1, 0, 1.
    """
    count, nodes = biases.shape
    blocks, inputs, _ = patterns.shape
    widest = 0
    for node in range(inputs, nodes):
        widest = max(widest, incoming[node + 1] - incoming[node])
    # One spare node of zeros completes the last pair of connections of a node with an odd number.
    state = np.zeros((blocks, nodes + 1, LANES), np.int8)
    state[:, :inputs] = patterns
    total = np.empty(LANES, np.int8)
    source = np.empty(widest + 1, np.int64)
    negative = np.empty(widest + 1, np.int8)  # -1 (all bits set) where the weight is below zero
    double = np.empty(widest + 1, np.int8)  # -1 where it is 2 or -2
    result = np.empty((count, len(recorded), blocks, LANES), np.int8)
    for n in range(count):
        for node in range(inputs, nodes):
            if not needed[n, node]:
                continue
            bias = biases[n, node]
            used = 0
            for c in range(incoming[node], incoming[node + 1]):
                weight = weights[n, c]
                source[used] = sources[c]
                negative[used] = -1 if weight < 0 else 0
                double[used] = -1 if weight & 1 == 0 else 0
                used += weight != 0
            source[used] = nodes
            for block in range(blocks):
                for p in range(LANES):
                    total[p] = bias
                for k in range(0, used, 2):
                    a, negate_a, double_a = source[k], negative[k], double[k]
                    b, negate_b, double_b = source[k + 1], negative[k + 1], double[k + 1]
                    for p in range(LANES):
                        x = int8(int8(state[block, a, p] ^ negate_a) - negate_a)
                        y = int8(int8(state[block, b, p] ^ negate_b) - negate_b)
                        total[p] += int8(int8(x + int8(x & double_a)) + int8(y + int8(y & double_b)))
                for p in range(LANES):
                    state[block, node, p] = int8(total[p] > 0) - int8(total[p] < 0)
        for r in range(len(recorded)):
            row = recorded[r]
            for block in range(blocks):
                for p in range(LANES):
                    result[n, r, block, p] = state[block, row, p]
    return result
