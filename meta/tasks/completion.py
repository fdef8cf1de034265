"""Lifetimes in which vectors are shown one after another and one of them, degraded, has to be completed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Schedule:
    """When what is shown: `cycles` times all vectors in a fresh random order, then the degraded one.

    Attributes:
        vectors: number of vectors of a lifetime.
        cycles: times that each is shown.
        shown: steps of a showing.
        blank: steps without input after it.
        test: steps of the degraded vector.
    """

    vectors: int
    cycles: int
    shown: int
    blank: int
    test: int

    @property
    def steps(self) -> int:
        """Steps of a lifetime."""
        return self.cycles * self.vectors * (self.shown + self.blank) + self.test

    def slots(self) -> NDArray[np.int64]:
        """Which showing each step belongs to, (steps,): 0, 1, ...; -1 when blank, -2 during the test."""
        one = [[number] * self.shown + [-1] * self.blank for number in range(self.cycles * self.vectors)]
        return np.array([slot for showing in one for slot in showing] + [-2] * self.test)


@dataclass(frozen=True)
class Lifetimes:
    """A batch of such lifetimes.

    Attributes:
        inputs: (steps, batch, size); 0 where there is no input.
        targets: the full vectors to complete, (batch, size).
        order: which vector each showing shows, (batch, showings).
        asked: which vector is to be completed, (batch,).
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    order: NDArray[np.int64]
    asked: NDArray[np.int64]

    @property
    def lags(self) -> NDArray[np.int64]:
        """How many showings ago the asked vector was last shown, (batch,): 1 is the last one."""
        backwards = self.order[:, ::-1] == self.asked[:, None]
        return backwards.argmax(1) + 1


def show(
    vectors: NDArray[np.float32], visible: NDArray[np.bool_], schedule: Schedule, stream: np.random.Generator
) -> Lifetimes:
    """Lifetimes in which given vectors are shown.

    Args:
        vectors: (batch, vectors, size).
        visible: what of the degraded vector is shown, (batch, size).
        schedule: when what is shown.
        stream: draws the orders and which vector is asked for.
    """
    batch, count, size = vectors.shape
    orders = stream.permuted(np.tile(np.arange(count), (batch, schedule.cycles, 1)), axis=2)
    order = orders.reshape(batch, -1)
    asked = stream.integers(0, count, size=(batch,))
    rows = np.arange(batch)
    targets = vectors[rows, asked]
    showings = vectors[rows[:, None], order]  # (batch, showings, size)
    inputs = np.zeros((schedule.steps, batch, size), np.float32)
    slots = schedule.slots()
    inputs[slots >= 0] = showings.transpose(1, 0, 2)[slots[slots >= 0]]
    inputs[slots == -2] = np.where(visible, targets, 0)
    return Lifetimes(inputs, targets, order, asked)
