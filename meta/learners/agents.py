"""Recurrent agents: what they sense, a core that remembers, a policy and a value.

The reward and the action of the step before are inputs, so that a lifetime can be learned in activity alone (Duan
et al. 2016; Wang et al. 2016) or in plastic connections (Miconi et al. 2018, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from networks.lstm import LSTMLayer
from networks.plastic import Lifetime
from networks.plasticity import check_choice
from networks.recurrent import (
    PlasticRNNCell,
    RecurrentState,
    RNNCell,
    compact_lifetimes,
    fast_lifetime,
    unroll,
)

if TYPE_CHECKING:
    from networks.compact import CompactLifetimes

TIMES = ("none", "steps", "share")


@dataclass(frozen=True)
class Senses:
    """What an agent gets at each step: the observation, and what it did and got in the step before.

    Attributes:
        observations: numbers of an observation.
        actions: of which the previous one is given as one input each; 0 does not give it.
        steps: of a lifetime.
        time: not given, or the number of the step, or its share of the lifetime.
        bias: one more input that is always 1.
        silent: inputs that are always 0, as published programs have some.
        first_action: whether action 0 counts as done before the first step.
    """

    observations: int
    actions: int
    steps: int
    time: str = "none"
    bias: bool = False
    silent: int = 0
    first_action: bool = False

    def __post_init__(self) -> None:
        check_choice("time", self.time, TIMES)

    @property
    def size(self) -> int:
        """Number of inputs: observation, previous reward, previous action, then time, bias and silent ones."""
        return self.observations + 1 + self.actions + (self.time != "none") + self.bias + self.silent

    def blank(self, batch: int, device: torch.device) -> Tensor:
        """Inputs of all steps and the one after, (steps + 1, batch, size), with all that is known beforehand."""
        inputs = torch.zeros(self.steps + 1, batch, self.size, device=device)
        column = self.observations + 1 + self.actions
        if self.time != "none":
            time = torch.arange(self.steps + 1, dtype=torch.float32, device=device)
            inputs[..., column] = (time / self.steps if self.time == "share" else time)[:, None]
            column += 1
        if self.bias:
            inputs[..., column] = 1
        if self.first_action:
            inputs[0, :, self.observations + 1] = 1
        return inputs

    def see(self, row: Tensor, observation: Tensor) -> None:
        """Put an observation (batch, observations) into a step's inputs (batch, size)."""
        row[:, : self.observations] = observation

    def feel(self, row: Tensor, reward: Tensor, action: Tensor | None) -> None:
        """Put what was done and got, (batch,) each, into the next step's inputs (batch, size)."""
        row[:, self.observations] = reward
        if action is not None and self.actions:
            first = self.observations + 1
            row[:, first : first + self.actions].scatter_(1, action[:, None], 1.0)


class Replayed(NamedTuple):
    """What a core did in lifetimes.

    Attributes:
        features: its outputs, (steps, batch, neurons).
        modulator: the modulator's output, (steps, batch); None without one.
    """

    features: Tensor
    modulator: Tensor | None


class Acting(Protocol):
    """A core at work in a batch of lifetimes, step by step."""

    def step(self, input: Tensor) -> Tensor:
        """Features (batch, neurons), without a gradient, after an input (batch, inputs)."""

    def features(self, inputs: Tensor) -> Tensor | None:
        """Features of all steps with a gradient, (steps + 1, batch, neurons), if it kept its way.

        Args:
            inputs: those of all steps done, and one more, (steps + 1, batch, inputs).
        """


