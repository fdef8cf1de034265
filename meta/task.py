"""What a trial trains: a model, its episodes and its loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meta.settings import Training

if TYPE_CHECKING:
    from matplotlib.figure import Figure

S = TypeVar("S", bound=Training)

#: Random streams of a trial, apart from each other.
STREAMS = {"model": 0, "training": 1, "evaluation": 2, "validation": 3, "recorded": 4}


class Task(ABC, Generic[S]):
    """A model with its episodes and its loss; made anew from (settings, seed, data) whenever a trial is resumed.

    Attributes:
        settings: of the trial.
        seed: of the trial.
        model: whose parameters are trained.
    """

    model: nn.Module

    def __init__(self, settings: S, seed: int) -> None:
        self.settings, self.seed = settings, seed
        self.device = torch.device(settings.device)

    def stream(self, name: str, number: int = 0) -> np.random.Generator:
        """Random numbers of one iteration or lifetime, independent of what ran before."""
        return np.random.default_rng((self.seed, STREAMS[name], number))

    @abstractmethod
    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Loss of an iteration's lifetimes, and what else its row of metrics shows (without a gradient)."""

    @abstractmethod
    def evaluate(self) -> dict[str, Any]:
        """What the trial's result says of the trained model: numbers, or lists of numbers."""

    def rate_factor(self) -> float:
        """Factor on the outer optimiser's rate in the iteration whose loss was taken last."""
        return 1.0

    def before_step(self) -> None:
        """Called between the backward pass and the optimiser's step, e.g. to scale gradients."""

    def after_step(self, iteration: int) -> None:
        """Called after the optimiser's step, e.g. to average parameters."""

    def validate(self, iteration: int) -> dict[str, float]:
        """What a row of metrics says of the model on data that are not trained on; nothing by default."""
        return {}

    def figures(self) -> dict[str, Figure]:
        """What `meta show` draws of the trained model, by name."""
        return {}

    def state(self) -> dict[str, NDArray]:
        """What beyond the model goes from iteration to iteration; part of the checkpoint."""
        return {}

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Take up what `state` gave."""

    def tensor(self, array: NDArray) -> Tensor:
        """An array on the trial's device."""
        return torch.from_numpy(np.asarray(array, order="C")).to(self.device)
