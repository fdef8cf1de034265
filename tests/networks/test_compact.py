"""Small networks' lifetimes agree with plain steps, results and gradients, their input known before or not."""

from typing import Any

import numba
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plasticity_loops import assert_close, draw, scatter
from torch import Tensor

from networks import compact
from networks.compact import CompactLifetimes, supports
from networks.fused import FUSED_RULES
from networks.plastic import ALPHAS, Lifetime
from networks.recurrent import PlasticRNNCell, RecurrentState, Unrolled, compact_lifetimes, unroll

N, B, T = 7, 3, 9
MODULATIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "simple": {"modulation": "simple"},
    "simple, to neurons": {"modulation": "simple", "fan_out": "neuron"},
    "retroactive": {"modulation": "retroactive"},
    "retroactive, to neurons": {"modulation": "retroactive", "fan_out": "neuron"},
}


def made(dtype: torch.dtype = torch.float64, **options: Any) -> PlasticRNNCell:
    """A cell with random parameters."""
    cell = PlasticRNNCell(N, **{"bound": 0.5} | options)
    scatter(cell, 5, rate=0.3)
    return cell.to(dtype)


def begun(cell: PlasticRNNCell) -> RecurrentState:
    """Random activity, traces and eligibilities, with gradients."""
    shapes = [(B, N), (B, N, N)] + [(B, N, N)] * (cell.recurrent.modulation == "retroactive")
    parts = [draw(3 + k, *shape, spread=0.3).to(cell.recurrent.weight.dtype) for k, shape in enumerate(shapes)]
    activity, *lifetime = [part.requires_grad_() for part in parts]
    return RecurrentState(activity, Lifetime(*lifetime))


def some_drives(cell: PlasticRNNCell, steps: int, spread: float) -> Tensor:
    drives = draw(1, steps, B, N, spread=spread) * (draw(2, steps, B, N) > 0)
    return drives.to(cell.recurrent.weight.dtype).requires_grad_()


def known(out: Unrolled) -> list[Tensor]:
    lifetime = out.state.lifetime
    assert lifetime is None or isinstance(lifetime, Lifetime)
    parts = [out.activity, out.modulator, out.state.activity, out.state.modulator, *(lifetime or ())]
    return [part for part in parts if part is not None]


def run(
    cell: PlasticRNNCell, form: bool, steps: int = T, spread: float = 1.0, keep_state: bool = True
) -> list[Tensor]:
    """All that a stretch gives, and from a loss of all of it the gradients of all that it depends on."""
    drives, state = some_drives(cell, steps, spread), begun(cell)
    assert isinstance(state.lifetime, Lifetime)
    lifetime = [part for part in state.lifetime if part is not None]
    found = known(unroll(cell, drives, state, fused=form, keep_state=keep_state))
    loss = sum((draw(9 + k, *part.shape).to(part.dtype) * part).sum() for k, part in enumerate(found))
    assert isinstance(loss, Tensor)
    wanted = [drives, state.activity, *lifetime, *cell.parameters()]
    gradients = torch.autograd.grad(loss, wanted, allow_unused=True)
    filled = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, gradients, strict=True)]
    return [*(part.detach() for part in found), *filled]


def compare(cell: PlasticRNNCell, tolerance: float = 1e-10, **more: Any) -> None:
    assert supports(cell, begun(cell))
    assert_close(run(cell, True, **more), run(cell, False, **more), tolerance)


@pytest.mark.parametrize("modulation", MODULATIONS)
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("rule", FUSED_RULES)
def test_they_agree_with_plain_steps(rule: str, alpha: str, modulation: str) -> None:
    input = "clamped" if alpha == "neuron" else "added"
    compare(made(rule=rule, alpha=alpha, input=input, **MODULATIONS[modulation]))


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_without_the_state_all_else_is_the_same(modulation: str) -> None:
    cell = made(rule="oja", **MODULATIONS[modulation])
    drives, state = some_drives(cell, T, 1.0), begun(cell)
    results = []
    for form in (True, False):
        out = unroll(cell, drives, state, fused=form, keep_state=not form)
        assert (out.state.lifetime is None) == form
        parts = known(out._replace(state=out.state._replace(lifetime=None)))
        loss = torch.stack([part.sin().sum() for part in parts]).sum()
        slopes = torch.autograd.grad(loss, [drives, state.activity, *cell.parameters()], allow_unused=True)
        results.append([*parts, *(slope for slope in slopes if slope is not None)])
    assert_close(results[0], results[1], 1e-10)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.integers(1, 30),
    stride=st.integers(1, 13),
    modulation=st.sampled_from(list(MODULATIONS)),
    rule=st.sampled_from(FUSED_RULES),
    spread=st.floats(0.1, 4),
)
def test_any_length_between_any_snapshots(
    steps: int, stride: int, modulation: str, rule: str, spread: float
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "STRIDE", stride)
        compare(made(rule=rule, **MODULATIONS[modulation]), 1e-9, steps=steps, spread=spread)


