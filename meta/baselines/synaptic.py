"""Synaptic intelligence: parameters are held back by how much their changes lowered the loss.

Zenke, Poole and Ganguli (2017), Continual learning through synaptic intelligence, equations 3 to 5; each class is
a task.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from meta.learners.parameters import Parameters
from meta.protocols.online import Online


class SynapticIntelligence(Online):
    """Adds strength * sum over parameters i of W_i (p_i - p*_i)^2 to the loss, p* as at the end of the last task.

    At the end of a task W_i grows by w_i / ((p_i - p_i at its start)^2 + damping), where w_i is the sum over its
    steps of minus the gradient of the loss without the penalty times the change of p_i.

    Args:
        stage: as `Online`.
        parameters: as `Online`.
        rate: as `Online`.
        seed: as `Online`.
        strength: of the penalty.
        damping: see above.
    """

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        strength: float = 0.1,
        damping: float = 1e-3,
    ) -> None:
        super().__init__(stage, parameters, rate, seed)
        self.strength, self.damping = strength, damping
        self.importance = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self._path = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self._anchor = {name: value.detach().clone() for name, value in parameters.items()}
        self._own: list[Tensor] = []

    def learn(self, prepared: Any, labels: Tensor) -> None:
        """Take one step and add what each parameter did for the loss."""
        before = [value.detach().clone() for value in self.parameters.values()]
        super().learn(prepared, labels)
        moved = zip(self._path.values(), self._own, self.parameters.values(), before, strict=True)
        for path, gradient, value, old in moved:
            path.addcmul_(gradient, value.detach() - old, value=-1.0)

    def gradients(self, prepared: Any, labels: Tensor) -> list[Tensor]:
        """Gradient of the loss and of the penalty."""
        self._own = super().gradients(prepared, labels)
        pairs = zip(self._own, self.parameters.items(), strict=True)
        return [
            gradient + 2 * self.strength * self.importance[name] * (value.detach() - self._anchor[name])
            for gradient, (name, value) in pairs
        ]

    def end_class(self) -> None:
        """Turn the class's path into importance, and start the next one here."""
        for name, value in self.parameters.items():
            change = value.detach() - self._anchor[name]
            self.importance[name] += self._path[name] / (change.square() + self.damping)
            self._anchor[name] = value.detach().clone()
            self._path[name].zero_()
