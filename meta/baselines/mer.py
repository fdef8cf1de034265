"""Meta-experience replay (MER): gradients of examples that come and of remembered ones learn to agree.

Riemer et al. (2019), Learning to learn without forgetting by maximizing transfer and minimizing interference,
arXiv 1810.11910, algorithm 1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from meta.baselines.reservoir import Example, Reservoir
from meta.learners.parameters import Parameters
from meta.protocols.online import Online


class MetaExperienceReplay(Online):
    """Learns each new example in batches of it and of remembered ones, and keeps a part of what changes.

    With p the parameters before a batch, and p' those after steps of gradient descent on one of its examples
    after the other, p <- p + within (p' - p). With q the parameters before all batches of the new example, and q'
    those after them, q <- q + across (q' - q). These are Reptile's steps: gradients of examples come to agree.

    An example costs batches * size steps. The published program takes 55 to 1010, with within from 0.01 to 0.03
    and across 1; the defaults here take 22, of which more is kept.

    Args:
        stage: as `Online`.
        parameters: as `Online`.
        rate: of gradient descent, without Adam; the published program has 0.03 to 0.1.
        seed: of which examples are kept and drawn.
        memory: examples that are kept, as in `meta.baselines.reservoir`.
        batches: for each new example.
        size: examples of a batch, the new one included, fewer as long as there are not as many.
        within: share of the change in a batch that is kept (beta).
        across: share of the change in all batches that is kept (gamma).
        first: the new example opens each batch, as in the published program, instead of closing it.
    """

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        memory: int = 200,
        batches: int = 2,
        size: int = 11,
        within: float = 0.3,
        across: float = 1.0,
        first: bool = False,
    ) -> None:
        super().__init__(stage, parameters, rate, seed)
        self.memory = Reservoir(memory, seed)
        self.batches, self.size, self.within, self.across, self.first = batches, size, within, across, first

    def learn(self, prepared: Any, labels: Tensor) -> None:
        """Learn a new example (1, ...) in its batches; then perhaps keep it."""
        new = (prepared, labels)
        before = self._values()
        for _ in range(self.batches):
            start, remembered = self._values(), self.memory.draw(self.size - 1)
            for example in [new, *remembered] if self.first else [*remembered, new]:
                self._descend(example)
            self._keep(start, self.within)
        self._keep(before, self.across)
        self.memory.add(new)

    def _values(self) -> list[Tensor]:
        return [value.detach().clone() for value in self.parameters.values()]

    def _descend(self, example: Example) -> None:
        """One step of gradient descent on one example."""
        gradients = self.gradients(*example)
        with torch.no_grad():
            for value, gradient in zip(self.parameters.values(), gradients, strict=True):
                value.sub_(gradient, alpha=self.rate)

    def _keep(self, start: list[Tensor], share: float) -> None:
        """Go back to where the parameters were but for a share of the way."""
        with torch.no_grad():
            for value, old in zip(self.parameters.values(), start, strict=True):
                value.copy_(torch.lerp(old, value, share))
