"""Cues and reward: Miconi, Rawal, Clune & Stanley 2019, section 4.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.experiments.lifetimes import LifetimeSettings

if TYPE_CHECKING:
    from meta.environments import CueReward
    from meta.tasks.cue_reward import CueRewardTask


@dataclass(frozen=True)
class CueRewardSettings(LifetimeSettings):
    """Settings of cue-reward association; the defaults are those of the published program."""

    iterations: int = parameter(200_000, "steps of the outer optimiser", 0)
    batch: int = parameter(30, "lifetimes of an iteration", 1)
    rate: float = parameter(1e-4, "rate of the outer optimiser", 0)
    epsilon: float = parameter(1e-6, "what adam and rmsprop add to the root of a mean square", 0)
    clip: float = parameter(2.0, "largest norm of the gradient; 0 does not clip", 0)
    core: str = parameter(
        "plastic",
        "what remembers: tanh neurons, plastic or not, or torch's LSTM or GRU",
        choices=("rnn", "plastic", "lstm", "gru"),
    )
    neurons: int = parameter(200, "of the core", 1)
    rule: str = parameter(
        "clipped",
        "how the traces of plastic neurons change",
        choices=("decaying", "oja", "additive", "clipped", "soft-clipped", "delta"),
    )
    first_rate: float = parameter(0.1, "rate of plasticity before training", 0)
    time: str = parameter(
        "share", "input: number of the step, its share of the lifetime, none", choices=("none", "steps", "share")
    )
    bias: bool = parameter(True, "one more input that is always 1")
    silent: int = parameter(1, "inputs that are always 0, as published programs have some", 0)
    concentration: float = parameter(0.1, "weight of the sum of squared probabilities, a penalty", 0)
    steps: int = parameter(120, "of a lifetime", 1)
    bits: int = parameter(20, "of a cue", 2)
    fixed: bool = parameter(False, "the same four cues in all lifetimes, one bit each")
    log_every: int = parameter(100, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(1000, "iterations between checkpoints; a multiple of --log-every", 1)
    evaluation: int = parameter(500, "lifetimes of the evaluation at the end", 1)

    def make_environment(self, device: str) -> CueReward:
        """Trials of cues and reward."""
        from meta.environments import CueReward

        return CueReward(self.steps, self.bits, self.fixed, device)

    def task(self, seed: int, data: str | None) -> CueRewardTask:
        """An agent of cues and reward; needs no data."""
        from meta.tasks.cue_reward import CueRewardTask

        return CueRewardTask(self, seed)


_SIMPLE = {"modulation": "simple", "idle_rate": True}
_RETROACTIVE = {"modulation": "retroactive", "idle_rate": True}

EXPERIMENTS = (
    Experiment(
        "miconi2019-cue-reward",
        "Does learning which of four new cues is rewarded need plasticity that the network itself modulates?",
        "Miconi, Rawal, Clune & Stanley 2019, ICLR (arXiv 2002.10585), section 4.1",
        CueRewardSettings(),
        {
            "plastic": {},
            "simple": _SIMPLE,
            "retroactive": _RETROACTIVE,
            "rnn": {"core": "rnn"},
            "simple-text": _SIMPLE | {"steps": 200, "clip": 7.0},
            "retroactive-text": _RETROACTIVE | {"steps": 200, "clip": 7.0},
            "plastic-fixed": {"fixed": True, "bits": 4},
        },
        ("plastic", "simple", "retroactive", "rnn"),
        {"paper": 10, "laptop": 3, "smoke": 2},
        {
            "paper": {},
            # An answer is paid at once and changes nothing else: later rewards would only add noise. When memory
            # begins to pay, gradients grow a hundredfold; a step of theirs that is not cut saturates all neurons.
            "laptop": {"iterations": 10_000, "neurons": 64, "discount": 0.0, "rate": 1e-3, "clip": 0.02},
            "smoke": {
                "iterations": 12,
                "batch": 4,
                "neurons": 20,
                "steps": 30,
                "log_every": 3,
                "checkpoint_every": 6,
                "evaluation": 10,
            },
        },
        ("reward",),
    ),
)
