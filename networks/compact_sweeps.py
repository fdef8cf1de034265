"""Compiled passes over the lifetimes of small plastic networks, each lifetime by itself.

Where one lifetime's traces fit into a core's cache, it is fastest to stay with a lifetime: the way back goes
through all its steps before the next one's turn. Lifetimes do not meet, so the result does not depend on the
number of threads. With activity y_s after s steps, the pass of step s first lets in what the step before left,

    m_s = tanh(reader y_s + bias),    amount_s = gain m_s + offset
    H <- clip(keep_s H + y_(s-1) write_s)                          keep and write from amount_s; or, retroactive,
    H <- clip(H + amount_s E),  E <- (1 - rate) E + rate y_(s-1) y_s

and then reads y_s (weight + alpha H). Without a modulator, gain is 0 and offset the rate.

Shapes: trace, eligibility and their gradients (batch, neurons, neurons); weight and alpha (neurons, neurons);
gain, offset, reader (neurons,); activity and its gradient (steps + 1, batch, neurons); modulator and its
gradient (steps + 1, batch); gradients of amounts (steps + 1, batch, neurons), of what receivers get (steps,
batch, neurons).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from networks import sweeps
from networks.sweeps import OPTIONS

DECAYING, OJA, PLAIN, RETROACTIVE = range(4)


@njit(**OPTIONS)
def _modulate(post: NDArray, reader: NDArray, bias: float) -> float:
    """The modulator's output for the activity (neurons,) of a lifetime."""
    total = bias
    for j in range(post.shape[0]):
        total += reader[j] * post[j]
    return math.tanh(total)


@njit(**OPTIONS)
def _leave(
    rule: int,
    gain: NDArray,
    offset: NDArray,
    modulator: float,
    rate: float,
    post: NDArray,
    amount: NDArray,
    keep: NDArray,
    write: NDArray,
) -> None:
    """Fill what a step leaves: amount, keep and write, (neurons,) each."""
    one = post.dtype.type(1)
    for j in range(post.shape[0]):
        amount[j] = gain[j] * modulator + offset[j]
        learned = rate if rule == RETROACTIVE else amount[j]
        write[j] = learned * post[j]
        if rule == PLAIN:
            keep[j] = one
        elif rule == OJA:
            keep[j] = one - write[j] * post[j]
        else:
            keep[j] = one - learned


@njit(**OPTIONS)
def _leave_back(
    rule: int,
    amount: NDArray,
    rate: float,
    post: NDArray,
    of_keep: NDArray,
    of_write: NDArray,
    of_amount: NDArray,
    of_post: NDArray,
) -> float:
    """Gradient of the rate, from those of keep and write; that of the activity is added to, of amounts filled.

    The gradient of amounts that retroactive modulation filled in before stays.
    """
    of_rate = post.dtype.type(0)
    two = post.dtype.type(2)
    for j in range(post.shape[0]):
        learned = rate if rule == RETROACTIVE else amount[j]
        more = of_write[j] * post[j]
        of_post[j] += learned * of_write[j]
        if rule == OJA:
            more -= of_keep[j] * post[j] * post[j]
            of_post[j] -= two * amount[j] * post[j] * of_keep[j]
        elif rule != PLAIN:
            more -= of_keep[j]
        if rule == RETROACTIVE:
            of_rate += more
        else:
            of_amount[j] = more
    return of_rate


@njit(**OPTIONS)
def _received_back(
    of_after: NDArray, after: NDArray, held: NDArray, clamped: bool, d: NDArray, of_drive: NDArray
) -> None:
    """Through tanh, and past it where a neuron was held at its drive."""
    one, zero = after.dtype.type(1), after.dtype.type(0)
    for j in range(after.shape[0]):
        through = of_after[j] * (one - after[j] * after[j])
        d[j] = zero if clamped and held[j] else through
        of_drive[j] = of_after[j] if clamped and held[j] else through