class TanhCore(nn.Module):
    """Tanh neurons, fully connected, plastic or not, behind a linear layer.

    Like every core it acts step by step, and goes through a lifetime of known inputs at once with a gradient.

    Weights and, of plastic connections, alphas begin uniform between 0 and `spread`, rates at `first_rate`; the
    linear layer as torch has it (Miconi et al. 2018 and 2019, their programs).

    Args:
        inputs: their number.
        neurons: their number.
        spread: of the first weights.
        first_rate: of plasticity, before training.
        plastic: options of `networks.plastic.PlasticConnections`; None for fixed weights.
    """

    def __init__(
        self,
        inputs: int,
        neurons: int,
        *,
        spread: float = 0.01,
        first_rate: float = 0.01,
        plastic: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.neurons = neurons
        self.input = nn.Linear(inputs, neurons)
        self.cell: RNNCell | PlasticRNNCell
        if plastic is None:
            self.cell = RNNCell(neurons)
            nn.init.uniform_(self.cell.weight, 0, spread)
            return
        self.cell = PlasticRNNCell(neurons, **plastic)
        connections = self.cell.recurrent
        nn.init.uniform_(connections.weight, 0, spread)
        if connections.alpha.ndim:
            nn.init.uniform_(connections.alpha, 0, spread)
        if connections.rate is not None:
            nn.init.constant_(connections.rate, first_rate)

    def begin(self, batch: int, steps: int, learn: bool = False) -> Acting:
        """Silent neurons and empty traces, in the form that is fastest.

        Args:
            batch: lifetimes.
            steps: that will follow at most.
            learn: keep the way for a gradient, if that is cheaper than going through the inputs a second time.
        """
        state = self.cell.initial(batch)
        if isinstance(self.cell, RNNCell):
            return _Stepwise(self, state, False)
        compact = compact_lifetimes(self.cell, state, steps, learn)
        if compact is not None:
            return _Compact(self, compact)
        assert isinstance(state.lifetime, Lifetime)
        with torch.set_grad_enabled(learn):
            state = state._replace(lifetime=fast_lifetime(self.cell.recurrent, state.lifetime, steps))
        return _Stepwise(self, state, learn)  # traces take most of the time, so they are not gone through twice

    def step(self, input: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        """Activity and state after an input (batch, inputs)."""
        state = self.cell(self.input(input), state)
        return state.activity, state

    def replay(self, inputs: Tensor) -> Replayed:
        """Activity in whole lifetimes."""
        drives = self.input(inputs)
        unrolled = unroll(self.cell, drives, self.cell.initial(inputs.shape[1]), keep_state=False)
        return Replayed(unrolled.activity, unrolled.modulator)


class GatedCore(nn.Module):
    """Torch's LSTM or GRU layer.

    Args:
        inputs: their number.
        neurons: cells.
        kind: "lstm" or "gru".
    """

    def __init__(self, inputs: int, neurons: int, kind: str) -> None:
        super().__init__()
        self.neurons, self.kind = neurons, kind
        self.layer = LSTMLayer(inputs, neurons) if kind == "lstm" else nn.GRU(inputs, neurons)

    def begin(self, batch: int, steps: int, learn: bool = False) -> Acting:
        """Empty memory; the layer itself is fastest at a gradient, of known inputs."""
        empty = next(self.layer.parameters()).new_zeros(batch, self.neurons)
        return _Stepwise(self, (empty, empty) if self.kind == "lstm" else (empty,), False)

    def step(self, input: Tensor, state: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Output and memory after an input (batch, inputs)."""
        (weights,) = self.layer.all_weights
        if self.kind == "lstm":
            new: tuple[Tensor, ...] = torch.lstm_cell(input, state, *weights)
        else:
            new = (torch.gru_cell(input, state[0], *weights),)
        return new[0], new

    def replay(self, inputs: Tensor) -> Replayed:
        """Outputs in whole lifetimes."""
        return Replayed(self.layer(inputs)[0], None)


class _Stepwise:
    """A core that goes from state to state, and keeps its features with their graph if they are wanted."""

    def __init__(self, core: TanhCore | GatedCore, state: Any, keep: bool) -> None:
        self.core, self.state, self.keep = core, state, keep
        self.kept: list[Tensor] = []

    def step(self, input: Tensor) -> Tensor:
        with torch.set_grad_enabled(self.keep):
            features, self.state = self.core.step(input, self.state)
        if self.keep:
            self.kept.append(features)
        return features.detach()

    def features(self, inputs: Tensor) -> Tensor | None:
        if not self.keep:
            return None
        self.step(inputs[-1])
        return torch.stack(self.kept)


class _Compact:
    """Small plastic networks, whose lifetimes are one operation for torch."""

    def __init__(self, core: TanhCore, lifetimes: CompactLifetimes) -> None:
        self.core, self.lifetimes = core, lifetimes

    def step(self, input: Tensor) -> Tensor:
        return self.lifetimes.step(self.core.input(input))

    def features(self, inputs: Tensor) -> Tensor | None:
        self.step(inputs[-1])
        return self.lifetimes.unrolled(self.core.input(inputs), keep_state=False).activity


class Agent(nn.Module):
    """A core, and from its features a policy and a value, linear both.

    Args:
        senses: what it gets.
        core: what remembers, for `senses.size` inputs.
        actions: to choose from.
    """

    def __init__(self, senses: Senses, core: TanhCore | GatedCore, actions: int) -> None:
        super().__init__()
        self.senses, self.core = senses, core
        self.policy, self.value = nn.Linear(core.neurons, actions), nn.Linear(core.neurons, 1)

    def judge(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithms of the actions' probabilities (..., actions), and values (...), from features."""
        return torch.log_softmax(self.policy(features), -1), self.value(features).squeeze(-1)
