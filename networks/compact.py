"""Lifetimes of small plastic recurrent networks on a CPU, lived step by step, with a gradient through all steps.

Torch's own work at a step (some dozen small operations, forwards and backwards) takes longer than a pass over a
small trace. Here a step is one compiled pass and a tanh, whether its input is known beforehand or comes from an
environment that answers to what the network did, and the way back through all steps is one compiled pass for each
lifetime (`networks.compact_sweeps`), modulators included.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from networks import compact_sweeps, fused, retroactive
from networks.fused import array_of
from networks.plastic import Lifetime, PlasticConnections
from networks.recurrent import PlasticRNNCell, RecurrentState, Unrolled

#: Neurons up to which one lifetime's traces fit into a core's cache.
SMALL = 256
#: Steps between snapshots of the traces, from which the way back writes them again.
STRIDE = 12
#: What diverges becomes NaN without a word, as in torch; whoever trains finds it in the loss.
_DIVERGING = np.errstate(invalid="ignore", over="ignore")


def supports(cell: PlasticRNNCell, state: RecurrentState) -> bool:
    """Whether lifetimes of this cell from this state have this form."""
    connections, lifetime = cell.recurrent, state.lifetime
    return (
        isinstance(lifetime, Lifetime)
        and cell.neurons <= SMALL
        and connections.weight.dtype == state.activity.dtype == lifetime.trace.dtype
        and (fused.supports(connections, lifetime.trace) or retroactive.supports(connections, lifetime))
    )


class _Parameters(NamedTuple):
    """What lifetimes depend on; see `networks.compact_sweeps` for the vectors that decide what is learned."""

    weight: Any
    alpha: Any
    gain: Any
    offset: Any
    reader: Any
    bias: Any
    rate: Any
    start: Any
    eligible: Any


class CompactLifetimes:
    """A batch of lifetimes of a recurrent cell; used once, from its first step to its last.

    Args:
        cell: for which `supports` holds.
        state: before the first step; not changed.
        steps: that follow at most.
        learning: whether a gradient through the steps is wanted.
    """

    def __init__(self, cell: PlasticRNNCell, state: RecurrentState, steps: int, learning: bool) -> None:
        assert isinstance(state.lifetime, Lifetime)
        self.cell, self.state, self.learning = cell, state, learning
        connections = cell.recurrent
        self.given = _Parameters(*map(array_of, _parameters(connections, state.lifetime)))
        kind = self.given.weight.dtype
        self.rule = _rule(connections)
        clips = self.rule == compact_sweeps.RETROACTIVE or connections.rule_name == "clipped"
        self.bound = kind.type(connections.bound if clips else np.inf)
        self.trace, self.eligibility = self.given.start.copy(), self.given.eligible.copy()
        self.activity = np.empty((steps + 1, *state.activity.shape), kind)
        self.activity[0] = array_of(state.activity)
        self.modulator = np.zeros(self.activity.shape[:2], kind)
        self.held = np.zeros((steps if cell.clamped else 1, *state.activity.shape), bool)
        kept = -(-steps // STRIDE) if learning else 0
        self.snapshots = np.empty((kept, *self.trace.shape), kind)
        self.eligible_snapshots = np.empty((kept, *self.eligibility.shape), kind)
        self.done = 0

    @torch.no_grad()
    @_DIVERGING
    def step(self, drive: Tensor) -> Tensor:
        """Activity after a step, (batch, neurons), without a gradient.

        Args:
            drive: external input, (batch, neurons).
        """
        given, after = drive.to(self.state.activity.dtype).numpy(), self.activity[self.done + 1]
        self._advance(after)
        if self.learning and self.done % STRIDE == 0:
            self.snapshots[self.done // STRIDE] = self.trace
            self.eligible_snapshots[self.done // STRIDE] = self.eligibility
        after += given
        np.tanh(after, out=after)
        if self.cell.clamped:
            self.held[self.done] = given != 0
            np.copyto(after, given, where=self.held[self.done])
        self.done += 1
        return torch.from_numpy(after)

    def unrolled(self, drives: Tensor, keep_state: bool = True) -> Unrolled:
        """All that was done, with a gradient through it if it was wanted; no steps may follow.

        Args:
            drives: those of all steps done, (steps, batch, neurons).
            keep_state: whether the lifetime after the last step is wanted; without it, one write is saved.
        """
        assert isinstance(self.state.lifetime, Lifetime)
        drives, modulated = drives.to(self.state.activity.dtype), self.cell.recurrent.modulation != "none"
        parameters = _parameters(self.cell.recurrent, self.state.lifetime)
        activity, modulator, *left = _Lived.apply(self, keep_state, drives, self.state.activity, *parameters)
        lifetime = None
        if keep_state:
            lifetime = Lifetime(left[0], left[1] if self.rule == compact_sweeps.RETROACTIVE else None)
        state = RecurrentState(activity[-1], lifetime, modulator[-1] if modulated else None)
        return Unrolled(activity, modulator if modulated else None, state)

    @_DIVERGING
    def finish(self, keep_state: bool) -> None:
        """Let in what the last step left, or have its modulator's output at least."""
        if keep_state:
            self._advance(np.empty_like(self.activity[0]))
        else:
            self.modulator[self.done] = np.tanh(self.activity[self.done] @ self.given.reader + self.given.bias)

    def _advance(self, out: NDArray) -> None:
        given, now = self.given, self.done
        compact_sweeps.advance(
            self.trace,
            self.eligibility,
            given.weight,
            given.alpha,
            given.gain,
            given.offset,
            given.reader,
            given.bias[()],
            given.rate[()],
            self.rule,
            self.bound,
            now > 0,
            self.activity[max(now - 1, 0)],
            self.activity[now],
            self.modulator[now],
            out,
        )

    @_DIVERGING
    def back(self, of_activity: NDArray, of_modulator: NDArray, left: tuple[NDArray, NDArray]) -> list[NDArray]:
        """Gradients of drives, activity before the first step, and parameters, in their order.

        Args:
            of_activity: gradient of activity before the first step and after each, (steps + 1, batch, neurons).
            of_modulator: likewise, (steps + 1, batch).
            left: gradients of traces and eligibilities after the last step.

        All three are changed.
        """
        given, activity, modulator = self.given, self.activity[: self.done + 1], self.modulator[: self.done + 1]
        of_alpha, of_rate = np.zeros_like(given.start), np.zeros_like(modulator[0])
        of_received, of_drive = (np.empty_like(activity[1:]) for _ in range(2))
        of_amount = np.zeros_like(activity)
        compact_sweeps.back(
            activity,
            modulator,
            self.held,
            self.cell.clamped,
            given.weight,
            given.alpha,
            given.gain,
            given.offset,
            given.reader,
            given.rate[()],
            self.rule,
            self.bound,
            given.start,
            given.eligible,
            self.snapshots,
            self.eligible_snapshots,
            STRIDE,
            of_activity,
            of_modulator,
            *left,
            of_alpha,
            of_received,
            of_drive,
            of_amount,
            of_rate,
        )
        neurons = activity.shape[2]
        senders, received = (torch.from_numpy(x.reshape(-1, neurons)) for x in (activity[:-1], of_received))
        rows = _Parameters(
            weight=(senders.T @ received).numpy(),
            alpha=of_alpha.sum(0),
            gain=(of_amount[1:] * modulator[1:, :, None]).sum((0, 1)),
            offset=of_amount[1:].sum((0, 1)),
            reader=(of_modulator[1:, :, None] * activity[1:]).sum((0, 1)),
            bias=of_modulator[1:].sum(),
            rate=of_rate.sum(),
            start=left[0],
            eligible=left[1],
        )
        return [of_drive, of_activity[0], *rows]


