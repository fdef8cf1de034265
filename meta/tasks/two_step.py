"""Agents of the two-step task and whether they repeat their choices as a planner would."""

from __future__ import annotations

from typing import Any

import numpy as np

from meta.environments import TwoStep
from meta.experiments.two_step import TwoStepSettings
from meta.tasks.lifetimes import LifetimeTask


class TwoStepTask(LifetimeTask[TwoStepSettings]):
    """An agent of the two-step task."""

    environment: TwoStep

    def evaluate(self) -> dict[str, Any]:
        """Reward of new lifetimes, and how often the first choice is repeated after what happened."""
        from analysis.choices import stay_counts, stay_effects

        stays, totals, rewards = np.zeros((2, 2), np.int64), np.zeros((2, 2), np.int64), []
        for lived in self.evaluated(self.environment):
            paid = lived.rewards[1::2].cpu().numpy()
            rare = self.environment.rare.cpu().numpy()
            counted = stay_counts(lived.actions[::2].cpu().numpy(), paid > 0, rare)
            stays, totals = stays + counted[0], totals + counted[1]
            rewards += paid.sum(0).tolist()
        effects = stay_effects(stays, totals)
        return {
            "reward": float(np.mean(rewards)),
            "stays": stays.tolist(),
            "choices": totals.tolist(),
            **{f"{name}_effect": effect.estimate for name, effect in effects.items()},
            **{f"{name}_p": effect.p for name, effect in effects.items()},
        }
