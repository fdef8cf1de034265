"""Plastic connections against their equations: every kind of alpha, rate, modulation and fan-out."""

from itertools import product as combinations
from typing import Any

import numpy as np
import pytest
import torch
from plasticity_loops import arrays, draw, learned, modulator_output, product, scatter
from torch import Tensor

from networks.plastic import ALPHAS, FAN_OUTS, MODULATIONS, RATES, Lifetime, PlasticConnections
from networks.plasticity import coactivity

S, R, B = 4, 3, 2  # senders, receivers, batch


def made(seed: int = 0, **options: Any) -> PlasticConnections:
    """Connections with random parameters, in float64."""
    connections = PlasticConnections(S, R, **options).double()
    scatter(connections, seed)
    return connections


def some_lifetime(connections: PlasticConnections, seed: int = 9) -> Lifetime:
    """A trace and, where there is one, an eligibility that are not empty."""
    retroactive = connections.modulation == "retroactive"
    return Lifetime(draw(seed, B, S, R, spread=0.5), draw(seed + 1, B, S, R, spread=0.5) if retroactive else None)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_receivers_get_weight_plus_alpha_times_trace(alpha: str) -> None:
    connections = made(alpha=alpha)
    lifetime, pre = some_lifetime(connections), draw(3, B, S)
    out, known = connections(pre, lifetime), arrays(connections)
    alphas = np.broadcast_to(known["alpha"], (S, R))
    for b in range(B):
        truth = product(pre[b].numpy(), known["weight"], alphas, lifetime.trace[b].numpy())
        np.testing.assert_allclose(out[b].detach(), truth, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("modulation", "fan_out", "rate"), list(combinations(MODULATIONS, FAN_OUTS, RATES)))
def test_learning_is_its_equation(modulation: str, fan_out: str, rate: str) -> None:
    options = {"rule": "clipped", "modulation": modulation, "fan_out": fan_out, "rate": rate, "bound": 0.6}
    connections = made(**options)
    before = some_lifetime(connections)
    pre, post, state = draw(3, B, S), draw(4, B, R), draw(5, B, R)
    modulator = None if modulation == "none" else connections.modulate(state)
    after = connections.learn(before, pre, post, modulator)
    assert isinstance(after, Lifetime)
    known = arrays(connections)
    for b in range(B):
        eligibility = None if before.eligibility is None else before.eligibility[b].numpy()
        amount = 0.0 if modulation == "none" else modulator_output(known, state[b].numpy())
        truth = learned(
            known, options, before.trace[b].numpy(), eligibility, pre[b].numpy(), post[b].numpy(), amount
        )
        np.testing.assert_allclose(after.trace[b].detach(), truth[0], rtol=1e-12, atol=1e-14)
        if truth[1] is not None and after.eligibility is not None:
            np.testing.assert_allclose(after.eligibility[b].detach(), truth[1], rtol=1e-12, atol=1e-14)
    assert (after.eligibility is None) == (modulation != "retroactive")


@pytest.mark.parametrize("fan_out", FAN_OUTS)
def test_retroactive_modulation_with_rate_1_is_simple_modulation_a_step_later(fan_out: str) -> None:
    """With rate 1 the eligibility is the last step's coactivity alone: H_t+1 = clip(H_t + M_t p_t-1)."""
    simple = made(rule="clipped", modulation="simple", fan_out=fan_out, bound=0.8)
    late = PlasticConnections(S, R, modulation="retroactive", fan_out=fan_out, bound=0.8).double()
    late.load_state_dict(simple.state_dict() | {"rate": torch.ones((), dtype=torch.float64)})
    one, other = simple.initial(B), late.initial(B)
    modulators = torch.tanh(draw(1, 6, B))
    first = torch.zeros(B, dtype=torch.float64)  # whatever it is, it meets an empty eligibility
    for step, (pre, post) in enumerate(zip(draw(2, 6, B, S), draw(3, 6, B, R), strict=True)):
        other = late.learn(other, pre, post, modulators[step - 1] if step else first)
        assert isinstance(other, Lifetime) and isinstance(one, Lifetime)
        torch.testing.assert_close(other.trace, one.trace)
        assert other.eligibility is not None
        torch.testing.assert_close(other.eligibility, coactivity(pre, post))
        one = simple.learn(one, pre, post, modulators[step])


