"""Compiled first layer of an encoder: 3x3 convolution of stride 2 of one channel, tanh, rounded to bfloat16.

A picture of one channel becomes 60 times as many numbers: passing over those once, forwards and backwards, is what
counts. The layer's values are computed again on the way back, in float32, instead of being kept.

Shapes: pictures (count, side, side); weight (9, channels); bias (channels,); values and gradient (count, places,
places, channels), bfloat16 as the upper halves of float32, in uint16.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray
from torch import Tensor

from networks.sweeps import OPTIONS, Apart

#: Ranges of pictures whose gradients are added up apart from each other, the same for any number of threads.
RANGES = 16


@njit(pipeline_class=Apart, **OPTIONS | {"fastmath": {"contract", "arcp"}})
def _place(picture: NDArray, row: int, column: int, weight: NDArray, bias: NDArray, values: NDArray) -> None:
    """Values of the channels at a place; tanh by its continued fraction, to 1e-4, within bfloat16's rounding."""
    a, b, c = picture[row, column], picture[row, column + 1], picture[row, column + 2]
    d, e, f = picture[row + 1, column], picture[row + 1, column + 1], picture[row + 1, column + 2]
    g, h, i = picture[row + 2, column], picture[row + 2, column + 1], picture[row + 2, column + 2]
    one, three, five = np.float32(135135), np.float32(17325), np.float32(378)
    two, four, six = np.float32(62370), np.float32(3150), np.float32(28)
    limit, largest = np.float32(4.97), np.float32(1)
    for k in range(bias.shape[0]):
        x = bias[k] + a * weight[0, k] + b * weight[1, k] + c * weight[2, k]
        x += d * weight[3, k] + e * weight[4, k] + f * weight[5, k]
        x += g * weight[6, k] + h * weight[7, k] + i * weight[8, k]
        x = min(max(x, -limit), limit)
        q = x * x
        y = x * (one + q * (three + q * (five + q))) / (one + q * (two + q * (four + q * six)))
        values[k] = min(max(y, -largest), largest)


@njit(pipeline_class=Apart, **OPTIONS)
def _narrow(bits: NDArray, values: NDArray) -> None:
    """Float32 numbers, given as their bits, to the nearest bfloat16, even where two are as near."""
    for k in range(bits.shape[0]):
        u = bits[k]
        odd = (u >> np.uint32(16)) & np.uint32(1)
        values[k] = np.uint16((u + np.uint32(0x7FFF) + odd) >> np.uint32(16))


@njit(pipeline_class=Apart, **OPTIONS)
def _widen(values: NDArray, bits: NDArray) -> None:
    for k in range(bits.shape[0]):
        bits[k] = np.uint32(values[k]) << np.uint32(16)


@njit(pipeline_class=Apart, **OPTIONS)
def _add(picture: NDArray, row: int, column: int, values: NDArray, gradient: NDArray, total: NDArray) -> None:
    """Add a place's gradients of the nine weights and the bias of each channel, (10, channels)."""
    a, b, c = picture[row, column], picture[row, column + 1], picture[row, column + 2]
    d, e, f = picture[row + 1, column], picture[row + 1, column + 1], picture[row + 1, column + 2]
    g, h, i = picture[row + 2, column], picture[row + 2, column + 1], picture[row + 2, column + 2]
    for k in range(values.shape[0]):
        s = gradient[k] * (np.float32(1) - values[k] * values[k])
        total[0, k] += a * s
        total[1, k] += b * s
        total[2, k] += c * s
        total[3, k] += d * s
        total[4, k] += e * s
        total[5, k] += f * s
        total[6, k] += g * s
        total[7, k] += h * s
        total[8, k] += i * s
        total[9, k] += s


@njit(parallel=True, **OPTIONS)
def _forward(pictures: NDArray, weight: NDArray, bias: NDArray, out: NDArray) -> None:
    for n in prange(pictures.shape[0]):
        bits = np.empty(bias.shape[0], np.uint32)
        for r in range(out.shape[1]):
            for c in range(out.shape[2]):
                _place(pictures[n], 2 * r, 2 * c, weight, bias, bits.view(np.float32))
                _narrow(bits, out[n, r, c])


@njit(parallel=True, **OPTIONS)
def _backward(pictures: NDArray, weight: NDArray, bias: NDArray, gradient: NDArray, totals: NDArray) -> None:
    for part in prange(totals.shape[0]):
        values = np.empty(bias.shape[0], np.float32)
        bits = np.empty(bias.shape[0], np.uint32)
        first, last = (
            pictures.shape[0] * part // totals.shape[0],
            pictures.shape[0] * (part + 1) // totals.shape[0],
        )
        for n in range(first, last):
            for r in range(gradient.shape[1]):
                for c in range(gradient.shape[2]):
                    _place(pictures[n], 2 * r, 2 * c, weight, bias, values)
                    _widen(gradient[n, r, c], bits)
                    _add(pictures[n], 2 * r, 2 * c, values, bits.view(np.float32), totals[part])


class FirstLayer(torch.autograd.Function):
    """tanh of the first layer, (count, channels, places, places) in bfloat16 and channels last.

    Takes pictures (count, 1, side, side), which get no gradient, weight (channels, 1, 3, 3) and bias, in float32.
    """

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The layer's values."""
        ctx.given = (
            pictures.detach().squeeze(1).contiguous().numpy(),
            weight.detach().flatten(1).T.contiguous().numpy(),
            bias.detach().numpy(),
        )
        places = (pictures.shape[-1] - 3) // 2 + 1
        out = torch.empty(len(pictures), places, places, len(bias), dtype=torch.bfloat16)
        _forward(*ctx.given, out.view(torch.int16).numpy().view(np.uint16))
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor]:
        """Gradients of weight and bias."""
        given = gradient.permute(0, 2, 3, 1).to(torch.bfloat16).contiguous()
        totals = np.zeros((RANGES, 10, given.shape[-1]), np.float32)
        _backward(*ctx.given, given.view(torch.int16).numpy().view(np.uint16), totals)
        total = torch.from_numpy(totals.sum(0))
        return None, total[:9].T.reshape(-1, 1, 3, 3), total[9]
