"""Bandits: Wang et al. 2016, section 3.1, and Duan et al. 2016, section 3.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.experiments.lifetimes import LifetimeSettings

if TYPE_CHECKING:
    from meta.environments import Bandits
    from meta.tasks.bandits import BanditTask


@dataclass(frozen=True)
class BanditSettings(LifetimeSettings):
    """Settings of bandits; the defaults are those of Wang et al.'s program, one lifetime an update."""

    iterations: int = parameter(20_000, "steps of the outer optimiser", 0)
    arms: int = parameter(2, "arms; all kinds but independent have 2, informative 11", 2)
    pulls: int = parameter(100, "steps of a lifetime", 1)
    kind: str = parameter(
        "independent",
        "how probabilities are drawn; informative: one arm tells at a cost which one pays",
        choices=("independent", "uniform", "easy", "medium", "hard", "restless", "informative"),
    )
    discount: float = parameter(0.8, "of later rewards, a step", 0, 1)
    entropy: float = parameter(0.05, "weight of the policy's entropy", 0)
    value_weight: float = parameter(0.25, "weight of the value's squared error", 0)
    by_steps: bool = parameter(False, "divide losses by the number of steps")
    log_every: int = parameter(100, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(1000, "iterations between checkpoints; a multiple of --log-every", 1)
    evaluation: int = parameter(2000, "lifetimes of the evaluation at the end", 1)

    def make_environment(self, device: str) -> Bandits:
        """Arms that pay."""
        from meta.environments import Bandits, InformativeArm

        if self.kind == "informative":
            if self.arms != 11:
                raise ValueError(f"arms: {self.arms}: allowed with --kind informative are 11")
            return InformativeArm(self.pulls, device)
        return Bandits(self.arms, self.pulls, self.kind, device)

    def task(self, seed: int, data: str | None) -> BanditTask:
        """An agent of bandits; needs no data."""
        from meta.tasks.bandits import BanditTask

        return BanditTask(self, seed)


_BATCHED: dict[str, Any] = {
    "iterations": 1600,
    "batch": 128,
    "rate": 0.01,
    "decay": 0.5,
    "decay_every": 400,
    "clip": 10.0,
    "time": "share",
    "value_weight": 0.05,
    "last_entropy": 0.0,
    "log_every": 20,
    "checkpoint_every": 200,
}
_SMOKE: dict[str, Any] = {
    "iterations": 20,
    "batch": 16,
    "log_every": 5,
    "checkpoint_every": 10,
    "evaluation": 50,
}
#: Duan et al.'s numbers of pulls and arms.
DUAN = tuple((pulls, arms) for pulls in (10, 100, 500) for arms in (5, 10, 50))

EXPERIMENTS = (
    Experiment(
        "wang2016-bandits",
        "Does a recurrent network trained on many bandits become a bandit algorithm of its own?",
        "Wang et al. 2016 (arXiv 1611.05763), section 3.1",
        BanditSettings(),
        {kind: {"kind": kind} for kind in ("independent", "uniform", "easy", "medium", "hard", "restless")}
        | {"informative": {"kind": "informative", "arms": 11, "pulls": 5}},
        ("independent", "medium"),
        {"paper": 10, "laptop": 3, "smoke": 2},
        {"paper": {}, "laptop": _BATCHED, "smoke": _SMOKE},
        ("reward", "regret"),
    ),
    Experiment(
        "duan2016-bandits",
        "How near do trained recurrent networks come to the best known bandit algorithms as arms and pulls grow?",
        "Duan et al. 2016 (arXiv 1611.02779), section 3.1 and table 1",
        BanditSettings(
            core="gru",
            neurons=256,
            time="none",
            discount=0.99,
            trace_decay=0.3,
            iterations=1000,
            batch=2500,
            rate=1e-3,
            by_steps=True,
            entropy=0.01,
            log_every=10,
            checkpoint_every=50,
        ),
        {f"pulls{pulls}-arms{arms}": {"pulls": pulls, "arms": arms} for pulls, arms in DUAN},
        ("pulls10-arms5", "pulls100-arms5"),
        {"paper": 3, "laptop": 3, "smoke": 2},
        {
            "paper": {},
            "laptop": {
                "iterations": 3000,
                "batch": 128,
                "neurons": 64,
                "rate": 3e-3,
                "clip": 1.0,
                "value_weight": 0.05,
                "entropy": 0.1,
                "last_entropy": 0.0,
                "log_every": 20,
                "checkpoint_every": 200,
            },
            "smoke": _SMOKE | {"neurons": 16},
        },
        ("reward", "regret"),
    ),
)
