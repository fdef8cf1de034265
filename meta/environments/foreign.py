"""Anyone's Gymnasium environment with discrete actions in the place of the tasks here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cluster.errors import UserError
from meta.environments.environment import Environment


class ForeignEnvironment(Environment):
    """A batch of Gymnasium environments of one kind, stepped one after the other.

    A lifetime has a number of episodes, each in the same environment begun anew; where an episode ends early, the
    next one begins at once, and after the last one nothing counts. What is seen is the observation, flattened, and
    whether an episode has just begun (Duan et al. 2016: the termination flag).

    Args:
        identity: as `gymnasium.make` takes it, `module:name` importing a module first.
        episodes: of a lifetime.
        longest: most steps of an episode; 0 takes what the environment declares.
        device: where the tensors live.

    Raises:
        ValueError: no such environment, actions that are not discrete, observations that cannot be flattened, or
            episodes that never end.
        UserError: while a trial runs, a reward that is not a number.
    """

    def __init__(
        self, identity: str, episodes: int = 1, longest: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(device)
        self.identity, self.episodes = identity, episodes
        self.members = [self._make()]
        member = self.members[0]
        self.longest = longest or self._declared(member)
        self.steps = episodes * self.longest
        self.actions = _discrete_actions(member)
        self.observations = 1 + _flat_size(member)

    def _make(self) -> Any:
        try:
            import gymnasium
        except ImportError:
            raise ValueError(f"environment: {self.identity}: allowed where gymnasium is installed") from None
        try:
            return gymnasium.make(self.identity)
        except (gymnasium.error.Error, ImportError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise ValueError(f"environment: {self.identity}: {reason}: allowed is what gymnasium knows") from None

    def _declared(self, member: Any) -> int:
        longest = None if member.spec is None else member.spec.max_episode_steps
        if longest is None:
            raise ValueError(
                f"environment: {self.identity}: its episodes may never end: allowed with --longest 1 or more"
            )
        return int(longest)

    def _begin(self, batch: int, stream: np.random.Generator) -> Tensor:
        while len(self.members) < batch:
            self.members.append(self._make())
        seeds = stream.integers(0, 2**31, batch)
        self.lives = np.full(batch, self.episodes)
        self.age = np.zeros(batch, np.int64)
        seen = np.zeros((batch, self.observations), np.float32)
        for row, seed in enumerate(seeds):
            member = self.members[row]
            seen[row] = self._flat(member, member.reset(seed=int(seed))[0], True)
        return self.tensor(seen)

    def _act(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        seen = np.zeros((len(actions), self.observations), np.float32)
        rewards = np.zeros(len(actions), np.float32)
        for row, action in enumerate(actions.tolist()):
            if not self.lives[row]:
                continue
            member = self.members[row]
            observation, reward, terminated, truncated, _ = member.step(int(member.action_space.start) + action)
            if not math.isfinite(reward):
                place = f"--environment {self.identity}: reward {reward} at step {self.now + 1}"
                raise UserError(f"{place}: allowed are finite numbers")
            rewards[row] = reward
            self.age[row] += 1
            over = terminated or truncated or self.age[row] == self.longest
            if over:
                self.lives[row] -= 1
                self.age[row] = 0
                observation = member.reset()[0]
            seen[row] = self._flat(member, observation, over)
        return self.tensor(seen), self.tensor(rewards)

    def alive(self) -> Tensor:
        """Which lifetimes have an episode left."""
        return self.tensor(self.lives > 0)

    def _flat(self, member: Any, observation: Any, begun: bool) -> np.ndarray:
        from gymnasium.spaces.utils import flatten

        flat = np.asarray(flatten(member.observation_space, observation), np.float32)
        return np.concatenate([flat, [np.float32(begun)]])


def _discrete_actions(member: Any) -> int:
    from gymnasium.spaces import Discrete

    if not isinstance(member.action_space, Discrete):
        raise ValueError(
            f"environment: {member.spec.id}: its actions are {member.action_space}: allowed are discrete ones"
        )
    return int(member.action_space.n)


def _flat_size(member: Any) -> int:
    from gymnasium.spaces.utils import flatdim

    try:
        return int(flatdim(member.observation_space))
    except (NotImplementedError, ValueError):
        raise ValueError(
            f"environment: {member.spec.id}: its observations are {member.observation_space}: "
            "allowed are such that can be flattened"
        ) from None
