"""LSTM cells whose candidate path learns within a lifetime, and stacks of them.

Only the recurrent connections into the candidate (the cell's input) are plastic; the gates are not:

    g_t = tanh(x_t U_g + h_{t-1} (W_g + alpha * H_t) + b),  c_t = f_t c_{t-1} + i_t g_t,  h_t = o_t tanh(c_t)

with pre = h_{t-1} and post = g_t. Miconi, Rawal, Clune & Stanley 2019, section 4.3.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from networks.deferred import DeferredProduct
from networks.plastic import Lifetime, PlasticConnections, Traces
from networks.plasticity import check_choice

#: State that a modulator reads: the cell's new output, or the one before.
READS = ("new", "old")


class LSTMState(NamedTuple):
    """State of an LSTM cell between two steps.

    Attributes:
        hidden: output, (batch, cells).
        cell: memory, (batch, cells).
        lifetime: of the plastic connections; None if there are none.
    """

    hidden: Tensor
    cell: Tensor
    lifetime: Traces | None = None

    def detach(self) -> LSTMState:
        """The same content, cut off from the graph that made it."""
        lifetime = self.lifetime
        assert lifetime is None or isinstance(lifetime, Lifetime)
        return LSTMState(self.hidden.detach(), self.cell.detach(), None if lifetime is None else lifetime.detach())


class PlasticLSTMCell(nn.Module):
    """An LSTM cell with plastic connections into its candidate.

    Args:
        inputs: size of the input.
        cells: size of the state.
        reads: whether a modulator reads the new output or the old one.
        connections: options of `PlasticConnections`.
    """

    def __init__(self, inputs: int, cells: int, *, reads: str = "new", **connections: Any) -> None:
        super().__init__()
        check_choice("reads", reads, READS)
        self.inputs, self.cells, self.reads = inputs, cells, reads
        self.input = nn.Linear(inputs, 4 * cells)
        self.gates = nn.Linear(cells, 3 * cells)
        self.recurrent = PlasticConnections(cells, cells, **connections)

    def initial(self, batch: int) -> LSTMState:
        """Empty memory and an empty lifetime, for each episode of a batch."""
        empty = self.recurrent.weight.new_zeros(batch, self.cells)
        return LSTMState(empty, empty, self.recurrent.initial(batch))

    def begin(self, state: LSTMState, events: bool = True) -> LSTMState:
        """The state as a window starts from it; with events, its traces are remembered as such where possible."""
        from networks import events as form

        lifetime = state.lifetime
        if events and isinstance(lifetime, Lifetime) and form.supports(self.recurrent):
            return state._replace(lifetime=form.EventTrace(self.recurrent, lifetime))
        return state

    def end(self, state: LSTMState, cut: bool = False) -> LSTMState:
        """The state after a window, its traces formed; cut off from the graph that made it where told so."""
        lifetime = state.lifetime
        if not (lifetime is None or isinstance(lifetime, Lifetime)):
            with torch.set_grad_enabled(torch.is_grad_enabled() and not cut):
                state = state._replace(lifetime=lifetime.lifetime())
        return state.detach() if cut else state

    def forward(self, input: Tensor, state: LSTMState) -> LSTMState:
        """One step from an input (batch, inputs)."""
        return self.step(self.input(input), self.gates(state.hidden), state)

    def step(self, driven: Tensor, gates: Tensor, state: LSTMState) -> LSTMState:
        """One step.

        Args:
            driven: what the input gives to gates and candidate, `self.input(input)`, (batch, 4 cells).
            gates: what the old output gives to the gates, `self.gates(state.hidden)`, (batch, 3 cells).
            state: before the step.
        """
        assert state.lifetime is not None
        enter, forget, out = torch.sigmoid(driven[:, : 3 * self.cells] + gates).chunk(3, 1)
        candidate = torch.tanh(driven[:, 3 * self.cells :] + self.recurrent(state.hidden, state.lifetime))
        cell = forget * state.cell + enter * candidate
        hidden = out * torch.tanh(cell)
        modulator = None
        if self.recurrent.modulation != "none":
            modulator = self.recurrent.modulate(hidden if self.reads == "new" else state.hidden)
        lifetime = self.recurrent.learn(state.lifetime, state.hidden, candidate, modulator)
        return LSTMState(hidden, cell, lifetime)

    def unroll(
        self, inputs: Tensor, state: LSTMState, events: bool = True, cut: bool = False
    ) -> tuple[Tensor, LSTMState]:
        """Outputs (steps, batch, cells) to inputs (steps, batch, inputs), and the state after them.

        Args:
            inputs: of a window.
            state: before it.
            events: remember the window as events (`networks.events`) where the options allow it; exact but for a
                clip, which then is applied at the window's end alone.
            cut: whether the state after the window is cut off from the graph that made it, as truncated
                backpropagation has it, which spares passes over the traces.
        """
        driven, gates = self.input(inputs), DeferredProduct(self.gates.weight.T)
        state = self.begin(state, events)
        outputs = []
        for step in driven:
            state = self.step(step, gates(state.hidden) + self.gates.bias, state)
            outputs.append(state.hidden)
        return torch.stack(outputs), self.end(state, cut)


class LSTMLayer(nn.LSTM):
    """Torch's layer; under autocast it stays in single precision where the processor has no bfloat16."""

    def forward(self, input, hx=None):  # type: ignore[no-untyped-def]
        """As torch's."""
        if input.device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported():
            return super().forward(input, hx)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.to(self.all_weights[0][0].dtype), hx)