@pytest.mark.parametrize("fan_out", ["neuron", "connection"])
def test_a_modulator_fans_out_along_receivers_whatever_the_batch(fan_out: str) -> None:
    """The published large LSTM squeezes the batch away: with one lifetime it uses the rates along senders."""
    connections = PlasticConnections(R, R, rule="additive", modulation="simple", fan_out=fan_out).double()
    scatter(connections, 0)
    pre, post, modulator = draw(1, 2, R), draw(2, 2, R), draw(3, 2)
    both = connections.learn(connections.initial(2), pre, post, modulator)
    alone = connections.learn(connections.initial(1), pre[:1], post[:1], modulator[:1])
    assert isinstance(both, Lifetime) and isinstance(alone, Lifetime)
    assert torch.equal(both.trace[:1], alone.trace)
    if fan_out == "neuron":
        rates = connections.fan.weight[:, 0] * modulator[0] + connections.fan.bias
        torch.testing.assert_close(alone.trace[0], pre[0][:, None] * (post[0] * rates))


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({}, 2 * S * R + 1),
        ({"alpha": "neuron"}, S * R + R + 1),
        ({"alpha": "one"}, S * R + 2),
        ({"rate": "connection"}, 3 * S * R),
        ({"modulation": "simple"}, 2 * S * R + R + 1),
        ({"modulation": "simple", "fan_out": "neuron"}, 2 * S * R + R + 1 + 2 * R),
        ({"modulation": "simple", "fan_out": "connection"}, 3 * S * R + R + 1),
        ({"modulation": "retroactive"}, 2 * S * R + 1 + R + 1),
        ({"modulation": "retroactive", "modulator_inputs": 7}, 2 * S * R + 1 + 7 + 1),
    ],
)
def test_options_have_the_parameters_they_need(options: dict[str, Any], numbers: int) -> None:
    assert sum(parameter.numel() for parameter in PlasticConnections(S, R, **options).parameters()) == numbers


def test_parameters_start_as_published() -> None:
    torch.manual_seed(0)
    connections = PlasticConnections(200, 200)
    assert connections.rate is not None and connections.rate.item() == pytest.approx(0.01)
    for parameter in (connections.weight, connections.alpha):
        assert abs(parameter.mean().item()) < 3e-4 and parameter.std().item() == pytest.approx(0.01, rel=0.03)
    assert PlasticConnections(2, 2, alpha="one").alpha.item() == pytest.approx(0.01)


def test_a_lifetime_starts_empty_and_can_be_cut_off() -> None:
    connections = made(modulation="retroactive")
    empty = connections.initial(5)
    assert empty.trace.shape == (5, S, R) and not empty.trace.any()
    assert empty.eligibility is not None and not empty.eligibility.any()
    after = connections.learn(
        some_lifetime(connections), draw(1, B, S), draw(2, B, R), connections.modulate(draw(3, B, R))
    )
    assert isinstance(after, Lifetime) and after.trace.requires_grad
    cut = after.detach()
    assert torch.equal(cut.trace, after.trace) and not cut.trace.requires_grad
    assert cut.eligibility is not None and not cut.eligibility.requires_grad


def test_a_function_serves_as_a_rule() -> None:
    def forgetful(trace: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
        return rate * coactivity(pre, post)

    connections = made(rule=forgetful)
    before, pre, post = some_lifetime(connections), draw(1, B, S), draw(2, B, R)
    after = connections.learn(before, pre, post)
    assert isinstance(after, Lifetime) and connections.rate is not None
    torch.testing.assert_close(after.trace, connections.rate * coactivity(pre, post))


@pytest.mark.parametrize(("modulation", "fan_out"), list(combinations(MODULATIONS, FAN_OUTS)))
def test_gradients_are_those_of_finite_differences(modulation: str, fan_out: str) -> None:
    connections = made(rule="oja", modulation=modulation, fan_out=fan_out, alpha="neuron", bound=100.0)
    start = some_lifetime(connections)
    names = [name for name, _ in connections.named_parameters()]

    def outcome(pre: Tensor, post: Tensor, trace: Tensor, *values: Tensor) -> Tensor:
        parameters = dict(zip(names, values, strict=True))
        with torch.nn.utils.parametrize.cached():
            return torch.func.functional_call(Stepping(connections), prefixed(parameters), (pre, post, trace))

    class Stepping(torch.nn.Module):
        """Two steps of learning and a read, as one function."""

        def __init__(self, connections: PlasticConnections) -> None:
            super().__init__()
            self.connections = connections

        def forward(self, pre: Tensor, post: Tensor, trace: Tensor) -> Tensor:
            lifetime: Any = start._replace(trace=trace)
            for _ in range(2):
                modulator = None if modulation == "none" else self.connections.modulate(post)
                lifetime = self.connections.learn(lifetime, pre, post, modulator)
            return self.connections(pre, lifetime)

    def prefixed(parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        return {f"connections.{name}": value for name, value in parameters.items()}

    values = [value.detach().clone().requires_grad_() for value in connections.parameters()]
    given = (draw(1, B, S, gradient=True), draw(2, B, R, gradient=True), start.trace.clone().requires_grad_())
    assert torch.autograd.gradcheck(outcome, (*given, *values))


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"rule": "hebb"}, "rule: 'hebb': allowed are decaying, oja, additive, clipped, soft-clipped, delta"),
        ({"alpha": "two"}, "alpha: 'two': allowed are connection, neuron, one"),
        ({"rate": "neuron"}, "rate: 'neuron': allowed are one, connection"),
        ({"modulation": "late"}, "modulation: 'late': allowed are none, simple, retroactive"),
        ({"fan_out": "wide"}, "fan_out: 'wide': allowed are none, neuron, connection"),
    ],
)
def test_an_option_that_is_no_choice_is_refused(option: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        PlasticConnections(S, R, **option)  # type: ignore[arg-type]
