"""The two-step task: Wang et al. 2016, section 3.2.1, and 2018, figure 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.experiments.lifetimes import LifetimeSettings

if TYPE_CHECKING:
    from meta.environments import TwoStep
    from meta.tasks.two_step import TwoStepTask


@dataclass(frozen=True)
class TwoStepSettings(LifetimeSettings):
    """Settings of the two-step task; the defaults are those of 2018, one lifetime an update."""

    iterations: int = parameter(10_000, "steps of the outer optimiser", 0)
    optimizer: str = parameter("rmsprop", "outer optimiser", choices=("adam", "rmsprop", "sgd"))
    rate: float = parameter(7e-4, "rate of the outer optimiser", 0)
    clip: float = parameter(999.0, "largest norm of the gradient; 0 does not clip", 0)
    choices: int = parameter(100, "trials of a lifetime, two steps each", 2)
    common: float = parameter(0.8, "probability that a choice leads where it usually leads", 0, 1)
    high: float = parameter(0.9, "probability of reward of the better state", 0, 1)
    low: float = parameter(0.1, "probability of reward of the other", 0, 1)
    swap: float = parameter(0.025, "probability that the two change places before a trial", 0, 1)
    tell_second: bool = parameter(True, "the second step's action, which changes nothing, is an input too")
    entropy: float = parameter(0.05, "weight of the policy's entropy", 0)
    value_weight: float = parameter(0.025, "weight of the value's squared error", 0)
    by_steps: bool = parameter(False, "divide losses by the number of steps")
    log_every: int = parameter(100, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(1000, "iterations between checkpoints; a multiple of --log-every", 1)
    evaluation: int = parameter(300, "lifetimes of the evaluation at the end", 1)

    def make_environment(self, device: str) -> TwoStep:
        """Trials of two steps."""
        from meta.environments import TwoStep

        return TwoStep(self.choices, self.common, self.high, self.low, self.swap, self.tell_second, device)

    def task(self, seed: int, data: str | None) -> TwoStepTask:
        """An agent of the two-step task; needs no data."""
        from meta.tasks.two_step import TwoStepTask

        return TwoStepTask(self, seed)


EXPERIMENTS = (
    Experiment(
        "wang2016-two-step",
        "Does a recurrent network trained by model-free learning come to plan as model-based learning does?",
        "Wang et al. 2018 (doi 10.1038/s41593-018-0147-8), figure 5; Wang et al. 2016 (arXiv 1611.05763)",
        TwoStepSettings(),
        {
            "drifting": {},
            "drifting-first": {"tell_second": False},
            "stable": {"choices": 10, "common": 0.75, "swap": 0.0},
        },
        ("drifting",),
        {"paper": 8, "laptop": 3, "smoke": 2},
        {
            "paper": {},
            "laptop": {
                "iterations": 1000,
                "batch": 32,
                "rate": 2e-3,
                "time": "share",
                "log_every": 20,
                "checkpoint_every": 100,
            },
            "smoke": {
                "iterations": 20,
                "batch": 8,
                "choices": 10,
                "log_every": 5,
                "checkpoint_every": 10,
                "evaluation": 20,
            },
        },
        ("reward",),
    ),
)
