"""The two-step task: what was rewarded, or what led there?

A first choice leads to one of two states, usually to one of them; that state pays with a high or a low
probability, and the two change places now and then. After a reward that followed a rare transition, habit repeats
the choice, while knowledge of the task changes it (Daw et al. 2011).

Wang et al. 2016 (arXiv 1611.05763), section 3.2.1; Wang et al. 2018 (doi 10.1038/s41593-018-0147-8).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from meta.environments.environment import Environment, check_number


class TwoStep(Environment):
    """Trials of two steps: a choice that leads to a state, and a step there that is paid whatever is done.

    What is seen is which of three states this is, as one of three inputs. Choice 0 usually leads to the second
    state, choice 1 to the third. Which of the two is the better one at first is drawn for each lifetime. The
    defaults are the form of 2018; in that of 2016 it stays (swap 0), for 10 trials, and common is 0.75.

    Args:
        trials: of a lifetime, two steps each.
        common: probability that a choice leads where it usually leads.
        high: probability of reward of the better state.
        low: probability of reward of the other.
        swap: probability that the two change places at the start of a trial.
        tell_second: whether the action of the second step, which changes nothing, is told to the agent.
        device: where the tensors live.

    Attributes:
        better: whether the third state is the better one, (trials, batch).
        rare: whether the transition is a rare one, (trials, batch).

    Raises:
        ValueError: a probability outside 0..1, or no trials.
    """

    observations, actions = 3, 2

    def __init__(
        self,
        trials: int = 100,
        common: float = 0.8,
        high: float = 0.9,
        low: float = 0.1,
        swap: float = 0.025,
        tell_second: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device)
        check_number("trials", trials, 1)
        for name, value in (("common", common), ("high", high), ("low", low), ("swap", swap)):
            check_number(name, value, 0, 1)
        self.trials, self.steps, self.tell_second = trials, 2 * trials, tell_second
        self.common, self.high, self.low, self.swap = common, high, low, swap
        self.states = torch.eye(3, device=self.device)

    def _begin(self, batch: int, stream: np.random.Generator) -> Tensor:
        shape = (self.trials, batch)
        self.rare = self.tensor(stream.random(shape) >= self.common)
        swaps = np.cumsum(stream.random(shape) < self.swap, axis=0)
        self.better = self.tensor((swaps + stream.integers(0, 2, batch)) % 2 == 1)
        luck = stream.random(shape)
        self.pays_better, self.pays_worse = (self.tensor(luck < chance) for chance in (self.high, self.low))
        self.first = self.states[:1].expand(batch, -1)
        return self.first

    def _act(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        trial, second = divmod(self.now, 2)
        if not second:
            self.third = (actions == 1) ^ self.rare[trial]
            return self.states[1 + self.third.long()], torch.zeros_like(actions, dtype=torch.float32)
        paid = torch.where(self.third == self.better[trial], self.pays_better[trial], self.pays_worse[trial])
        return self.first, paid.float()

    def tells(self, step: int) -> bool:
        """Whether this is a first step, or second ones are told as well."""
        return self.tell_second or step % 2 == 0
