"""Lifetimes lived: an agent acts in an environment, a whole batch from beginning to end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from meta.environments.environment import Environment
from meta.learners.agents import Agent


class Lived(NamedTuple):
    """A batch of lifetimes.

    Attributes:
        inputs: what the agent got at each step and after the last one, (steps + 1, batch, inputs).
        actions: (steps, batch).
        rewards: (steps, batch).
        alive: 1 where a lifetime was not over before the step, (steps, batch); None where all last to the end.
        features: of the core at each step and after the last one, with a gradient, (steps + 1, batch, neurons);
            None where the core has to go through the inputs again for one.
    """

    inputs: Tensor
    actions: Tensor
    rewards: Tensor
    alive: Tensor | None
    features: Tensor | None


@torch.no_grad()
def live(
    agent: Agent, environment: Environment, batch: int, stream: np.random.Generator, learn: bool = False
) -> Lived:
    """Lifetimes of an agent that samples its actions.

    Args:
        agent: who acts.
        environment: where.
        batch: lifetimes.
        stream: draws what happens, then the actions.
        learn: have the core keep its way for a gradient, if that is cheaper than going through the inputs, all of
            which are known in the end, a second time and at once.
    """
    senses, steps = agent.senses, environment.steps
    observation = environment.reset(batch, stream)
    # The largest of logits minus logarithms of exponential numbers falls on each action with its probability.
    luck = stream.standard_exponential((steps, batch, environment.actions), np.float32)
    noise = environment.tensor(np.log(np.maximum(luck, np.finfo(np.float32).tiny)))
    inputs = [
        row.clone() for row in senses.blank(batch, environment.device)
    ]  # one may change when others are kept
    acting = agent.core.begin(batch, steps + 1, learn)
    actions = torch.empty(steps, batch, dtype=torch.int64, device=environment.device)
    rewards = torch.empty(steps, batch, device=environment.device)
    lives = []
    for step in range(steps):
        senses.see(inputs[step], observation)
        torch.argmax(agent.policy(acting.step(inputs[step])) - noise[step], 1, out=actions[step])
        lives.append(environment.alive())
        observation, rewards[step] = environment.step(actions[step])
        senses.feel(inputs[step + 1], rewards[step], actions[step] if environment.tells(step) else None)
    senses.see(inputs[steps], observation)
    stacked = torch.stack(inputs)
    with torch.enable_grad():
        features = acting.features(stacked) if learn else None
    known = [alive for alive in lives if alive is not None]
    alive = torch.stack(known).float() if known else None
    return Lived(stacked, actions, rewards, alive, features)
