"""Compiled passes over the traces of a batch of lifetimes: each step reads and writes every connection once.

The write of one step and the read of the next are one pass. For receiver j every rule here is

    H[i, j] <- clip(keep[j] * H[i, j] + write[j] * pre[i])

with vectors `keep` and `write` that depend on the step's activity alone (see `networks.fused`). A task is a
range of senders, whose rows lie side by side in memory; tasks write apart from each other and their sums are
added in a fixed order, so that the result does not depend on the number of threads. Small networks, whose
lifetimes fit into a core's cache, have passes of their own over the same rows (`networks.compact_sweeps`).

Shapes: trace and adjoint (batch, senders, receivers); weight, alpha and d_alpha (senders, receivers); pre and
sender (batch, senders); keep, write and d (batch, receivers); tasks (tasks, 2): first and last sender of each.
Sums over senders (out, and gradients of keep, write and amount) come in parts, (tasks, batch, receivers).
"""

from __future__ import annotations

from typing import Any

from numba import njit, prange
from numba.core.compiler import Compiler
from numpy.typing import NDArray

from networks.compiled import share_threads

share_threads()  # the parallel loops below, and all that build on this module

#: Without leave to regroup: a parallel function is optimised once more when it is stored for the next process, and
#: what may be regrouped would round otherwise there than in the process that compiled it.
OPTIONS: dict[str, Any] = {"cache": True, "fastmath": {"contract"}, "error_model": "numpy"}


class Apart(Compiler):
    """Compiles a function whose arrays never overlap.

    Else each call begins by comparing the addresses of all its arrays; short rows take no longer than that. Nor
    than the call itself, which is why rows are compiled into the sweeps (`forceinline`).
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.state.flags.noalias = True


@njit(forceinline=True, **OPTIONS | {"fastmath": {"contract", "nsz", "reassoc"}})
def plus(total: float, value: float) -> float:
    """The next term of a long sum; terms of such sums alone may be regrouped, as vector instructions have to."""
    return total + value


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def forward_row(
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


@njit(forceinline=True, **OPTIONS)
def write_row(h: NDArray, keep: NDArray, write: NDArray, pre: float, bound: float, new: NDArray) -> None:
    """One sender's row: a write alone, to another place or in place."""
    for j in range(h.shape[0]):
        x = keep[j] * h[j] + write[j] * pre
        new[j] = min(max(x, -bound), bound)


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def back_row(
    before: NDArray,
    adjoint: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d_alpha: NDArray,
    d: NDArray,
    sender: float,
    keep: NDArray,
    write: NDArray,
    pre: float,
    bound: float,
    d_keep: NDArray,
    d_write: NDArray,
) -> tuple[float, float]:
    """One sender's row, backwards through the product and the write before it, from the trace before both."""
    zero = before.dtype.type(0)
    total = zero
    d_pre = zero
    for j in range(before.shape[0]):
        y = before[j]
        raw = keep[j] * y + write[j] * pre
        x = min(max(raw, -bound), bound)
        q = sender * d[j]
        total = plus(total, d[j] * (weight[j] + alpha[j] * x))
        d_alpha[j] += q * x
        k = adjoint[j] + alpha[j] * q
        k = k if x == raw else zero
        d_keep[j] += k * y
        d_write[j] += k * pre
        d_pre = plus(d_pre, k * write[j])
        adjoint[j] = k * keep[j]
    return total, d_pre


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def undo_row(
    h: NDArray,
    adjoint: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d_alpha: NDArray,
    d: NDArray,
    sender: float,
    keep: NDArray,
    inverse: NDArray,
    write: NDArray,
    pre: float,
    d_keep: NDArray,
    d_write: NDArray,
) -> tuple[float, float]:
    """One sender's row, backwards through the product and the unclipped write before it, which is undone."""
    zero = h.dtype.type(0)
    total = zero
    d_pre = zero
    for j in range(h.shape[0]):
        x = h[j]
        q = sender * d[j]
        total = plus(total, d[j] * (weight[j] + alpha[j] * x))
        d_alpha[j] += q * x
        k = adjoint[j] + alpha[j] * q
        y = (x - write[j] * pre) * inverse[j]
        h[j] = y
        d_keep[j] += k * y
        d_write[j] += k * pre
        d_pre = plus(d_pre, k * write[j])
        adjoint[j] = k * keep[j]
    return total, d_pre


