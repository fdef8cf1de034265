"""What the axes of a map of networks measure, on the simplified networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from analysis.hierarchy import batch_hierarchy
from analysis.modularity import batch_modularity
from networks import Networks, Topology, adjacency_matrices, connected_nodes, connection_cost, simplify


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        title: in figures.
        symbol: where there is less room.
        end: the value at its far end; the near end is 0.
        measure: values from the simplified networks, their adjacency matrices and which nodes they have.
    """

    title: str
    symbol: str
    end: float
    measure: Callable[[Networks, NDArray[np.uint8], NDArray[np.bool_]], NDArray]


def _hierarchy(networks: Networks, adjacency: NDArray[np.uint8], present: NDArray[np.bool_]) -> NDArray:
    topology = networks.topology
    return batch_hierarchy(adjacency, present, np.arange(topology.nodes)[-topology.outputs :])


#: Axes by name; the ends are those of the programs of Clune et al. 2013 and Mengistu et al. 2016.
AXES = {
    "modularity": Axis(
        "Modularity Q", "Q", 1.0, lambda _, adjacency, present: batch_modularity(adjacency, present)
    ),
    "hierarchy": Axis("Hierarchy H", "H", 1.0, _hierarchy),
    "connection-cost": Axis("Connection cost", "cost", 500.0, lambda networks, *_: connection_cost(networks)),
    "connections": Axis("Connections", "connections", 150.0, lambda _, adjacency, __: adjacency.sum(axis=(1, 2))),
    "nodes": Axis("Nodes", "nodes", 25.0, lambda _, __, present: present.sum(axis=1)),
}


def places(networks: Networks, axes: Sequence[str], ends: Sequence[float]) -> NDArray[np.float64]:
    """Values of networks on axes, 0 the near and 1 the far end, shape (networks, axes).

    Args:
        networks: whole or simplified.
        axes: names of `AXES`.
        ends: value at the far end of each.
    """
    simplified = simplify(networks)
    present = connected_nodes(simplified.topology, simplified.weights)
    adjacency = adjacency_matrices(simplified)
    values = [AXES[axis].measure(simplified, adjacency, present) for axis in axes]
    return np.stack(values, axis=1) / np.array(ends)


class Places:
    """`places` that remembers: a search comes back to the same connections again and again.

    Every axis depends on the connections of the simplified network alone. Of two networks that fall on the same
    slot of the memory the later one stays; what is returned does not depend on what is remembered.

    Attributes:
        asked: how many networks it was asked for.
        measured: how many of them it did not know.
    """

    def __init__(
        self, topology: Topology, axes: Sequence[str], ends: Sequence[float], room: int = 1 << 20
    ) -> None:
        """An empty memory.

        Args:
            topology: of the networks.
            axes: names of `AXES`.
            ends: value at the far end of each.
            room: networks that fit, a power of 2.
        """
        self.axes, self.ends = tuple(axes), tuple(ends)
        self.asked = self.measured = 0
        words = -(-topology.connections // 64)
        self._keys = np.zeros((room, words), np.uint64)
        self._values = np.zeros((room, len(axes)))
        self._used = np.zeros(room, bool)

    def __call__(self, networks: Networks) -> NDArray[np.float64]:
        """Values on the axes, shape (networks, axes)."""
        simplified = simplify(networks)
        keys = self._keys_of(simplified)
        slots, known = _find(keys, self._keys, self._used)
        unknown = ~known
        found = self._values[slots]
        self.asked += len(networks)
        if unknown.any():
            self.measured += int(unknown.sum())
            found[unknown] = places(simplified.take(unknown), self.axes, self.ends)
            self._keys[slots[unknown]] = keys[unknown]
            self._values[slots[unknown]] = found[unknown]
            self._used[slots[unknown]] = True
        return found

    def _keys_of(self, simplified: Networks) -> NDArray[np.uint64]:
        """Which connections there are, a bit each, shape (networks, words)."""
        bits = np.packbits(simplified.weights != 0, axis=1)
        padded = np.zeros((len(bits), 8 * self._keys.shape[1]), np.uint8)
        padded[:, : bits.shape[1]] = bits
        return padded.view(np.uint64)


@njit(cache=True)
def _find(keys: NDArray, table: NDArray, used: NDArray) -> tuple[NDArray, NDArray]:
    """The slot of each key, and whether that very key stands there."""
    slots = np.empty(len(keys), np.int64)
    known = np.empty(len(keys), np.bool_)
    for k in range(len(keys)):
        mixed = np.uint64(0)
        for word in keys[k]:
            mixed = (mixed ^ word) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth, volume 3, 6.4)
            mixed ^= mixed >> np.uint64(32)
        slot = np.int64(mixed & np.uint64(len(table) - 1))
        same = used[slot]
        for w in range(keys.shape[1]):
            same = same and table[slot, w] == keys[k, w]
        slots[k], known[k] = slot, same
    return slots, known
