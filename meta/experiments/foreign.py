"""Agents that learn within lifetimes of anyone's Gymnasium environment: the method of Duan et al. 2016."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.experiments.lifetimes import LifetimeSettings

if TYPE_CHECKING:
    from meta.environments.foreign import ForeignEnvironment
    from meta.tasks.lifetimes import LifetimeTask


@dataclass(frozen=True)
class ForeignSettings(LifetimeSettings):
    """Settings of a Gymnasium environment with discrete actions."""

    iterations: int = parameter(500, "steps of the outer optimiser", 0)
    batch: int = parameter(16, "lifetimes of an iteration", 1)
    rate: float = parameter(3e-3, "rate of the outer optimiser", 0)
    clip: float = parameter(1.0, "largest norm of the gradient; 0 does not clip", 0)
    time: str = parameter(
        "none", "input: number of the step, its share of the lifetime, none", choices=("none", "steps", "share")
    )
    discount: float = parameter(0.99, "of later rewards, a step", 0, 1)
    trace_decay: float = parameter(0.95, "lambda of advantages: 1 takes full returns", 0, 1)
    entropy: float = parameter(0.01, "weight of the policy's entropy", 0)
    environment: str = parameter("CartPole-v1", "as gymnasium.make takes it; module:name imports a module first")
    episodes: int = parameter(2, "of a lifetime, all in one environment", 1)
    longest: int = parameter(0, "most steps of an episode; 0 is what the environment declares", 0)

    def make_environment(self, device: str) -> ForeignEnvironment:
        """The environment."""
        from meta.environments.foreign import ForeignEnvironment

        return ForeignEnvironment(self.environment, self.episodes, self.longest, device)

    def task(self, seed: int, data: str | None) -> LifetimeTask[ForeignSettings]:
        """An agent of the environment; needs no data."""
        from meta.tasks.lifetimes import LifetimeTask

        return LifetimeTask(self, seed)


EXPERIMENTS = (
    Experiment(
        "duan2016-gymnasium",
        "How well does a recurrent agent learn within lifetimes of a Gymnasium environment of one's own?",
        "the method of Duan et al. 2016 (arXiv 1611.02779), by actor-critic; the environment is the user's",
        ForeignSettings(),
        {"lstm": {}, "gru": {"core": "gru"}, "plastic": {"core": "plastic"}, "rnn": {"core": "rnn"}},
        ("lstm",),
        {"paper": 3, "laptop": 3, "smoke": 2},
        {
            "paper": {},
            "laptop": {"iterations": 200, "longest": 100, "log_every": 5, "checkpoint_every": 50},
            "smoke": {
                "iterations": 6,
                "batch": 4,
                "longest": 20,
                "log_every": 2,
                "checkpoint_every": 2,
                "evaluation": 10,
            },
        },
        ("reward",),
    ),
)