class _Lived(torch.autograd.Function):
    """Activity and modulator after each step; traces and eligibilities after the last, if they are wanted."""

    @staticmethod
    def forward(ctx, lifetimes, keep_state, drives, first, *parameters):  # type: ignore[no-untyped-def]
        lifetimes.finish(keep_state)
        ctx.lifetimes, ctx.keep_state = lifetimes, keep_state
        given = [lifetimes.activity[1 : lifetimes.done + 1], lifetimes.modulator[1 : lifetimes.done + 1]]
        if keep_state:
            given += [lifetimes.trace, lifetimes.eligibility]
        return tuple(torch.from_numpy(array.copy()) for array in given)

    @staticmethod
    @once_differentiable
    def backward(ctx, of_activity, of_modulator, *left):  # type: ignore[no-untyped-def]
        lifetimes = ctx.lifetimes
        if ctx.keep_state:
            left = tuple(gradient.numpy().copy() for gradient in left)
        else:
            left = np.zeros_like(lifetimes.trace), np.zeros_like(lifetimes.eligibility)
        before = (np.concatenate([np.zeros_like(x[:1]), x]) for x in (of_activity.numpy(), of_modulator.numpy()))
        grads = [torch.as_tensor(grad) for grad in lifetimes.back(*before, left)]
        needed = ctx.needs_input_grad[2:]
        return None, None, *(grad if need else None for grad, need in zip(grads, needed, strict=True))


def _parameters(connections: PlasticConnections, lifetime: Lifetime) -> _Parameters:
    """Tensors, with their gradients."""
    weight, rate = connections.weight, connections.rate
    ones, zeros = weight.new_ones(len(weight)), weight.new_zeros(len(weight))
    gain, offset, reader, bias = ones, zeros, zeros, weight.new_zeros(())
    if connections.modulation == "none":
        assert rate is not None
        gain, offset = zeros, rate.expand(len(weight))
    else:
        reader, bias = connections.modulator.weight[0], connections.modulator.bias[0]
        if connections.fan_out == "neuron":
            gain, offset = connections.fan.weight[:, 0], connections.fan.bias
    eligible = (
        weight.new_zeros(len(lifetime.trace), 0, 0) if lifetime.eligibility is None else lifetime.eligibility
    )
    return _Parameters(
        weight,
        connections.alpha.expand(weight.shape),
        gain,
        offset,
        reader,
        bias,
        weight.new_zeros(()) if rate is None else rate,
        lifetime.trace,
        eligible,
    )


def _rule(connections: PlasticConnections) -> int:
    if connections.modulation == "retroactive":
        return compact_sweeps.RETROACTIVE
    rules = {"decaying": compact_sweeps.DECAYING, "oja": compact_sweeps.OJA}
    return rules.get(connections.rule_name or "", compact_sweeps.PLAIN)