class LSTMCell(nn.Module):
    """The non-plastic twin: torch's own LSTM layer with the same interface."""

    def __init__(self, inputs: int, cells: int) -> None:
        super().__init__()
        self.inputs, self.cells = inputs, cells
        self.lstm = LSTMLayer(inputs, cells)

    def initial(self, batch: int) -> LSTMState:
        """Empty memory."""
        empty = next(self.lstm.parameters()).new_zeros(batch, self.cells)
        return LSTMState(empty, empty)

    def unroll(
        self, inputs: Tensor, state: LSTMState, events: bool = True, cut: bool = False
    ) -> tuple[Tensor, LSTMState]:
        """Outputs (steps, batch, cells) to inputs (steps, batch, inputs), and the state after them."""
        outputs, (hidden, cell) = self.lstm(inputs, (state.hidden[None], state.cell[None]))
        after = LSTMState(hidden[0], cell[0])
        return outputs, after.detach() if cut else after


class StackedLSTM(nn.Module):
    """Layers of LSTM cells, plastic or not, with dropout between them.

    Args:
        sizes: of the input and of each layer.
        dropout: share of outputs of a layer that are dropped in training.
        locked: one mask for all steps of a window (variational dropout, Gal & Ghahramani 2016).
        plastic: options of `PlasticLSTMCell`; None for plain layers.
    """

    def __init__(
        self, sizes: tuple[int, ...], *, dropout: float = 0.0, locked: bool = True, plastic: dict[str, Any] | None
    ) -> None:
        super().__init__()
        layers = [
            LSTMCell(*pair) if plastic is None else PlasticLSTMCell(*pair, **plastic) for pair in pairwise(sizes)
        ]
        self.layers = nn.ModuleList(layers)
        self.dropout, self.locked = dropout, locked

    def initial(self, batch: int) -> list[LSTMState]:
        """Empty states of the layers."""
        return [layer.initial(batch) for layer in self.layers]  # type: ignore[operator]

    def forward(
        self, inputs: Tensor, states: list[LSTMState], events: bool = True, cut: bool = False
    ) -> tuple[list[Tensor], list[LSTMState]]:
        """Outputs of every layer (steps, batch, cells) to inputs (steps, batch, inputs), and the new states.

        Options as in `PlasticLSTMCell.unroll`.
        """
        outputs: list[Tensor] = []
        after: list[LSTMState] = []
        for layer, state in zip(self.layers, states, strict=True):
            if outputs:
                inputs = drop(inputs, self.dropout if self.training else 0.0, self.locked)
            inputs, state = layer.unroll(inputs, state, events, cut)  # type: ignore[operator]
            outputs.append(inputs)
            after.append(state)
        return outputs, after


def drop(values: Tensor, share: float, locked: bool) -> Tensor:
    """Dropout of values (steps, batch, size); locked: the same mask at every step."""
    if share == 0:
        return values
    shape = (1, *values.shape[1:]) if locked else values.shape
    mask = values.new_empty(shape).bernoulli_(1 - share) / (1 - share)
    return values * mask
