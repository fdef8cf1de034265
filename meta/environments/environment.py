"""What every environment is: a batch of lifetimes side by side, as tensors."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Environment(ABC):
    """Lifetimes of one kind with discrete actions, as many at once as a batch has; all are equally long.

    All random numbers of a batch are drawn when it begins, from a numpy generator: what happens depends neither on
    the device nor on who computes it. A step is a few operations on tensors, with no loop over the batch.

    Attributes:
        observations: numbers of an observation; 0 where there is nothing to see.
        actions: their number.
        steps: of a lifetime.
        device: where the tensors live.
        now: steps of the lifetimes so far.
    """

    observations: int
    actions: int
    steps: int

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.now = 0

    def reset(self, batch: int, stream: np.random.Generator) -> Tensor:
        """Begin a batch of new lifetimes.

        Args:
            batch: their number.
            stream: draws all that is random in them.

        Returns:
            What is seen first, (batch, observations).

        Raises:
            ValueError: a batch of none.
        """
        if batch < 1:
            raise ValueError(f"batch: {batch}: allowed is 1 or more")
        self.now = 0
        return self._begin(batch, stream)

    def step(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Act once in every lifetime.

        Args:
            actions: integers from 0, (batch,).

        Returns:
            What is seen next, (batch, observations), and the rewards, (batch,).

        Raises:
            ValueError: the lifetimes are over.
        """
        if self.now >= self.steps:
            raise ValueError(f"step: {self.now + 1}: allowed are {self.steps}, then reset")
        seen = self._act(actions)
        self.now += 1
        return seen

    @abstractmethod
    def _begin(self, batch: int, stream: np.random.Generator) -> Tensor:
        """What is seen first."""

    @abstractmethod
    def _act(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """What is seen next, and the rewards; `now` still is the number of steps before this one."""

    def alive(self) -> Tensor | None:
        """Which lifetimes go on, (batch,); None where all last to the end. Steps after it count for nothing."""
        return None

    def tells(self, step: int) -> bool:
        """Whether the action of a step is told to the agent as its previous one."""
        return True

    def tensor(self, array: NDArray) -> Tensor:
        """An array on the environment's device."""
        return torch.from_numpy(np.asarray(array, order="C")).to(self.device)


def check_number(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse a number outside a range.

    Raises:
        ValueError: names the argument, the value and what is allowed.
    """
    if not low <= value <= high:
        allowed = f"{low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"
        raise ValueError(f"{name}: {value:g}: allowed is {allowed}")
