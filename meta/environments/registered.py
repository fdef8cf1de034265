"""The tasks here as Gymnasium environments, one at a time or many at once.

    import gymnasium, meta.environments.registered
    one = gymnasium.make("neuromaterials/Maze-v0", side=11)
    many = gymnasium.make_vec("neuromaterials/Maze-v0", num_envs=1024, vectorization_mode="vector_entry_point")

One alone gives numpy arrays, as Gymnasium expects; many at once give tensors, on any device (`device="cuda"`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from torch import Tensor

from meta.environments.bandits import Bandits, InformativeArm
from meta.environments.cue_reward import CueReward
from meta.environments.environment import Environment
from meta.environments.maze import Maze
from meta.environments.two_step import TwoStep

#: What is registered, by name.
KINDS: dict[str, Callable[..., Environment]] = {
    "neuromaterials/Bandits-v0": Bandits,
    "neuromaterials/InformativeArm-v0": InformativeArm,
    "neuromaterials/TwoStep-v0": TwoStep,
    "neuromaterials/Maze-v0": Maze,
    "neuromaterials/CueReward-v0": CueReward,
}


def observation_space(environment: Environment) -> spaces.Space[NDArray[np.float32]]:
    """Observations; where there is nothing to see, one number that is always 0, for Gymnasium wants some."""
    return spaces.Box(-1.0, 1.0, (max(environment.observations, 1),), np.float32)


class SingleLifetime(gymnasium.Env[NDArray[np.float32], np.int64]):
    """One lifetime after another; each ends (`terminated`) after the environment's number of steps.

    Args:
        kind: of the environment.
        render_mode: none.
        options: of the environment.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 gymnasium's own form

    def __init__(self, kind: Callable[..., Environment], render_mode: str | None = None, **options: Any) -> None:
        self.environment = kind(**options)
        self.render_mode = render_mode
        self.observation_space = observation_space(self.environment)
        self.action_space = spaces.Discrete(self.environment.actions)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin a lifetime."""
        super().reset(seed=seed)
        return _array(self.environment.reset(1, self.np_random), self.observation_space), {}

    def step(self, action: np.int64) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Act once."""
        seen, reward = self.environment.step(torch.tensor([int(action)], device=self.environment.device))
        over = self.environment.now == self.environment.steps
        return _array(seen, self.observation_space), float(reward[0]), over, False, {}


def _array(seen: Tensor, space: spaces.Space) -> NDArray[np.float32]:
    array = np.zeros(space.shape or (), np.float32)
    array[: seen.shape[1]] = seen[0].cpu().numpy()
    return array


class ManyLifetimes(VectorEnv):
    """Many lifetimes at once, as tensors; all end together, and the step after that begins new ones.

    Args:
        kind: of the environment.
        num_envs: lifetimes at once.
        options: of the environment.
    """

    def __init__(self, kind: Callable[..., Environment], num_envs: int = 1, **options: Any) -> None:
        self.environment = kind(**options)
        self.num_envs = num_envs
        self.metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}
        self.single_observation_space = observation_space(self.environment)
        self.single_action_space = spaces.Discrete(self.environment.actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Tensor, dict[str, Any]]:
        """Begin lifetimes; one seed names the whole batch.

        Raises:
            ValueError: several seeds.
        """
        if isinstance(seed, list):
            raise ValueError(f"seed: {len(seed)} of them: allowed is one for all lifetimes")
        if seed is not None:
            self._np_random, self._np_random_seed = gymnasium.utils.seeding.np_random(seed)
        return self._seen(self.environment.reset(self.num_envs, self.np_random)), {}

    def step(self, actions: Any) -> tuple[Tensor, Tensor, Tensor, Tensor, dict[str, Any]]:
        """Act once in every lifetime; actions are a tensor or an array, (num_envs,)."""
        environment = self.environment
        never = torch.zeros(self.num_envs, dtype=torch.bool, device=environment.device)
        if environment.now == environment.steps:
            seen, rewards = self.reset()[0], torch.zeros(self.num_envs, device=environment.device)
            return seen, rewards, never, never, {}
        seen, rewards = environment.step(torch.as_tensor(actions, dtype=torch.int64, device=environment.device))
        over = ~never if environment.now == environment.steps else never
        return self._seen(seen), rewards, over, never, {}

    def _seen(self, seen: Tensor) -> Tensor:
        return seen if seen.shape[1] else seen.new_zeros(len(seen), 1)


def register() -> None:
    """Make the tasks known to `gymnasium.make`; importing this module does."""
    for name, kind in KINDS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                name, partial(SingleLifetime, kind), vector_entry_point=partial(ManyLifetimes, kind)
            )


register()
