"""The product of many steps, with one gradient, against plain autograd."""

import gc
import weakref

import pytest
import torch

from networks.deferred import DeferredProduct
from networks.plastic import Lifetime
from networks.recurrent import PlasticRNNCell, RecurrentState, RNNCell, fast_lifetime, unroll


def _chain(weight: torch.Tensor, product: object, inputs: torch.Tensor) -> torch.Tensor:
    state = torch.zeros_like(inputs[0])
    for drive in inputs:
        state = torch.tanh(drive + product(state))  # type: ignore[operator]
    return (state**2).sum()


def test_the_gradient_is_that_of_plain_steps() -> None:
    torch.manual_seed(0)
    weight = torch.randn(5, 5, dtype=torch.double, requires_grad=True)
    inputs = torch.randn(7, 3, 5, dtype=torch.double, requires_grad=True)
    plain = torch.autograd.grad(_chain(weight, lambda state: state @ weight, inputs), (weight, inputs))
    product = DeferredProduct(weight)
    deferred = torch.autograd.grad(_chain(weight, product, inputs), (weight, inputs))
    for one, other in zip(plain, deferred, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("last", [0, 2, 4])
def test_steps_that_lead_nowhere_take_their_place_all_the_same(last: int) -> None:
    torch.manual_seed(0)
    weight = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    inputs = torch.randn(5, 2, 4, dtype=torch.double, requires_grad=True)
    product = DeferredProduct(weight)
    results = []
    for form in (lambda sender: sender @ weight, product):
        received = [form(sender) for sender in inputs]
        results.append(torch.autograd.grad(received[last].pow(3).sum(), (weight, inputs)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_a_second_way_back_gives_the_same_again() -> None:
    torch.manual_seed(0)
    weight = torch.randn(5, 5, dtype=torch.double, requires_grad=True)
    loss = _chain(weight, DeferredProduct(weight), torch.randn(4, 3, 5, dtype=torch.double))
    (first,) = torch.autograd.grad(loss, weight, retain_graph=True)
    (second,) = torch.autograd.grad(loss, weight)
    assert torch.equal(first, second)


def test_half_precision_gives_gradients_nearby() -> None:
    torch.manual_seed(0)
    weight = torch.randn(5, 5, requires_grad=True)
    inputs = torch.randn(4, 3, 5, requires_grad=True)
    plain = torch.autograd.grad(_chain(weight, lambda state: state @ weight, inputs), (weight, inputs))
    with torch.autocast("cpu", torch.bfloat16):
        loss = _chain(weight, DeferredProduct(weight), inputs)
    half = torch.autograd.grad(loss, (weight, inputs))
    for one, other in zip(plain, half, strict=True):
        assert other.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=0.1, atol=0.1)


def test_without_a_gradient_nothing_is_kept() -> None:
    product = DeferredProduct(torch.eye(3, requires_grad=True))
    with torch.no_grad():
        assert torch.equal(product(torch.ones(2, 3)), torch.ones(2, 3))
    assert not product.steps.senders


def test_plain_neurons_unrolled_are_their_steps() -> None:
    torch.manual_seed(1)
    cell = RNNCell(6, input="clamped").double()
    drives = torch.randn(5, 2, 6, dtype=torch.double) * (torch.rand(5, 2, 6) < 0.5)
    state = cell.initial(2)
    for drive in drives:
        state = cell(drive, state)
    (by_steps,) = torch.autograd.grad(state.activity.sum(), [cell.weight])
    unrolled = unroll(cell, drives, cell.initial(2))
    (at_once,) = torch.autograd.grad(unrolled.activity[-1].sum(), [cell.weight])
    assert torch.equal(unrolled.state.activity, state.activity)
    torch.testing.assert_close(by_steps, at_once, rtol=1e-12, atol=1e-12)


def test_many_neurons_of_one_alpha_are_remembered_as_events_with_the_same_result() -> None:
    torch.manual_seed(2)
    cell = PlasticRNNCell(30, alpha="one", rule="oja").double()
    torch.nn.init.constant_(cell.recurrent.alpha, 0.7)
    torch.nn.init.constant_(cell.recurrent.rate, 0.2)
    start = Lifetime(0.1 * torch.randn(2, 30, 30, dtype=torch.double))
    assert type(fast_lifetime(cell.recurrent, start, steps=8)).__name__ == "EventTrace"
    assert type(fast_lifetime(cell.recurrent, start, steps=20)).__name__ == "FusedTrace"
    drives = torch.randn(8, 2, 30, dtype=torch.double)
    results = []
    for fused in (False, True):
        cell.zero_grad()
        out = unroll(cell, drives, RecurrentState(torch.zeros_like(drives[0]), start), fused=fused)
        assert isinstance(out.state.lifetime, Lifetime)
        (out.activity.square().sum() + out.state.lifetime.trace.sum()).backward()
        gradients = [parameter.grad for parameter in cell.parameters()]
        results.append([out.activity.detach(), out.state.lifetime.trace.detach(), *gradients])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_what_a_window_leaves_is_freed_with_it() -> None:
    """A circle through the graph would never be: Python does not see it."""
    weight = torch.randn(3, 3, requires_grad=True)
    product = DeferredProduct(weight)
    senders = torch.randn(4, 2, 3)
    loss = _chain(weight, product, senders)
    left = weakref.ref(product)
    loss.backward()
    del product, loss
    gc.collect()
    assert left() is None
