"""What a network's connections cost (Clune et al. 2013, Methods)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from networks.batch import Networks
from networks.simplification import influential_nodes


def connection_count(networks: Networks) -> NDArray[np.float64]:
    """Number of connections of the simplified networks, shape (networks,)."""
    kept = influential_nodes(networks, inputs=False)[:, networks.topology.targets]
    return ((networks.weights != 0) & kept).sum(axis=1).astype(np.float64)


def connection_cost(networks: Networks) -> NDArray[np.float64]:
    """Summed squared connection length of the simplified networks, hidden nodes at their optimum, (networks,).

    The optimum solves L h = B f, where L is the Laplacian of the hidden nodes and B f sums the coordinates of
    the inputs and outputs attached to each.
    """
    return _measure(networks, np.inf, False)[0]


def thresholded_cost(networks: Networks, threshold: float = 1.5) -> NDArray[np.float64]:
    """As `connection_cost`, but only connections longer than `threshold` count, shape (networks,)."""
    if not threshold >= 0:
        raise ValueError(f"threshold: {threshold}: allowed is a length of 0 or more")
    return _measure(networks, threshold, False)[1]


def longest_connection(networks: Networks) -> NDArray[np.float64]:
    """Length of the longest connection, nodes placed as in `connection_cost`, shape (networks,)."""
    return _measure(networks, np.inf, False)[2]


def optimal_positions(networks: Networks) -> NDArray[np.float64]:
    """Places that minimise the summed squared length, shape (networks, nodes, 2).

    Nodes that the simplified network lacks stay where the topology draws them.
    """
    return _measure(networks, np.inf, True)[3]


def _measure(
    networks: Networks, threshold: float, keep_positions: bool
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    topology = networks.topology
    return _costs(
        networks.weights,
        influential_nodes(networks, inputs=False),
        topology.incoming,
        topology.sources,
        topology.positions,
        topology.first,
        threshold,
        keep_positions,
    )


@njit(cache=True)
def _costs(
    weights: NDArray,
    influential: NDArray,
    incoming: NDArray,
    sources: NDArray,
    positions: NDArray,
    first: NDArray,
    threshold: float,
    keep_positions: bool,
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    count, nodes = influential.shape
    inputs, last_hidden = first[1], first[-2]
    total = np.zeros(count)
    above = np.zeros(count)
    longest = np.zeros(count)
    places = np.empty((count if keep_positions else 0, nodes, 2))
    laplacian = np.zeros((nodes, nodes))
    x = np.empty(nodes)
    y = np.empty(nodes)
    used_source = np.empty(len(sources), np.uintp)
    used_target = np.empty(len(sources), np.uintp)
    neighbours = np.empty(nodes, np.uintp)
    for n in range(np.uintp(count)):  # unsigned indices spare every access the test for a negative one
        for node in range(nodes):
            fixed = node < inputs or node >= last_hidden
            x[node] = positions[node, 0] if fixed else 0.0
            y[node] = positions[node, 1] if fixed else 0.0
        used = np.uintp(0)
        for t in range(np.uintp(inputs), np.uintp(nodes)):
            if not influential[n, t]:
                continue
            degree = 0
            for c in range(np.uintp(incoming[t]), np.uintp(incoming[t + np.uintp(1)])):
                if weights[n, c] == 0:
                    continue
                s = np.uintp(sources[c])
                used_source[used] = s
                used_target[used] = t
                used += np.uintp(1)
                degree += 1
                if s >= inputs:
                    laplacian[s, s] += 1.0
                    if t < last_hidden:
                        laplacian[s, t] = -1.0
                    else:
                        x[s] += positions[t, 0]
                        y[s] += positions[t, 1]
                elif t < last_hidden:
                    x[t] += positions[s, 0]
                    y[t] += positions[s, 1]
            if t < last_hidden:
                laplacian[t, t] += degree
        _place_hidden(laplacian, x, y, first, neighbours)
        for k in range(used):
            across = x[used_source[k]] - x[used_target[k]]
            up = y[used_source[k]] - y[used_target[k]]
            squared = across * across + up * up
            total[n] += squared
            if squared > threshold * threshold:
                above[n] += squared
            longest[n] = max(longest[n], squared)
        longest[n] = np.sqrt(longest[n])
        if keep_positions:
            for node in range(nodes):
                hidden = inputs <= node < last_hidden
                drawn = hidden and not influential[n, node]
                places[n, node, 0] = positions[node, 0] if drawn else x[node]
                places[n, node, 1] = positions[node, 1] if drawn else y[node]
    return total, above, longest, places


@njit(cache=True)
def _place_hidden(laplacian: NDArray, x: NDArray, y: NDArray, first: NDArray, neighbours: NDArray) -> None:
    """Solve for the places of the hidden nodes in `x` and `y`; `laplacian` is left zero.

    Eliminated in node order, a node meets only its own layer (through those eliminated before it, so not in
    the first hidden layer) and the next: a 14-node network takes a few hundred operations.
    """
    layers = len(first) - 1
    last_hidden = first[layers - 1]
    for layer in range(1, layers - 1):
        end = min(first[layer + 2], last_hidden)
        for i in range(np.uintp(first[layer]), np.uintp(first[layer + 1])):
            pivot = laplacian[i, i]
            if pivot == 0.0:
                continue
            begin = np.uintp(first[2]) if layer == 1 else i + np.uintp(1)
            inverse = 1.0 / pivot
            found = np.uintp(0)
            for j in range(begin, np.uintp(end)):
                neighbours[found] = j
                found += np.uintp(laplacian[i, j] != 0.0)
            for a in range(found):
                j = neighbours[a]
                factor = laplacian[i, j] * inverse
                for b in range(a, found):
                    laplacian[j, neighbours[b]] -= factor * laplacian[i, neighbours[b]]
                x[j] -= factor * x[i]
                y[j] -= factor * y[i]
    for layer in range(layers - 2, 0, -1):
        end = min(first[layer + 2], last_hidden)
        for node in range(first[layer + 1] - 1, first[layer] - 1, -1):
            row = np.uintp(node)
            pivot = laplacian[row, row]
            if pivot == 0.0:
                continue
            laplacian[row, row] = 0.0
            for j in range(np.uintp(first[2]) if layer == 1 else row + np.uintp(1), np.uintp(end)):
                x[row] -= laplacian[row, j] * x[j]
                y[row] -= laplacian[row, j] * y[j]
                laplacian[row, j] = 0.0
            x[row] /= pivot
            y[row] /= pivot
