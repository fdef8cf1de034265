"""Advantage actor-critic over whole lifetimes.

    R_t = r_t + discount R_{t+1}                               returns
    A_t = sum_k (discount decay)^k (r_{t+k} + discount v_{t+k+1} - v_{t+k})      advantages

    loss = mean over lifetimes of sum_t [ - log pi_t(a_t) A_t  + value_weight (A_t + v_t - v_t)^2
                                          - entropy H(pi_t)  + concentration sum_a pi_t(a)^2 ]

where A_t and the target A_t + v_t hold no gradient. With decay 1, A_t is R_t - v_t.

Wang et al. 2016 and Miconi et al. 2018, 2019 (after Mnih et al. 2016); Schulman et al. 2016 for the decay.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from meta.learners.agents import Agent
from meta.learners.lifetimes import Lived
from networks.plasticity import check_choice

BASELINES = ("own", "first")


@dataclass(frozen=True)
class ActorCritic:
    """How lifetimes become a loss.

    Attributes:
        discount: of later rewards, a step.
        decay: of later errors in an advantage (lambda of generalised advantage estimation); 1 takes full returns.
        bootstrap: whether the value after the last step stands for what would follow; else nothing follows.
        entropy: weight of the policy's entropy, which is favoured.
        concentration: weight of the sum of squared probabilities, which is disfavoured.
        value_weight: weight of the squared error of the value.
        baseline: "own": each lifetime's own value; "first": that of the batch's first lifetime for all, whose
            value alone then is trained, as the programs published with Miconi et al. 2019 do by mistake.
        by_steps: whether losses are divided by the number of steps.
    """

    discount: float = 0.9
    decay: float = 1.0
    bootstrap: bool = False
    entropy: float = 0.0
    concentration: float = 0.0
    value_weight: float = 0.1
    baseline: str = "own"
    by_steps: bool = True

    def __post_init__(self) -> None:
        check_choice("baseline", self.baseline, BASELINES)

    def loss(self, agent: Agent, lived: Lived) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of lifetimes, and what its parts were, without a gradient."""
        steps = len(lived.actions)
        features = agent.core.replay(lived.inputs).features if lived.features is None else lived.features
        logarithms, values = agent.judge(features)
        if self.baseline == "first":
            values = values[:, :1].expand_as(values)
        last = values[steps].detach() if self.bootstrap else torch.zeros_like(values[0])
        logarithms, values = logarithms[:steps], values[:steps]
        counts = torch.ones_like(lived.rewards) if lived.alive is None else lived.alive
        gained = advantages(lived.rewards, values.detach() * counts, self.discount, self.decay, last * counts[-1])
        taken = logarithms.gather(2, lived.actions[..., None])[..., 0]
        probabilities = logarithms.exp()
        entropy = -(probabilities * logarithms).sum(2)
        error = (gained + values.detach() - values).square()
        terms = -taken * gained + self.value_weight * error - self.entropy * entropy
        if self.concentration:
            terms = terms + self.concentration * probabilities.square().sum(2)
        loss = (terms * counts).sum(0).mean() / (steps if self.by_steps else 1)
        measures = {
            "reward": lived.rewards.sum(0).mean(),
            "entropy": (entropy.detach() * counts).sum() / counts.sum(),
            "value_error": (error.detach() * counts).sum() / counts.sum(),
        }
        return loss, measures


def discounted_sums(values: Tensor, discount: float) -> Tensor:
    """For each step the sum of the values from it on, each step later discounted once more.

    Args:
        values: (steps, batch).
        discount: from 0 to 1.
    """
    steps = torch.arange(len(values), device=values.device)
    distance = (steps[None, :] - steps[:, None]).clamp(min=0)
    weights = torch.triu(torch.as_tensor(discount, dtype=values.dtype, device=values.device) ** distance)
    return weights @ values


def returns(rewards: Tensor, discount: float, last: Tensor | None = None) -> Tensor:
    """Discounted sum of the rewards from each step on, (steps, batch).

    Args:
        rewards: (steps, batch).
        discount: from 0 to 1.
        last: return from after the last step on, (batch,); nothing by default.
    """
    if last is not None:
        rewards = torch.cat([rewards[:-1], rewards[-1:] + discount * last])
    return discounted_sums(rewards, discount)


def advantages(rewards: Tensor, values: Tensor, discount: float, decay: float, last: Tensor) -> Tensor:
    """How much better than its value each step turned out, (steps, batch). Schulman et al. 2016, equation 16.

    Args:
        rewards: (steps, batch).
        values: (steps, batch).
        discount: from 0 to 1.
        decay: lambda; 1 gives returns minus values, 0 the errors of one step.
        last: value after the last step, (batch,).
    """
    following = torch.cat([values[1:], last[None]])
    return discounted_sums(rewards + discount * following - values, discount * decay)