@njit(parallel=True, **OPTIONS)
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
        top, bottom = tasks[task]
        for i in range(top, bottom):
            for b in range(len(trace)):
                forward_row(
                    trace[b, i],
                    weight[i],
                    alpha[i],
                    keep[b],
                    write[b],
                    pre[b, i],
                    sender[b, i],
                    bound,
                    out[task, b],
                )


@njit(parallel=True, **OPTIONS)
def write_to(
    trace: NDArray, keep: NDArray, write: NDArray, pre: NDArray, bound: float, tasks: NDArray, new: NDArray
) -> None:
    """Apply a write to every trace, leaving the result in new, which may be the trace itself."""
    for task in prange(tasks.shape[0]):
        top, bottom = tasks[task]
        for i in range(top, bottom):
            for b in range(len(trace)):
                write_row(
                    trace[b, i],
                    keep[b],
                    write[b],
                    pre[b, i],
                    bound,
                    new[b, i],
                )


@njit(parallel=True, **OPTIONS)
def back(
    before: NDArray,
    adjoint: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d: NDArray,
    sender: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: NDArray,
    bound: float,
    tasks: NDArray,
    d_alpha: NDArray,
    d_sender: NDArray,
    d_keep: NDArray,
    d_write: NDArray,
    d_pre: NDArray,
) -> None:
    """Backwards through a step's product and the write before it; adjoint becomes that of the trace before."""
    for task in prange(tasks.shape[0]):
        top, bottom = tasks[task]
        for i in range(top, bottom):
            for b in range(len(before)):
                total, early = back_row(
                    before[b, i],
                    adjoint[b, i],
                    weight[i],
                    alpha[i],
                    d_alpha[i],
                    d[b],
                    sender[b, i],
                    keep[b],
                    write[b],
                    pre[b, i],
                    bound,
                    d_keep[task, b],
                    d_write[task, b],
                )
                d_sender[b, i] = total
                d_pre[b, i] = early


@njit(parallel=True, **OPTIONS)
def undo(
    trace: NDArray,
    adjoint: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d: NDArray,
    sender: NDArray,
    keep: NDArray,
    inverse: NDArray,
    write: NDArray,
    pre: NDArray,
    tasks: NDArray,
    d_alpha: NDArray,
    d_sender: NDArray,
    d_keep: NDArray,
    d_write: NDArray,
    d_pre: NDArray,
) -> None:
    """`back` that finds the trace before a step by undoing the write in place, for rules without a clip.

    inverse is 1 / keep.
    """
    for task in prange(tasks.shape[0]):
        top, bottom = tasks[task]
        for i in range(top, bottom):
            for b in range(len(trace)):
                total, early = undo_row(
                    trace[b, i],
                    adjoint[b, i],
                    weight[i],
                    alpha[i],
                    d_alpha[i],
                    d[b],
                    sender[b, i],
                    keep[b],
                    inverse[b],
                    write[b],
                    pre[b, i],
                    d_keep[task, b],
                    d_write[task, b],
                )
                d_sender[b, i] = total
                d_pre[b, i] = early


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def retroactive_row(
    h: NDArray,
    e: NDArray,
    weight: NDArray,
    alpha: NDArray,
    amount: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: float,
    sender: float,
    bound: float,
    out: NDArray,
) -> None:
    """One sender's row: what the modulator takes from the eligibility, the eligibility's step, then the read."""
    for j in range(h.shape[0]):
        x = h[j] + amount[j] * e[j]
        x = min(max(x, -bound), bound)
        h[j] = x
        e[j] = keep[j] * e[j] + write[j] * pre
        out[j] += sender * (weight[j] + alpha[j] * x)