@njit(**OPTIONS)
def _modulator_back(
    of_amount: NDArray, gain: NDArray, reader: NDArray, modulator: float, given: float, of_post: NDArray
) -> float:
    """Gradient of what enters the modulator's tanh; that of the activity it reads is added to."""
    total = given
    for j in range(gain.shape[0]):
        total += of_amount[j] * gain[j]
    total *= gain.dtype.type(1) - modulator * modulator
    for j in range(gain.shape[0]):
        of_post[j] += total * reader[j]
    return total


@njit(parallel=True, **OPTIONS)
def advance(
    trace: NDArray,
    eligibility: NDArray,
    weight: NDArray,
    alpha: NDArray,
    gain: NDArray,
    offset: NDArray,
    reader: NDArray,
    bias: float,
    rate: float,
    rule: int,
    bound: float,
    written: bool,
    before: NDArray,
    now: NDArray,
    modulator: NDArray,
    out: NDArray,
) -> None:
    """A step: what the step before left enters the traces, if `written`; then they are read.

    `before` is the activity one step ago, (batch, neurons), not used unless written; `now` is that which sends.
    Filled are modulator, (batch,), if written, and out, what receivers get, (batch, neurons).
    """
    for b in prange(trace.shape[0]):
        keep, write, amount = np.ones_like(now[b]), np.zeros_like(now[b]), np.zeros_like(now[b])
        limit = now.dtype.type(np.inf)  # what a lifetime starts from is not clipped
        if written:
            limit = bound
            modulator[b] = _modulate(now[b], reader, bias)
            _leave(rule, gain, offset, modulator[b], rate, now[b], amount, keep, write)
        out[b] = now.dtype.type(0)
        for i in range(trace.shape[1]):
            pre, sender = before[b, i], now[b, i]
            if rule == RETROACTIVE:
                sweeps.retroactive_row(
                    trace[b, i],
                    eligibility[b, i],
                    weight[i],
                    alpha[i],
                    amount,
                    keep,
                    write,
                    pre,
                    sender,
                    limit,
                    out[b],
                )
            else:
                sweeps.forward_row(trace[b, i], weight[i], alpha[i], keep, write, pre, sender, limit, out[b])


@njit(**OPTIONS)
def _write_again(
    first: int,
    last: int,
    activity: NDArray,
    modulator: NDArray,
    gain: NDArray,
    offset: NDArray,
    rate: float,
    rule: int,
    bound: float,
    history: NDArray,
    eligible: NDArray,
) -> None:
    """Fill in what the steps after the first up to the last read in a lifetime, from what the first read."""
    keep, write, amount = np.empty_like(gain), np.empty_like(gain), np.empty_like(gain)
    for s in range(first + 1, last + 1):
        _leave(rule, gain, offset, modulator[s], rate, activity[s], amount, keep, write)
        at = s - first
        for i in range(len(gain)):
            pre = activity[s - 1, i]
            if rule == RETROACTIVE:
                sweeps.retroactive_write_row(
                    history[at - 1, i],
                    eligible[at - 1, i],
                    amount,
                    keep,
                    write,
                    pre,
                    bound,
                    history[at, i],
                    eligible[at, i],
                )
            else:
                sweeps.write_row(history[at - 1, i], keep, write, pre, bound, history[at, i])


