"""Recurrent cells against loops, finite differences, single lifetimes and their non-plastic twin."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plasticity_loops import arrays, assert_close, draw, learned, modulator_output, product, scatter
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten
from torch.utils.checkpoint import checkpoint

from networks.plastic import Lifetime
from networks.recurrent import PlasticRNNCell, RecurrentState, RNNCell, unroll

N, B, T = 4, 3, 5
KINDS: dict[str, dict[str, Any]] = {
    "decaying": {},
    "oja, one alpha": {"rule": "oja", "alpha": "one"},
    "clipped, a rate each": {"rule": "clipped", "rate": "connection", "bound": 0.1},
    "soft-clipped": {"rule": "soft-clipped", "alpha": "neuron"},
    "delta": {"rule": "delta"},
    "simple": {"rule": "clipped", "modulation": "simple", "bound": 0.5},
    "simple, to neurons": {"rule": "clipped", "modulation": "simple", "fan_out": "neuron"},
    "simple, to connections": {"rule": "soft-clipped", "modulation": "simple", "fan_out": "connection"},
    "retroactive": {"modulation": "retroactive", "bound": 0.4},
    "retroactive, to neurons": {"modulation": "retroactive", "fan_out": "neuron", "alpha": "neuron"},
    "retroactive, to connections": {"modulation": "retroactive", "fan_out": "connection", "rate": "connection"},
}


def made(kind: str, **more: Any) -> PlasticRNNCell:
    """A cell with random parameters, in float64."""
    cell = PlasticRNNCell(N, **KINDS[kind], **more).double()
    scatter(cell, 7)
    return cell


def drives(seed: int = 1, batch: int = B) -> Tensor:
    """Inputs of which some are 0, (T, batch, N)."""
    values = draw(seed, T, batch, N)
    return values * (draw(seed + 1, T, batch, N) > 0)


def results(cell: PlasticRNNCell, inputs: Tensor) -> list[Tensor]:
    """All that a lifetime leaves, and the gradients of a loss that all of it enters."""
    inputs = inputs.clone().requires_grad_()
    out = unroll(cell, inputs, cell.initial(inputs.shape[1]), fused=False)
    lifetime = out.state.lifetime
    assert isinstance(lifetime, Lifetime)
    left = [out.activity, lifetime.trace]
    left += [more for more in (out.modulator, lifetime.eligibility) if more is not None]
    loss = sum(((0.3 + 0.1 * k) * value.square().sum() for k, value in enumerate(left)), torch.zeros(()))
    return [*left, *torch.autograd.grad(loss, [inputs, *cell.parameters()], allow_unused=True)]


@pytest.mark.parametrize("input", ["added", "clamped"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_its_equations(kind: str, input: str) -> None:
    cell = made(kind, input=input)
    inputs = drives()
    out = unroll(cell, inputs, cell.initial(B), fused=False)
    assert isinstance(out.state.lifetime, Lifetime)
    parameters = {name.removeprefix("recurrent."): value for name, value in arrays(cell).items()}
    alpha = np.broadcast_to(parameters["alpha"], (N, N))
    for b in range(B):
        activity, trace, modulator = np.zeros(N), np.zeros((N, N)), 0.0
        eligibility = np.zeros((N, N)) if cell.recurrent.modulation == "retroactive" else None
        for t in range(T):
            drive, pre = inputs[t, b].numpy(), activity
            got = product(pre, parameters["weight"], alpha, trace)  # the trace as it was
            activity = np.tanh(drive + got)
            if input == "clamped":
                activity = np.where(drive != 0, drive, activity)
            if cell.recurrent.modulation != "none":
                modulator = modulator_output(parameters, activity)  # of the new activity
                assert out.modulator is not None
                assert out.modulator[t, b].item() == pytest.approx(modulator, rel=1e-10)
            trace, eligibility = learned(parameters, KINDS[kind], trace, eligibility, pre, activity, modulator)
            np.testing.assert_allclose(out.activity[t, b].detach(), activity, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(out.state.lifetime.trace[b].detach(), trace, rtol=1e-10, atol=1e-12)
    assert torch.equal(out.state.activity, out.activity[-1])
    assert (out.modulator is None) == (cell.recurrent.modulation == "none")


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_finite_differences(kind: str) -> None:
    cell = made(kind)
    names = [name for name, _ in cell.named_parameters()]

    def answer(inputs: Tensor, *values: Tensor) -> Tensor:
        state = cell.initial(2)
        for drive in inputs:
            state = torch.func.functional_call(cell, dict(zip(names, values, strict=True)), (drive, state))
        assert isinstance(state.lifetime, Lifetime)
        return torch.cat([state.activity.flatten(), state.lifetime.trace.flatten()])

    values = [value.detach().clone().requires_grad_() for value in cell.parameters()]
    assert torch.autograd.gradcheck(answer, (draw(2, 3, 2, N, gradient=True), *values), fast_mode=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_as_many_single_lifetimes(kind: str) -> None:
    cell = made(kind)
    inputs = drives()
    together = results(cell, inputs)
    alone = [results(cell, inputs[:, b : b + 1]) for b in range(B)]
    parameters = len(list(cell.parameters()))
    for index, whole in enumerate(together):
        parts = [single[index] for single in alone]
        if index >= len(together) - parameters:  # gradients of parameters add up
            assert_close([whole], [torch.stack(parts).sum(0)], 1e-11)
        else:
            axis = 1 if whole.shape[0] == T else 0
            assert_close([whole], [torch.cat(parts, axis)], 1e-11)


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**31))
@settings(max_examples=20)
def test_lifetimes_can_be_mapped(kind: str, seed: int) -> None:
    cell = made(kind)
    state = cell.initial(B)
    flat, form = tree_flatten(state)

    def one(drive: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        """A step of a single lifetime, whose state has no batch."""
        known = iter(parts)
        own = tree_unflatten([None if leaf is None else next(known)[None] for leaf in flat], form)
        return tuple(part[0] for part in leaves(cell(drive[None], own)))

    for drive in drives(seed):
        mapped = torch.func.vmap(one)(drive, *leaves(state))
        state = cell(drive, state)
        for a, b in zip(mapped, leaves(state), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def leaves(state: RecurrentState) -> list[Tensor]:
    """The tensors of a state."""
    return [leaf for leaf in tree_leaves(state) if leaf is not None]


@pytest.mark.parametrize("kind", KINDS)
def test_checkpoints_of_activations_change_no_gradient(kind: str) -> None:
    cell = made(kind)

    def run(saving: bool) -> list[Tensor]:
        state, total = cell.initial(B), torch.zeros((), dtype=torch.float64)
        for drive in drives():
            state = checkpoint(cell, drive, state, use_reentrant=False) if saving else cell(drive, state)
            total = total + state.activity.square().sum()
        # the last step's writes are not read again: what only they need has no gradient
        gradients = torch.autograd.grad(total, list(cell.parameters()), allow_unused=True)
        return [total, *(gradient for gradient in gradients if gradient is not None)]

    for one, other in zip(run(True), run(False), strict=True):
        assert torch.equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["decaying", "retroactive, to neurons"])
def test_a_step_is_compiled_as_one_graph(kind: str) -> None:
    cell = made(kind)
    compiled = torch.compile(cell, backend="aot_eager", fullgraph=True)
    state = other = cell.initial(B)
    for drive in drives():
        state, other = cell(drive, state), compiled(drive, other)
    assert_close(leaves(state), leaves(other), 1e-12)


@pytest.mark.parametrize("input", ["added", "clamped"])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("alpha", ["connection", "neuron", "one"])
def test_without_alpha_the_plain_network_remains_exactly(alpha: str, fused: bool, input: str) -> None:
    cell, twin = PlasticRNNCell(N, input=input, alpha=alpha), RNNCell(N, input=input)
    with torch.no_grad():
        cell.recurrent.alpha.zero_()
        twin.weight.copy_(cell.recurrent.weight)
    inputs = drives().float()
    out = unroll(cell, inputs, cell.initial(B), fused=fused)
    plain = unroll(twin, inputs, twin.initial(B))
    assert plain.modulator is None and plain.state.lifetime is None
    if alpha == "connection" or fused:  # one sum of the same terms; its order is the library's affair
        torch.testing.assert_close(out.activity, plain.activity, rtol=1e-6, atol=1e-7)
    else:
        assert torch.equal(out.activity, plain.activity)


def test_the_plain_twin_is_its_equation() -> None:
    twin = RNNCell(N, input="clamped").double()
    scatter(twin, 3)
    inputs, activity = drives(), np.zeros((B, N))
    out = unroll(twin, inputs, twin.initial(B))
    for t in range(T):
        drive = inputs[t].numpy()
        activity = np.where(drive != 0, drive, np.tanh(activity @ twin.weight.detach().numpy()))
        np.testing.assert_allclose(out.activity[t].detach(), activity, rtol=1e-12)


def test_clamped_neurons_take_their_drive_and_the_others_go_on() -> None:
    cell = made("decaying", input="clamped")
    inputs = drives()
    out = unroll(cell, inputs, cell.initial(B), fused=False).activity
    assert torch.equal(out[inputs != 0], inputs[inputs != 0])
    assert bool((out[inputs == 0].abs() < 1).all())


@pytest.mark.parametrize("kind", KINDS)
def test_a_lifetime_goes_on_where_it_stopped(kind: str) -> None:
    cell = made(kind)
    inputs = drives()
    whole = unroll(cell, inputs, cell.initial(B), fused=False)
    first = unroll(cell, inputs[:2], cell.initial(B), fused=False)
    second = unroll(cell, inputs[2:], first.state, fused=False)
    assert torch.equal(torch.cat([first.activity, second.activity]), whole.activity)
    assert_close(leaves(second.state), leaves(whole.state), 0.0)


@pytest.mark.parametrize("cell", [PlasticRNNCell, RNNCell])
def test_an_input_that_is_no_choice_is_refused(cell: Any) -> None:
    with pytest.raises(ValueError, match="input: 'glued': allowed are added, clamped"):
        cell(N, input="glued")
