"""Plastic connections that remember a window of steps as events, without forming the traces.

What a step writes is an outer product, an event: a key (the senders) and a value for each receiver. What the
receivers get is then attention over the events of the window, plus what the traces from before the window give:

    out_j = sum_i y_i W_ij + keep_j (y (alpha * H_0))_j + sum_s c_sj sum_i y_i k_si alpha_ij

with key k_s and value c_s of event s. Time and memory grow with steps x neurons instead of neurons squared. It is
plain torch on any device. Decay, Oja and modulation act on the values alone: Oja is gated linear attention, the
retroactive rule keeps a second value, the eligibility, that a modulator moves into the first.

A clip cannot be seen in this form: it is exact where no trace reaches the bound inside a window, and is applied at
the window's end. `EventTrace.overshoot` says how far a window went beyond it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from networks.deferred import DeferredProduct
from networks.plastic import Lifetime, PlasticConnections
from networks.plasticity import hard_clip

#: Rules whose writes are events.
EVENT_RULES = ("decaying", "oja", "additive", "clipped")


def supports(connections: PlasticConnections) -> bool:
    """Whether these connections can be written as events."""
    many = connections.rate is not None and connections.rate.ndim == 2 and connections.modulation != "retroactive"
    if connections.modulation == "retroactive":
        return connections.rate.ndim == 0
    # A rate or a fan-out of its own for each connection goes into alpha only where nothing decays by it.
    each = many or connections.fan_out == "connection"
    return connections.rule_name in EVENT_RULES and not (each and connections.rule_name in ("decaying", "oja"))


class EventTrace:
    """The traces of a batch of lifetimes over a window; used once, in order.

    Args:
        connections: whose traces; `supports` must hold.
        lifetime: to start from; not changed.
    """

    def __init__(self, connections: PlasticConnections, lifetime: Lifetime) -> None:
        self.connections = connections
        self.start = lifetime
        self.keys: list[Tensor] = []
        self.values: Tensor | None = None  # (batch, events, receivers)
        self.waiting: Tensor | None = None  # the same, of the eligibility
        self.kept: Tensor | None = None  # what decay leaves of the start, (batch or 1, receivers)
        self.moved: Tensor | None = None  # how much of the first eligibility has entered, (batch, 1 or receivers)
        self.faded = 1.0 if connections.rate is None else torch.ones_like(connections.rate)
        alpha = connections.alpha
        self.product = DeferredProduct(connections.weight)
        self.blank = _is_zero(lifetime.trace)
        self.each = self._of_each_connection()
        self.matrix = alpha if self.each is None else alpha * self.each
        self.recalled = alpha * lifetime.trace if alpha.ndim == 2 else lifetime.trace
        if lifetime.eligibility is not None:
            self.eligible = self.matrix * lifetime.eligibility if self.matrix.ndim == 2 else lifetime.eligibility

    def _of_each_connection(self) -> Tensor | None:
        """Factor that the amount has at each connection, (senders, receivers); None if it has none."""
        connections = self.connections
        if connections.fan_out == "connection":
            return connections.fan_weight
        if connections.modulation == "none" and connections.rate.ndim == 2:
            return connections.rate
        return None

    def read(self, sender: Tensor) -> Tensor:
        """What the receivers get from senders (batch, senders): (batch, receivers)."""
        alpha = self.connections.alpha
        out = self.product(sender)
        if not self.blank:
            before = (sender.unsqueeze(1) @ self.recalled).squeeze(1)
            if alpha.ndim < 2:
                before = before * alpha
            out = out + (before if self.kept is None else before * self.kept)
        if self.moved is not None and self.start.eligibility is not None:
            entered = (sender.unsqueeze(1) @ self.eligible).squeeze(1) * self.moved
            out = out + (entered if self.matrix.ndim == 2 else entered * alpha)
        if self.values is None:
            return out
        keys = torch.stack(self.keys, 1)
        if self.matrix.ndim == 2:
            return out + ((keys * sender.unsqueeze(1)) @ self.matrix * self.values).sum(1)
        scores = sender.unsqueeze(1) @ keys.transpose(1, 2)  # (batch, 1, events)
        return out + (scores @ self.values).squeeze(1) * self.matrix

    def learn(self, pre: Tensor, post: Tensor, modulator: Tensor | None = None) -> None:
        """Add the event of a step."""
        self.keys.append(pre)
        if self.connections.modulation == "retroactive":
            assert modulator is not None
            self._learn_retroactively(post, modulator)
            return
        amount = self._amount(modulator)
        new = (torch.ones_like(post) if amount is None else amount) * post
        rule = self.connections.rule_name
        if rule == "decaying":
            assert amount is not None
            self._decay(1 - amount)
        elif rule == "oja":
            self._decay(1 - new * post)
        self.values = _append(self.values, new)

    def _amount(self, modulator: Tensor | None) -> Tensor | None:
        """The rate, or what the modulator gives, (batch, 1 or receivers); None if it is in `matrix`."""
        connections = self.connections
        if connections.modulation == "none":
            return None if self.each is not None else connections.rate
        assert modulator is not None
        if connections.fan_out == "neuron":
            return connections.fan(modulator.unsqueeze(-1))
        return modulator.unsqueeze(-1)

    def _decay(self, keep: Tensor) -> None:
        self.kept = keep if self.kept is None else self.kept * keep
        if self.values is not None:
            self.values = self.values * (keep.unsqueeze(1) if keep.ndim == 2 else keep)

    def _learn_retroactively(self, post: Tensor, modulator: Tensor) -> None:
        amount, rate = self._amount(modulator), self.connections.rate
        assert amount is not None
        entering = amount * self.faded
        self.moved = entering if self.moved is None else self.moved + entering
        self.faded = self.faded * (1 - rate)
        if self.values is not None and self.waiting is not None:
            self.values = self.values + amount.unsqueeze(1) * self.waiting
            self.waiting = self.waiting * (1 - rate)
        self.values = _append(self.values, torch.zeros_like(post))
        self.waiting = _append(self.waiting, rate * post)

    def lifetime(self) -> Lifetime:
        """The traces after the window, clipped where the rule clips; ends the use of this object."""
        trace, bound = self._unclipped(), self.connections.bound
        if self.connections.rule_name == "clipped" or self.connections.modulation == "retroactive":
            fresh = trace is not self.start.trace and not torch.is_grad_enabled()
            trace = trace.clamp_(-bound, bound) if fresh else hard_clip(trace, bound)
        eligibility = self.start.eligibility
        if eligibility is not None and self.waiting is not None:
            eligibility = eligibility * self.faded + torch.stack(self.keys, 2) @ self.waiting
        return Lifetime(trace, eligibility)

    def _unclipped(self) -> Tensor:
        trace = self.start.trace if self.kept is None else self.start.trace * _rows(self.kept)
        factor = 1.0 if self.each is None else self.each
        if self.moved is not None and self.start.eligibility is not None:
            trace = trace + factor * self.start.eligibility * _rows(self.moved)
        if self.values is not None:
            written = torch.stack(self.keys, 2) @ self.values
            written = written if self.each is None else self.each * written
            # in place where no gradient is wanted: a pass over all traces, and the memory for them, less
            trace = trace + written if torch.is_grad_enabled() else written.to(trace.dtype).add_(trace)
        return trace

    @torch.no_grad()
    def overshoot(self) -> float:
        """Share of all traces that lie beyond the bound at the end of the window, before they are clipped.

        0 with additive writes of one sign means that the window was exact.
        """
        return float((self._unclipped().abs() > self.connections.bound).float().mean())


def _is_zero(trace: Tensor) -> bool:
    """Whether a trace is that of a lifetime's beginning, which nothing has to be read from."""
    # one row tells mostly, and reading all takes as long as a step
    return not (trace.requires_grad or bool(trace[:, :1].any()) or bool(trace.any()))


def _append(values: Tensor | None, new: Tensor) -> Tensor:
    new = new.unsqueeze(1)
    return new if values is None else torch.cat([values, new], 1)


def _rows(columns: Tensor) -> Tensor:
    """A value for each receiver, or one for all, to broadcast against traces."""
    return columns.unsqueeze(-2) if columns.ndim == 2 else columns
