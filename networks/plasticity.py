"""Rules of synaptic plasticity: how a lifetime changes what a connection holds.

A rule is one pure function `(trace, pre, post, rate) -> trace` on tensors of any floating type:

    trace   (..., senders, receivers)   what the connections hold, zero at the start of a lifetime
    pre     (..., senders)              activity of the senders one step ago
    post    (..., receivers)            activity of the receivers now
    rate    broadcasts against trace    how strongly this step counts: one number, one a receiver or a connection

A new rule is such a function; give it to `PlasticConnections(rule=...)`, or add it to `RULES` to call it by name.

Sources: Miconi, Clune & Stanley 2018 (decaying, Oja); Miconi, Rawal, Clune & Stanley 2019 (additive and its
clips); Schlag, Irie & Schmidhuber 2021 (delta rule).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Rule = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def coactivity(pre: Tensor, post: Tensor) -> Tensor:
    """Outer product of senders' and receivers' activity, (..., senders, receivers)."""
    return pre.unsqueeze(-1) * post.unsqueeze(-2)


def decaying(trace: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
    """Running average of the coactivity: H + rate (pre post - H). Miconi et al. 2018, eq. 2."""
    return trace + rate * (coactivity(pre, post) - trace)


def oja(trace: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
    """Oja's rule, which bounds itself and does not fade while receivers are silent. Miconi et al. 2018, eq. 3.

    H + rate post (pre - post H).
    """
    post = post.unsqueeze(-2)
    return trace + rate * post * (pre.unsqueeze(-1) - post * trace)


def additive(trace: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
    """Plain Hebb without decay, unbounded: H + rate pre post."""
    return trace + rate * coactivity(pre, post)


def delta(trace: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
    """Delta rule: what the trace already recalls is not stored again. Schlag et al. 2021, eq. 24.

    H + rate pre (post - pre H).
    """
    recalled = (pre.unsqueeze(-2) @ trace).squeeze(-2)
    return trace + rate * coactivity(pre, post - recalled)


def hard_clip(trace: Tensor, bound: float) -> Tensor:
    """Trace kept from -bound to bound; the gradient passes inside and on the bound. Miconi et al. 2019, eq. 2."""
    return trace.clamp(-bound, bound)


def soft_step(trace: Tensor, increment: Tensor, bound: float) -> Tensor:
    """A step that shrinks towards the bound it goes to, then the hard clip. Miconi et al. 2019, appendix."""
    up, down = increment.clamp(min=0), increment.clamp(max=0)
    return hard_clip(trace + up * (1 - trace / bound) + down * (1 + trace / bound), bound)


def clipped(bound: float) -> Rule:
    """Additive with a hard clip at ±bound. Miconi et al. 2019, eq. 2."""

    def rule(trace: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
        return hard_clip(additive(trace, pre, post, rate), bound)

    return rule


def soft_clipped(bound: float) -> Rule:
    """Additive with a soft clip at ±bound. Miconi et al. 2019, appendix."""

    def rule(trace: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
        return soft_step(trace, rate * coactivity(pre, post), bound)

    return rule


#: Rules by name; each entry makes the rule from the bound of its trace, which only the clipped ones use.
RULES: dict[str, Callable[[float], Rule]] = {
    "decaying": lambda bound: decaying,
    "oja": lambda bound: oja,
    "additive": lambda bound: additive,
    "clipped": clipped,
    "soft-clipped": soft_clipped,
    "delta": lambda bound: delta,
}


def retroactive_step(trace: Tensor, eligibility: Tensor, amount: Tensor, bound: float) -> Tensor:
    """What the modulator makes of the eligibility so far: clip(H + amount E). Miconi et al. 2019, eq. 4.

    Args:
        trace: (..., senders, receivers).
        eligibility: the same shape, before this step's coactivity enters it.
        amount: modulator's output, broadcasts against trace.
        bound: of the trace.
    """
    return hard_clip(trace + amount * eligibility, bound)


def fading_eligibility(eligibility: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
    """Running average of the coactivity that waits for a modulator: Miconi et al. 2019, eq. 5."""
    return decaying(eligibility, pre, post, rate)


def outer_rate(rate: Tensor) -> Tensor:
    """A rate for each receiver, (..., receivers), in the shape that rules take."""
    return rate.unsqueeze(-2)


def check_choice(name: str, value: str, choices: object) -> None:
    """Refuse a word that is not among the choices.

    Raises:
        ValueError: names the argument, the value and what is allowed.
    """
    if value not in choices:  # type: ignore[operator]
        raise ValueError(f"{name}: {value!r}: allowed are {', '.join(choices)}")  # type: ignore[arg-type]
