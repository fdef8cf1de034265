"""The equations of plastic networks written out connection by connection, for one lifetime in float64.

Senders are i, receivers are j. Slow and plain on purpose: this is what the torch code is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

RULES = ("decaying", "oja", "additive", "clipped", "soft-clipped", "delta")

Matrix = NDArray[np.float64]


def changed(rule: str, trace: Matrix, pre: Matrix, post: Matrix, rate: Matrix, bound: float = math.inf) -> Matrix:
    """The trace after a step of a rule; rate is (senders, receivers)."""
    new = np.empty_like(trace)
    for i in range(len(pre)):
        for j in range(len(post)):
            h, x, y, eta = trace[i, j], pre[i], post[j], rate[i, j]
            if rule == "decaying":
                new[i, j] = (1 - eta) * h + eta * x * y
            elif rule == "oja":
                new[i, j] = h + eta * y * (x - y * h)
            elif rule == "additive":
                new[i, j] = h + eta * x * y
            elif rule == "clipped":
                new[i, j] = clip(h + eta * x * y, bound)
            elif rule == "soft-clipped":
                step = eta * x * y
                room = (1 - h / bound) if step > 0 else (1 + h / bound)
                new[i, j] = clip(h + step * room, bound)
            elif rule == "delta":
                recalled = sum(pre[k] * trace[k, j] for k in range(len(pre)))
                new[i, j] = h + eta * x * (y - recalled)
            else:
                raise KeyError(rule)
    return new


def clip(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))


def product(pre: Matrix, weight: Matrix, alpha: Matrix, trace: Matrix) -> Matrix:
    """What each receiver gets: sum over i of pre_i (w_ij + alpha_ij h_ij)."""
    senders, receivers = weight.shape
    return np.array(
        [
            sum(pre[i] * (weight[i, j] + alpha[i, j] * trace[i, j]) for i in range(senders))
            for j in range(receivers)
        ]
    )


def amounts(parameters: Mapping[str, Matrix], modulator: float, shape: tuple[int, int], fan_out: str) -> Matrix:
    """What a modulator's output does at each connection."""
    result = np.empty(shape)
    for i in range(shape[0]):
        for j in range(shape[1]):
            if fan_out == "neuron":
                result[i, j] = modulator * parameters["fan.weight"][j, 0] + parameters["fan.bias"][j]
            elif fan_out == "connection":
                result[i, j] = modulator * parameters["fan_weight"][i, j]
            else:
                result[i, j] = modulator
    return result


def modulator_output(parameters: Mapping[str, Matrix], state: Matrix) -> float:
    weight, bias = parameters["modulator.weight"][0], parameters["modulator.bias"][0]
    return math.tanh(sum(weight[k] * state[k] for k in range(len(state))) + bias)


def learned(
    parameters: Mapping[str, Matrix],
    options: Mapping[str, Any],
    trace: Matrix,
    eligibility: Matrix | None,
    pre: Matrix,
    post: Matrix,
    modulator: float,
) -> tuple[Matrix, Matrix | None]:
    """Trace and eligibility after a step of plastic connections with these options."""
    rule, bound = options.get("rule", "decaying"), options.get("bound", 1.0)
    modulation, fan_out = options.get("modulation", "none"), options.get("fan_out", "none")
    if modulation == "none":
        return changed(rule, trace, pre, post, np.broadcast_to(parameters["rate"], trace.shape), bound), None
    amount = amounts(parameters, modulator, trace.shape, fan_out)
    if modulation == "simple":
        return changed(rule, trace, pre, post, amount, bound), None
    assert eligibility is not None
    rate = np.broadcast_to(parameters["rate"], trace.shape)
    new, fading = np.empty_like(trace), np.empty_like(trace)
    for i in range(len(pre)):
        for j in range(len(post)):
            new[i, j] = clip(trace[i, j] + amount[i, j] * eligibility[i, j], bound)
            fading[i, j] = (1 - rate[i, j]) * eligibility[i, j] + rate[i, j] * pre[i] * post[j]
    return new, fading


def arrays(module: nn.Module) -> dict[str, Matrix]:
    """A module's parameters by name, in float64."""
    return {name: value.detach().double().numpy() for name, value in module.named_parameters()}


def scatter(module: nn.Module, seed: int, spread: float = 0.5, rate: float = 0.3) -> None:
    """Random parameters, large enough for every term to count; rates from 0 to `rate`."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            value = rate * torch.sigmoid(drawn) if name.endswith("rate") else spread * drawn
            parameter.copy_(value.to(parameter.dtype))


def draw(seed: int, *shape: int, spread: float = 1.0, gradient: bool = False) -> Tensor:
    """Random float64 numbers."""
    generator = torch.Generator().manual_seed(seed)
    values = spread * torch.randn(shape, generator=generator, dtype=torch.float64)
    return values.requires_grad_(gradient)


def assert_close(one: Sequence[Tensor], other: Sequence[Tensor], tolerance: float) -> None:
    """Every pair agrees, relative to the largest number of the pair."""
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        size = float(b.detach().abs().max().clamp(min=1e-3)) if b.numel() else 1.0
        assert float((a - b).detach().abs().max()) <= tolerance * size
