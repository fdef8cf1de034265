"""Actor-critic: returns, advantages and the loss against loops, and tasks whose optimum is known."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from meta.environments import Bandits, CueReward, Environment
from meta.learners.actor_critic import ActorCritic, advantages, discounted_sums, returns
from meta.learners.agents import Agent, GatedCore, Senses, TanhCore
from meta.learners.lifetimes import Lived, live
from networks import compact

SHARES = st.floats(0, 1)


def numbers(seed: int, *shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


@given(st.integers(1, 12), st.integers(1, 3), SHARES, st.integers(0, 99))
def test_returns_are_those_of_a_loop(steps: int, batch: int, discount: float, seed: int) -> None:
    rewards, last = numbers(seed, steps, batch), numbers(seed + 1, batch)
    following, expected = last.clone(), []
    for reward in rewards.flip(0):
        following = reward + discount * following
        expected.append(following)
    torch.testing.assert_close(returns(rewards, discount, last), torch.stack(expected[::-1]))
    without = returns(rewards, discount)
    torch.testing.assert_close(without, returns(rewards, discount, torch.zeros_like(last)))
    torch.testing.assert_close(without, discounted_sums(rewards, discount))


@given(st.integers(1, 12), SHARES, SHARES, st.integers(0, 99))
def test_advantages_are_those_of_a_loop(steps: int, discount: float, decay: float, seed: int) -> None:
    rewards, values, last = numbers(seed, steps, 2), numbers(seed + 1, steps, 2), numbers(seed + 2, 2)
    following, gain, expected = last, torch.zeros(2, dtype=torch.float64), []
    for reward, value in zip(rewards.flip(0), values.flip(0), strict=True):
        error = reward + discount * following - value
        gain = error + discount * decay * gain
        following = value
        expected.append(gain)
    torch.testing.assert_close(advantages(rewards, values, discount, decay, last), torch.stack(expected[::-1]))


@given(st.integers(1, 12), SHARES, st.integers(0, 99))
def test_without_decay_advantages_are_returns_minus_values(steps: int, discount: float, seed: int) -> None:
    rewards, values, last = numbers(seed, steps, 2), numbers(seed + 1, steps, 2), numbers(seed + 2, 2)
    torch.testing.assert_close(
        advantages(rewards, values, discount, 1.0, last), returns(rewards, discount, last) - values
    )


def agent_of(environment: Environment, core: str = "rnn", neurons: int = 6, **senses: Any) -> Agent:
    torch.manual_seed(3)
    sensed = Senses(environment.observations, environment.actions, environment.steps, **senses)
    if core in ("lstm", "gru"):
        return Agent(sensed, GatedCore(sensed.size, neurons, core), environment.actions)
    plastic = None if core == "rnn" else {"rule": "clipped", "modulation": "simple"}
    return Agent(sensed, TanhCore(sensed.size, neurons, plastic=plastic), environment.actions)


@pytest.mark.parametrize(
    "learner",
    [
        ActorCritic(0.8, entropy=0.3),
        ActorCritic(0.9, 0.5, True, concentration=0.2, by_steps=False),
        ActorCritic(0.9, baseline="first", value_weight=0.4),
        ActorCritic(1.0, baseline="first", bootstrap=True),
    ],
)
@pytest.mark.parametrize("mortal", [False, True])
def test_the_loss_is_the_sum_over_lifetimes_and_steps(learner: ActorCritic, mortal: bool) -> None:
    environment, batch = Bandits(3, 7), 4
    agent = agent_of(environment)
    lived = live(agent, environment, batch, np.random.default_rng(1))
    ends = [3, 7, 1, 5] if mortal else [7] * 4
    alive = (torch.arange(7)[:, None] < torch.tensor(ends)).float()
    lived = lived._replace(alive=alive if mortal else None, rewards=lived.rewards * alive)
    loss, _ = learner.loss(agent, lived)
    features = agent.core.replay(lived.inputs).features
    total = 0.0
    for row, end in enumerate(ends):
        of = 0 if learner.baseline == "first" else row
        policy = torch.softmax(agent.policy(features[:, row]), -1).tolist()
        value = agent.value(features[:, of])[:, 0].tolist()
        counted = [v if alive[t, row] else 0.0 for t, v in enumerate(value[:7])]
        following, gain = (value[7] if learner.bootstrap and end == 7 else 0.0), 0.0
        for t in reversed(range(7)):
            error = float(lived.rewards[t, row]) + learner.discount * following - counted[t]
            gain = error + learner.discount * learner.decay * gain
            following = counted[t]
            if t >= end:
                continue
            p = policy[t]
            total += -np.log(p[int(lived.actions[t, row])]) * gain + learner.value_weight * gain**2
            total += learner.entropy * sum(x * np.log(x) for x in p) + learner.concentration * sum(
                x * x for x in p
            )
    expected = total / batch / (7 if learner.by_steps else 1)
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_gradients_reach_policy_and_value_but_not_through_advantages() -> None:
    environment = Bandits(2, 5)
    agent = agent_of(environment)
    lived = live(agent, environment, 6, np.random.default_rng(1))
    ActorCritic(0.9, value_weight=0.0).loss(agent, lived)[0].backward()
    assert all(p.grad is None or not p.grad.any() for p in agent.value.parameters())
    assert all(p.grad is not None and p.grad.any() for p in agent.policy.parameters())
    agent.zero_grad()
    ActorCritic(0.9, value_weight=1.0, baseline="first").loss(agent, lived)[0].backward()
    assert all(p.grad is not None and p.grad.any() for p in agent.value.parameters())


@pytest.mark.parametrize("core", ["rnn", "plastic", "plastic, step by step", "lstm", "gru"])
def test_what_is_lived_is_what_is_replayed(core: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acting step by step and going through the inputs at once give the same policy and the same gradient."""
    if core.endswith("step by step"):
        monkeypatch.setattr(compact, "SMALL", 0)
        core = "plastic"
    environment = CueReward(20, 4)
    agent = agent_of(environment, core, time="share", bias=True, silent=1)
    learner = ActorCritic(0.9, concentration=0.1)
    lived = live(agent, environment, 5, np.random.default_rng(1), learn=True)
    assert (lived.features is not None) == (core == "plastic")
    again = live(agent, environment, 5, np.random.default_rng(1))
    assert again.features is None and torch.equal(lived.actions, again.actions)
    assert torch.equal(lived.inputs, again.inputs)
    acting = agent.core.begin(5, 21)
    with torch.no_grad():
        for row, features in zip(lived.inputs, agent.core.replay(lived.inputs).features, strict=True):
            torch.testing.assert_close(acting.step(row), features, rtol=1e-4, atol=1e-6)
    found = []
    for one in (lived, again):
        agent.zero_grad()
        learner.loss(agent, one)[0].backward()
        found.append([p.grad.clone() for p in agent.parameters() if p.grad is not None])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_inputs_are_what_was_seen_done_and_got() -> None:
    environment = CueReward(15, 4)
    agent = agent_of(environment, time="share", bias=True, silent=2, first_action=True)
    lived = live(agent, environment, 3, np.random.default_rng(1))
    assert lived.inputs.shape == (16, 3, 5 + 1 + 2 + 1 + 1 + 2) and agent.senses.size == 12
    assert torch.equal(lived.inputs[:15, :, :5], environment.inputs[:15])
    assert torch.equal(lived.inputs[1:, :, 5], lived.rewards) and not lived.inputs[0, :, 5].any()
    done = torch.nn.functional.one_hot(lived.actions, 2).float()
    assert torch.equal(lived.inputs[1:, :, 6:8], done) and lived.inputs[0, :, 6:8].tolist() == [[1, 0]] * 3
    torch.testing.assert_close(lived.inputs[:, 0, 8], torch.arange(16) / 15)
    assert bool((lived.inputs[:, :, 9] == 1).all()) and not lived.inputs[:, :, 10:].any()


