"""Retroactively modulated connections on a CPU: trace and eligibility read and written once a step, and backwards.

What `networks.fused` is for one trace, for two matrices of which one feeds the other. With amount m_t, what the
modulator makes of a step, and the eligibility's step E <- keep_t E + write_t pre_t:

    H_{t+1} = clip(H_t + m_t * E_t),    E_{t+1} = keep_t * E_t + pre_t write_t

With K_t the gradient of the trace that step t reads, where the clip lets it pass, and L_t that of the eligibility:

    K_t = alpha * (sender_t d_t) + K_{t+1},    L_t = m_t * K_{t+1} + keep_t * L_{t+1}

On the way back both are made again by writing again from snapshots. Miconi, Rawal, Clune & Stanley 2019, eq. 4, 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from networks import fused, sweeps
from networks.fused import array_of
from networks.plastic import Lifetime, PlasticConnections

Pair = tuple[NDArray, NDArray]


def supports(connections: PlasticConnections, lifetime: Lifetime) -> bool:
    """Whether these connections and this lifetime have this form."""
    trace = lifetime.trace
    return (
        connections.modulation == "retroactive"
        and trace.device.type == "cpu"
        and trace.dtype in (torch.float32, torch.float64)
        and connections.fan_out != "connection"
        and connections.rate is not None
        and connections.rate.ndim == 0
    )


class FusedEligibility:
    """Traces and eligibilities of a batch of lifetimes, as `PlasticConnections` reads and writes them; used once.

    Args:
        connections: whose traces; `supports` must hold.
        lifetime: to start from; not changed.
    """

    def __init__(self, connections: PlasticConnections, lifetime: Lifetime) -> None:
        assert lifetime.eligibility is not None
        self.connections = connections
        self.start, self.eligible = lifetime.trace, lifetime.eligibility
        self.weight = connections.weight
        self.alpha = connections.alpha.expand(self.weight.shape)
        start = (array_of(self.start), array_of(self.eligible))
        parts = (array_of(self.weight), array_of(self.alpha))
        self.store = _Store(*parts, start, connections.bound, torch.is_grad_enabled())
        self.pending: tuple[Tensor | None, ...] = (None, None, None, None)
        self.turn: Tensor | None = None  # ties each read to the one before: gradients take all of them, in order

    def read(self, sender: Tensor) -> Tensor:
        """What the receivers get from senders (batch, senders): (batch, receivers)."""
        pending, self.pending = self.pending, (None, None, None, None)
        tensors = (sender, *pending, self.weight, self.alpha, self.start, self.eligible)
        received, self.turn = _Read.apply(self.store, self.turn, *tensors)
        return received

    def learn(self, pre: Tensor, post: Tensor, modulator: Tensor | None = None) -> None:
        """Write what a step's senders and receivers leave; it reaches the traces with the next read.

        Raises:
            ValueError: a second time without a read between.
        """
        if self.pending[0] is not None:
            raise ValueError("learn: a second time after a read: allowed is once")
        assert modulator is not None and self.connections.rate is not None
        # Under autocast the modulator is of lower precision than the activity.
        amount = self.connections.amount(modulator).squeeze(-2).to(post.dtype).expand_as(post)
        self.pending = (amount, *fused.columns("decaying", self.connections.rate, post), pre)

    def lifetime(self) -> Lifetime:
        """Traces and eligibilities now, with the gradient through all that was written; ends this object's use."""
        silent = self.start.new_zeros(self.start.shape[:2])
        return Lifetime(*_Final.apply(self.store, self.read(silent)))


class _Read(torch.autograd.Function):
    """The writes before a step and the step's read; the gradient of weights comes with the first step's."""

    @staticmethod
    def forward(ctx, store, turn, sender, amount, keep, write, pre, weight, alpha, start, eligible):  # type: ignore[no-untyped-def]
        ctx.store, ctx.step = store, len(store.steps)
        given = [None if tensor is None else array_of(tensor) for tensor in (amount, keep, write, pre)]
        return torch.from_numpy(store.read(array_of(sender), given)), sender.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, turn):  # type: ignore[no-untyped-def]
        grads = [*ctx.store.read_back(ctx.step, array_of(gradient)), None, None, None, None]
        if ctx.step == 0:
            grads[5:] = ctx.store.parameters_back()
        tensors = [turn, *(None if grad is None else torch.from_numpy(grad) for grad in grads)]
        return None, *(t if need else None for t, need in zip(tensors, ctx.needs_input_grad[1:], strict=True))


class _Final(torch.autograd.Function):
    """Traces and eligibilities themselves; hangs on the last read so that its gradient comes first."""

    @staticmethod
    def forward(ctx, store, last):  # type: ignore[no-untyped-def]
        ctx.store, ctx.shape = store, last.shape
        return tuple(torch.from_numpy(array.copy()) for array in store.now)

    @staticmethod
    @once_differentiable
    def backward(ctx, trace, eligibility):  # type: ignore[no-untyped-def]
        ctx.store.adjoint = tuple(array_of(gradient).copy() for gradient in (trace, eligibility))
        return None, trace.new_zeros(ctx.shape)


