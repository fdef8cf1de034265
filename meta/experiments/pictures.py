"""Completion of natural pictures: Miconi, Clune & Stanley 2018, section 4.2 and figures 4 and 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.experiments.patterns import SOURCE
from meta.settings import Training

if TYPE_CHECKING:
    from meta.tasks.pictures import PictureTask


@dataclass(frozen=True)
class PictureSettings(Training):
    """Settings of picture completion; the defaults are those of the program published with the paper."""

    iterations: int = parameter(100_000, "steps of the outer optimiser", 0)
    rate: float = parameter(1e-4, "rate of the outer optimiser", 0)
    data: str = parameter("cifar10", "grey 32x32 pictures", choices=("cifar10", "generated"))
    pictures: int = parameter(3, "pictures of a lifetime", 1)
    cycles: int = parameter(3, "times that each picture is shown", 1)
    shown: int = parameter(20, "steps of a showing", 1)
    blank: int = parameter(2, "steps without input after a showing", 0)
    test: int = parameter(3, "steps of the degraded picture", 1)
    degraded: str = parameter("half", "what is set to 0: a half, or random pixels", choices=("half", "pixels"))
    rule: str = parameter("decaying", "how the Hebbian trace changes", choices=("decaying", "oja", "clipped"))
    alpha: str = parameter(
        "connection",
        "trained plasticity: one a connection, a neuron or for all",
        choices=("connection", "neuron", "one"),
    )
    network: str = parameter("plastic", "plastic or plain recurrent neurons", choices=("plastic", "rnn"))
    log_every: int = parameter(20, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(500, "iterations between checkpoints; a multiple of --log-every", 1)

    def prepare(self, data: str | None) -> None:
        """Have the pictures in place, downloaded if need be."""
        from meta.tasks.pictures import picture_data

        picture_data(self.data, data, fetch=True)

    def task(self, seed: int, data: str | None) -> PictureTask:
        """Completion of pictures from the data folder, or of generated ones."""
        from meta.tasks.pictures import PictureTask

        return PictureTask(self, seed, data)


EXPERIMENTS = (
    Experiment(
        "miconi2018-images",
        "Do trained plastic connections reconstruct natural pictures seen once, and does each need its own alpha?",
        SOURCE,
        PictureSettings(),
        {
            "independent": {},
            "shared": {"alpha": "one"},
            "pixels": {"degraded": "pixels"},
            "rnn": {"network": "rnn"},
        },
        ("independent", "shared"),
        {"paper": 10, "laptop": 2, "smoke": 2},
        {
            "paper": {},
            "laptop": {"iterations": 3000},
            "smoke": {
                "iterations": 6,
                "data": "generated",
                "shown": 2,
                "cycles": 1,
                "log_every": 2,
                "checkpoint_every": 2,
                "evaluation": 4,
            },
        },
        ("loss", "hidden_rms"),
    ),
)