@njit(forceinline=True, **OPTIONS)
def retroactive_write_row(
    h: NDArray,
    e: NDArray,
    amount: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: float,
    bound: float,
    new_h: NDArray,
    new_e: NDArray,
) -> None:
    """One sender's row: both writes alone, to another place."""
    for j in range(h.shape[0]):
        x = h[j] + amount[j] * e[j]
        new_h[j] = min(max(x, -bound), bound)
        new_e[j] = keep[j] * e[j] + write[j] * pre


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def retroactive_back_row(
    h: NDArray,
    e: NDArray,
    adjoint_h: NDArray,
    adjoint_e: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d_alpha: NDArray,
    d: NDArray,
    sender: float,
    amount: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: float,
    bound: float,
    d_amount: NDArray,
    d_keep: NDArray,
    d_write: NDArray,
) -> tuple[float, float]:
    """One sender's row, backwards through the read and both writes before it, from what was before all three."""
    zero = h.dtype.type(0)
    total = zero
    d_pre = zero
    for j in range(h.shape[0]):
        before = e[j]
        raw = h[j] + amount[j] * before
        x = min(max(raw, -bound), bound)
        q = sender * d[j]
        total = plus(total, d[j] * (weight[j] + alpha[j] * x))
        d_alpha[j] += q * x
        k = adjoint_h[j] + alpha[j] * q
        k = k if x == raw else zero
        later = adjoint_e[j]
        d_amount[j] += k * before
        d_keep[j] += later * before
        d_write[j] += later * pre
        d_pre = plus(d_pre, later * write[j])
        adjoint_h[j] = k
        adjoint_e[j] = k * amount[j] + later * keep[j]
    return total, d_pre


@njit(parallel=True, **OPTIONS)
def retroactive_forward(
    trace: NDArray,
    eligibility: NDArray,
    weight: NDArray,
    alpha: NDArray,
    amount: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: NDArray,
    sender: NDArray,
    bound: float,
    tasks: NDArray,
    out: NDArray,
) -> None:
    """Apply the pending writes to every trace and eligibility in place and add sender (weight + alpha trace)."""
    for task in prange(tasks.shape[0]):
        top, bottom = tasks[task]
        for i in range(top, bottom):
            for b in range(len(trace)):
                retroactive_row(
                    trace[b, i],
                    eligibility[b, i],
                    weight[i],
                    alpha[i],
                    amount[b],
                    keep[b],
                    write[b],
                    pre[b, i],
                    sender[b, i],
                    bound,
                    out[task, b],
                )


@njit(parallel=True, **OPTIONS)
def retroactive_write(
    trace: NDArray,
    eligibility: NDArray,
    amount: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: NDArray,
    bound: float,
    tasks: NDArray,
    new_trace: NDArray,
    new_eligibility: NDArray,
) -> None:
    """Apply both writes to every trace and eligibility, leaving the results in other arrays."""
    for task in prange(tasks.shape[0]):
        top, bottom = tasks[task]
        for i in range(top, bottom):
            for b in range(len(trace)):
                retroactive_write_row(
                    trace[b, i],
                    eligibility[b, i],
                    amount[b],
                    keep[b],
                    write[b],
                    pre[b, i],
                    bound,
                    new_trace[b, i],
                    new_eligibility[b, i],
                )


@njit(parallel=True, **OPTIONS)
def retroactive_back(
    trace: NDArray,
    eligibility: NDArray,
    adjoint: NDArray,
    eligibility_adjoint: NDArray,
    weight: NDArray,
    alpha: NDArray,
    d: NDArray,
    sender: NDArray,
    amount: NDArray,
    keep: NDArray,
    write: NDArray,
    pre: NDArray,
    bound: float,
    tasks: NDArray,
    d_alpha: NDArray,
    d_sender: NDArray,
    d_amount: NDArray,
    d_keep: NDArray,
    d_write: NDArray,
    d_pre: NDArray,
) -> None:
    """Backwards through a step's read and the writes before it; both adjoints become those of before all three."""
    for task in prange(tasks.shape[0]):
        top, bottom = tasks[task]
        for i in range(top, bottom):
            for b in range(len(trace)):
                total, early = retroactive_back_row(
                    trace[b, i],
                    eligibility[b, i],
                    adjoint[b, i],
                    eligibility_adjoint[b, i],
                    weight[i],
                    alpha[i],
                    d_alpha[i],
                    d[b],
                    sender[b, i],
                    amount[b],
                    keep[b],
                    write[b],
                    pre[b, i],
                    bound,
                    d_amount[task, b],
                    d_keep[task, b],
                    d_write[task, b],
                )
                d_sender[b, i] = total
                d_pre[b, i] = early
