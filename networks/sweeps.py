"""Compiled passes over the traces of a batch of lifetimes: each step reads and writes every connection once.

The write of one step and the read of the next are one pass. For receiver j every rule here is

    H[i, j] <- clip(keep[j] * H[i, j] + write[j] * pre[i])

with vectors `keep` and `write` that depend on the step's activity alone (see `networks.fused`). A task is a range
of episodes and of receivers; tasks write apart from each other and their sums are added in a fixed order, so that
the result does not depend on the number of threads.

Shapes: trace and adjoint (batch, senders, receivers); weight and alpha (senders, receivers); pre and sender
(batch, senders); keep, write, d and out (batch, receivers); tasks (count, 4): first and last episode, first and
last receiver of each. Gradients of senders come in parts, (blocks, batch, senders), one a range of receivers.
"""

from __future__ import annotations

from typing import Any

from numba import njit, prange
from numpy.typing import NDArray

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    "error_model": "numpy",
}


@njit(**_OPTIONS)
def _forward_row(
    h: NDArray,
    weight: NDArray,
    alpha: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: float,
    sender: float,
    bound: float,
    out: NDArray,
) -> None:
    """One sender's row: the pending write, then what the row adds to its receivers."""
    for j in range(h.shape[0]):
        x = keep[j] * h[j] + write[j] * pre
        x = min(max(x, -bound), bound)
        h[j] = x
        out[j] += sender * (weight[j] + alpha[j] * x)


@njit(**_OPTIONS)
def _write_row(h: NDArray, keep: NDArray, write: NDArray, pre: float, bound: float, new: NDArray) -> None:
    """One sender's row: a write alone, to another place."""
    for j in range(h.shape[0]):
        x = keep[j] * h[j] + write[j] * pre
        new[j] = min(max(x, -bound), bound)


@njit(**_OPTIONS)
def _read_back_row(
    h: NDArray, adjoint: NDArray, weight: NDArray, alpha: NDArray, d_alpha: NDArray, d: NDArray, sender: float
) -> float:
    """One sender's row, backwards through the product; returns the sender's gradient."""
    zero = sender * 0
    total = zero
    for j in range(h.shape[0]):
        x = h[j]
        q = sender * d[j]
        total += d[j] * (weight[j] + alpha[j] * x)
        d_alpha[j] += q * x
        adjoint[j] += alpha[j] * q
    return total


@njit(**_OPTIONS)
def _write_back_row(
    before: NDArray,
    adjoint: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: float,
    bound: float,
    d_keep: NDArray,
    d_write: NDArray,
) -> float:
    """One sender's row, backwards through a write; returns the gradient of pre."""
    zero = pre * 0
    d_pre = zero
    for j in range(before.shape[0]):
        y = before[j]
        k = adjoint[j] if abs(keep[j] * y + write[j] * pre) <= bound else zero
        d_keep[j] += k * y
        d_write[j] += k * pre
        d_pre += k * write[j]
        adjoint[j] = k * keep[j]
    return d_pre


@njit(**_OPTIONS)
def _undo_row(
    h: NDArray,
    adjoint: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d_alpha: NDArray,
    d: NDArray,
    sender: float,
    keep: NDArray,
    write: NDArray,
    pre: float,
    d_keep: NDArray,
    d_write: NDArray,
) -> tuple[float, float]:
    """One sender's row, backwards through the product and the unclipped write before it, which is undone."""
    zero = sender * 0
    total = zero
    d_pre = zero
    for j in range(h.shape[0]):
        x = h[j]
        q = sender * d[j]
        total += d[j] * (weight[j] + alpha[j] * x)
        d_alpha[j] += q * x
        k = adjoint[j] + alpha[j] * q
        y = (x - write[j] * pre) / keep[j]
        h[j] = y
        d_keep[j] += k * y
        d_write[j] += k * pre
        d_pre += k * write[j]
        adjoint[j] = k * keep[j]
    return total, d_pre


