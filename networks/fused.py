"""Plastic connections on a CPU whose traces are read and written once a step, forwards and backwards.

Plain autograd keeps several (senders x receivers) matrices for each episode and step. Here a lifetime's traces
live in one place and change there (`networks.sweeps`). What is kept of a step is its activity; on the way back
traces are made again, by undoing the writes or, where a clip forbids that, by writing again from snapshots.

Everything of the order of the number of neurons (activation, modulator, fan-out) stays in torch under autograd,
so a `FusedTrace` fits into any cell that uses `PlasticConnections`, step by step, also when an environment answers
between steps; where none does, `FusedTrace.run` takes many steps at once. With d_t the gradient of what the
receivers got at step t, and A_t that of the trace read at step t:

    A_t = alpha * (sender_t d_t) + keep_t A_{t+1} inside the clip
    d weight = sum_t sender_t d_t,    d alpha = sum_t H_t * (sender_t d_t)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from networks import stretch, sweeps
from networks.plastic import Lifetime, PlasticConnections, Traces

#: Rules whose write is `keep * H + pre write`, with keep and write from the rate and the receivers' activity.
FUSED_RULES = ("decaying", "oja", "additive", "clipped")
#: Senders of a task.
BLOCK = 128
#: Steps between snapshots of the traces: without a clip, they only keep rounding from growing.
STRIDE = 24
CLIPPED_STRIDE = 12
#: Writes are undone, rather than written again from a snapshot, where that magnifies rounding less than this.
MAGNIFIED = 4.0


def supports(connections: PlasticConnections, activity: Tensor) -> bool:
    """Whether these connections can be fused for activity of this kind."""
    return (
        activity.device.type == "cpu"
        and activity.dtype in (torch.float32, torch.float64)
        and connections.rule_name in FUSED_RULES
        and connections.modulation in ("none", "simple")
        and connections.fan_out != "connection"
        and (connections.rate is None or connections.rate.ndim == 0)
    )


def columns(rule: str, amount: Tensor, post: Tensor) -> tuple[Tensor | None, Tensor]:
    """Keep (None for 1) and write of a rule's step `H <- clip(keep H + pre write)`, each (batch, receivers).

    Args:
        rule: one of FUSED_RULES.
        amount: the rate, or what the modulator makes of it, to broadcast against post.
        post: activity of the receivers, (batch, receivers).
    """
    keep, write = stretch.columns(rule, amount, post)
    return None if keep is None else keep.expand_as(post), write


class FusedTrace:
    """The traces of a batch of lifetimes, as `PlasticConnections` reads and writes them; used once, in order.

    Args:
        connections: whose traces; `supports` must hold.
        lifetime: to start from; not changed.
    """

    def __init__(self, connections: PlasticConnections, lifetime: Lifetime) -> None:
        self.connections = connections
        self.start = lifetime.trace
        self.weight = connections.weight
        self.alpha = connections.alpha.expand(self.weight.shape)
        learning = torch.is_grad_enabled()
        bound = connections.bound if connections.rule_name == "clipped" else math.inf
        self.store = _Store(array_of(self.weight), array_of(self.alpha), array_of(self.start), bound, learning)
        self.pending: tuple[Tensor | None, Tensor | None, Tensor | None] = (None, None, None)
        self.turn: Tensor | None = None  # ties each read to the one before: gradients take all of them, in order

    def read(self, sender: Tensor) -> Tensor:
        """What the receivers get from senders (batch, senders): (batch, receivers)."""
        pending, self.pending = self.pending, (None, None, None)
        tensors = (sender, *pending, self.weight, self.alpha, self.start)
        received, self.turn = _Read.apply(self.store, self.turn, *tensors)
        return received

    def learn(self, pre: Tensor, post: Tensor, modulator: Tensor | None = None) -> None:
        """Write what a step's senders and receivers leave; it reaches the traces with the next read.

        Raises:
            ValueError: a second time without a read between.
        """
        if self.pending[1] is not None:
            raise ValueError("learn: a second time after a read: allowed is once")
        connections = self.connections
        assert connections.rule_name is not None
        amount: Tensor | None = connections.rate
        if connections.modulation != "none":
            assert modulator is not None
            amount = connections.amount(modulator).squeeze(-2)
        assert amount is not None
        self.pending = (*columns(connections.rule_name, amount, post), pre)

    def run(self, drives: Tensor, activity: Tensor, clamped: bool) -> Tensor:
        """Activity (steps, batch, neurons) of neurons that send to themselves, driven by a stretch of input alone.

        Args:
            drives: input of every step, (steps, batch, neurons), at least one.
            activity: before the first, (batch, neurons).
            clamped: whether neurons with a drive take exactly that value.

        Raises:
            ValueError: something was read or learned before, or a modulator decides what is learned.
        """
        connections = self.connections
        if self.turn is not None or self.pending[1] is not None or connections.modulation != "none":
            raise ValueError("run: allowed is without a modulator, and before any read")
        rule, rate = connections.rule_name, connections.rate
        assert rule is not None and rate is not None
        parameters = self.weight, self.alpha, self.start
        steps, self.turn = stretch.run(self.store, rule, clamped, drives, activity, rate, parameters)
        before = steps[-2] if len(steps) > 1 else activity
        self.pending = (*columns(rule, rate, steps[-1]), before)
        return steps

    def lifetime(self) -> Lifetime:
        """The traces now, with the gradient through all that was written; ends the use of this object."""
        silent = self.start.new_zeros(self.start.shape[:2])
        return Lifetime(_Final.apply(self.store, self.read(silent)))


def array_of(tensor: Tensor) -> NDArray:
    """Its numbers, without a gradient, where they are."""
    return tensor.detach().contiguous().numpy()


class _Read(torch.autograd.Function):
    """The write before a step and the step's read; the gradient of weights comes with the first step's."""

    @staticmethod
    def forward(ctx, store, turn, sender, keep, write, pre, weight, alpha, start):  # type: ignore[no-untyped-def]
        ctx.store, ctx.step = store, len(store.steps)
        given = [None if tensor is None else array_of(tensor) for tensor in (keep, write, pre)]
        return torch.from_numpy(store.read(array_of(sender), *given)), sender.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, turn):  # type: ignore[no-untyped-def]
        grads = [*ctx.store.read_back(ctx.step, array_of(gradient)), None, None, None]
        if ctx.step == 0:
            grads[4:] = ctx.store.parameters_back()
        tensors = [turn, *(None if grad is None else torch.from_numpy(grad) for grad in grads)]
        return None, *(t if need else None for t, need in zip(tensors, ctx.needs_input_grad[1:], strict=True))


class _Final(torch.autograd.Function):
    """The traces themselves; hangs on the last read so that its gradient comes first."""

    @staticmethod
    def forward(ctx, store, last):  # type: ignore[no-untyped-def]
        ctx.store = store
        ctx.shape = last.shape
        return torch.from_numpy(store.trace.copy())

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        ctx.store.adjoint = gradient.contiguous().numpy().copy()
        return None, gradient.new_zeros(ctx.shape)


@dataclass
class _Step:
    """What a step leaves for the way back, (batch, neurons) each: the write before its read, and the read."""

    keep: NDArray
    write: NDArray
    pre: NDArray
    sender: NDArray
    bound: np.floating  # of the write; what a lifetime starts from is not clipped
    gradient: NDArray | None = None


def fuse(connections: PlasticConnections, lifetime: Lifetime) -> Traces:
    """The lifetime in its fused form where that is supported, else itself."""
    from networks import retroactive  # which builds on this module

    if retroactive.supports(connections, lifetime):
        return retroactive.FusedEligibility(connections, lifetime)
    return FusedTrace(connections, lifetime) if supports(connections, lifetime.trace) else lifetime


class _Store:
    """Traces of a batch, and the steps they went through."""

    def __init__(self, weight: NDArray, alpha: NDArray, start: NDArray, bound: float, learning: bool) -> None:
        self.weight, self.alpha, self.start, self.learning = weight, alpha, start, learning
        self.trace = start.copy()
        self.bound = start.dtype.type(bound)
        self.stride = CLIPPED_STRIDE if math.isfinite(bound) else STRIDE
        self.tasks = tasks_of(start.shape[1])
        self.steps: list[_Step] = []
        self.snapshots: list[NDArray] = []
        self.adjoint: NDArray | None = None
        self.d_alpha: NDArray | None = None
        self.at = -1  # step whose trace `self.trace` is, on the way back
        self.exact = False  # whether traces come from snapshots rather than by undoing
        self.history: dict[int, NDArray] = {}

    def read(self, sender: NDArray, keep: NDArray | None, write: NDArray | None, pre: NDArray | None) -> NDArray:
        """Apply the write, if there is one, and multiply."""
        batch, senders, receivers = self.trace.shape
        kind = self.trace.dtype
        step = _Step(
            np.ones((batch, receivers), kind) if keep is None else keep,
            np.zeros((batch, receivers), kind) if write is None else write,
            np.zeros((batch, senders), kind) if pre is None else pre,
            sender,
            self.bound if write is not None else kind.type(np.inf),
        )
        out = np.zeros((len(self.tasks), batch, receivers), kind)
        sweeps.forward(
            self.trace,
            self.weight,
            self.alpha,
            step.keep,
            step.write,
            step.pre,
            sender,
            step.bound,
            self.tasks,
            out,
        )
        if self.learning:
            if len(self.steps) % self.stride == 0:
                self.snapshots.append(self.trace.copy())
            self.steps.append(step)
            self.at = len(self.steps) - 1
        return out.sum(0)

    def read_back(self, index: int, gradient: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Gradients of sender, keep, write and pre of a step; steps come last to first.

        Raises:
            RuntimeError: a second way back; the traces went with the first.
        """
        step = self.steps[index]
        if step.gradient is not None:
            raise RuntimeError("backward through a FusedTrace a second time: allowed is once; unroll(fused=False)")
        step.gradient = gradient
        self._begin_back()
        assert self.adjoint is not None and self.d_alpha is not None
        kind = self.trace.dtype
        d_sender, d_pre = (np.empty(step.sender.shape, kind) for _ in range(2))
        d_keep, d_write = (np.zeros((len(self.tasks), *step.write.shape), kind) for _ in range(2))
        if self.exact:
            sweeps.back(
                self._written_again(index - 1),
                self.adjoint,
                self.weight,
                self.alpha,
                gradient,
                step.sender,
                step.keep,
                step.write,
                step.pre,
                step.bound,
                self.tasks,
                self.d_alpha,
                d_sender,
                d_keep,
                d_write,
                d_pre,
            )
        else:
            self._stand_at(index)
            sweeps.undo(
                self.trace,
                self.adjoint,
                self.weight,
                self.alpha,
                gradient,
                step.sender,
                step.keep,
                1 / step.keep,
                step.write,
                step.pre,
                self.tasks,
                self.d_alpha,
                d_sender,
                d_keep,
                d_write,
                d_pre,
            )
            self.at = index - 1
        return d_sender, d_keep.sum(0), d_write.sum(0), d_pre

    def parameters_back(self) -> tuple[NDArray, NDArray, NDArray]:
        """Gradients of weight, alpha and the first traces, after the first step's turn."""
        assert self.adjoint is not None and self.d_alpha is not None
        used = [step for step in self.steps if step.gradient is not None]
        senders = torch.from_numpy(np.concatenate([step.sender for step in used]))
        gradients = torch.from_numpy(np.concatenate([step.gradient for step in used if step.gradient is not None]))
        return (senders.T @ gradients).numpy(), self.d_alpha, self.adjoint

    def _begin_back(self) -> None:
        if self.d_alpha is not None:
            return
        if self.adjoint is None:
            self.adjoint = np.zeros_like(self.trace)
        self.d_alpha = np.zeros_like(self.alpha, order="C")
        self.exact = math.isfinite(self.bound) or self._magnified() > MAGNIFIED

    def _magnified(self) -> float:
        """How much undoing the writes between two snapshots may magnify a rounding error."""
        worst = 1.0
        for first in range(0, len(self.steps), self.stride):
            smallest = [float(np.abs(step.keep).min()) for step in self.steps[first : first + self.stride]]
            product = math.prod(smallest)
            worst = max(worst, 1 / product if product > 0 else math.inf)
        return worst

    def _stand_at(self, index: int) -> None:
        """Have the trace of a step in place: it stands there, or a snapshot is taken up and written on."""
        segment = index // self.stride
        if self.at == index and index % self.stride:
            return
        self.trace = self.snapshots[segment].copy() if index % self.stride else self.snapshots[segment]
        for step in self.steps[segment * self.stride + 1 : index + 1]:
            sweeps.write_to(self.trace, step.keep, step.write, step.pre, step.bound, self.tasks, self.trace)
        del self.snapshots[segment + (index % self.stride > 0) :]

    def _written_again(self, index: int) -> NDArray:
        """The trace that a step read, from the snapshot before it; -1 is the start."""
        if index < 0:
            return self.start
        if index not in self.history:
            first = index // self.stride * self.stride
            last = min(first + self.stride, index + 1)
            free = list(self.history.values())
            self.history = {first: self.snapshots[first // self.stride]}
            for key in range(first + 1, last):
                step = self.steps[key]
                new = free.pop() if free else np.empty_like(self.trace)
                before = self.history[key - 1]
                sweeps.write_to(before, step.keep, step.write, step.pre, step.bound, self.tasks, new)
                self.history[key] = new
        return self.history[index]


def tasks_of(senders: int) -> NDArray[np.int64]:
    """First and last sender of each task of a sweep, the same for any machine, (tasks, 2)."""
    blocks = -(-senders // BLOCK)
    edges = [senders * block // blocks for block in range(blocks + 1)]
    return np.array(list(pairwise(edges)))
