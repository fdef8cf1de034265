"""Which of four cues is the one that pays? Miconi, Rawal, Clune & Stanley 2019, section 4.1, and their program."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.environments.environment import Environment, check_number

CUES = 4
#: Shortest trial, and how many lengths there are from it on.
SHORTEST, LENGTHS = 5, 4


class CueReward(Environment):
    """Trials in which two of four cues are shown and then has to be said whether the target was among them.

    A trial has 5 to 8 steps: a blank one; the two cues and the blanks in any order; the step to answer in; a blank
    one. The action of the step to answer in, 1 for yes, is paid 1 if it is right and -1 if not; others change
    nothing. Cues and target are drawn for each lifetime.

    What is seen: the cue, or zeros, and whether this is the step to answer in.

    Args:
        steps: of a lifetime; its last trial is cut short.
        bits: length of a cue.
        fixed: the cues are always the same, one bit each, and alone the target is drawn.
        device: where the tensors live.

    Attributes:
        inputs: what is seen at every step, (steps + 1, batch, bits + 1).
        answer: the right action of every step, (steps, batch).
        asked: whether a step is one to answer in, (steps, batch).

    Raises:
        ValueError: no steps, or too few bits for four cues.
    """

    actions = 2

    def __init__(
        self, steps: int = 120, bits: int = 20, fixed: bool = False, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(device)
        check_number("steps", steps, 1)
        check_number("bits", bits, CUES if fixed else 2)
        self.steps, self.bits, self.fixed, self.observations = steps, bits, fixed, bits + 1

    def _begin(self, batch: int, stream: np.random.Generator) -> Tensor:
        cues = (
            np.tile(np.eye(CUES, self.bits), (batch, 1, 1)) if self.fixed else draw_cues(batch, self.bits, stream)
        )
        target = stream.integers(0, CUES, batch)
        trials = -(-self.steps // SHORTEST)
        lengths = SHORTEST + stream.integers(0, LENGTHS, (batch, trials))
        ends = np.cumsum(lengths, axis=1)
        starts = ends - lengths
        shown = stream.permuted(np.tile(np.arange(CUES), (batch, trials, 1)), axis=2)[:, :, :2]
        # Two different places of the cues among the block's `lengths - 3` steps, which follow the first blank.
        first = stream.integers(0, lengths - 3)
        second = stream.integers(0, lengths - 4)
        second += second >= first
        inputs = np.zeros((self.steps + 1 + SHORTEST + LENGTHS, batch, self.bits + 1), np.float32)
        asked = np.zeros((len(inputs), batch), bool)
        answer = np.zeros((len(inputs), batch), np.int64)
        rows = np.arange(batch)[:, None]
        kept = starts < self.steps
        for place, cue in ((first, shown[:, :, 0]), (second, shown[:, :, 1])):
            when = np.where(kept, starts + 1 + place, len(inputs) - 1)
            inputs[when, rows, :-1] = cues[rows, cue]
        go = np.where(kept, ends - 2, len(inputs) - 1)
        inputs[go, rows, -1] = 1
        asked[go, rows] = True
        answer[go, rows] = (shown == target[:, None, None]).any(2)
        self.inputs = self.tensor(inputs[: self.steps + 1])
        self.asked, self.answer = self.tensor(asked[: self.steps]), self.tensor(answer[: self.steps])
        self.stakes = self.asked.float()
        self.cues, self.target = cues, target
        return self.inputs[0]

    def _act(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        right = actions == self.answer[self.now]
        return self.inputs[self.now + 1], (2 * right - 1) * self.stakes[self.now]


def draw_cues(batch: int, bits: int, stream: np.random.Generator) -> NDArray[np.float32]:
    """Four different random cues of -1 and 1 for each lifetime, (batch, 4, bits)."""
    cues = stream.integers(0, 2, (batch, CUES, bits), np.int8)
    while True:
        same = (cues[:, :, None] == cues[:, None]).all(3).sum((1, 2)) > CUES
        if not same.any():
            return (2 * cues - 1).astype(np.float32)
        cues[same] = stream.integers(0, 2, (int(same.sum()), CUES, bits), np.int8)


def best_expected_reward(steps: int) -> float:
    """Expected reward of a lifetime for an agent that remembers all and draws every conclusion.

    The first answer is a guess. Then two cues are left, either those just shown or the others: a trial that shows
    both or neither (one in three) can be answered, any other is a guess that settles the question. The k-th
    answer is hence expected to be worth 1 - 2/3 (1/3)^(k-2).

    Args:
        steps: of a lifetime, 120 in the program and 200 in the paper: 16.2 and 28.5.
    """
    check_number("steps", steps, 1)

    @cache
    def reached(trial: int, start: int) -> Fraction:
        """Probability that a trial starts at a step."""
        if trial == 0:
            return Fraction(start == 0)
        return (
            sum(
                (
                    reached(trial - 1, start - length)
                    for length in range(SHORTEST, min(SHORTEST + LENGTHS, start + 1))
                ),
                Fraction(0),
            )
            / LENGTHS
        )

    total = Fraction(0)
    for trial in range(1, steps // SHORTEST + 1):
        worth = 1 - Fraction(2, 3) * Fraction(1, 3) ** (trial - 1)
        for length in range(SHORTEST, SHORTEST + LENGTHS):
            answered = sum((reached(trial, start) for start in range(steps - length + 2)), Fraction(0))
            total += worth * answered / LENGTHS
    return float(total)
