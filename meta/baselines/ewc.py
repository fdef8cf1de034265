"""Elastic weight consolidation: parameters that mattered for what was learned are held back.

Kirkpatrick et al. (2017), Overcoming catastrophic forgetting in neural networks, equation 3; each class is a task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from meta.learners.parameters import Parameters
from meta.protocols.online import Online


class ElasticWeights(Online):
    """Adds strength/2 * sum over tasks k and parameters i of F_ki (p_i - p*_ki)^2 to the loss.

    F_k is the mean over the task's examples of the squared gradient of the log-likelihood of their labels, at the
    parameters p*_k that the task ended with. The sum is kept as two tables, so that its cost does not grow.

    Args:
        stage: as `Online`.
        parameters: as `Online`.
        rate: as `Online`.
        seed: as `Online`.
        strength: of the penalty.
        decay: None sums over tasks, as published; a number is online EWC (Schwarz et al. 2018): all earlier
            F count by this factor less with each task, and the only anchor is the last task's.
    """

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        strength: float = 1.0,
        decay: float | None = None,
    ) -> None:
        super().__init__(stage, parameters, rate, seed)
        self.strength, self.decay = strength, decay
        self.importance = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self._anchored = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self._examples: list[tuple[Any, Tensor]] = []

    def learn(self, prepared: Any, labels: Tensor) -> None:
        """Take one step, and keep the example until its class ends."""
        super().learn(prepared, labels)
        self._examples.append((prepared, labels))

    def gradients(self, prepared: Any, labels: Tensor) -> list[Tensor]:
        """Gradient of the loss and of the penalty."""
        return self.penalised(super().gradients(prepared, labels))

    def penalised(self, own: Sequence[Tensor]) -> list[Tensor]:
        """Gradient of some loss and of the penalty, from that of the loss."""
        pairs = zip(own, self.parameters.items(), strict=True)
        return [
            gradient + self.strength * (self.importance[name] * value.detach() - self._anchored[name])
            for gradient, (name, value) in pairs
        ]

    def end_class(self) -> None:
        """Add the class's importance and anchor."""
        self.consolidate(self._examples)
        self._examples = []

    def consolidate(self, examples: Sequence[tuple[Any, Tensor]]) -> None:
        """Add the importance and the anchor of a task with these examples, each (1, ...) with its label (1,)."""
        found = {name: torch.zeros_like(value) for name, value in self.parameters.items()}
        for prepared, labels in examples:
            for total, gradient in zip(found.values(), super().gradients(prepared, labels), strict=True):
                total.addcmul_(gradient, gradient, value=1 / len(examples))
        for name, value in self.parameters.items():
            if self.decay is None:
                self.importance[name] += found[name]
                self._anchored[name] += found[name] * value.detach()
            else:
                self.importance[name] = self.decay * self.importance[name] + found[name]
                self._anchored[name] = self.importance[name] * value.detach()
