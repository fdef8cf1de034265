"""Experience replay from a reservoir: of all examples so far, each is in memory with the same probability.

As compared with in Javed and White (2019).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from meta.baselines.reservoir import Reservoir
from meta.learners.parameters import Parameters
from meta.protocols.online import Online


class Replay(Online):
    """Every step is on the new example and on some from memory.

    Args:
        stage: as `Online`.
        parameters: as `Online`.
        rate: as `Online`.
        seed: of which examples are kept and drawn.
        memory: examples that are kept.
        drawn: examples from memory in a step, fewer as long as there are not as many.
    """

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        memory: int = 200,
        drawn: int = 10,
    ) -> None:
        super().__init__(stage, parameters, rate, seed)
        self.drawn, self.memory = drawn, Reservoir(memory, seed)

    def learn(self, prepared: Any, labels: Tensor) -> None:
        """Take one step on a new example (1, ...) and on drawn ones; then perhaps keep it."""
        batch = [(prepared, labels), *self.memory.draw(self.drawn)]
        super().learn(_stacked([one for one, _ in batch]), torch.cat([label for _, label in batch]))
        self.memory.add((prepared, labels))


def _stacked(values: list[Any]) -> Any:
    if isinstance(values[0], Tensor):
        return torch.cat(values)
    return tuple(torch.cat(parts) for parts in zip(*values, strict=True))
