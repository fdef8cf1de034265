"""The fused form of plastic connections agrees with plain steps: activity, final trace, every gradient."""

from collections.abc import Callable, Iterator
from typing import Any

import numba
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plasticity_loops import assert_close, draw, scatter
from torch import Tensor

from networks import compact, fused, recurrent
from networks.fused import FUSED_RULES, FusedTrace, supports
from networks.plastic import ALPHAS, Lifetime, PlasticConnections
from networks.recurrent import PlasticRNNCell, RecurrentState, unroll

N, B, T = 7, 3, 9
MODULATIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "simple": {"modulation": "simple"},
    "simple, to neurons": {"modulation": "simple", "fan_out": "neuron"},
}
Loss = Callable[[Tensor, Tensor], Tensor]


def whole(activity: Tensor, trace: Tensor) -> Tensor:
    """Depends on every step and on the final trace."""
    weights = torch.linspace(-1, 1, activity.numel(), dtype=activity.dtype).view(activity.shape)
    kept = torch.linspace(-1, 1, trace.numel(), dtype=trace.dtype).view(trace.shape)
    return (weights * activity).sum() + (kept * trace).sum()


LOSSES: dict[str, Loss] = {
    "all": whole,
    "last activity": lambda activity, trace: activity[-1].square().sum(),
    "an early activity": lambda activity, trace: activity[3].square().sum(),
    "the first activity": lambda activity, trace: activity[0].square().sum(),
    "final trace": lambda activity, trace: trace.pow(3).sum(),
    "two activities": lambda activity, trace: activity[2].sum() * activity[6].square().sum(),
}


def made(dtype: torch.dtype = torch.float64, fastest: float = 0.3, **options: Any) -> PlasticRNNCell:
    """A cell with random parameters."""
    cell = PlasticRNNCell(N, **options)
    scatter(cell, 5, rate=fastest)
    return cell.to(dtype)


def run(cell: PlasticRNNCell, form: bool, loss: Loss = whole, spread: float = 1.0, steps: int = T) -> list[Tensor]:
    """Activity, final trace, and the gradients of inputs, first trace and every parameter."""
    dtype = cell.recurrent.weight.dtype
    drives = draw(1, steps, B, N, spread=spread) * (draw(2, steps, B, N) > 0)
    drives = drives.to(dtype).requires_grad_()
    trace = draw(3, B, N, N, spread=0.3).to(dtype).requires_grad_()
    activity = draw(4, B, N, spread=0.3).to(dtype).requires_grad_()
    out = unroll(cell, drives, RecurrentState(activity, Lifetime(trace)), fused=form)
    assert isinstance(out.state.lifetime, Lifetime)
    final = out.state.lifetime.trace
    wanted = [drives, activity, trace, *cell.parameters()]
    gradients = torch.autograd.grad(loss(out.activity, final), wanted, allow_unused=True)
    filled = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, gradients, strict=True)]
    return [out.activity.detach(), final.detach(), *filled]


def compare(cell: PlasticRNNCell, loss: Loss = whole, tolerance: float = 1e-10, **more: Any) -> None:
    assert supports(cell.recurrent, cell.recurrent.weight)
    assert_close(run(cell, True, loss, **more), run(cell, False, loss, **more), tolerance)


