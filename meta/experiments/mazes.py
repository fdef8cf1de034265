"""Mazes with an invisible reward: Miconi et al. 2018, section 4.4, and Miconi et al. 2019, section 4.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.experiments.lifetimes import LifetimeSettings

if TYPE_CHECKING:
    from meta.environments import Maze
    from meta.tasks.mazes import MazeTask


@dataclass(frozen=True)
class MazeSettings(LifetimeSettings):
    """Settings of a maze; the defaults are those of the batched program of 2019."""

    iterations: int = parameter(200_000, "steps of the outer optimiser", 0)
    batch: int = parameter(30, "lifetimes of an iteration", 1)
    rate: float = parameter(1e-4, "rate of the outer optimiser", 0)
    epsilon: float = parameter(1e-4, "what adam and rmsprop add to the root of a mean square", 0)
    clip: float = parameter(4.0, "largest norm of the gradient; 0 does not clip", 0)
    core: str = parameter(
        "plastic",
        "what remembers: tanh neurons, plastic or not, or torch's LSTM or GRU",
        choices=("rnn", "plastic", "lstm", "gru"),
    )
    neurons: int = parameter(100, "of the core", 1)
    rule: str = parameter(
        "clipped",
        "how the traces of plastic neurons change",
        choices=("decaying", "oja", "additive", "clipped", "soft-clipped", "delta"),
    )
    time: str = parameter(
        "share", "input: number of the step, its share of the lifetime, none", choices=("none", "steps", "share")
    )
    bias: bool = parameter(True, "one more input that is always 1")
    silent: int = parameter(1, "inputs that are always 0, as published programs have some", 0)
    previous: str = parameter(
        "action-0",
        "what of the previous action is an input; action-0 takes 0 for the one before the first",
        choices=("none", "action", "action-0"),
    )
    concentration: float = parameter(0.03, "weight of the sum of squared probabilities, a penalty", 0)
    side: int = parameter(13, "of the maze in squares with the walls around it; odd", 5)
    steps: int = parameter(200, "of a lifetime", 1)
    reward: float = parameter(10.0, "for coming to the rewarded cell")
    bump: float = parameter(0.0, "reward for running into a wall")
    centre: bool = parameter(False, "the reward may be in the centre, where lifetimes start")
    onto: bool = parameter(False, "one may be put onto the rewarded cell")
    log_every: int = parameter(100, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(1000, "iterations between checkpoints; a multiple of --log-every", 1)
    evaluation: int = parameter(500, "lifetimes of the evaluation at the end", 1)

    def make_environment(self, device: str) -> Maze:
        """A maze."""
        from meta.environments import Maze

        return Maze(self.side, self.steps, self.reward, self.bump, self.centre, self.onto, device)

    def task(self, seed: int, data: str | None) -> MazeTask:
        """An agent of mazes; needs no data."""
        from meta.tasks.mazes import MazeTask

        return MazeTask(self, seed)


_2018 = MazeSettings(
    iterations=1_000_000,
    batch=1,
    clip=0.0,
    rule="oja",
    time="steps",
    silent=5,
    previous="none",
    concentration=0.1,
    value_weight=0.03,
    side=11,
    steps=250,
    bump=-0.1,
    centre=True,
    onto=True,
    log_every=1000,
    checkpoint_every=10_000,
)
_LARGER: dict[str, Any] = {"neurons": 200, "steps": 251}
_SMOKE: dict[str, Any] = {
    "iterations": 12,
    "batch": 4,
    "side": 7,
    "steps": 20,
    "log_every": 3,
    "checkpoint_every": 6,
    "evaluation": 10,
}
_LAPTOP: dict[str, Any] = {
    "iterations": 3000,
    "batch": 30,
    "rate": 1e-3,
    "clip": 4.0,
    "log_every": 20,
    "checkpoint_every": 100,
}

EXPERIMENTS = (
    Experiment(
        "miconi2018-maze",
        "Do plastic connections help an agent to remember where in a maze the reward is?",
        "Miconi, Clune & Stanley 2018, ICML (arXiv 1804.02464), section 4.4",
        _2018,
        {
            "plastic": {},
            "homogeneous": {"alpha": "one"},
            "rnn": {"core": "rnn"},
            "plastic-200": _LARGER,
            "homogeneous-200": _LARGER | {"alpha": "one"},
            "rnn-200": _LARGER | {"core": "rnn"},
        },
        ("plastic", "homogeneous", "rnn"),
        {"paper": 15, "laptop": 3, "smoke": 2},
        {"paper": {}, "laptop": _LAPTOP | {"time": "share"}, "smoke": _SMOKE},
        ("reward",),
    ),
    Experiment(
        "miconi2019-maze",
        "Does an agent that modulates its own plasticity remember better where in a maze the reward is?",
        "Miconi, Rawal, Clune & Stanley 2019, ICLR (arXiv 2002.10585), section 4.2",
        MazeSettings(),
        {
            "plastic": {"neurons": 101},
            "simple": {"modulation": "simple"},
            "retroactive": {"modulation": "retroactive"},
            "rnn": {"core": "rnn"},
            "rnn-139": {"core": "rnn", "neurons": 139},
            "simple-fan": {
                "modulation": "simple",
                "fan_out": "neuron",
                "bound": 2.0,
                "spread": 0.001,
                "side": 11,
                "iterations": 1_000_000,
            },
        },
        ("plastic", "simple", "retroactive", "rnn"),
        {"paper": 9, "laptop": 3, "smoke": 2},
        {"paper": {}, "laptop": _LAPTOP, "smoke": _SMOKE},
        ("reward",),
    ),
)
