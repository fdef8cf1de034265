"""Agents of bandits and what their pulls give away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.environments import Bandits
from meta.experiments.bandits import BanditSettings
from meta.learners.lifetimes import Lived
from meta.tasks.lifetimes import LifetimeTask

#: Kinds of two arms that every agent of two arms is tested on.
TESTED = ("independent", "uniform", "easy", "medium", "hard")


class BanditTask(LifetimeTask[BanditSettings]):
    """An agent of bandits."""

    environment: Bandits

    def measures(self, lived: Lived) -> dict[str, Tensor]:
        """Expected reward that lifetimes gave away."""
        return {"regret": self.environment.regret(lived.actions).sum(0).mean()}

    def evaluate(self) -> dict[str, Any]:
        """Cumulative regret on new bandits after each pull, and on bandits of other kinds."""
        regrets, rewards = self._tested(self.environment, 0)
        result = {
            "regret": float(regrets.sum(0).mean()),
            "reward": float(rewards.sum(0).mean()),
            "regret_curve": np.cumsum(regrets.mean(1)).tolist(),
        }
        if self.settings.kind == "informative" or self.settings.arms != 2:
            return result
        others = {}
        for number, kind in enumerate(TESTED, 1):
            settings = replace(self.settings, kind=kind)
            environment = settings.make_environment(settings.device)
            others[kind] = float(self._tested(environment, number)[0].sum(0).mean())
        return result | {"regret_by_kind": others}

    def _tested(self, environment: Bandits, kind: int) -> tuple[NDArray, NDArray]:
        """Regrets and rewards of the evaluation, (pulls, lifetimes) each."""
        regrets, rewards = [], []
        for lived in self.evaluated(environment, kind):
            regrets.append(environment.regret(lived.actions).cpu())
            rewards.append(lived.rewards.cpu())
        return torch.cat(regrets, 1).numpy(), torch.cat(rewards, 1).numpy()
