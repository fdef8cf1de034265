"""Many networks over one topology, stored as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from networks.topology import Topology


@dataclass(frozen=True)
class Networks:
    """A batch of layered networks.

    Attributes:
        topology: which connections are possible.
        weights: weight of every possible connection, 0 where there is none, (networks, connections).
        biases: bias of every node, (networks, nodes); those of inputs have no effect.
    """

    topology: Topology
    weights: NDArray
    biases: NDArray

    def __post_init__(self) -> None:
        count = len(self.weights)
        for name, array, columns in (
            ("weights", self.weights, self.topology.connections),
            ("biases", self.biases, self.topology.nodes),
        ):
            if array.shape != (count, columns):
                raise ValueError(f"{name}: shape {array.shape}: allowed is ({count}, {columns})")

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def integer(self) -> bool:
        """Whether weights and biases are stored as small integers."""
        return self.weights.dtype == np.int8 and self.biases.dtype == np.int8

    def take(self, indices: NDArray | Sequence[int] | slice) -> Networks:
        """The networks at `indices`, copied (a slice shares memory)."""
        return Networks(self.topology, self.weights[indices], self.biases[indices])


def concatenate(batches: Sequence[Networks]) -> Networks:
    """All networks of `batches`, in order; they share the first one's topology."""
    return Networks(
        batches[0].topology,
        np.concatenate([batch.weights for batch in batches]),
        np.concatenate([batch.biases for batch in batches]),
    )
