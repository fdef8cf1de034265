"""Agents of cues and reward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from meta.environments import CueReward
from meta.experiments.cue_reward import CueRewardSettings
from meta.learners.lifetimes import live
from meta.tasks.lifetimes import LifetimeTask

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class CueRewardTask(LifetimeTask[CueRewardSettings]):
    """An agent of cues and reward."""

    environment: CueReward

    def evaluate(self) -> dict[str, Any]:
        """Reward of new lifetimes, and the share of right answers by the number of the trial."""
        rewards, right, answered = [], np.zeros(self.settings.steps), np.zeros(self.settings.steps)
        for lived in self.evaluated(self.environment):
            asked = self.environment.asked.cpu().numpy()
            trial = (np.cumsum(asked, 0) - 1)[asked]
            np.add.at(answered, trial, 1)
            np.add.at(right, trial, (lived.rewards.cpu().numpy() > 0)[asked])
            rewards += lived.rewards.sum(0).tolist()
        known = answered > 0
        return {
            "reward": float(np.mean(rewards)),
            "right": float(right.sum() / max(answered.sum(), 1)),
            "right_by_trial": (right[known] / answered[known]).tolist(),
        }

    def figures(self) -> dict[str, Figure]:
        """The agent's connections; where it modulates them, the modulator in a lifetime."""
        figures = super().figures()
        if self.settings.modulation != "none":
            from analysis.modulators import modulator_figure

            figures["modulator"] = modulator_figure(**self.recorded())
        return figures

    @torch.no_grad()
    def recorded(self, number: int = 0) -> dict[str, Any]:
        """A lifetime's modulator, for `analysis.modulators.modulator_figure`.

        Args:
            number: names the lifetime.
        """
        environment = self.environment
        lived = live(self.agent, environment, 1, self.stream("recorded", number))
        modulator = self.agent.core.replay(lived.inputs[:-1]).modulator
        assert modulator is not None
        shown = environment.inputs[:-1, 0, :-1]
        cues = torch.from_numpy(environment.cues[0]).to(shown)
        which = (shown[:, None] == cues).all(2)
        return {
            "modulator": modulator[:, 0].numpy(),
            "cues": np.where(which.any(1), which.int().argmax(1), -1),
            "target": int(environment.target[0]),
            "asked": environment.asked[:, 0].numpy(),
            "rewards": lived.rewards[:, 0].numpy(),
        }
