"""What a lifetime learns in sequence, and what it is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Examples of some classes in the order they are learned, and others that must not be forgotten meanwhile.

    Attributes:
        learned: (learned, ...).
        labels: of the learned, (learned,).
        remembered: beyond the learned ones what the outer loss is of, (remembered, ...).
        remembered_labels: of those.
        repeated: whether the outer loss is of the learned ones too.
    """

    learned: Tensor
    labels: Tensor
    remembered: Tensor
    remembered_labels: Tensor
    repeated: bool = True

    @property
    def all(self) -> Tensor:
        """Learned and remembered examples, in this order."""
        return torch.cat([self.learned, self.remembered])

    @property
    def outer(self) -> Tensor:
        """Examples of the outer loss."""
        return self.all if self.repeated else self.remembered

    @property
    def outer_labels(self) -> Tensor:
        """Answers of the outer loss."""
        return torch.cat([self.labels, self.remembered_labels]) if self.repeated else self.remembered_labels