@njit(parallel=True, **OPTIONS)
def back(
    activity: NDArray,
    modulator: NDArray,
    held: NDArray,
    clamped: bool,
    weight: NDArray,
    alpha: NDArray,
    gain: NDArray,
    offset: NDArray,
    reader: NDArray,
    rate: float,
    rule: int,
    bound: float,
    start: NDArray,
    eligible_start: NDArray,
    snapshots: NDArray,
    eligible_snapshots: NDArray,
    stride: int,
    of_activity: NDArray,
    of_modulator: NDArray,
    of_trace: NDArray,
    of_eligibility: NDArray,
    of_alpha: NDArray,
    of_received: NDArray,
    of_drive: NDArray,
    of_amount: NDArray,
    of_rate: NDArray,
) -> None:
    """All steps backwards, from the write that the last one left on.

    `held` says where a neuron was held at its drive, (steps, batch, neurons), and is not used unless clamped.
    Snapshots are what the steps 0, stride, 2 stride... read, (snapshots, batch, neurons, neurons).

    Gradients of activity, modulator, traces and eligibilities come in as those from elsewhere, of both latter
    after the last step; they go out as those from all uses, of what enters the modulator's tanh, and of both
    latter before the first step. Gradients of alpha, (batch, neurons, neurons), and rate, (batch,), are added
    to; those of what receivers get and of drives are filled, as those of amounts, which begin as zeros.
    """
    steps, neurons = len(activity) - 1, activity.shape[2]
    for b in prange(activity.shape[1]):
        kind = activity.dtype.type
        history = np.empty((stride, neurons, neurons), activity.dtype)
        eligible = np.empty((stride if rule == RETROACTIVE else 0, neurons, neurons), activity.dtype)
        keep, write, amount, d = (
            np.ones_like(gain),
            np.zeros_like(gain),
            np.zeros_like(gain),
            np.zeros_like(gain),
        )
        segment = -1
        for s in range(steps, -1, -1):
            now, before = activity[s, b], activity[max(s - 1, 0), b]
            at, limit = (s - 1) % stride, bound
            if s == 0:
                at, limit = 0, kind(np.inf)
                keep[:], write[:], amount[:] = kind(1), kind(0), kind(0)
                history[0] = start[b]
                if rule == RETROACTIVE:
                    eligible[0] = eligible_start[b]
            else:
                if segment != (s - 1) // stride:
                    segment = (s - 1) // stride
                    history[0] = snapshots[segment, b]
                    if rule == RETROACTIVE:
                        eligible[0] = eligible_snapshots[segment, b]
                    _write_again(
                        segment * stride,
                        s - 1,
                        activity[:, b],
                        modulator[:, b],
                        gain,
                        offset,
                        rate,
                        rule,
                        bound,
                        history,
                        eligible,
                    )
                _leave(rule, gain, offset, modulator[s, b], rate, now, amount, keep, write)
            if s < steps:
                _received_back(
                    of_activity[s + 1, b], activity[s + 1, b], held[s % len(held), b], clamped, d, of_drive[s, b]
                )
                of_received[s, b] = d
            of_keep, of_write = np.zeros_like(gain), np.zeros_like(gain)
            for i in range(neurons):
                sender = now[i] if s < steps else kind(0)
                if rule == RETROACTIVE:
                    total, early = sweeps.retroactive_back_row(
                        history[at, i],
                        eligible[at, i],
                        of_trace[b, i],
                        of_eligibility[b, i],
                        weight[i],
                        alpha[i],
                        of_alpha[b, i],
                        d,
                        sender,
                        amount,
                        keep,
                        write,
                        before[i],
                        limit,
                        of_amount[s, b],
                        of_keep,
                        of_write,
                    )
                else:
                    total, early = sweeps.back_row(
                        history[at, i],
                        of_trace[b, i],
                        weight[i],
                        alpha[i],
                        of_alpha[b, i],
                        d,
                        sender,
                        keep,
                        write,
                        before[i],
                        limit,
                        of_keep,
                        of_write,
                    )
                if s < steps:
                    of_activity[s, b, i] += total
                if s > 0:
                    of_activity[s - 1, b, i] += early
            if s > 0:
                of_rate[b] += _leave_back(
                    rule, amount, rate, now, of_keep, of_write, of_amount[s, b], of_activity[s, b]
                )
                of_modulator[s, b] = _modulator_back(
                    of_amount[s, b], gain, reader, modulator[s, b], of_modulator[s, b], of_activity[s, b]
                )
