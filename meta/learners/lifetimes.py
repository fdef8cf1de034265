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
    """

    inputs: Tensor
    actions: Tensor
    rewards: Tensor
    alive: Tensor | None


@torch.no_grad()
def live(agent: Agent, environment: Environment, batch: int, stream: np.random.Generator) -> Lived:
    """Lifetimes of an agent that samples its actions.

    Nothing is kept for a gradient: once actions and rewards are known, so are all inputs, and the agent's core can
    go through them again at once.

    Args:
        agent: who acts.
        environment: where.
        batch: lifetimes.
        stream: draws what happens, then the actions.

    Raises:
        ValueError: a reward that is not a number.
    """
    senses, core, steps = agent.senses, agent.core, environment.steps
    observation = environment.reset(batch, stream)
    # The largest of logits minus logarithms of exponential numbers falls on each action with its probability.
    luck = stream.standard_exponential((steps, batch, environment.actions), np.float32)
    noise = environment.tensor(np.log(np.maximum(luck, np.finfo(np.float32).tiny)))
    inputs = senses.blank(batch, environment.device)
    state = core.begin(batch, steps)
    actions = torch.empty(steps, batch, dtype=torch.int64, device=environment.device)
    rewards = torch.empty(steps, batch, device=environment.device)
    lives = []
    for step in range(steps):
        senses.see(inputs[step], observation)
        features, state = core.step(inputs[step], state)
        torch.argmax(agent.policy(features) - noise[step], 1, out=actions[step])
        lives.append(environment.alive())
        observation, rewards[step] = environment.step(actions[step])
        senses.feel(inputs[step + 1], rewards[step], actions[step] if environment.tells(step) else None)
    senses.see(inputs[steps], observation)
    if not bool(torch.isfinite(rewards).all()):
        first = int((~torch.isfinite(rewards)).any(1).nonzero()[0])
        raise ValueError(f"reward: not finite at step {first + 1}: allowed are finite numbers")
    known = [alive for alive in lives if alive is not None]
    return Lived(inputs, actions, rewards, torch.stack(known).float() if known else None)
