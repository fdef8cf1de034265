"""The fused form of retroactive modulation agrees with plain steps: activity, what is left, every gradient."""

from collections.abc import Iterator
from typing import Any

import numba
import pytest
import torch
from plasticity_loops import assert_close, draw, scatter
from torch import Tensor

from networks import compact, fused
from networks.plastic import ALPHAS, Lifetime
from networks.recurrent import PlasticRNNCell, RecurrentState, unroll
from networks.retroactive import FusedEligibility, supports

N, B, T = 7, 3, 9


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(compact, "SMALL", 0)  # else small networks take the form for them
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


def made(dtype: torch.dtype = torch.float64, **options: Any) -> PlasticRNNCell:
    """A cell with random parameters."""
    cell = PlasticRNNCell(N, modulation="retroactive", **options)
    scatter(cell, 5, rate=0.4)
    return cell.to(dtype)


def run(cell: PlasticRNNCell, form: bool, spread: float = 1.0, steps: int = T, last: bool = False) -> list[Tensor]:
    """Activity, what a lifetime left, and the gradients of inputs, what it began with and every parameter."""
    dtype = cell.recurrent.weight.dtype
    drives = draw(1, steps, B, N, spread=spread).to(dtype).requires_grad_()
    trace, eligibility = (draw(seed, B, N, N, spread=0.3).to(dtype).requires_grad_() for seed in (3, 6))
    activity = draw(4, B, N, spread=0.3).to(dtype).requires_grad_()
    out = unroll(cell, drives, RecurrentState(activity, Lifetime(trace, eligibility)), fused=form)
    final = out.state.lifetime
    assert isinstance(final, Lifetime) and final.eligibility is not None and out.modulator is not None
    loss = out.activity[-1].square().sum()
    if not last:
        loss = loss + sum(
            (draw(9 + k, *part.shape).to(dtype) * part).sum()
            for k, part in enumerate((out.activity, out.modulator, final.trace, final.eligibility))
        )
    wanted = [drives, activity, trace, eligibility, *cell.parameters()]
    gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
    filled = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, gradients, strict=True)]
    return [out.activity.detach(), final.trace.detach(), final.eligibility.detach(), *filled]


@pytest.fixture(params=["one task", "tasks"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sweeps that are one task, and that are cut into several."""
    if request.param == "tasks":
        monkeypatch.setattr(fused, "BLOCK", 3)
    return request.param


@pytest.mark.parametrize("fan_out", ["none", "neuron"])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_fused_and_plain_steps_agree(alpha: str, fan_out: str, layout: str) -> None:
    cell = made(alpha=alpha, fan_out=fan_out, bound=0.5)
    assert_close(run(cell, True), run(cell, False), 1e-10)


@pytest.mark.parametrize("stride", [1, 2, 4, 12])
@pytest.mark.parametrize("steps", [1, 2, 12, 13, 25])
def test_lifetimes_of_any_length_agree(steps: int, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "CLIPPED_STRIDE", stride)
    cell = made(bound=0.5)
    assert_close(run(cell, True, steps=steps), run(cell, False, steps=steps), 1e-9)


def test_they_agree_where_the_trace_is_clipped() -> None:
    cell = made(bound=0.3)
    final = run(cell, True, spread=3.0)[1]
    assert float((final.abs() == 0.3).double().mean()) > 0.1 and float(final.abs().max()) == 0.3
    assert_close(run(cell, True, spread=3.0), run(cell, False, spread=3.0), 1e-10)


def test_a_loss_of_the_last_activity_alone_gives_the_gradients() -> None:
    assert_close(run(made(), True, last=True), run(made(), False, last=True), 1e-10)


def test_single_precision_agrees_as_far_as_it_goes() -> None:
    cell = made(torch.float32, bound=0.5)
    assert_close(run(cell, True), run(cell, False), 2e-4)


def test_without_a_gradient_nothing_is_kept() -> None:
    cell = made().requires_grad_(False)
    with torch.no_grad():
        state = cell.initial(B)
        assert isinstance(state.lifetime, Lifetime)
        form = fused.fuse(cell.recurrent, state.lifetime)
        assert isinstance(form, FusedEligibility)
        state = state._replace(lifetime=form)
        for drive in draw(1, T, B, N):
            state = cell(drive, state)
    assert form.store.steps == [] and form.store.snapshots == []


def test_other_connections_keep_their_form() -> None:
    for options in ({"fan_out": "connection"}, {"rate": "connection"}):
        cell = made(**options)
        lifetime = cell.recurrent.initial(B)
        assert not supports(cell.recurrent, lifetime) and fused.fuse(cell.recurrent, lifetime) is lifetime
        assert_close(run(cell, True), run(cell, False), 1e-12)


def test_it_is_used_once() -> None:
    cell = made()
    form = FusedEligibility(cell.recurrent, cell.recurrent.initial(B))
    out = torch.tanh(form.read(draw(1, B, N)))
    form.learn(draw(1, B, N), out, out[:, 0])
    with pytest.raises(ValueError, match="a second time"):
        form.learn(draw(1, B, N), out, out[:, 0])
    loss = form.read(out).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="a second time"):
        loss.backward()
