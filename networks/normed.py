"""Compiled instance normalisation, ReLU and max pooling: one pass over each channel of each picture.

Steps of gradient descent on one picture, differentiated a second time, are where ANML spends its training; torch
has dozens of small operations for what is here one pass each for values, gradients and gradients of gradients.

Of a plane (one channel of one picture) of M numbers x, with mean m and r = 1 / sqrt(variance + epsilon), the
normalised numbers are n = (x - m) r and the values y = w n + b. A place of the result holds the largest y of its
window, or 0 if none is above 0. Which number that is decides all gradients: `chosen` is its place in the plane, -1
where the result is 0. With g the gradient of the result, brought back to the chosen places,

    A = sum(g n)    B = sum(g)    gradient of x = r w (g - B / M - n A / M)    of w = A    of b = B

and `_again` has the gradients of these three.

Shapes: planes (planes, height, width); weight and bias (channels,), plane p being of channel p % channels; out,
chosen and gradient (planes, height // pool, width // pool); moments (planes, 2), m and r.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray
from torch import Tensor

from networks.fused import array_of
from networks.sweeps import OPTIONS, Apart, plus

EPSILON = 1e-5


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def _sum(x: NDArray) -> float:
    total = x.dtype.type(0)
    for i in range(x.shape[0]):
        total = plus(total, x[i])
    return total


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def _sum_of_products(x: NDArray, u: NDArray, mean: float) -> float:
    """Sum of u (x - mean)."""
    total = x.dtype.type(0)
    for i in range(x.shape[0]):
        total = plus(total, u[i] * (x[i] - mean))
    return total


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def _sum_of_squares(x: NDArray, mean: float) -> float:
    total = x.dtype.type(0)
    for i in range(x.shape[0]):
        total = plus(total, (x[i] - mean) * (x[i] - mean))
    return total


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def _positive(
    x: NDArray, first: int, mean: float, scale: float, bias: float, out: NDArray, chosen: NDArray
) -> None:
    """A row of values, the first at `first` of its plane, without pooling."""
    for j in range(out.shape[0]):
        y = (x[j] - mean) * scale + bias
        above = y > 0
        out[j] = y if above else x.dtype.type(0)
        chosen[j] = first + np.int32(j) if above else np.int32(-1)


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def _largest_of_four(
    x: NDArray, below: NDArray, first: int, mean: float, scale: float, bias: float, out: NDArray, chosen: NDArray
) -> None:
    """Windows of two rows of values, the first at `first` of its plane."""
    width = np.int32(x.shape[0])
    for j in range(out.shape[0]):
        best, place = x.dtype.type(0), np.int32(-1)
        here = first + np.int32(2 * j)
        y = (x[2 * j] - mean) * scale + bias
        above = y > best
        best, place = y if above else best, here if above else place
        y = (x[2 * j + 1] - mean) * scale + bias
        above = y > best
        best, place = y if above else best, here + np.int32(1) if above else place
        y = (below[2 * j] - mean) * scale + bias
        above = y > best
        best, place = y if above else best, here + width if above else place
        y = (below[2 * j + 1] - mean) * scale + bias
        above = y > best
        best, place = y if above else best, here + width + np.int32(1) if above else place
        out[j], chosen[j] = best, place


@njit(**OPTIONS)
def _pooled(
    x: NDArray, width: int, mean: float, scale: float, bias: float, pool: int, out: NDArray, chosen: NDArray
) -> None:
    """The rows of a plane."""
    for row in range(out.shape[0]):
        first = row * pool * width
        here = x[first : first + width]
        if pool == 2:
            below = x[first + width : first + 2 * width]
            _largest_of_four(here, below, np.int32(first), mean, scale, bias, out[row], chosen[row])
        else:
            _positive(here, np.int32(first), mean, scale, bias, out[row], chosen[row])


@njit(parallel=True, **OPTIONS)
def _forward(
    planes: NDArray, weight: NDArray, bias: NDArray, pool: int, out: NDArray, chosen: NDArray, moments: NDArray
) -> None:
    for p in prange(planes.shape[0]):
        x, c = planes[p].reshape(-1), p % weight.shape[0]
        count = x.dtype.type(x.shape[0])
        mean = _sum(x) / count
        r = x.dtype.type(1 / np.sqrt(_sum_of_squares(x, mean) / count + EPSILON))
        moments[p, 0], moments[p, 1] = mean, r
        scale, shift = r * weight[c], bias[c]
        if abs(mean * scale + shift) < np.inf:
            _pooled(x, planes.shape[2], mean, scale, shift, pool, out[p], chosen[p])
        else:  # no number is above 0 then, but a lifetime that diverged must be seen
            out[p].reshape(-1)[:] = np.nan
            chosen[p].reshape(-1)[:] = -1


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def _plane(x: NDArray, u: NDArray, mean: float, slope: float, part: float, shift: float, out: NDArray) -> None:
    for i in range(x.shape[0]):
        out[i] = shift + part * u[i] + slope * (x[i] - mean)


@njit(pipeline_class=Apart, forceinline=True, **OPTIONS)
def _line(x: NDArray, mean: float, slope: float, shift: float, out: NDArray) -> None:
    for i in range(x.shape[0]):
        out[i] = shift + slope * (x[i] - mean)


@njit(**OPTIONS)
def _add_chosen(gradient: NDArray, chosen: NDArray, scale: float, out: NDArray) -> None:
    """Bring a multiple of the gradient back to the places that it comes from."""
    for j in range(chosen.shape[0]):
        if chosen[j] >= 0:
            out[chosen[j]] += scale * gradient[j]


@njit(**OPTIONS)
def _sums(x: NDArray, chosen: NDArray, gradient: NDArray, mean: float, r: float) -> tuple[float, float]:
    """A and B of a plane."""
    a, b = x.dtype.type(0), x.dtype.type(0)
    for j in range(chosen.shape[0]):
        if chosen[j] >= 0:
            a += gradient[j] * (x[chosen[j]] - mean)
            b += gradient[j]
    return a * r, b


@njit(parallel=True, **OPTIONS)
def _backward(
    planes: NDArray,
    weight: NDArray,
    chosen: NDArray,
    moments: NDArray,
    gradient: NDArray,
    d_planes: NDArray,
    d_weight: NDArray,
    d_bias: NDArray,
) -> None:
    """Gradients of the planes, and of weight and bias plane by plane, (planes,)."""
    for p in prange(planes.shape[0]):
        x, g, places = planes[p].reshape(-1), gradient[p].reshape(-1), chosen[p].reshape(-1)
        d, count = d_planes[p].reshape(-1), x.dtype.type(x.shape[0])
        mean, r = moments[p]
        a, b = _sums(x, places, g, mean, r)
        d_weight[p], d_bias[p] = a, b
        scale = r * weight[p % weight.shape[0]]
        _line(x, mean, -scale * a / count * r, -scale * b / count, d)
        _add_chosen(g, places, scale, d)


@njit(**OPTIONS)
def _of_gradient(
    x: NDArray,
    u: NDArray,
    gradient: NDArray,
    chosen: NDArray,
    mean: float,
    slope: float,
    scale: float,
    shift: float,
    out: NDArray,
) -> float:
    """Fill in what `_again` has for the gradient; returns sum(u g)."""
    met = x.dtype.type(0)
    for j in range(chosen.shape[0]):
        out[j] = 0
        if chosen[j] >= 0:
            met += u[chosen[j]] * gradient[j]
            out[j] = scale * u[chosen[j]] + slope * (x[chosen[j]] - mean) + shift
    return met


@njit(parallel=True, **OPTIONS)
def _again(
    planes: NDArray,
    weight: NDArray,
    chosen: NDArray,
    moments: NDArray,
    gradient: NDArray,
    u: NDArray,
    u_weight: NDArray,
    u_bias: NDArray,
    d_planes: NDArray,
    d_weight: NDArray,
    d_gradient: NDArray,
) -> None:
    """Gradients of sum(u dx) + u_weight A + u_bias B with respect to planes, weight (planes,) and gradient.

    u has the shape of the planes; u_weight and u_bias are (channels,).
    """
    for p in prange(planes.shape[0]):
        c = p % weight.shape[0]
        x, g, places = planes[p].reshape(-1), gradient[p].reshape(-1), chosen[p].reshape(-1)
        v, d, d_g = u[p].reshape(-1), d_planes[p].reshape(-1), d_gradient[p].reshape(-1)
        mean, r = moments[p]
        count, scale, two = x.dtype.type(x.shape[0]), r * weight[c], x.dtype.type(2)
        a, b = _sums(x, places, g, mean, r)
        plain, along = _sum(v) / count, r * _sum_of_products(x, v, mean) / count  # means of u and u n
        slope, shift = r * (u_weight[c] - scale * along), u_bias[c] - scale * plain
        met = _of_gradient(x, v, g, places, mean, slope, scale, shift, d_g)
        total = met - b * plain - a * along  # sum(u dx) is r w times this
        d_weight[p] = r * total
        # n depends on x by r (identity - 1 / M - n n' / M), r by -r^2 n / M
        of_n = u_weight[c] * b - scale * (along * b + a * plain)
        of_n_along = u_weight[c] * a - two * scale * along * a
        tilt = -r * r * (scale * total + of_n_along) / count
        _plane(x, v, mean, tilt, -r * scale * a / count, -r * of_n / count, d)
        _add_chosen(g, places, slope, d)


def _planes(values: Tensor) -> NDArray[Any]:
    return array_of(values).reshape(-1, *values.shape[2:])


def _empty(like: Tensor) -> Tensor:
    return torch.empty_like(like, memory_format=torch.contiguous_format)


def _together(
    function: Any,
    places: tuple[int, ...],
    ends: tuple[int, ...],
    info: Any,
    axes: tuple[int | None, ...],
    given: Any,
) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
    """A batch of calls, as `torch.func.vmap` asks for it: one call with as many times the channels.

    Args:
        function: to call.
        places: axis of the channels of each tensor that it takes.
        ends: axis of the channels of each that it returns.
        info: of vmap, with the size of the batch.
        axes: of the batch in each argument; None where all calls have the same.
        given: arguments.
    """
    size, inputs = info.batch_size, list(given)
    for number, place in enumerate(places):
        value, axis = given[number], axes[number]
        value = value.unsqueeze(0).expand(size, *value.shape) if axis is None else value.movedim(axis, 0)
        inputs[number] = value.movedim(0, place).flatten(place, place + 1)
    results = function.apply(*inputs)
    return tuple(one.unflatten(end, (size, -1)) for one, end in zip(results, ends, strict=True)), ends


def normed_pool(values: Tensor, weight: Tensor, bias: Tensor, pool: int) -> Tensor:
    """Instance normalisation, ReLU and max pooling, on a CPU.

    Gradients can be differentiated once more, not twice.

    Args:
        values: float32 or float64, (batch, channels, height, width).
        weight: (channels,).
        bias: (channels,).
        pool: side of the windows, 1 or 2.

    Returns:
        Features (batch, channels, height // pool, width // pool).
    """
    return _Forward.apply(values, weight, bias, pool)[0]


class _Forward(torch.autograd.Function):
    """Features, and for the way back where each comes from and the moments."""

    @staticmethod
    def forward(values: Tensor, weight: Tensor, bias: Tensor, pool: int) -> tuple[Tensor, Tensor, Tensor]:
        """Features, chosen and moments."""
        batch, channels, height, width = values.shape
        out = values.new_empty(batch, channels, height // pool, width // pool)
        chosen, moments = torch.empty(out.shape, dtype=torch.int32), values.new_empty(batch, channels, 2)
        table = moments.view(-1, 2).numpy()
        _forward(_planes(values), array_of(weight), array_of(bias), pool, _planes(out), _planes(chosen), table)
        return out, chosen, moments

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep what the way back needs."""
        _, chosen, moments = output
        ctx.mark_non_differentiable(chosen, moments)
        ctx.save_for_backward(*inputs[:2], chosen, moments)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, *others: None) -> tuple[Tensor | None, ...]:
        """Gradients of values, weight and bias."""
        if gradient is None:
            return None, None, None, None
        return *_Backward.apply(*ctx.saved_tensors, gradient), None

    @staticmethod
    def vmap(info: Any, axes: tuple[int | None, ...], *given: Any) -> Any:
        """A batch of calls."""
        return _together(_Forward, (1, 0, 0), (1, 1, 1), info, axes, given)


