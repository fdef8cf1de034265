"""Many steps of a plastic recurrent network at once, where nothing has to happen between them.

Torch's own work at a step (a dozen small operations, forwards and backwards) takes as long as a good part of a
pass over a trace, and does not get faster with threads. Here it is left out: steps follow each other in numpy, and
their gradients are written out. With y_t the activity after step t and x_t what it came from,

    y_t = tanh(x_t),  x_t = drive_t + y_(t-1) (weight + alpha H_t),  H_(t+1) = clip(keep_t H_t + y_(t-1) write_t)

where keep_t and write_t follow from the rate and y_t (`columns`).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable


class TraceStore(Protocol):
    """Traces of a batch, and the steps they went through."""

    def read(self, sender: NDArray, keep: NDArray | None, write: NDArray | None, pre: NDArray | None) -> NDArray:
        """Apply the write, if there is one, and multiply."""

    def read_back(self, index: int, gradient: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Gradients of sender, keep, write and pre of a step; steps come last to first."""

    def parameters_back(self) -> tuple[NDArray, NDArray, NDArray]:
        """Gradients of weight, alpha and the first traces, after the first step's turn."""


def columns(rule: str, amount: Any, post: Any) -> tuple[Any, Any]:
    """Keep (None for 1) and write of a rule's step `H <- clip(keep H + pre write)`, of torch or of numpy.

    Args:
        rule: one of `networks.fused.FUSED_RULES`.
        amount: the rate, or what the modulator makes of it, to broadcast against post.
        post: activity of the receivers, (batch, receivers).

    Returns:
        Keep, to broadcast against post, and write, (batch, receivers).
    """
    write = amount * post
    if rule == "decaying":
        return 1 - amount, write
    if rule == "oja":
        return 1 - write * post, write
    return None, write


def columns_back(rule: str, rate: Any, post: NDArray, keep: NDArray, write: NDArray) -> tuple[NDArray, float]:
    """Gradients of activity and rate, from those of keep and write."""
    of_post, of_rate = rate * write, (write * post).sum()
    if rule == "decaying":
        of_rate -= keep.sum()
    elif rule == "oja":
        of_post -= 2 * rate * post * keep
        of_rate -= (post * post * keep).sum()
    return of_post, float(of_rate)


def run(
    store: TraceStore,
    rule: str,
    clamped: bool,
    drives: Tensor,
    activity: Tensor,
    rate: Tensor,
    parameters: tuple[Tensor, Tensor, Tensor],
) -> tuple[Tensor, Tensor]:
    """Activity after each step, (steps, batch, neurons), and what ties later reads of the store to these.

    Args:
        store: fresh.
        rule: one of `networks.fused.FUSED_RULES`.
        clamped: whether neurons with a drive take exactly that value.
        drives: input of every step, (steps, batch, neurons).
        activity: before the first step, (batch, neurons).
        rate: a scalar.
        parameters: weight, alpha and first traces of the store, for their gradients.
    """
    drives = drives.to(activity.dtype)
    return _Stretch.apply(store, rule, clamped, drives, activity, rate, *parameters)


class _Stretch(torch.autograd.Function):
    """Activity after each step, (steps, batch, neurons), and what ties later reads to these."""

    @staticmethod
    def forward(ctx, store, rule, clamped, drives, activity, rate, weight, alpha, start):  # type: ignore[no-untyped-def]
        given = drives.detach().numpy()
        steps = np.empty((len(given) + 1, *activity.shape), given.dtype)
        steps[0], amount = activity.detach().numpy(), given.dtype.type(rate.item())
        pending: tuple[NDArray | None, NDArray | None, NDArray | None] = (None, None, None)
        for before, after, drive in zip(steps, steps[1:], given, strict=False):
            received = store.read(before, *pending)
            received += drive
            np.tanh(received, out=after)
            if clamped:
                np.copyto(after, drive, where=drive != 0)
            keep, write = columns(rule, amount, after)
            pending = (None if keep is None else np.broadcast_to(keep, after.shape).copy(), write, before)
        ctx.store, ctx.rule, ctx.amount, ctx.steps = store, rule, amount, steps
        ctx.held = given != 0 if clamped else None
        return torch.from_numpy(steps[1:].copy()), activity.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, turn):  # type: ignore[no-untyped-def]
        steps, rate = ctx.steps, 0.0
        of_steps = np.concatenate([np.zeros_like(steps[:1]), gradient.numpy()])
        of_drives = np.empty_like(steps[1:])
        for step in reversed(range(len(of_drives))):
            after, of_after, of_received = steps[step + 1], of_steps[step + 1], of_drives[step]
            np.multiply(of_after, 1 - after * after, out=of_received)
            if ctx.held is not None:
                np.copyto(of_received, 0, where=ctx.held[step])
            sender, keep, write, pre = ctx.store.read_back(step, of_received)
            of_steps[step] += sender
            if step:
                of_post, of_rate = columns_back(ctx.rule, ctx.amount, steps[step], keep, write)
                of_steps[step] += of_post
                of_steps[step - 1] += pre
                rate += of_rate
        parameters = ctx.store.parameters_back()
        if ctx.held is not None:
            of_drives = np.where(ctx.held, of_steps[1:], of_drives)
        grads = [torch.from_numpy(grad) for grad in (of_drives, of_steps[0])]
        grads += [gradient.new_tensor(rate), *map(torch.from_numpy, parameters)]
        return (
            None,
            None,
            None,
            *(grad if need else None for grad, need in zip(grads, ctx.needs_input_grad[3:], strict=True)),
        )
