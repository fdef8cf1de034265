"""Completion of random binary patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from meta.experiments.patterns import PatternSettings
from meta.task import Task
from meta.tasks.completion import Lifetimes, Schedule, show
from networks.lstm import LSTMLayer
from networks.plastic import Lifetime as Connections
from networks.recurrent import PlasticRNNCell, RNNCell, unroll

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.lifetime import Lifetime


class ClampedLSTM(nn.Module):
    """An LSTM of which the first cells answer for the bits, their input path fixed so that they take their bit.

    Before every pass those cells' weights from the input are 10 from their own bit and 0 else, the biases of their
    input and output gates 10, of their forget gate -1000, and of the cell 0, as Miconi et al. 2018.
    """

    def __init__(self, bits: int, cells: int) -> None:
        super().__init__()
        self.bits, self.cells = bits, cells
        self.lstm = LSTMLayer(bits, cells)

    @torch.no_grad()
    def clamp(self) -> None:
        """Fix what is fixed; called before every pass."""
        weight, bias, second = (getattr(self.lstm, name) for name in ("weight_ih_l0", "bias_ih_l0", "bias_hh_l0"))
        weight[2 * self.cells : 2 * self.cells + self.bits] = 10 * torch.eye(self.bits, device=weight.device)
        for gate, value in enumerate((10.0, -1000.0, 0.0, 10.0)):
            bias[gate * self.cells : gate * self.cells + self.bits] = value
        second.zero_()

    def forward(self, inputs: Tensor) -> Tensor:
        """Answers after the last step, (batch, bits), to inputs (steps, batch, bits)."""
        self.clamp()
        return self.lstm(inputs)[0][-1, :, : self.bits]


class PatternTask(Task[PatternSettings]):
    """Store random ±1 patterns at one sight each, then complete a degraded one."""

    def __init__(self, settings: PatternSettings, seed: int) -> None:
        super().__init__(settings, seed)
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        self.model = self._make_model().to(self.device)
        self.schedule = Schedule(settings.patterns, settings.cycles, settings.shown, settings.blank, settings.test)

    def _make_model(self) -> nn.Module:
        settings = self.settings
        neurons = settings.bits + settings.hidden + settings.bias
        if settings.network == "lstm":
            return ClampedLSTM(settings.bits, neurons)
        if settings.network == "rnn":
            return RNNCell(neurons, input=settings.input)
        return PlasticRNNCell(neurons, input=settings.input, rule=settings.rule, alpha=settings.alpha)

    def lifetimes(self, batch: int, stream: np.random.Generator) -> Lifetimes:
        """A batch of lifetimes: as many bits are +1 as -1, and a fixed share of random bits is degraded."""
        settings = self.settings
        half = np.where(np.arange(settings.bits) < settings.bits // 2, -1, 1).astype(np.float32)
        vectors = stream.permuted(np.tile(half, (batch, settings.patterns, 1)), axis=2)
        hidden = np.arange(settings.bits) < round(settings.degraded * settings.bits)
        visible = ~stream.permuted(np.tile(hidden, (batch, 1)), axis=1)
        return show(vectors, visible, self.schedule, stream)

    def drives(self, lifetimes: Lifetimes) -> Tensor:
        """What every neuron gets from outside, (steps, batch, neurons)."""
        settings, inputs = self.settings, self.tensor(lifetimes.inputs)
        assert isinstance(self.model, PlasticRNNCell | RNNCell)
        strength = settings.strength if settings.input == "added" else 1.0
        drives = torch.zeros(*inputs.shape[:2], self.model.neurons, device=self.device)
        drives[..., : settings.bits] = inputs * strength
        if settings.bias:
            drives[..., -1] = strength
        return drives

    def answers(self, lifetimes: Lifetimes) -> Tensor:
        """The networks' last outputs, (batch, bits)."""
        if isinstance(self.model, ClampedLSTM):
            return self.model(self.tensor(lifetimes.inputs) * self.settings.strength)
        assert isinstance(self.model, PlasticRNNCell | RNNCell)
        drives = self.drives(lifetimes)
        unrolled = unroll(self.model, drives, self.model.initial(drives.shape[1]), keep_state=False)
        return unrolled.activity[-1, :, : self.settings.bits]

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Sum of squared errors over the bits after the last step, mean over lifetimes."""
        lifetimes = self.lifetimes(self.settings.batch, self.stream("training", iteration))
        targets = self.tensor(lifetimes.targets)
        answers = self.answers(lifetimes)
        loss = ((answers - targets) ** 2).sum(1).mean()
        return loss, {"error": wrong(answers.detach(), targets).mean()}

    def evaluate(self) -> dict[str, Any]:
        """Error on new lifetimes, also by how many showings ago the asked pattern was last shown."""
        count, size = self.settings.evaluation, 10
        errors, lags = [], []
        for number, first in enumerate(range(0, count, size)):
            lifetimes = self.lifetimes(min(size, count - first), self.stream("evaluation", number))
            errors += wrong(self.answers(lifetimes), self.tensor(lifetimes.targets)).tolist()
            lags += lifetimes.lags.tolist()
        return {"error": float(np.mean(errors)), "errors": errors, "lags": lags}

    def figures(self) -> dict[str, Figure]:
        """W and alpha, and one lifetime step by step."""
        from analysis.lifetime import lifetime_figure
        from analysis.matrices import matrices_figure, plastic_matrices_figure

        if isinstance(self.model, ClampedLSTM):
            return {}
        if isinstance(self.model, RNNCell):
            return {"matrices": matrices_figure({"W": self.model.weight.numpy()})}
        assert isinstance(self.model, PlasticRNNCell)
        connections = self.model.recurrent
        bits, rest = self.settings.bits, self.model.neurons - self.settings.bits
        parts = {"bits": bits, "others": rest} if rest else None
        matrices = plastic_matrices_figure(connections.weight.numpy(), connections.alpha.numpy(), parts=parts)
        return {"matrices": matrices, "lifetime": lifetime_figure(self.recorded())}

    def recorded(self, number: int = 0) -> Lifetime:
        """A lifetime of a plastic network with its traces, for `analysis.lifetime.lifetime_figure`.

        Args:
            number: names the lifetime.
        """
        from analysis.lifetime import Lifetime

        assert isinstance(self.model, PlasticRNNCell)
        bits, schedule = self.settings.bits, self.schedule
        lifetimes = self.lifetimes(1, self.stream("recorded", number))
        state = self.model.initial(1)
        activity, traces = [], []
        for drive in self.drives(lifetimes):
            assert isinstance(state.lifetime, Connections)
            traces.append(state.lifetime.trace[0, :bits, :bits].cpu().numpy())
            state = self.model(drive, state)
            activity.append(state.activity[0, :bits].cpu().numpy())
        names = {-1: "blank", -2: "test"} | {
            showing: f"pattern {vector + 1}" for showing, vector in enumerate(lifetimes.order[0])
        }
        shown = {
            f"pattern {vector + 1}": lifetimes.inputs[schedule.slots() == showing][0, 0]
            for showing, vector in enumerate(lifetimes.order[0])
        }
        return Lifetime(
            inputs=lifetimes.inputs[:, 0],
            activity=np.array(activity),
            events=[names[slot] for slot in schedule.slots().tolist()],
            patterns=dict(sorted(shown.items())),
            traces=traces,
            trace_steps=range(schedule.steps),
        )


def wrong(answers: Tensor, targets: Tensor) -> Tensor:
    """Share of all bits whose sign is wrong, (batch,); chance is half of the hidden share."""
    return (answers.sign() != targets.sign()).float().mean(1)
