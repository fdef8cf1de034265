"""Connections that learn within a lifetime: fixed weights plus a Hebbian trace, with or without neuromodulation.

The strength of a connection is `weight + alpha * trace`. Weight, alpha, the rate and the modulator are trained
between lifetimes; the trace (and, for retroactive modulation, the eligibility) is what one lifetime writes. It is
passed in and out as a `Lifetime`, never kept in the module: every episode of a batch has its own, and
`torch.func.vmap`, `torch.compile` and activation checkpointing see pure functions.

Miconi, Clune & Stanley 2018 (eq. 1-3); Miconi, Rawal, Clune & Stanley 2019 (eq. 1-5).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from networks.plasticity import (
    RULES,
    Rule,
    check_choice,
    fading_eligibility,
    outer_rate,
    retroactive_step,
)

ALPHAS = ("connection", "neuron", "one")
RATES = ("one", "connection")
MODULATIONS = ("none", "simple", "retroactive")
FAN_OUTS = ("none", "neuron", "connection")


class Lifetime(NamedTuple):
    """What a lifetime has written so far.

    Attributes:
        trace: (batch, senders, receivers).
        eligibility: the same shape; None unless modulation is retroactive.
    """

    trace: Tensor
    eligibility: Tensor | None = None

    def detach(self) -> Lifetime:
        """The same content, cut off from the graph that made it."""
        return Lifetime(self.trace.detach(), None if self.eligibility is None else self.eligibility.detach())


class FusedLifetime(Protocol):
    """Another form of a lifetime that reads and writes itself, such as `networks.fused.FusedTrace`."""

    def read(self, sender: Tensor) -> Tensor:
        """What the receivers get from senders (batch, senders): (batch, receivers)."""

    def learn(self, pre: Tensor, post: Tensor, modulator: Tensor | None = None) -> None:
        """Write what a step's senders and receivers leave."""

    def lifetime(self) -> Lifetime:
        """The traces now; ends the use of this object."""


@runtime_checkable
class RunningLifetime(FusedLifetime, Protocol):
    """A form of a lifetime that can take many steps of recurrent neurons at once."""

    def run(self, drives: Tensor, activity: Tensor, clamped: bool) -> Tensor:
        """Activity after each step of drives (steps, batch, neurons), from that before the first."""


Traces = Lifetime | FusedLifetime


