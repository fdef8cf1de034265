"""Agents of mazes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from meta.environments import Maze
from meta.experiments.mazes import MazeSettings
from meta.learners.lifetimes import live
from meta.tasks.lifetimes import LifetimeTask

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class MazeTask(LifetimeTask[MazeSettings]):
    """An agent of mazes."""

    environment: Maze

    def evaluate(self) -> dict[str, Any]:
        """Reward of new lifetimes, visits of the rewarded cell, and when in a lifetime they come."""
        rewards, visits = [], []
        for lived in self.evaluated(self.environment):
            rewards.append(lived.rewards.cpu())
            visits.append((lived.rewards == self.environment.reward).cpu())
        came = torch.cat(visits, 1).float()
        return {
            "reward": float(torch.cat(rewards, 1).sum(0).mean()),
            "visits": float(came.sum(0).mean()),
            "visits_curve": torch.cumsum(came.mean(1), 0).tolist(),
        }

    def figures(self) -> dict[str, Figure]:
        """The agent's connections, and a lifetime drawn as a path."""
        from analysis.paths import path_figure

        return super().figures() | {"path": path_figure(self.environment.grid.walls, **self.recorded())}

    @torch.no_grad()
    def recorded(self, number: int = 0) -> dict[str, Any]:
        """A lifetime's path, for `analysis.paths.path_figure`.

        Args:
            number: names the lifetime.
        """
        environment = self.environment
        lived = live(self.agent, environment, 1, self.stream("recorded", number))
        environment.reset(1, self.stream("recorded", number))  # the same lifetime, to be walked again
        cells, ends = [], []
        for actions in lived.actions:
            cells.append(int(environment.cell[0]))
            ends.append(int(environment.grid.following[cells[-1], int(actions[0])]))
            environment.step(actions)
        places = environment.grid.places
        return {
            "places": places[cells],
            "ends": places[ends],
            "rewards": lived.rewards[:, 0].cpu().numpy(),
            "goal": places[int(environment.goal[0])],
        }
