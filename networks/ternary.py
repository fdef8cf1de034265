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

# Weights are -LARGEST..LARGEST, so many multiples of an activation occur.
LARGEST = 2
MULTIPLES = 2 * LARGEST + 1

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
    # Five rows a node, -2, -1, 0, 1 and 2 times its activations: a connection adds the row of its weight.
    state = np.zeros((blocks, MULTIPLES * nodes, LANES), np.int8)
    for multiple in range(MULTIPLES):
        state[:, multiple : MULTIPLES * inputs : MULTIPLES] = patterns * (multiple - LARGEST)
    total = np.empty(LANES, np.int8)
    row = np.empty(widest + 1, np.uintp)
    result = np.empty((count, len(recorded), blocks, LANES), np.int8)
    # Unsigned indices spare every access the test for a negative one.
    for n in range(np.uintp(count)):
        for node in range(np.uintp(inputs), np.uintp(nodes)):
            if not needed[n, node]:
                continue
            bias = biases[n, node]
            used = np.uintp(0)
            for c in range(np.uintp(incoming[node]), np.uintp(incoming[node + np.uintp(1)])):
                weight = weights[n, c]
                row[used] = MULTIPLES * sources[c] + LARGEST + weight
                used += np.uintp(weight != 0)
            row[used] = LARGEST  # a row of zeros completes the last pair of an odd number
            own = np.uintp(MULTIPLES) * node
            for block in range(np.uintp(blocks)):
                for p in range(LANES):
                    total[p] = bias
                for k in range(np.uintp(0), used, np.uintp(2)):
                    a, b = row[k], row[k + np.uintp(1)]
                    for p in range(LANES):
                        total[p] += int8(state[block, a, p] + state[block, b, p])
                for p in range(LANES):
                    x = int8(int8(total[p] > 0) - int8(total[p] < 0))
                    state[block, own, p] = int8(-int8(x + x))
                    state[block, own + np.uintp(1), p] = int8(-x)
                    state[block, own + np.uintp(3), p] = x
                    state[block, own + np.uintp(4), p] = int8(x + x)
        for r in range(len(recorded)):
            source = MULTIPLES * recorded[r] + LARGEST + 1
            for block in range(blocks):
                for p in range(LANES):
                    result[n, r, block, p] = state[block, source, p]
    return result