class PlasticConnections(nn.Module):
    """Connections from senders to receivers whose strength is `weight + alpha * trace`.

    Args:
        senders: number of sending neurons.
        receivers: number of receiving neurons.
        rule: one of `networks.plasticity.RULES`, or a function of that form; retroactive modulation has its own.
        alpha: one trained plasticity a connection, a receiving neuron, or for all ("one").
        rate: one trained rate for all, or one a connection.
        modulation: "none"; "simple": a modulator's output takes the rate's place; "retroactive": it decides how
            much of the eligibility, a fading average of past coactivity, enters the trace.
        fan_out: the modulator's output reaches all connections alike ("none"), through trained factor and offset a
            receiving neuron, or through a trained factor a connection.
        bound: of the trace, for clipped rules and retroactive modulation.
        modulator_inputs: size of the state that the modulator reads; default `receivers`.

    Raises:
        ValueError: an option that is not among its choices.
    """

    def __init__(
        self,
        senders: int,
        receivers: int,
        *,
        rule: str | Rule = "decaying",
        alpha: str = "connection",
        rate: str = "one",
        modulation: str = "none",
        fan_out: str = "none",
        bound: float = 1.0,
        modulator_inputs: int | None = None,
    ) -> None:
        super().__init__()
        for name, value, choices in (
            ("alpha", alpha, ALPHAS),
            ("rate", rate, RATES),
            ("modulation", modulation, MODULATIONS),
            ("fan_out", fan_out, FAN_OUTS),
        ):
            check_choice(name, value, choices)
        if isinstance(rule, str):
            check_choice("rule", rule, RULES)
        self.senders, self.receivers = senders, receivers
        self.rule_name = rule if isinstance(rule, str) else None
        self.rule = RULES[rule](bound) if isinstance(rule, str) else rule
        self.modulation, self.bound = modulation, bound
        self.fan_out = "none" if modulation == "none" else fan_out  # nothing to fan out
        shape = (senders, receivers)
        self.weight = nn.Parameter(torch.empty(shape))
        self.alpha = nn.Parameter(torch.empty({"connection": shape, "neuron": (receivers,), "one": ()}[alpha]))
        if modulation == "simple":
            self.register_parameter("rate", None)  # the modulator gives it
        else:
            self.rate = nn.Parameter(torch.empty(() if rate == "one" else shape))
        if modulation != "none":
            self.modulator = nn.Linear(modulator_inputs or receivers, 1)
        if self.fan_out == "neuron":
            self.fan = nn.Linear(1, receivers)
        elif self.fan_out == "connection":
            self.fan_weight = nn.Parameter(torch.empty(shape))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight and alpha from 0.01 N(0, 1), an alpha for all 0.01, rate 0.01, as the 2018 program has it."""
        nn.init.normal_(self.weight, std=0.01)
        if self.alpha.ndim:
            nn.init.normal_(self.alpha, std=0.01)
        else:
            nn.init.constant_(self.alpha, 0.01)
        if self.rate is not None:
            nn.init.constant_(self.rate, 0.01)
        if hasattr(self, "fan_weight"):
            nn.init.normal_(self.fan_weight, std=0.01)

    def initial(self, batch: int) -> Lifetime:
        """An empty lifetime for each episode of a batch."""
        trace = self.weight.new_zeros(batch, self.senders, self.receivers)
        return Lifetime(trace, torch.zeros_like(trace) if self.modulation == "retroactive" else None)

    def forward(self, pre: Tensor, lifetime: Traces) -> Tensor:
        """What the receivers get: pre (weight + alpha * trace), (batch, receivers) from pre (batch, senders)."""
        if not isinstance(lifetime, Lifetime):
            return lifetime.read(pre)
        if self.alpha.ndim < 2:  # the trace is read once; alpha scales what comes out
            recalled = (pre.unsqueeze(-2) @ lifetime.trace).squeeze(-2) * self.alpha
            return pre @ self.weight + recalled
        return (pre.unsqueeze(-2) @ (self.weight + self.alpha * lifetime.trace)).squeeze(-2)

    def modulate(self, state: Tensor) -> Tensor:
        """Output of the modulator for a state (batch, modulator_inputs): (batch,), from -1 to 1."""
        return torch.tanh(self.modulator(state)).squeeze(-1)

    def amount(self, modulator: Tensor) -> Tensor:
        """What a modulator's output (batch,) does at each connection, to broadcast against the trace."""
        if self.fan_out == "neuron":
            return outer_rate(self.fan(modulator.unsqueeze(-1)))
        amount = modulator.unsqueeze(-1).unsqueeze(-1)
        return amount * self.fan_weight if self.fan_out == "connection" else amount

    def learn(self, lifetime: Traces, pre: Tensor, post: Tensor, modulator: Tensor | None = None) -> Traces:
        """The lifetime after one step.

        Args:
            lifetime: before it.
            pre: senders one step ago, (batch, senders).
            post: receivers now, (batch, receivers).
            modulator: output of `modulate`, (batch,); needed unless modulation is "none".
        """
        if not isinstance(lifetime, Lifetime):
            lifetime.learn(pre, post, modulator)
            return lifetime
        if self.modulation == "none":
            return Lifetime(self.rule(lifetime.trace, pre, post, self.rate))
        assert modulator is not None
        amount = self.amount(modulator)
        if self.modulation == "simple":
            return Lifetime(self.rule(lifetime.trace, pre, post, amount))
        assert lifetime.eligibility is not None
        trace = retroactive_step(lifetime.trace, lifetime.eligibility, amount, self.bound)
        return Lifetime(trace, fading_eligibility(lifetime.eligibility, pre, post, self.rate))
