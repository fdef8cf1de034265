"""Rules of plasticity against their equations, connection by connection, and the laws that they obey."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from plasticity_loops import RULES as NAMES
from plasticity_loops import changed, draw
from torch import Tensor

from networks import plasticity
from networks.plasticity import RULES, check_choice, coactivity, hard_clip, retroactive_step

seeds = st.integers(0, 2**31)
RATES = {"one": (), "receiver": (3, 1, 5), "connection": (4, 5), "lifetime": (3, 1, 1)}


def test_every_rule_is_compared() -> None:
    assert set(NAMES) == set(RULES)


@pytest.mark.parametrize("rate_of", RATES)
@pytest.mark.parametrize("name", NAMES)
def test_a_rule_is_its_equation(name: str, rate_of: str) -> None:
    trace, pre, post = draw(1, 3, 4, 5).clamp(-0.8, 0.8), draw(2, 3, 4), draw(3, 3, 5)
    rate = draw(4, *RATES[rate_of])
    new = RULES[name](0.8)(trace, pre, post, rate)
    rates = rate.expand(3, 4, 5).numpy()
    for b in range(3):
        truth = changed(name, trace[b].numpy(), pre[b].numpy(), post[b].numpy(), rates[b], 0.8)
        np.testing.assert_allclose(new[b], truth, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_keeps_the_type_and_needs_no_batch(name: str) -> None:
    trace, pre, post = draw(1, 2, 3).float(), draw(2, 2).float(), draw(3, 3).float()
    new = RULES[name](1.0)(trace, pre, post, torch.tensor(0.1))
    assert new.dtype == torch.float32 and new.shape == (2, 3)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_rules_are_those_of_finite_differences(name: str) -> None:
    inputs = (
        draw(1, 2, 3, 4, spread=0.2, gradient=True),
        draw(2, 2, 3, spread=0.5, gradient=True),
        draw(3, 2, 4, spread=0.5, gradient=True),
        draw(4, 3, 4, spread=0.3, gradient=True),
    )
    assert torch.autograd.gradcheck(RULES[name](1.0), inputs)


@given(seeds, st.sampled_from(["clipped", "soft-clipped"]), st.floats(0.1, 3.0))
def test_clipped_traces_stay_within_their_bound(seed: int, name: str, bound: float) -> None:
    trace = draw(seed, 4, 5).clamp(-bound, bound)
    new = RULES[name](bound)(trace, draw(seed + 1, 4), draw(seed + 2, 5), 10 * draw(seed + 3, 4, 5))
    assert float(new.abs().max()) <= bound


@given(seeds, st.floats(0.0, 1.0))
def test_decay_stays_between_what_was_and_what_comes(seed: int, rate: float) -> None:
    trace, pre, post = draw(seed, 4, 5), draw(seed + 1, 4), draw(seed + 2, 5)
    new, comes = plasticity.decaying(trace, pre, post, torch.tensor(rate)), coactivity(pre, post)
    assert bool(
        ((new >= torch.minimum(trace, comes) - 1e-12) & (new <= torch.maximum(trace, comes) + 1e-12)).all()
    )


@given(seeds)
def test_ojas_rule_does_not_fade_where_receivers_are_silent(seed: int) -> None:
    trace, pre, post = draw(seed, 4, 5), draw(seed + 1, 4), draw(seed + 2, 5)
    post[::2] = 0
    new = plasticity.oja(trace, pre, post, torch.tensor(0.5, dtype=torch.float64))
    assert bool((new[:, ::2] == trace[:, ::2]).all()) and not bool((new[:, 1::2] == trace[:, 1::2]).any())


@given(seeds)
def test_ojas_rule_rests_where_the_trace_predicts_its_senders(seed: int) -> None:
    pre, post = draw(seed, 4), draw(seed + 1, 5).abs() + 0.1
    trace = pre[:, None] / post
    new = plasticity.oja(trace, pre, post, torch.tensor(0.5, dtype=torch.float64))
    torch.testing.assert_close(new, trace)


@given(seeds)
def test_the_delta_rule_recalls_at_once_what_it_stored(seed: int) -> None:
    pre, post = draw(seed, 4), draw(seed + 1, 5)
    new = plasticity.delta(draw(seed + 2, 4, 5), pre, post, 1 / pre.square().sum())
    torch.testing.assert_close(pre @ new, post)
    torch.testing.assert_close(plasticity.delta(new, pre, post, torch.tensor(0.7).double()), new)


@given(seeds)
def test_without_a_rate_nothing_changes(seed: int) -> None:
    trace, pre, post = draw(seed, 4, 5).clamp(-1, 1), draw(seed + 1, 4), draw(seed + 2, 5)
    for name in NAMES:
        assert torch.equal(RULES[name](1.0)(trace, pre, post, torch.tensor(0.0)), trace)


def test_a_soft_step_shrinks_towards_the_bound_it_goes_to() -> None:
    def step(trace: float, increment: float) -> float:
        given = (torch.tensor([[trace]]), torch.tensor([1.0]), torch.tensor([1.0]), torch.tensor(increment))
        return float(plasticity.soft_clipped(2.0)(*given)) - trace

    assert step(0.0, 0.1) == pytest.approx(0.1) and step(1.0, 0.1) == pytest.approx(0.05)
    assert step(1.0, -0.1) == pytest.approx(-0.15) and step(-2.0, -0.1) == 0.0


def test_the_gradient_passes_inside_the_clip_and_on_its_bound_only() -> None:
    values = torch.tensor([-1.5, -1.0, 0.3, 1.0, 1.5], requires_grad=True)
    hard_clip(values, 1.0).sum().backward()
    assert values.grad is not None and values.grad.tolist() == [0, 1, 1, 1, 0]


def test_a_retroactive_step_reads_the_eligibility_and_is_clipped() -> None:
    trace, eligibility = draw(1, 4, 5).clamp(-1, 1), draw(2, 4, 5)
    new = retroactive_step(trace, eligibility, torch.tensor(-0.7), 1.0)
    for i in range(4):
        for j in range(5):
            value = trace[i, j] - 0.7 * eligibility[i, j]
            assert float(new[i, j]) == pytest.approx(max(-1.0, min(1.0, float(value))), abs=1e-7)


def test_rules_can_be_mapped_over_lifetimes() -> None:
    trace, pre, post, rate = draw(1, 6, 4, 5), draw(2, 6, 4), draw(3, 6, 5), torch.tensor(0.1).double()
    for name in NAMES:
        rule = RULES[name](1.0)

        def one(h: Tensor, x: Tensor, y: Tensor, rule: plasticity.Rule = rule) -> Tensor:
            return rule(h, x, y, rate)

        torch.testing.assert_close(torch.func.vmap(one)(trace, pre, post), rule(trace, pre, post, rate))


def test_a_word_that_is_no_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="rule: 'hebb': allowed are decaying, oja"):
        check_choice("rule", "hebb", RULES)
