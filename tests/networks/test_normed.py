"""Normalisation, ReLU and pooling in one pass: torch's own operations, their gradients and gradients of those."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, vmap

from networks.normed import normed_pool
from networks.prediction import NormedPool


def separate(values: Tensor, weight: Tensor, bias: Tensor, pool: int) -> Tensor:
    """The same by torch's operations."""
    normed = torch.nn.functional.group_norm(values, values.shape[1], weight, bias, 1e-5)
    return torch.nn.functional.max_pool2d(torch.relu(normed), pool)


def drawn(batch: int = 2, channels: int = 3, height: int = 6, width: int = 6, seed: int = 0) -> list[Tensor]:
    """Values, weight of both signs and bias, in float64."""
    stream = torch.Generator().manual_seed(seed)
    shapes = (batch, channels, height, width), (channels,), (channels,)
    return [torch.randn(shape, generator=stream, dtype=torch.float64).requires_grad_() for shape in shapes]


def second_order(function: object, inputs: list[Tensor], pool: int) -> list[Tensor]:
    """Gradients of the squared length of the gradients of a curved function of the result."""
    out = function(*inputs, pool)  # type: ignore[operator]
    curve = (out**2 * torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)).sum()
    first = torch.autograd.grad(curve, inputs, create_graph=True)
    return [*first, *torch.autograd.grad(sum(one.pow(2).sum() for one in first), inputs)]


SIDES = st.integers(2, 9)


@given(st.integers(1, 3), st.integers(1, 4), SIDES, SIDES, st.integers(1, 2), st.integers(0, 99))
def test_values_and_both_orders_of_gradients_are_those_of_separate_operations(
    batch: int, channels: int, height: int, width: int, pool: int, seed: int
) -> None:
    inputs = drawn(batch, channels, height, width, seed)
    assert torch.allclose(normed_pool(*inputs, pool), separate(*inputs, pool), atol=1e-12)
    for ours, theirs in zip(*(second_order(one, inputs, pool) for one in (normed_pool, separate)), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-7, atol=1e-7 * theirs.abs().max().item())


@pytest.mark.parametrize("pool", [1, 2])
def test_gradients_agree_with_finite_differences(pool: int) -> None:
    inputs = drawn(height=5, width=4)
    assert gradcheck(lambda *given: normed_pool(*given, pool), inputs)
    assert gradgradcheck(lambda *given: normed_pool(*given, pool), inputs)


def test_values_laid_out_in_any_way_are_the_same() -> None:
    values, weight, bias = (one.detach().float() for one in drawn(4, 3, 26, 26))
    plain = normed_pool(values, weight, bias, 2)
    assert torch.equal(normed_pool(values.to(memory_format=torch.channels_last), weight, bias, 2), plain)
    assert torch.equal(torch.cat([normed_pool(one[None], weight, bias, 2) for one in values]), plain)
    assert torch.allclose(plain, separate(values, weight, bias, 2), atol=1e-5)


@pytest.mark.parametrize("pool", [1, 2])
@pytest.mark.parametrize(("place", "index"), [(0, (1, 2, 3, 3)), (1, (2,)), (2, (2,))])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_stays_none(pool: int, place: int, index: tuple[int, ...], bad: float) -> None:
    """A lifetime that diverges has to be seen, in values and in gradients."""
    inputs = [one.detach() for one in drawn()]
    inputs[place][index] = bad
    for one in inputs:
        one.requires_grad_()
    out = normed_pool(*inputs, pool)
    gradients = torch.autograd.grad(out.sum(), inputs)
    assert out[1, 2].isnan().all() and not out[:, :2].isnan().any()
    assert gradients[0][1, 2].isnan().all() or place == 2


@pytest.mark.parametrize("shared", [True, False])
def test_calls_under_vmap_are_single_calls(shared: bool) -> None:
    """Weights for each call, and values for each or the same for all."""
    many = [drawn(seed=seed) for seed in range(4)]
    weights, biases = (torch.stack([one[place] for one in many]).detach() for place in (1, 2))
    values = many[0][0].detach() if shared else torch.stack([one[0] for one in many]).detach()

    def loss(weight: Tensor, bias: Tensor, values: Tensor) -> Tensor:
        return normed_pool(values, weight, bias, 2).pow(2).sum()

    def twice(weight: Tensor, bias: Tensor, values: Tensor) -> Tensor:
        return grad(loss, 2)(weight, bias, values).pow(3).sum()

    places = 0, 0, None if shared else 0
    for function in (grad(loss, (0, 1, 2)), grad(twice, (0, 2))):
        found = vmap(function, places)(weights, biases, values)
        rows = [function(weights[k], biases[k], values if shared else values[k]) for k in range(4)]
        for together, *alone in zip(found, *rows, strict=True):
            assert torch.allclose(together, torch.stack(alone), atol=1e-10)


def test_the_module_falls_back_to_separate_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    values = drawn(4, 3, 7, 7)[0].float()
    for pool in (1, 2):
        module = NormedPool(3, pool)
        torch.nn.init.uniform_(module.bias)
        own = module(values)
        with monkeypatch.context() as patched:
            patched.setattr("networks.prediction.compiles", lambda: False)
            assert torch.allclose(module(values), own, atol=1e-5)
        assert torch.allclose(module.bfloat16()(values.bfloat16()).float(), own, atol=0.05)


def test_a_third_order_is_refused() -> None:
    inputs = drawn()
    first = torch.autograd.grad(normed_pool(*inputs, 2).pow(3).sum(), inputs, create_graph=True)
    second = torch.autograd.grad(first[0].pow(3).sum(), inputs, create_graph=True)
    with pytest.raises(NotImplementedError, match="first and second order"):
        second[0].pow(2).sum().backward()