class _Backward(torch.autograd.Function):
    """The way back as a function of its own, so that it has gradients too."""

    @staticmethod
    def forward(values: Tensor, weight: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of values, weight and bias, from chosen, moments and gradient."""
        chosen, moments, gradient = rest
        d_values = _empty(values)
        d_weight, d_bias = values.new_empty(values.shape[:2]), values.new_empty(values.shape[:2])
        table, parts = array_of(moments).reshape(-1, 2), (d_weight.view(-1).numpy(), d_bias.view(-1).numpy())
        _backward(
            _planes(values), array_of(weight), _planes(chosen), table, _planes(gradient), _planes(d_values), *parts
        )
        return d_values, d_weight.sum(0), d_bias.sum(0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        """Keep what the way back needs."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, u: Tensor, u_weight: Tensor, u_bias: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of values, weight and gradient."""
        d_values, d_weight, d_gradient = _Again.apply(*ctx.saved_tensors, u, u_weight, u_bias)
        return d_values, d_weight, None, None, d_gradient

    @staticmethod
    def vmap(info: Any, axes: tuple[int | None, ...], *given: Any) -> Any:
        """A batch of calls."""
        return _together(_Backward, (1, 0, 1, 1, 1), (1, 0, 0), info, axes, given)


class _Again(torch.autograd.Function):
    """The way back from the way back."""

    @staticmethod
    def forward(values: Tensor, weight: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of values, weight and gradient."""
        chosen, moments, gradient, u, u_weight, u_bias = rest
        d_values, d_weight, d_gradient = _empty(values), values.new_empty(values.shape[:2]), _empty(gradient)
        _again(
            _planes(values),
            array_of(weight),
            _planes(chosen),
            array_of(moments).reshape(-1, 2),
            _planes(gradient),
            _planes(u),
            array_of(u_weight),
            array_of(u_bias),
            _planes(d_values),
            d_weight.view(-1).numpy(),
            _planes(d_gradient),
        )
        return d_values, d_weight.sum(0), d_gradient

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        """Nothing: there is no way back from here."""

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        """Refuse.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("normalisation in one pass has gradients of first and second order only")

    @staticmethod
    def vmap(info: Any, axes: tuple[int | None, ...], *given: Any) -> Any:
        """A batch of calls."""
        return _together(_Again, (1, 0, 1, 1, 1, 1, 0, 0), (1, 0, 1), info, axes, given)