@njit(parallel=True, **_OPTIONS)
def forward(
    trace: NDArray,
    weight: NDArray,
    alpha: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: NDArray,
    sender: NDArray,
    bound: float,
    tasks: NDArray,
    out: NDArray,
) -> None:
    """Apply the pending write to every trace in place and add sender (weight + alpha trace) to out."""
    for task in prange(tasks.shape[0]):
        first, last, left, right = tasks[task]
        for i in range(weight.shape[0]):
            for b in range(first, last):
                _forward_row(
                    trace[b, i, left:right],
                    weight[i, left:right],
                    alpha[i, left:right],
                    keep[b, left:right],
                    write[b, left:right],
                    pre[b, i],
                    sender[b, i],
                    bound,
                    out[b, left:right],
                )


@njit(parallel=True, **_OPTIONS)
def write_to(
    trace: NDArray, keep: NDArray, write: NDArray, pre: NDArray, bound: float, tasks: NDArray, new: NDArray
) -> None:
    """Apply a write to every trace, leaving the result in new, which may be the trace itself."""
    for task in prange(tasks.shape[0]):
        first, last, left, right = tasks[task]
        for i in range(trace.shape[1]):
            for b in range(first, last):
                _write_row(
                    trace[b, i, left:right],
                    keep[b, left:right],
                    write[b, left:right],
                    pre[b, i],
                    bound,
                    new[b, i, left:right],
                )


@njit(parallel=True, **_OPTIONS)
def read_back(
    trace: NDArray,
    adjoint: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d: NDArray,
    sender: NDArray,
    tasks: NDArray,
    d_alpha: NDArray,
    d_sender: NDArray,
) -> None:
    """Backwards through a step's product; d_alpha is (batch or 1, senders, receivers)."""
    for task in prange(tasks.shape[0]):
        first, last, left, right = tasks[task]
        for i in range(weight.shape[0]):
            for b in range(first, last):
                d_sender[task % d_sender.shape[0], b, i] = _read_back_row(
                    trace[b, i, left:right],
                    adjoint[b, i, left:right],
                    weight[i, left:right],
                    alpha[i, left:right],
                    d_alpha[b % d_alpha.shape[0], i, left:right],
                    d[b, left:right],
                    sender[b, i],
                )


@njit(parallel=True, **_OPTIONS)
def write_back(
    before: NDArray,
    adjoint: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: NDArray,
    bound: float,
    tasks: NDArray,
    d_keep: NDArray,
    d_write: NDArray,
    d_pre: NDArray,
) -> None:
    """Backwards through a write; adjoint becomes that of the trace before it."""
    for task in prange(tasks.shape[0]):
        first, last, left, right = tasks[task]
        for i in range(before.shape[1]):
            for b in range(first, last):
                d_pre[task % d_pre.shape[0], b, i] = _write_back_row(
                    before[b, i, left:right],
                    adjoint[b, i, left:right],
                    keep[b, left:right],
                    write[b, left:right],
                    pre[b, i],
                    bound,
                    d_keep[b, left:right],
                    d_write[b, left:right],
                )


@njit(parallel=True, **_OPTIONS)
def undo(
    trace: NDArray,
    adjoint: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d: NDArray,
    sender: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: NDArray,
    tasks: NDArray,
    d_alpha: NDArray,
    d_sender: NDArray,
    d_keep: NDArray,
    d_write: NDArray,
    d_pre: NDArray,
) -> None:
    """`read_back` and `write_back` in one pass that also undoes the write, for rules without a clip."""
    for task in prange(tasks.shape[0]):
        first, last, left, right = tasks[task]
        for i in range(weight.shape[0]):
            for b in range(first, last):
                total, before = _undo_row(
                    trace[b, i, left:right],
                    adjoint[b, i, left:right],
                    weight[i, left:right],
                    alpha[i, left:right],
                    d_alpha[b % d_alpha.shape[0], i, left:right],
                    d[b, left:right],
                    sender[b, i],
                    keep[b, left:right],
                    write[b, left:right],
                    pre[b, i],
                    d_keep[b, left:right],
                    d_write[b, left:right],
                )
                d_sender[task % d_sender.shape[0], b, i] = total
                d_pre[task % d_pre.shape[0], b, i] = before
