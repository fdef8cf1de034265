"""Which connections a layered network may have, and where its nodes lie (Clune et al. 2013, Methods)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Topology:
    """Layers of nodes in which each layer connects to the next one only.

    Nodes are numbered layer by layer, inputs first. Possible connections are numbered by target, then by
    source, so the incoming connections of a node are one contiguous slice.

    Attributes:
        layers: number of nodes in each layer, inputs first, outputs last.
        input_x: x coordinates of the inputs, which lie at y = 0.
        output_x: x coordinates of the outputs.
        output_y: y coordinate of the outputs.
    """

    layers: tuple[int, ...]
    input_x: tuple[float, ...]
    output_x: tuple[float, ...]
    output_y: float

    def __post_init__(self) -> None:
        if len(self.layers) < 2 or any(size < 1 for size in self.layers):
            raise ValueError(f"layers: {self.layers}: allowed are two or more layers of at least one node")
        for name, given, wanted in (
            ("input_x", self.input_x, self.layers[0]),
            ("output_x", self.output_x, self.layers[-1]),
        ):
            if len(given) != wanted:
                raise ValueError(f"{name}: {len(given)} coordinates for a layer of {wanted} nodes")

    @property
    def inputs(self) -> int:
        """Number of input nodes."""
        return self.layers[0]

    @property
    def outputs(self) -> int:
        """Number of output nodes."""
        return self.layers[-1]

    @cached_property
    def nodes(self) -> int:
        """Number of nodes."""
        return sum(self.layers)

    @cached_property
    def connections(self) -> int:
        """Number of possible connections."""
        return sum(lower * upper for lower, upper in zip(self.layers, self.layers[1:], strict=False))

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """First node of each layer, and the number of nodes at the end, shape (layers + 1,)."""
        return np.concatenate([[0], np.cumsum(self.layers)]).astype(np.int64)

    @cached_property
    def layer(self) -> NDArray[np.int64]:
        """Layer of each node, shape (nodes,)."""
        return np.repeat(np.arange(len(self.layers)), self.layers)

    @cached_property
    def sources(self) -> NDArray[np.int64]:
        """Source node of each possible connection, shape (connections,)."""
        blocks = [
            np.tile(np.arange(self.first[k], self.first[k + 1]), self.layers[k + 1])
            for k in range(len(self.layers) - 1)
        ]
        return np.concatenate(blocks)

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """Target node of each possible connection, shape (connections,)."""
        blocks = [
            np.repeat(np.arange(self.first[k + 1], self.first[k + 2]), self.layers[k])
            for k in range(len(self.layers) - 1)
        ]
        return np.concatenate(blocks)

    @cached_property
    def incoming(self) -> NDArray[np.int64]:
        """First incoming connection of each node, and the number of connections at the end, (nodes + 1,)."""
        return np.searchsorted(self.targets, np.arange(self.nodes + 1)).astype(np.int64)

    @cached_property
    def fixed(self) -> NDArray[np.bool_]:
        """Whether a node's place is given (inputs and outputs), shape (nodes,)."""
        return (self.layer == 0) | (self.layer == len(self.layers) - 1)

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Given places of inputs and outputs, rows of evenly spaced hidden nodes between them, (nodes, 2)."""
        last = len(self.layers) - 1
        rows = []
        for k, size in enumerate(self.layers):
            if k == 0:
                x = np.array(self.input_x)
            elif k == last:
                x = np.array(self.output_x)
            else:
                x = _spread(size, width=max(self.input_x) - min(self.input_x))
            rows.append(np.stack([x, np.full(size, self.output_y * k / last)], axis=1))
        return np.concatenate(rows).astype(np.float64)


def layered(
    layers: Sequence[int],
    input_x: Sequence[float] | None = None,
    output_x: Sequence[float] | None = None,
    output_y: float | None = None,
) -> Topology:
    """A topology with one unit between inputs and between layers where no coordinates are given.

    Args:
        layers: number of nodes in each layer, inputs first.
        input_x: x coordinates of the inputs; default one unit apart, centred on 0.
        output_x: x coordinates of the outputs; default two units apart, centred on 0.
        output_y: y coordinate of the outputs; default one unit a layer.

    Raises:
        ValueError: fewer than two layers, an empty layer, or a wrong number of coordinates.
    """
    sizes = tuple(int(size) for size in layers)
    if len(sizes) < 2:
        raise ValueError(f"layers: {sizes}: allowed are two or more layers of at least one node")
    return Topology(
        sizes,
        tuple(input_x) if input_x is not None else tuple(_centred(sizes[0])),
        tuple(output_x) if output_x is not None else tuple(2 * _centred(sizes[-1])),
        float(output_y if output_y is not None else len(sizes) - 1),
    )


def _centred(size: int) -> NDArray[np.float64]:
    return np.arange(size, dtype=np.float64) - (size - 1) / 2


def _spread(size: int, width: float) -> NDArray[np.float64]:
    """`size` points spread over `width`, centred on 0, none at the very border unless they fill it."""
    step = width / size if size > 1 else 0.0
    return _centred(size) * step