@pytest.mark.parametrize("options", [{"rule": "clipped"}, {"modulation": "retroactive"}])
def test_they_agree_where_traces_are_clipped(options: dict[str, Any]) -> None:
    cell = made(bound=0.3, **options)
    lifetime = unroll(cell, some_drives(cell, T, 3.0), cell.initial(B)).state.lifetime
    assert isinstance(lifetime, Lifetime)
    size = lifetime.trace.detach().abs()
    assert float((size == 0.3).double().mean()) > 0.02 and float(size.max()) == 0.3
    compare(cell, spread=3.0)


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_single_precision_agrees_as_far_as_it_goes(modulation: str) -> None:
    compare(made(torch.float32, rule="clipped", **MODULATIONS[modulation]), 5e-4)


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_a_step_shows_what_the_gradients_are_of(modulation: str) -> None:
    """Drives may come one by one, each chosen after the activity before it."""
    cell = made(rule="decaying", **MODULATIONS[modulation])
    state, drives, seen = begun(cell), [draw(1, B, N)], []
    lifetimes = CompactLifetimes(cell, state, T + 5, learning=True)
    for _ in range(T):
        seen.append(lifetimes.step(drives[-1]).clone())
        drives.append(seen[-1].sin().flip(1))
    given = torch.stack(drives[:T]).requires_grad_()
    found, expected = lifetimes.unrolled(given), unroll(cell, given, state, fused=False)
    assert_close([torch.stack(seen), *known(found)], [expected.activity, *known(expected)], 1e-12)
    slopes = [torch.autograd.grad(out.activity.sin().sum(), given)[0] for out in (found, expected)]
    assert_close(slopes[:1], slopes[1:], 1e-10)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
@pytest.mark.parametrize("modulation", MODULATIONS)
def test_the_result_does_not_depend_on_the_number_of_threads(modulation: str) -> None:
    results, before = [], numba.get_num_threads()
    for threads in (1, 2):
        numba.set_num_threads(threads)
        results.append(run(made(torch.float32, rule="oja", **MODULATIONS[modulation]), True))
    numba.set_num_threads(before)
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_gradients_go_from_stretch_to_stretch(modulation: str) -> None:
    cell = made(rule="clipped", **MODULATIONS[modulation])

    def results(form: bool) -> list[Tensor]:
        drives, state, parts = draw(1, T, B, N, gradient=True), cell.initial(B), []
        for stretch in drives.split([4, 1, 4]):
            out = unroll(cell, stretch, state, fused=form)
            state = out.state
            parts.append(out.activity)
        activity = torch.cat(parts)
        return [activity, *torch.autograd.grad(activity.sin().sum(), [drives, *cell.parameters()])]

    assert_close(results(True), results(False), 1e-10)


def test_a_second_way_back_gives_the_same() -> None:
    cell = made(modulation="retroactive")
    out = unroll(cell, draw(1, T, B, N), cell.initial(B)).activity.sum()
    first, second = (torch.autograd.grad(out, list(cell.parameters()), retain_graph=True) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_without_a_gradient_nothing_is_kept() -> None:
    cell = made(modulation="simple")
    with torch.no_grad():
        out = unroll(cell, draw(1, T, B, N), cell.initial(B))
    assert not out.activity.requires_grad
    lifetimes = CompactLifetimes(cell, cell.initial(B), T, learning=False)
    assert lifetimes.snapshots.size == 0 and lifetimes.eligible_snapshots.size == 0


def test_what_it_starts_from_is_not_changed() -> None:
    cell = made(modulation="retroactive")
    state = begun(cell)
    assert isinstance(state.lifetime, Lifetime) and state.lifetime.eligibility is not None
    parts = [state.activity, *state.lifetime]
    copies = [part.detach().clone() for part in parts if part is not None]
    unroll(cell, draw(2, T, B, N), state).activity.sum().backward()
    assert all(torch.equal(part, copy) for part, copy in zip(parts, copies, strict=True) if part is not None)


@pytest.mark.parametrize(
    "options",
    [
        {"rule": "delta"},
        {"rule": "soft-clipped"},
        {"rate": "connection"},
        {"modulation": "retroactive", "rate": "connection"},
        {"modulation": "simple", "fan_out": "connection"},
    ],
    ids=str,
)
def test_other_cells_have_another_form(options: dict[str, Any]) -> None:
    cell = made(**options)
    assert compact_lifetimes(cell, cell.initial(B), T, learning=True) is None
    assert_close(run(cell, True), run(cell, False), 1e-10)


def test_large_networks_have_another_form() -> None:
    cell = PlasticRNNCell(compact.SMALL + 1)
    assert compact_lifetimes(cell, cell.initial(1), T, learning=True) is None