@dataclass
class _Step:
    """What a step leaves for the way back, (batch, neurons) each: the writes before its read, and the read."""

    amount: NDArray
    keep: NDArray
    write: NDArray
    pre: NDArray
    sender: NDArray
    bound: np.floating  # of the write; what a lifetime starts from is not clipped
    gradient: NDArray | None = None


class _Store:
    """Traces and eligibilities of a batch, and the steps they went through."""

    def __init__(self, weight: NDArray, alpha: NDArray, start: Pair, bound: float, learning: bool) -> None:
        self.weight, self.alpha, self.start, self.learning = weight, alpha, start, learning
        self.now = (start[0].copy(), start[1].copy())
        self.bound = start[0].dtype.type(bound)
        self.tasks = fused.tasks_of(start[0].shape[1])
        self.steps: list[_Step] = []
        self.snapshots: list[Pair] = []
        self.history: dict[int, Pair] = {}
        self.adjoint: Pair | None = None
        self.d_alpha: NDArray | None = None

    def read(self, sender: NDArray, given: list[NDArray | None]) -> NDArray:
        """Apply the writes, if there are any, and multiply."""
        batch, senders, receivers = self.now[0].shape
        kind = self.now[0].dtype
        amount, keep, write, pre = given
        bound = self.bound
        if amount is None or keep is None or write is None or pre is None:
            # nothing was learned before: nothing enters the trace, and the eligibility stays
            amount, write = (np.zeros((batch, receivers), kind) for _ in range(2))
            keep, pre = np.ones((batch, receivers), kind), np.zeros((batch, senders), kind)
            bound = kind.type(np.inf)
        step = _Step(amount, keep, write, pre, sender, bound)
        out = np.zeros((len(self.tasks), batch, receivers), kind)
        sweeps.retroactive_forward(
            *self.now, self.weight, self.alpha, amount, keep, write, pre, sender, bound, self.tasks, out
        )
        if self.learning:
            if len(self.steps) % fused.CLIPPED_STRIDE == 0:
                self.snapshots.append((self.now[0].copy(), self.now[1].copy()))
            self.steps.append(step)
        return out.sum(0)

    def read_back(self, index: int, gradient: NDArray) -> list[NDArray]:
        """Gradients of sender, amount, keep, write and pre of a step; steps come last to first.

        Raises:
            RuntimeError: a second way back; the traces went with the first.
        """
        step = self.steps[index]
        if step.gradient is not None:
            raise RuntimeError("backward through a fused lifetime a second time: allowed is once")
        step.gradient = gradient
        if self.adjoint is None:
            self.adjoint = (np.zeros_like(self.start[0]), np.zeros_like(self.start[1]))
        if self.d_alpha is None:
            self.d_alpha = np.zeros_like(self.alpha, order="C")
        d_sender, d_pre = (np.empty(step.sender.shape, gradient.dtype) for _ in range(2))
        parts = (len(self.tasks), *gradient.shape)
        d_amount, d_keep, d_write = (np.zeros(parts, gradient.dtype) for _ in range(3))
        sweeps.retroactive_back(
            *self._written_again(index - 1),
            *self.adjoint,
            self.weight,
            self.alpha,
            gradient,
            step.sender,
            step.amount,
            step.keep,
            step.write,
            step.pre,
            step.bound,
            self.tasks,
            self.d_alpha,
            d_sender,
            d_amount,
            d_keep,
            d_write,
            d_pre,
        )
        return [d_sender, d_amount.sum(0), d_keep.sum(0), d_write.sum(0), d_pre]

    def parameters_back(self) -> list[NDArray]:
        """Gradients of weight, alpha, the first traces and eligibilities, after the first step's turn."""
        assert self.adjoint is not None and self.d_alpha is not None
        used = [step for step in self.steps if step.gradient is not None]
        senders = torch.from_numpy(np.concatenate([step.sender for step in used]))
        gradients = torch.from_numpy(np.concatenate([step.gradient for step in used if step.gradient is not None]))
        return [(senders.T @ gradients).numpy(), self.d_alpha, *self.adjoint]

    def _written_again(self, index: int) -> Pair:
        """What was there after a step's read, from the snapshot before it; -1 is the start."""
        if index < 0:
            return self.start
        if index not in self.history:
            stride = fused.CLIPPED_STRIDE
            first = index // stride * stride
            free = list(self.history.values())
            self.history = {first: self.snapshots[first // stride]}
            for key in range(first + 1, min(first + stride, index + 1)):
                step, before = self.steps[key], self.history[key - 1]
                new = free.pop() if free else (np.empty_like(before[0]), np.empty_like(before[1]))
                writes = (step.amount, step.keep, step.write, step.pre)
                sweeps.retroactive_write(*before, *writes, step.bound, self.tasks, *new)
                self.history[key] = new
        return self.history[index]
