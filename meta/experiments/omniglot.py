"""One-shot learning of characters: Miconi, Clune & Stanley 2018, section 4.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.experiments.patterns import SOURCE
from meta.settings import Training

if TYPE_CHECKING:
    from meta.tasks.omniglot import OmniglotTask


@dataclass(frozen=True)
class OmniglotSettings(Training):
    """Settings of one-shot learning; the defaults are those of the camera-ready program, in batches of one."""

    iterations: int = parameter(5_000_000, "steps of the outer optimiser", 0)
    rate: float = parameter(3e-5, "rate of the outer optimiser", 0)
    decay: float = parameter(0.666, "factor on the rate every --decay-every iterations", 0, 1)
    decay_every: int = parameter(1_000_000, "iterations between decays of the rate", 1)
    data: str = parameter("omniglot", "characters to train on", choices=("omniglot", "generated"))
    tested: str = parameter(
        "same", "characters to test on: the held-out ones of --data, or of Omniglot", choices=("same", "omniglot")
    )
    generated: int = parameter(1600, "classes of generated characters", 10)
    ways: int = parameter(5, "classes of an episode", 2)
    shots: int = parameter(1, "labelled pictures of each class", 1)
    held_out: int = parameter(100, "classes kept for testing", 2)
    split: int = parameter(0, "seed that names the split of classes", 0)
    channels: int = parameter(64, "features of the encoder", 1)
    rule: str = parameter("oja", "how the Hebbian trace changes", choices=("oja", "decaying"))
    alpha: str = parameter(
        "connection", "trained plasticity: one a connection or for all", choices=("connection", "one")
    )
    initial_alpha: float = parameter(0.01, "alpha starts uniformly between 0 and this, or as this", 0)
    initial_eta: float = parameter(0.01, "rate of plasticity to start with", 0)
    weights: bool = parameter(True, "fixed weights beside the plastic ones; the program long left them out")
    loss: str = parameter(
        "binary", "cross-entropy: of each output, as published, or of the classes", choices=("binary", "classes")
    )
    log_every: int = parameter(1000, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(20_000, "iterations between checkpoints; a multiple of --log-every", 1)
    evaluation: int = parameter(1000, "episodes of the evaluation at the end", 1)

    def prepare(self, data: str | None) -> None:
        """Have the characters in place, downloaded if need be, and enough of them."""
        from meta.tasks.omniglot import load_classes

        load_classes(self, data, fetch=True)

    def task(self, seed: int, data: str | None) -> OmniglotTask:
        """Episodes of characters from the data folder, or of generated ones."""
        from meta.tasks.omniglot import OmniglotTask

        return OmniglotTask(self, seed, data)


#: Large batches with a rate to match: the same number of episodes in a fraction of the time.
BATCHED = {
    "batch": 64,
    "iterations": 78_125,
    "rate": 1e-3,
    "decay": 0.5,
    "decay_every": 15_625,
    "log_every": 125,
    "checkpoint_every": 625,
    "precision": "bfloat16",
    "initial_alpha": 1.0,
    "initial_eta": 0.3,
    "evaluation": 10_000,
}

EXPERIMENTS = (
    Experiment(
        "miconi2018-omniglot",
        "Can a plastic layer on trained features name handwritten characters seen once?",
        SOURCE,
        OmniglotSettings(),
        {
            "plastic": {},
            "shared": {"alpha": "one"},
            # the paper's first version: what its text says (of 1,000,000 episodes), and what its program did
            "text": {"alpha": "one", "rate": 3e-4, "decay": 1.0},
            "first-program": {"alpha": "one", "rate": 1e-4, "decay": 0.3, "weights": False},
            "no-weights": {"weights": False},
            "decaying": {"rule": "decaying"},
            "generated": {"data": "generated", "tested": "omniglot"},
        },
        ("plastic",),
        {"paper": 10, "batched": 3, "laptop": 2, "smoke": 2},
        {
            "paper": {},
            "batched": BATCHED,
            "laptop": BATCHED | {"iterations": 3000, "decay_every": 1000, "evaluation": 1000},
            "smoke": {
                "iterations": 20,
                "batch": 4,
                "data": "generated",
                "generated": 30,
                "held_out": 10,
                "channels": 8,
                "log_every": 5,
                "checkpoint_every": 10,
                "evaluation": 20,
            },
        },
        ("loss", "accuracy", "held_out_accuracy"),
    ),
)
