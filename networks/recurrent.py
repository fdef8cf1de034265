"""Recurrent cells of tanh neurons: plastic, neuromodulated, and their non-plastic twin.

Miconi, Clune & Stanley 2018 (eq. 1); Miconi, Rawal, Clune & Stanley 2019 (eq. 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from networks.deferred import DeferredProduct
from networks.plastic import Lifetime, PlasticConnections, RunningLifetime, Traces
from networks.plasticity import check_choice

if TYPE_CHECKING:
    from networks.compact import CompactLifetimes

INPUTS = ("added", "clamped")


class RecurrentState(NamedTuple):
    """State of a recurrent cell between two steps.

    Attributes:
        activity: of the neurons, (batch, neurons).
        lifetime: of the recurrent connections; None if they are not plastic.
        modulator: the modulator's last output, (batch,); None without one.
    """

    activity: Tensor
    lifetime: Traces | None = None
    modulator: Tensor | None = None


def respond(drive: Tensor, recurrent: Tensor, clamped: bool) -> Tensor:
    """New activity: tanh(drive + recurrent); where clamped, a neuron with a drive takes exactly that value."""
    activity = torch.tanh(drive + recurrent)
    return torch.where(drive != 0, drive, activity) if clamped else activity


class PlasticRNNCell(nn.Module):
    """Neurons whose recurrent connections learn within a lifetime.

    Args:
        neurons: their number.
        input: "added" to what neurons get inside tanh, or "clamped": a neuron with a drive that is not 0 takes it.
        connections: options of `PlasticConnections`; with modulation, the modulator reads the new activity.
    """

    def __init__(self, neurons: int, *, input: str = "added", **connections: Any) -> None:
        super().__init__()
        check_choice("input", input, INPUTS)
        self.neurons, self.clamped = neurons, input == "clamped"
        self.recurrent = PlasticConnections(neurons, neurons, **connections)

    def initial(self, batch: int) -> RecurrentState:
        """Silent neurons and an empty lifetime, for each episode of a batch."""
        silent = self.recurrent.weight.new_zeros(batch, self.neurons)
        modulator = None if self.recurrent.modulation == "none" else silent[:, 0]
        return RecurrentState(silent, self.recurrent.initial(batch), modulator)

    def forward(self, drive: Tensor, state: RecurrentState) -> RecurrentState:
        """One step: the product uses the trace as it was; then the trace takes in the new activity.

        Args:
            drive: external input, (batch, neurons).
            state: before the step.
        """
        assert state.lifetime is not None
        pre = state.activity
        post = respond(drive, self.recurrent(pre, state.lifetime), self.clamped)
        modulator = None if self.recurrent.modulation == "none" else self.recurrent.modulate(post)
        return RecurrentState(post, self.recurrent.learn(state.lifetime, pre, post, modulator), modulator)


class RNNCell(nn.Module):
    """The non-plastic twin: the same neurons with fixed recurrent weights.

    Args:
        neurons: their number.
        input: as in `PlasticRNNCell`.
    """

    def __init__(self, neurons: int, *, input: str = "added") -> None:
        super().__init__()
        check_choice("input", input, INPUTS)
        self.neurons, self.clamped = neurons, input == "clamped"
        self.weight = nn.Parameter(torch.empty(neurons, neurons))
        nn.init.normal_(self.weight, std=0.01)

    def initial(self, batch: int) -> RecurrentState:
        """Silent neurons."""
        return RecurrentState(self.weight.new_zeros(batch, self.neurons))

    def forward(self, drive: Tensor, state: RecurrentState) -> RecurrentState:
        """One step from a drive (batch, neurons)."""
        return RecurrentState(respond(drive, state.activity @ self.weight, self.clamped))


class Unrolled(NamedTuple):
    """What a cell did over a stretch of steps.

    Attributes:
        activity: (steps, batch, neurons).
        modulator: (steps, batch); None without one.
        state: after the last step.
    """

    activity: Tensor
    modulator: Tensor | None
    state: RecurrentState


def unroll(
    cell: PlasticRNNCell | RNNCell,
    drives: Tensor,
    state: RecurrentState,
    *,
    fused: bool = True,
    keep_state: bool = True,
) -> Unrolled:
    """Run a cell over drives (steps, batch, neurons).

    Args:
        cell: plastic or not.
        drives: external input.
        state: before the first step.
        fused: take the fast form that the cell's options allow (`fast_lifetime`); the results agree with those of
            plain steps up to rounding.
        keep_state: whether the lifetime after the last step is wanted; without it, one write is saved.
    """
    if isinstance(cell, RNNCell):
        return _unroll_plain(cell, drives, state)
    steps = len(drives)
    compact = compact_lifetimes(cell, state, steps, torch.is_grad_enabled()) if fused and steps else None
    if compact is not None:
        for drive in drives:
            compact.step(drive)
        return compact.unrolled(drives, keep_state)
    if fused and isinstance(state.lifetime, Lifetime):
        state = state._replace(lifetime=fast_lifetime(cell.recurrent, state.lifetime, steps))
        if cell.recurrent.modulation == "none" and isinstance(state.lifetime, RunningLifetime) and steps:
            return _run(cell, drives, state, keep_state)
    activities, modulators = [], []
    for drive in drives:
        state = cell(drive, state)
        activities.append(state.activity)
        modulators.append(state.modulator)
    if not (state.lifetime is None or isinstance(state.lifetime, Lifetime)):
        state = state._replace(lifetime=state.lifetime.lifetime() if keep_state else None)
    known = [modulator for modulator in modulators if modulator is not None]
    return Unrolled(torch.stack(activities), torch.stack(known) if known else None, state)


def _run(cell: PlasticRNNCell, drives: Tensor, state: RecurrentState, keep_state: bool) -> Unrolled:
    """All steps by the lifetime itself."""
    lifetime = state.lifetime
    assert isinstance(lifetime, RunningLifetime)
    activity = lifetime.run(drives, state.activity, cell.clamped)
    return Unrolled(activity, None, RecurrentState(activity[-1], lifetime.lifetime() if keep_state else None))


def compact_lifetimes(
    cell: PlasticRNNCell, state: RecurrentState, steps: int, learning: bool
) -> CompactLifetimes | None:
    """Lifetimes in the form that is fastest for small networks on a CPU; None where they cannot have it.

    Args:
        cell: plastic.
        state: before the first step.
        steps: that follow at most.
        learning: whether a gradient through the steps is wanted.
    """
    if state.activity.device.type != "cpu":
        return None
    from networks.compact import CompactLifetimes, supports  # compiles with numba, which GPU machines may lack

    return CompactLifetimes(cell, state, steps, learning) if supports(cell, state) else None


def fast_lifetime(connections: PlasticConnections, lifetime: Lifetime, steps: int) -> Traces:
    """A lifetime in the form in which a number of steps is fastest.

    With one alpha for all connections or for each receiver, many neurons and few steps, that is a list of events
    (`networks.events`); else, on a CPU, traces that are read and written in compiled passes (`networks.fused`).
    """
    from networks import events

    clips = connections.rule_name == "clipped" or connections.modulation == "retroactive"
    if (
        not clips
        and connections.alpha.ndim < 2
        and connections.senders > 2 * steps
        and events.supports(connections)
    ):
        return events.EventTrace(connections, lifetime)
    if lifetime.trace.device.type != "cpu":
        return lifetime
    from networks.fused import fuse  # compiles with numba, which GPU machines may lack

    return fuse(connections, lifetime)


def _unroll_plain(cell: RNNCell, drives: Tensor, state: RecurrentState) -> Unrolled:
    """The weights' gradient is one product for all steps."""
    product, activities = DeferredProduct(cell.weight), []
    for drive in drives:
        state = RecurrentState(respond(drive, product(state.activity), cell.clamped))
        activities.append(state.activity)
    return Unrolled(torch.stack(activities), None, state)
