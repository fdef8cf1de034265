"""Completion of natural pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.data import Pictures, data_folder, generate_pictures, load_pictures, normalise
from meta.experiments.pictures import PictureSettings
from meta.task import Task
from meta.tasks.completion import Lifetimes, Schedule, show
from networks.recurrent import PlasticRNNCell, RNNCell, unroll

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Completions that a figure shows.
SHOWN = 8
#: Generated pictures to train and to test with, and the seed that names them.
GENERATED = (10_000, 2_000)
GENERATED_SEED = 0


def picture_data(data: str, folder: str | None, fetch: bool = False) -> Pictures:
    """Grey pictures: CIFAR-10 of the data folder, or generated ones.

    Raises:
        UserError: CIFAR-10 is not there.
    """
    if data == "cifar10":
        return load_pictures(data_folder(folder), fetch)
    pictures = generate_pictures(sum(GENERATED), GENERATED_SEED)
    return Pictures(pictures[: GENERATED[0]], pictures[GENERATED[0] :])


class PictureTask(Task[PictureSettings]):
    """Store pictures, then complete one of which a half (or random pixels) is gone."""

    def __init__(self, settings: PictureSettings, seed: int, data: str | None) -> None:
        super().__init__(settings, seed)
        pictures = picture_data(settings.data, data)
        self.train, self.test = (
            normalise(part).reshape(len(part), -1) for part in (pictures.train, pictures.test)
        )
        pixels = self.train.shape[1]
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        if settings.network == "rnn":
            model: PlasticRNNCell | RNNCell = RNNCell(pixels + 1, input="clamped")
        else:
            model = PlasticRNNCell(pixels + 1, input="clamped", rule=settings.rule, alpha=settings.alpha)
        self.cell = model.to(self.device)
        self.model = self.cell
        self.schedule = Schedule(settings.pictures, settings.cycles, settings.shown, settings.blank, settings.test)

    def lifetimes(self, batch: int, pictures: NDArray[np.float32], stream: np.random.Generator) -> Lifetimes:
        """A batch of lifetimes with pictures drawn from (count, pixels)."""
        pixels = pictures.shape[1]
        chosen = stream.integers(0, len(pictures), (batch, self.settings.pictures))
        if self.settings.degraded == "pixels":
            visible = stream.random((batch, pixels)) < 0.5
        else:
            first = stream.random((batch, 1)) < 0.5
            visible = first ^ (np.arange(pixels) < pixels // 2)
        return show(pictures[chosen], visible, self.schedule, stream)

    def answers(self, lifetimes: Lifetimes) -> Tensor:
        """The networks' last activity, (batch, pixels); one more neuron is always 1."""
        inputs = self.tensor(lifetimes.inputs)
        drives = torch.cat([inputs, torch.ones_like(inputs[..., :1])], -1)
        unrolled = unroll(self.cell, drives, self.cell.initial(inputs.shape[1]), keep_state=False)
        return unrolled.activity[-1, :, :-1]

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Sum of squared errors over the pixels after the last step, mean over lifetimes."""
        lifetimes = self.lifetimes(self.settings.batch, self.train, self.stream("training", iteration))
        loss, measures = self._errors(lifetimes)
        return loss.mean(), measures

    def _errors(self, lifetimes: Lifetimes) -> tuple[Tensor, dict[str, Tensor]]:
        errors = (self.answers(lifetimes) - self.tensor(lifetimes.targets)) ** 2
        hidden = self.tensor(lifetimes.inputs[-1] == 0)
        rms = ((errors.detach() * hidden).sum() / hidden.sum()).sqrt()
        return errors.sum(1), {"hidden_rms": rms}

    def figures(self) -> dict[str, Figure]:
        """W and alpha with the halves of the picture marked, and pictures completed."""
        from analysis.matrices import matrices_figure, plastic_matrices_figure
        from analysis.pictures import completions_figure

        pixels = self.test.shape[1]
        parts = {"upper": pixels // 2, "lower": pixels - pixels // 2, "bias": 1}
        if isinstance(self.cell, RNNCell):
            matrices = matrices_figure({"W": self.cell.weight.numpy()}, parts)
        else:
            connections = self.cell.recurrent
            matrices = plastic_matrices_figure(
                connections.weight.numpy(), connections.alpha.numpy(), parts=parts, saturation=0.999
            )
        lifetimes = self.lifetimes(SHOWN, self.test, self.stream("recorded"))
        side = round(pixels**0.5)
        rows = [
            array.reshape(-1, side, side)
            for array in (lifetimes.targets, lifetimes.inputs[-1], self.answers(lifetimes).cpu().numpy())
        ]
        return {"matrices": matrices, "completions": completions_figure(*rows)}

    def evaluate(self) -> dict[str, Any]:
        """Loss on pictures that were not trained on."""
        count, size = self.settings.evaluation, 10
        losses = []
        for number, first in enumerate(range(0, count, size)):
            stream = self.stream("evaluation", number)
            losses += self._errors(self.lifetimes(min(size, count - first), self.test, stream))[0].tolist()
        return {"test_loss": float(np.mean(losses)), "test_losses": losses}
