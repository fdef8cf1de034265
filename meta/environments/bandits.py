"""Bandits: arms that pay with probabilities drawn anew for each lifetime.

Wang et al. 2016 (arXiv 1611.05763), sections 3.1 and 3.2; Duan et al. 2016 (arXiv 1611.02779), section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from meta.environments.environment import Environment, check_number

#: How the arms' probabilities are drawn; all but the first are for two arms of which one pays where the other not.
KINDS = ("independent", "uniform", "easy", "medium", "hard", "restless")
#: The better arm's probability of the kinds in which it is fixed.
BETTER = {"easy": 0.9, "medium": 0.75, "hard": 0.6}
#: Largest width of a step of a restless arm, before its walk is stretched.
RESTLESS = 0.5

#: Draws probabilities (pulls or 1, batch, arms) from the numbers of lifetimes, arms and pulls, and a stream.
Draw = Callable[[int, int, int, np.random.Generator], ArrayLike]


class Bandits(Environment):
    """Arms that pay 1 or nothing.

    Args:
        arms: their number; all kinds but "independent" have 2.
        pulls: steps of a lifetime.
        kind: "independent": each probability uniform on 0..1. Else the second arm pays with one minus the first's
            probability: "uniform" on 0..1; "easy", "medium" and "hard": 0.9, 0.75 or 0.6 for the better arm, which
            is either; "restless": a random walk whose steps are uniform in a width that is itself uniform on
            0..0.5, stretched to go from 0 to 1 within a lifetime. Or a function of one's own from (batch, arms,
            pulls, stream) to probabilities, (1, batch, arms) or, if they change, (pulls, batch, arms).
        device: where the tensors live.

    Attributes:
        means: each arm's expected reward at every step, (steps, batch, arms), or (1, batch, arms) if it stays.

    Raises:
        ValueError: an argument out of range, a kind that does not fit the arms, or in a lifetime probabilities of
            one's own that are of another shape or not within 0..1.
    """

    observations = 0

    def __init__(
        self,
        arms: int = 2,
        pulls: int = 100,
        kind: str | Draw = "independent",
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device)
        check_number("arms", arms, 2)
        check_number("pulls", pulls, 1)
        if not callable(kind) and kind not in KINDS:
            raise ValueError(f"kind: {kind!r}: allowed are {', '.join(KINDS)}")
        if kind in KINDS[1:] and arms != 2:
            raise ValueError(f"arms: {arms}: allowed with kind {kind!r} are 2")
        self.actions, self.steps = arms, pulls
        self.kind: str | Draw = kind

    def _begin(self, batch: int, stream: np.random.Generator) -> Tensor:
        self.means = self.tensor(draw_means(self.kind, batch, self.actions, self.steps, stream))
        self.luck = self.tensor(stream.random((self.steps, batch), np.float32))
        self.nothing = torch.zeros(batch, 0, device=self.device)
        return self.nothing

    def _act(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        return self.nothing, (self.luck[self.now] < self.expected(actions, self.now)).float()

    def expected(self, actions: Tensor, step: int) -> Tensor:
        """Expected reward of actions (batch,) at a step, (batch,)."""
        means = self.means[step % len(self.means)]
        return means.gather(1, actions[:, None])[:, 0]

    def regret(self, actions: Tensor) -> Tensor:
        """Expected reward that each pull gave away against the arm that was best then, (steps, batch).

        Args:
            actions: of whole lifetimes, (steps, batch).
        """
        means = self.means.expand(len(actions), -1, -1)
        return means.amax(2) - means.gather(2, actions[..., None])[..., 0]


class InformativeArm(Bandits):
    """Eleven arms: of the first ten one, the target, pays 5 and the others 1; the last says which at a cost.

    The last arm pays a tenth of the target's number, counted from 1: 0.1 to 1 (Wang et al. 2016, section 3.1.3).

    Args:
        pulls: steps of a lifetime, 5 in the paper.
        device: where the tensors live.
    """

    def __init__(self, pulls: int = 5, device: torch.device | str = "cpu") -> None:
        super().__init__(11, pulls, device=device)
        self.kind = "informative"

    def _begin(self, batch: int, stream: np.random.Generator) -> Tensor:
        target = stream.integers(0, 10, batch)
        means = np.ones((1, batch, 11), np.float32)
        means[0, np.arange(batch), target] = 5
        means[0, :, 10] = 0.1 * (target + 1)
        self.means = self.tensor(means)
        self.nothing = torch.zeros(batch, 0, device=self.device)
        return self.nothing

    def _act(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        return self.nothing, self.expected(actions, self.now)


def draw_means(
    kind: str | Draw, batch: int, arms: int, pulls: int, stream: np.random.Generator
) -> NDArray[np.float32]:
    """Probabilities of `Bandits`, (pulls or 1, batch, arms)."""
    if callable(kind):
        return _checked(kind(batch, arms, pulls, stream), batch, arms, pulls)
    if kind == "independent":
        return stream.random((1, batch, arms), np.float32)
    if kind == "restless":
        width = RESTLESS * stream.random((1, batch), np.float32)
        walk = np.cumsum(width * (2 * stream.random((pulls, batch), np.float32) - 1), axis=0)
        low, high = walk.min(axis=0), walk.max(axis=0)
        first = (walk - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
    elif kind == "uniform":
        first = stream.random((1, batch), np.float32)
    else:
        better = np.float32(BETTER[kind])
        first = np.where(stream.random((1, batch)) < 0.5, better, 1 - better)
    return np.stack([first, 1 - first], axis=2).astype(np.float32)


def _checked(means: ArrayLike, batch: int, arms: int, pulls: int) -> NDArray[np.float32]:
    """Probabilities from a function of a user's, refused where they are none."""
    table = np.asarray(means, np.float32)
    if table.shape not in ((1, batch, arms), (pulls, batch, arms)):
        raise ValueError(f"kind: probabilities {table.shape}: allowed are (1 or {pulls}, {batch}, {arms})")
    if not np.all((table >= 0) & (table <= 1)):
        raise ValueError(f"kind: probabilities from {table.min():g} to {table.max():g}: allowed are 0 to 1")
    return table