@pytest.fixture(params=["one task", "tasks", "tasks, step by step"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sweeps that are one task, and that are cut into several; also step by step."""
    if request.param.endswith("step by step"):
        monkeypatch.setattr(recurrent, "RunningLifetime", type("Nothing", (), {}))
    if request.param.startswith("tasks"):
        monkeypatch.setattr(fused, "BLOCK", 3)
    return request.param


@pytest.fixture(params=["undone", "undone between snapshots", "written again", "written again often"])
def way_back(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to have the traces again, with snapshots seldom and often."""
    again = request.param.startswith("written")
    monkeypatch.setattr(fused, "MAGNIFIED", 0.0 if again else float("inf"))
    if request.param.endswith(("snapshots", "often")):
        monkeypatch.setattr(fused, "STRIDE", 4)
        monkeypatch.setattr(fused, "CLIPPED_STRIDE", 2)
    return request.param


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small sweeps take longer on several threads; nor do small networks take the form for them here."""
    monkeypatch.setattr(compact, "SMALL", 0)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


@pytest.mark.parametrize("modulation", MODULATIONS)
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("rule", FUSED_RULES)
def test_fused_and_plain_steps_agree(rule: str, alpha: str, modulation: str, layout: str) -> None:
    input = "clamped" if alpha == "neuron" else "added"
    compare(made(rule=rule, alpha=alpha, input=input, bound=0.5, **MODULATIONS[modulation]))


@pytest.mark.parametrize("rule", FUSED_RULES)
def test_every_way_back_gives_the_gradients(rule: str, way_back: str, layout: str) -> None:
    compare(made(rule=rule, bound=0.5))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", ["decaying", "clipped"])
def test_every_loss_gives_the_gradients(rule: str, loss: str, way_back: str) -> None:
    compare(made(rule=rule, bound=0.5), LOSSES[loss])


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_clipped_rules_agree_at_saturation(modulation: str, layout: str) -> None:
    cell = made(rule="clipped", bound=0.2, fastest=1.0, **MODULATIONS[modulation])
    final = run(cell, True, spread=3.0)[1]
    assert float((final.abs() == 0.2).double().mean()) > 0.1 and float(final.abs().max()) == 0.2
    compare(cell, spread=3.0)


def test_a_trace_exactly_on_the_bound_passes_its_gradient() -> None:
    """Activity and rate of 1 and a bound of 1: the write lands on the bound, where plain torch passes it."""
    cell = PlasticRNNCell(N, rule="clipped", input="clamped").double()
    with torch.no_grad():
        cell.recurrent.rate.fill_(0.5)

    def gradients(form: bool) -> tuple[Tensor, ...]:
        state = cell.initial(1)
        drives = torch.ones(4, 1, N, dtype=torch.float64, requires_grad=True)
        out = unroll(cell, drives * torch.tensor([1.0, 1, 1, 0]).view(4, 1, 1), state, fused=form)
        assert isinstance(out.state.lifetime, Lifetime)
        assert out.state.lifetime.trace.max().item() == 1
        return torch.autograd.grad(out.activity[-1].sum(), [drives, *cell.parameters()])

    assert_close(gradients(True), gradients(False), 1e-12)
    assert bool(gradients(True)[-1] != 0)


def test_a_stretch_of_steps_comes_first_and_without_a_modulator() -> None:
    drives, activity = draw(1, 2, B, N), draw(2, B, N)
    for cell, reads in ((made(), 1), (made(modulation="simple"), 0)):
        trace = FusedTrace(cell.recurrent, cell.recurrent.initial(B))
        for _ in range(reads):
            trace.read(activity)
        with pytest.raises(ValueError, match="run: allowed is without a modulator, and before any read"):
            trace.run(drives, activity, False)


def test_steps_after_a_stretch_go_on_from_it() -> None:
    cell = made(rule="oja")
    drives = draw(1, 5, B, N).requires_grad_()
    wanted = [drives, *cell.parameters()]
    state = cell.initial(B)
    assert isinstance(state.lifetime, Lifetime)
    trace = FusedTrace(cell.recurrent, state.lifetime)
    first = trace.run(drives[:3], state.activity, False)
    rest = RecurrentState(first[-1], trace)
    for drive in drives[3:]:
        rest = cell(drive, rest)
    found = whole(torch.cat([first, rest.activity[None]]), trace.lifetime().trace)
    plain = unroll(cell, drives, state, fused=False)
    assert isinstance(plain.state.lifetime, Lifetime)
    expected = whole(plain.activity[[0, 1, 2, 4]], plain.state.lifetime.trace)
    assert_close(torch.autograd.grad(found, wanted), torch.autograd.grad(expected, wanted), 1e-10)


@pytest.mark.parametrize("rule", FUSED_RULES)
@pytest.mark.parametrize("steps", [1, 2, 24, 25, 49])
def test_lifetimes_of_any_length_agree(rule: str, steps: int) -> None:
    compare(made(rule=rule, fastest=0.05, alpha="neuron"), steps=steps, tolerance=1e-9)


@pytest.mark.parametrize("modulation", MODULATIONS)
@pytest.mark.parametrize("rule", FUSED_RULES)
def test_single_precision_agrees_as_far_as_it_goes(rule: str, modulation: str, layout: str) -> None:
    compare(made(torch.float32, rule=rule, bound=0.5, **MODULATIONS[modulation]), tolerance=2e-4)


@given(st.integers(0, 2**31), st.sampled_from(FUSED_RULES), st.integers(1, 12), st.integers(1, 4))
@settings(max_examples=25)
def test_connections_between_other_neurons_agree(seed: int, rule: str, receivers: int, batch: int) -> None:
    connections = PlasticConnections(5, receivers, rule=rule, bound=0.5).double()
    scatter(connections, seed)

    def results(form: bool) -> list[Tensor]:
        start = draw(seed, batch, 5, receivers, spread=0.4, gradient=True)
        pre = draw(seed + 1, 4, batch, 5, gradient=True)
        traces: Any = FusedTrace(connections, Lifetime(start)) if form else Lifetime(start)
        total = torch.zeros((), dtype=torch.float64)
        for step in pre:
            out = torch.tanh(connections(step, traces))
            total = total + out.pow(3).sum()
            traces = connections.learn(traces, step, out)
        final = traces.lifetime().trace if form else traces.trace
        total = total + final.square().sum()
        return [total, *torch.autograd.grad(total, [start, pre, *connections.parameters()])]

    assert_close(results(True), results(False), 1e-10)


def test_reads_whose_outputs_nothing_uses_still_pass_the_gradient_of_later_ones() -> None:
    connections = PlasticConnections(5, N, rule="oja").double()
    scatter(connections, 3)

    def results(form: bool) -> tuple[Tensor, ...]:
        start = draw(1, B, 5, N, spread=0.4, gradient=True)
        pre, post = draw(2, 4, B, 5, gradient=True), draw(3, 4, B, N, gradient=True)
        traces: Any = FusedTrace(connections, Lifetime(start)) if form else Lifetime(start)
        for one, other in zip(pre, post, strict=True):
            connections(one, traces)
            traces = connections.learn(traces, one, other)
        out = connections(pre[0], traces).square().sum()
        return torch.autograd.grad(out, [start, pre, post, *connections.parameters()])

    assert_close(results(True), results(False), 1e-10)


def test_frozen_connections_pass_gradients_to_what_drives_them() -> None:
    cell = made(rule="decaying").requires_grad_(False)

    def gradient(form: bool) -> Tensor:
        drives = draw(1, T, B, N, gradient=True)
        out = unroll(cell, drives, cell.initial(B), fused=form)
        return torch.autograd.grad(out.activity.square().sum(), drives)[0]

    assert_close([gradient(True)], [gradient(False)], 1e-10)


@pytest.mark.parametrize("rule", FUSED_RULES)
def test_gradients_are_those_of_finite_differences(rule: str) -> None:
    cell = made(rule=rule, modulation="simple", fan_out="neuron", bound=5.0)
    drives = draw(2, T, B, N, gradient=True)
    wanted = [drives, *cell.parameters()]

    def loss() -> Tensor:
        out = unroll(cell, drives, cell.initial(B))
        assert isinstance(out.state.lifetime, Lifetime)
        return whole(out.activity, out.state.lifetime.trace)

    directions = [draw(10 + k, *tensor.shape) for k, tensor in enumerate(wanted)]
    slopes = torch.autograd.grad(loss(), wanted)
    for tensor, direction, slope in zip(wanted, directions, slopes, strict=True):
        ends = []
        with torch.no_grad():
            for step in (1e-5, -2e-5):
                tensor += step * direction
                ends.append(float(loss()))
            tensor += 1e-5 * direction
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float((slope * direction).sum()), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("rule", FUSED_RULES)
def test_gradients_go_from_stretch_to_stretch(rule: str) -> None:
    cell = made(rule=rule, bound=0.5)

    def results(form: bool) -> list[Tensor]:
        drives, parts = draw(1, T, B, N, gradient=True), []
        state = cell.initial(B)
        for stretch in drives.split([4, 1, 4]):
            out = unroll(cell, stretch, state, fused=form)
            state = out.state
            parts.append(out.activity)
        activity = torch.cat(parts)
        assert isinstance(state.lifetime, Lifetime)
        loss = whole(activity, state.lifetime.trace)
        return [activity, *torch.autograd.grad(loss, [drives, *cell.parameters()])]

    assert_close(results(True), results(False), 1e-10)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
@pytest.mark.parametrize("rule", FUSED_RULES)
def test_the_result_does_not_depend_on_the_number_of_threads(rule: str, layout: str) -> None:
    results = []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        results.append(run(made(torch.float32, rule=rule, bound=0.5), True))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_a_run_without_gradients_gives_the_same_and_keeps_nothing() -> None:
    cell = made(rule="oja")
    drives = draw(1, T, B, N)
    with torch.no_grad():
        out = unroll(cell, drives, cell.initial(B))
        trace = FusedTrace(cell.recurrent, cell.recurrent.initial(B))
        trace.read(drives[0])
    plain = unroll(cell, drives, cell.initial(B), fused=False)
    assert_close([out.activity], [plain.activity], 1e-12)
    assert not out.activity.requires_grad and trace.store.steps == [] and trace.store.snapshots == []


def test_the_lifetime_it_starts_from_is_not_changed() -> None:
    cell = made(rule="decaying")
    start = draw(1, B, N, N)
    copy = start.clone()
    out = unroll(cell, draw(2, T, B, N), RecurrentState(draw(3, B, N), Lifetime(start)))
    out.activity.sum().backward()
    assert torch.equal(start, copy)


def test_without_the_state_the_last_write_is_spared() -> None:
    cell = made(rule="decaying")
    out = unroll(cell, draw(1, T, B, N), cell.initial(B), keep_state=False)
    assert out.state.lifetime is None
    assert torch.equal(out.activity, unroll(cell, draw(1, T, B, N), cell.initial(B)).activity)


def test_learning_twice_between_reads_is_refused() -> None:
    cell = made(rule="decaying")
    trace = FusedTrace(cell.recurrent, cell.recurrent.initial(B))
    trace.learn(draw(1, B, N), draw(2, B, N))
    with pytest.raises(ValueError, match="learn: a second time after a read: allowed is once"):
        trace.learn(draw(1, B, N), draw(2, B, N))


def test_a_second_way_back_is_refused() -> None:
    """The traces were undone on the first: gradients of a second one would be wrong."""
    cell = made(rule="decaying")
    out = unroll(cell, draw(1, T, B, N), cell.initial(B)).activity.sum()
    out.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="second time"):
        out.backward()


@pytest.mark.parametrize(
    "options",
    [
        {"rule": "delta"},
        {"rule": "soft-clipped"},
        {"rate": "connection"},
        {"modulation": "retroactive", "rate": "connection"},
        {"modulation": "simple", "fan_out": "connection"},
    ],
)
def test_what_cannot_be_fused_takes_plain_steps(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    cell = made(**options)
    assert not supports(cell.recurrent, cell.recurrent.weight)
    monkeypatch.setattr(fused, "FusedTrace", None)
    out = recurrent.unroll(cell, draw(1, T, B, N), cell.initial(B))
    plain = recurrent.unroll(cell, draw(1, T, B, N), cell.initial(B), fused=False)
    assert torch.equal(out.activity, plain.activity)


def test_only_single_and_double_precision_on_a_cpu_are_fused() -> None:
    connections = made(rule="decaying").recurrent
    assert supports(connections, torch.empty(1, dtype=torch.float32))
    assert not supports(connections, torch.empty(1, dtype=torch.bfloat16))
    assert not supports(connections, torch.empty(1, device="meta"))
