"""Tasks with reward: environments that hold a batch of lifetimes as tensors.

Each is an `Environment`, and also a Gymnasium environment (`meta.environments.registered`); anyone's Gymnasium
environment with discrete actions can take their place (`meta.environments.foreign`).
"""

from meta.environments.bandits import Bandits, InformativeArm
from meta.environments.cue_reward import CueReward
from meta.environments.environment import Environment
from meta.environments.maze import Maze
from meta.environments.two_step import TwoStep

__all__ = ["Bandits", "CueReward", "Environment", "InformativeArm", "Maze", "TwoStep"]