def test_actions_have_the_policys_probabilities() -> None:
    environment = Bandits(3, 1)
    agent = agent_of(environment)
    with torch.no_grad():
        agent.policy.bias.copy_(torch.tensor([0.0, 1.0, -1.0]))
        agent.policy.weight.zero_()
    lived = live(agent, environment, 20_000, np.random.default_rng(1))
    shares = torch.bincount(lived.actions[0], minlength=3) / 20_000
    torch.testing.assert_close(shares, torch.softmax(agent.policy.bias.detach(), 0), rtol=0, atol=0.015)


class Corridor(Environment):
    """Two states: action 1 moves from the first to the second, where action 0 pays 1; all else pays nothing.

    The best policy earns steps - 1: move, then stay and be paid.
    """

    observations, actions, steps = 2, 2, 6

    def _begin(self, batch: int, stream: np.random.Generator) -> Tensor:
        self.second = torch.zeros(batch, dtype=torch.bool)
        return self._seen()

    def _act(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        paid = self.second & (actions == 0)
        self.second = torch.where(actions == 1, ~self.second, self.second)
        return self._seen(), paid.float()

    def _seen(self) -> Tensor:
        return torch.stack([~self.second, self.second], 1).float()


@pytest.mark.parametrize("options", [{}, {"bootstrap": True, "decay": 0.8}, {"concentration": 0.01}])
@pytest.mark.parametrize("core", ["rnn", "plastic", "lstm"])
def test_a_task_of_two_states_is_learned_to_its_optimum(core: str, options: dict[str, Any]) -> None:
    environment = Corridor()
    agent = agent_of(environment, core, 8)
    learner = ActorCritic(0.9, value_weight=0.2, **options)
    optimizer = torch.optim.Adam(agent.parameters(), 0.03)
    for number in range(90):
        optimizer.zero_grad()
        lived = live(agent, environment, 24, np.random.default_rng(number), learn=True)
        learner.loss(agent, lived)[0].backward()
        optimizer.step()
    reached: Lived = live(agent, environment, 200, np.random.default_rng(1000))
    assert float(reached.rewards.sum(0).mean()) > 0.95 * (environment.steps - 1)


def test_a_baseline_must_be_known() -> None:
    with pytest.raises(ValueError, match="baseline: 'second': allowed are own, first"):
        ActorCritic(baseline="second")
