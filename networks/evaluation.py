"""What a batch of networks answers: picks the exact integer form where it holds, else double precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from networks.batch import Networks
from networks.real import ACTIVATIONS, real_activations
from networks.simplification import influential_nodes
from networks.ternary import EXACT_SLOPE, LANES, pattern_blocks, ternary_activations


class Evaluator:
    """Evaluates batches of networks on one set of patterns.

    Node rule: x_j = activation(slope * (sum_i w_ij x_i + b_j)); inputs are clamped (Clune et al. 2013).

    Args:
        patterns: input values, shape (patterns, inputs).
        slope: the published networks have 20.
        activation: one of "tanh", "sigmoid", "step", "relu", "linear".

    Raises:
        ValueError: patterns of the wrong shape or not finite, an unknown activation.
    """

    def __init__(self, patterns: NDArray, slope: float = 20.0, activation: str = "tanh") -> None:
        patterns = np.asarray(patterns)
        if patterns.ndim != 2 or 0 in patterns.shape:
            raise ValueError(f"patterns: shape {patterns.shape}: allowed is (patterns, inputs), both above 0")
        if not np.isfinite(patterns).all():
            raise ValueError("patterns: a value is not finite: allowed are finite numbers")
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation: {activation!r}: allowed are {', '.join(ACTIVATIONS)}")
        self.patterns = patterns.astype(np.float64)
        if not slope > 0:
            raise ValueError(f"slope: {slope}: allowed is a number above 0")
        self.slope = float(slope)
        self.activation = activation
        self._ternary_inputs = bool(np.isin(patterns, (-1, 0, 1)).all())
        self._blocks = pattern_blocks(patterns) if self._ternary_inputs else None
        self._columns = np.ascontiguousarray(self.patterns.T)

    def exact(self, networks: Networks) -> bool:
        """Whether the integer form gives exactly the double-precision result for these networks."""
        return (
            self._ternary_inputs
            and networks.integer
            and (self.activation == "step" or (self.activation == "tanh" and self.slope >= EXACT_SLOPE))
            and _within_bytes(networks)
        )

    def outputs(self, networks: Networks) -> NDArray:
        """Values of the output nodes, shape (networks, outputs, patterns); int8 in the exact form."""
        topology = networks.topology
        recorded = np.arange(topology.nodes - topology.outputs, topology.nodes)
        return self._record(networks, recorded, influential_nodes(networks, inputs=False))

    def activations(self, networks: Networks, nodes: Sequence[int] | None = None) -> NDArray:
        """Values of all or some nodes, shape (networks, nodes, patterns); int8 in the exact form."""
        topology = networks.topology
        recorded = np.arange(topology.nodes) if nodes is None else np.asarray(nodes, np.int64)
        if ((recorded < 0) | (recorded >= topology.nodes)).any():
            raise ValueError(f"nodes: {recorded.tolist()}: allowed are 0 to {topology.nodes - 1}")
        return self._record(networks, recorded, np.ones((len(networks), topology.nodes), bool))

    def _record(self, networks: Networks, recorded: NDArray, needed: NDArray) -> NDArray:
        topology = networks.topology
        if topology.inputs != self.patterns.shape[1]:
            raise ValueError(
                f"patterns: {self.patterns.shape[1]} values each: allowed is {topology.inputs}, one an input"
            )
        if not self.exact(networks):
            return real_activations(
                networks.weights.astype(np.float64),
                networks.biases.astype(np.float64),
                topology.incoming,
                topology.sources,
                self._columns,
                recorded,
                self.slope,
                ACTIVATIONS[self.activation],
            )
        assert self._blocks is not None
        values = ternary_activations(
            networks.weights,
            networks.biases,
            needed,
            topology.incoming,
            topology.sources,
            self._blocks,
            recorded,
        )
        return values.reshape(len(networks), len(recorded), len(self._blocks) * LANES)[:, :, : len(self.patterns)]


def _within_bytes(networks: Networks) -> bool:
    """Whether weights are -2..2 and no weighted sum can leave -128..127."""
    if len(networks) == 0:
        return True
    widest = int(np.diff(networks.topology.incoming).max())
    largest_bias = int(max(networks.biases.max(), -int(networks.biases.min())))
    largest_weight = int(max(networks.weights.max(), -int(networks.weights.min())))
    return largest_weight <= 2 and 2 * widest + largest_bias <= 127
