"""The event form of plastic connections agrees with plain steps where no clip binds, and says where one does."""

from itertools import product
from typing import Any

import pytest
import torch
from plasticity_loops import assert_close, draw, scatter
from torch import Tensor

from networks.events import EVENT_RULES, EventTrace, supports
from networks.plastic import ALPHAS, FAN_OUTS, MODULATIONS, RATES, Lifetime, PlasticConnections

S, R, B, T = 4, 3, 2, 5
FAR = 1e6  # a bound that nothing reaches


def made(**options: Any) -> PlasticConnections:
    """Connections with random parameters, in float64."""
    connections = PlasticConnections(S, R, **options).double()
    scatter(connections, 11)
    return connections


def some_lifetime(connections: PlasticConnections, gradient: bool = False) -> Lifetime:
    """A trace and, where there is one, an eligibility that are not empty."""
    trace = draw(1, B, S, R, spread=0.5, gradient=gradient)
    retroactive = connections.modulation == "retroactive"
    return Lifetime(trace, draw(2, B, S, R, spread=0.5, gradient=gradient) if retroactive else None)


def live(connections: PlasticConnections, traces: Any, pre: Tensor) -> tuple[Tensor, Any]:
    """What receivers did over steps of senders; what they do is what is learned."""
    received = []
    for step in pre:
        received.append(torch.tanh(connections(step, traces)))
        modulator = None if connections.modulation == "none" else connections.modulate(received[-1])
        traces = connections.learn(traces, step, received[-1], modulator)
    return torch.stack(received), traces


def results(connections: PlasticConnections, windows: tuple[int, ...] | None) -> list[Tensor]:
    """Outputs, traces, and gradients of everything; windows of events, or plain steps."""
    start, pre = some_lifetime(connections, gradient=True), draw(3, T, B, S, gradient=True)
    traces: Any = start
    parts = []
    for window in pre.split(list(windows or (T,))):
        form = traces if windows is None else EventTrace(connections, traces)
        received, form = live(connections, form, window)
        traces = form if windows is None else form.lifetime()
        parts.append(received)
    left = [torch.cat(parts), *(tensor for tensor in traces if tensor is not None)]
    weights = [torch.linspace(-1, 1, value.numel(), dtype=value.dtype).view(value.shape) for value in left]
    loss = torch.stack([(weight * value).sum() for weight, value in zip(weights, left, strict=True)]).sum()
    wanted = [*(tensor for tensor in start if tensor is not None), pre, *connections.parameters()]
    return [*left, *torch.autograd.grad(loss, wanted)]


def options_of(modulation: str) -> list[dict[str, Any]]:
    """Every combination with this modulation that can be written as events."""
    names = ("rule", "alpha", "rate", "fan_out")
    rates = ("one",) if modulation == "simple" else RATES
    fan_outs = ("none",) if modulation == "none" else FAN_OUTS
    every = product(EVENT_RULES, ALPHAS, rates, fan_outs)
    chosen = [dict(zip(names, values, strict=True)) | {"modulation": modulation} for values in every]
    return [options for options in chosen if supports(PlasticConnections(S, R, **options))]


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_events_and_plain_steps_agree_for_every_option(modulation: str) -> None:
    every = options_of(modulation)
    assert len(every) >= 18
    for options in every:
        connections = made(bound=FAR, **options)
        assert_close(results(connections, (T,)), results(connections, None), 1e-10)


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_a_window_split_in_two_gives_the_same(modulation: str) -> None:
    for options in options_of(modulation)[::2]:
        connections = made(bound=FAR, **options)
        assert_close(results(connections, (2, 3)), results(connections, (T,)), 1e-10)


@pytest.mark.parametrize(
    ("options", "supported"),
    [
        ({"rule": "delta"}, False),
        ({"rule": "soft-clipped"}, False),
        ({"rule": lambda trace, pre, post, rate: trace}, False),
        ({"rule": "decaying", "rate": "connection"}, False),
        ({"rule": "oja", "modulation": "simple", "fan_out": "connection"}, False),
        ({"rule": "clipped", "rate": "connection"}, True),
        ({"modulation": "retroactive", "rate": "connection"}, False),
        ({"modulation": "retroactive", "fan_out": "connection"}, True),
    ],
)
def test_what_events_cannot_say_is_known(options: dict[str, Any], supported: bool) -> None:
    assert supports(PlasticConnections(S, R, **options)) == supported


def test_a_retroactive_step_does_not_look_at_the_rule() -> None:
    """Its equations name none."""
    one, other = (made(modulation="retroactive", bound=FAR, rule=rule) for rule in ("clipped", "additive"))
    assert_close(results(one, (T,)), results(other, (T,)), 0.0)


@pytest.mark.parametrize("options", [{"rule": "clipped"}, {"modulation": "retroactive"}])
def test_overshoot_tells_where_the_clip_binds(options: dict[str, Any]) -> None:
    tight, wide = made(bound=0.3, **options), made(bound=FAR, **options)
    pre = draw(3, T, B, S, spread=3.0)
    shares = []
    for connections in (tight, wide):
        _, trace = live(connections, EventTrace(connections, some_lifetime(connections)), pre)
        shares.append(trace.overshoot())
        final = trace.lifetime().trace
        assert float(final.detach().abs().max()) <= connections.bound
    assert 0 < shares[0] <= 1 and shares[1] == 0


def test_overshoot_is_the_share_of_traces_beyond_the_bound() -> None:
    connections = made(rule="clipped", bound=1.0)
    trace = torch.zeros(B, S, R, dtype=torch.float64)
    trace[0, 0, 0], trace[1, 2, 1], trace[1, 3, 2] = 1.5, -1.1, 1.0
    assert EventTrace(connections, Lifetime(trace)).overshoot() == pytest.approx(2 / trace.numel())


def test_a_clip_at_the_window_s_end_is_the_clip_of_a_single_step() -> None:
    connections = made(rule="clipped", bound=0.3)
    pre = draw(3, 1, B, S, spread=3.0)
    _, events = live(connections, EventTrace(connections, some_lifetime(connections)), pre)
    _, plain = live(connections, some_lifetime(connections), pre)
    torch.testing.assert_close(events.lifetime().trace, plain.trace)


def test_reads_whose_outputs_nothing_uses_still_pass_the_gradient_of_later_ones() -> None:
    connections = made(rule="oja")

    def gradients(form: bool) -> tuple[Tensor, ...]:
        start = some_lifetime(connections, gradient=True)
        pre, post = draw(3, T, B, S, gradient=True), draw(4, T, B, R, gradient=True)
        traces: Any = EventTrace(connections, start) if form else start
        for one, other in zip(pre, post, strict=True):
            connections(one, traces)
            traces = connections.learn(traces, one, other)
        out = connections(pre[1], traces).square().sum()
        return torch.autograd.grad(out, [start.trace, pre, post, *connections.parameters()])

    assert_close(gradients(True), gradients(False), 1e-10)


def test_single_precision_and_an_empty_window() -> None:
    connections = made(rule="oja", bound=FAR).float()
    start = Lifetime(some_lifetime(connections).trace.float())
    left = EventTrace(connections, start).lifetime()
    assert torch.equal(left.trace, start.trace)
    received, trace = live(connections, EventTrace(connections, start), draw(3, T, B, S).float())
    plain, after = live(connections, start, draw(3, T, B, S).float())
    torch.testing.assert_close(received, plain, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(trace.lifetime().trace, after.trace, rtol=1e-5, atol=1e-6)
