"""A few gradient steps on a few examples: model-agnostic meta-learning of sines and of characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cluster.errors import UserError
from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.experiments.continual import JAVED
from meta.settings import INNER_REMEDY, Training

if TYPE_CHECKING:
    from meta.tasks.few_shot import FewShotTask
    from meta.tasks.sines import IncrementalTask, SineTask

FINN = "Finn, Abbeel & Levine 2017, ICML (arXiv 1703.03400)"


@dataclass(frozen=True)
class SineSettings(Training):
    """Settings of sines to fit from a few points; the defaults are the paper's."""

    remedy: ClassVar[str] = INNER_REMEDY

    iterations: int = parameter(70_000, "steps of the outer optimiser", 0)
    batch: int = parameter(25, "sines of an iteration", 1)
    learner: str = parameter(
        "maml",
        "gradients through adaptation, training on all sines at once, or that with the sine's numbers as inputs",
        choices=("maml", "pretrain", "oracle"),
    )
    order: int = parameter(2, "2 differentiates through the steps of a lifetime, 1 does not", 1, 2)
    inner_rate: float = parameter(0.01, "rate of gradient descent in a lifetime", 0)
    steps: int = parameter(1, "steps of a lifetime", 1)
    shots: int = parameter(10, "points to learn from, and as many to be judged by", 1)
    hidden: tuple[int, ...] = parameter((40, 40), "widths of the hidden layers", 1)
    test_steps: int = parameter(10, "steps of the test", 1)
    test_rates: tuple[float, ...] = parameter((), "rates to choose from for the test; none takes --inner-rate", 0)
    log_every: int = parameter(100, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(5000, "iterations between checkpoints; a multiple of --log-every", 1)
    evaluation: int = parameter(600, "sines of the test", 1)

    def task(self, seed: int, data: str | None) -> SineTask:
        """Random sines; needs no data."""
        from meta.tasks.sines import SineTask

        return SineTask(self, seed)


@dataclass(frozen=True)
class FewShotSettings(Training):
    """Settings of naming characters seen a few times; the defaults are the paper's with five ways and one shot."""

    remedy: ClassVar[str] = INNER_REMEDY

    iterations: int = parameter(60_000, "steps of the outer optimiser", 0)
    batch: int = parameter(32, "episodes of an iteration", 1)
    data: str = parameter("omniglot", "characters", choices=("omniglot", "generated"))
    generated: int = parameter(1600, "classes of generated characters", 10)
    training_classes: int = parameter(1200, "characters to train on; the others are tested", 2)
    split: int = parameter(0, "seed that names the split of classes", 0)
    ways: int = parameter(5, "classes of an episode", 2)
    shots: int = parameter(1, "drawings of each class to learn from, and as many to be judged by", 1)
    order: int = parameter(2, "2 differentiates through the steps of a lifetime, 1 does not", 1, 2)
    inner_rate: float = parameter(0.4, "rate of gradient descent in a lifetime", 0)
    steps: int = parameter(1, "steps of a lifetime", 1)
    network: str = parameter("convolutions", "convolutions or linear layers", choices=("convolutions", "linear"))
    channels: int = parameter(64, "of every convolution", 1)
    hidden: tuple[int, ...] = parameter((256, 128, 64, 64), "widths of --network linear", 1)
    test_steps: int = parameter(3, "steps of the test", 1)
    log_every: int = parameter(100, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(500, "iterations between checkpoints; a multiple of --log-every", 1)
    evaluation: int = parameter(600, "episodes of the test", 1)

    def prepare(self, data: str | None) -> None:
        """Have the characters in place, downloaded if need be, and enough of them."""
        from meta.tasks.few_shot import load_parts

        load_parts(self, data, fetch=True)

    def task(self, seed: int, data: str | None) -> FewShotTask:
        """Episodes of characters."""
        from meta.tasks.few_shot import FewShotTask

        return FewShotTask(self, seed, data)


@dataclass(frozen=True)
class IncrementalSettings(Training):
    """Settings of ten sines learned one after another; the defaults are the paper's."""

    remedy: ClassVar[str] = INNER_REMEDY

    iterations: int = parameter(20_000, "steps of the outer optimiser", 0)
    rate: float = parameter(1e-4, "rate of the outer optimiser", 0)
    learner: str = parameter(
        "oml", "gradients through lifetimes, or training on all sines at once", choices=("oml", "pretrain")
    )
    order: int = parameter(2, "2 differentiates through the steps of a lifetime, 1 does not", 1, 2)
    inner_rate: float = parameter(0.003, "rate of gradient descent in a lifetime", 0)
    functions: int = parameter(10, "sines of a lifetime, one after another", 1)
    updates: int = parameter(40, "steps on each sine", 1)
    points: int = parameter(8, "points of a step", 1)
    truncate: int = parameter(
        0, "steps of a lifetime after which it is judged and its gradient cut, again and again; 0 never", 0
    )
    pool: int = parameter(400, "sines to train on", 1)
    width: int = parameter(300, "of every layer", 1)
    layers: int = parameter(6, "layers of the representation", 1)
    hidden: int = parameter(2, "layers between representation and output", 0)
    plastic: tuple[str, ...] = parameter(("hidden", "head"), "parameters that change in a lifetime")
    test_rates: tuple[float, ...] = parameter(
        (1e-2, 3e-3, 1e-3, 3e-4, 1e-4), "rates of gradient descent to choose from for the test", 0
    )
    log_every: int = parameter(20, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(100, "iterations between checkpoints; a multiple of --log-every", 1)
    evaluation: int = parameter(50, "lifetimes of the test", 1)

    def checked(self) -> IncrementalSettings:
        """Itself, if all its values are allowed and fit together."""
        super().checked()
        if self.truncate and self.learner != "oml":
            raise UserError(f"--truncate {self.truncate}: allowed with --learner {self.learner} is 0")
        return self

    def prepare(self, data: str | None) -> None:
        """Refuse unknown parameters."""
        from meta.tasks.sines import check_parameters

        check_parameters(self)

    def task(self, seed: int, data: str | None) -> IncrementalTask:
        """Random sines; needs no data."""
        from meta.tasks.sines import IncrementalTask

        return IncrementalTask(self, seed)


_RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
_TWENTY: dict[str, Any] = {"ways": 20, "batch": 16, "inner_rate": 0.1, "steps": 5, "test_steps": 5}
_SMOKE: dict[str, Any] = {"log_every": 2, "checkpoint_every": 2, "evaluation": 4}

EXPERIMENTS = (
    Experiment(
        "finn2017-sine",
        "Are there parameters from which one gradient step on ten points fits a sine?",
        FINN,
        SineSettings(),
        {
            "maml": {},
            "maml-order1": {"order": 1},
            "pretrain": {"learner": "pretrain", "test_rates": _RATES},
            "oracle": {"learner": "oracle"},
            "maml-5": {"shots": 5},
        },
        ("maml", "maml-order1", "pretrain", "oracle"),
        {"paper": 5, "laptop": 2, "smoke": 2},
        {
            "paper": {},
            "laptop": {"iterations": 10_000},
            "smoke": _SMOKE | {"iterations": 4, "batch": 3, "hidden": (5, 5)},
        },
        ("loss", "error"),
    ),
    Experiment(
        "finn2017-omniglot",
        "Are there parameters from which one gradient step names characters seen once?",
        FINN,
        FewShotSettings(),
        {
            "maml": {},
            "maml-order1": {"order": 1},
            "maml-linear": {"network": "linear"},
            "maml-5-shot": {"shots": 5},
            "maml-20-way": _TWENTY,
            "maml-20-way-5-shot": _TWENTY | {"shots": 5},
        },
        ("maml", "maml-order1"),
        {"paper": 3, "laptop": 1, "smoke": 2},
        {
            "paper": {},
            "laptop": {"iterations": 2000, "batch": 8, "channels": 32},
            "smoke": _SMOKE
            | {
                "iterations": 4,
                "batch": 2,
                "data": "generated",
                "generated": 60,
                "training_classes": 36,
                "channels": 4,
                "hidden": (8,),
            },
        },
        ("loss", "accuracy"),
    ),
    Experiment(
        "javed2019-sine",
        "Does a representation trained for learning in sequence keep ten sines learned one after another?",
        JAVED,
        IncrementalSettings(),
        {
            "oml": {},
            "oml-order1": {"order": 1},
            "oml-truncated": {"truncate": 5},
            "oml-linear": {"hidden": 0, "plastic": ("head",)},
            "pretrain": {"learner": "pretrain"},
            "scratch": {"iterations": 0},
        },
        ("oml", "pretrain", "scratch"),
        {"paper": 5, "laptop": 2, "smoke": 2},
        {
            "paper": {},
            "laptop": {"iterations": 1500, "updates": 10, "width": 100, "layers": 4},
            "smoke": _SMOKE | {"iterations": 4, "functions": 3, "updates": 2, "width": 6, "layers": 2, "pool": 9},
        },
        ("loss", "error"),
    ),
)
