"""What every meta-learning experiment can set about its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cluster.errors import UserError
from cluster.parameters import check, parameter

if TYPE_CHECKING:
    from meta.task import Task

#: Settings that say how numbers are computed, not which.
HOW = ("parts", "precision", "device", "threads", "checkpoint_every", "start")

#: What a person can do about a training that diverged whose lifetimes have a rate of their own.
INNER_REMEDY = "try a smaller --rate or --inner-rate, or --clip 1"


@dataclass(frozen=True)
class Training:
    """Everything that decides how a trial trains, whatever it learns; experiments add fields of their own.

    An iteration is one step of the outer optimiser, on a batch of lifetimes.
    """

    #: What a person can do about a training that diverged.
    remedy: ClassVar[str] = "try a smaller --rate or --clip 1"

    iterations: int = parameter(1000, "steps of the outer optimiser", 0)
    batch: int = parameter(1, "lifetimes of an iteration", 1)
    parts: int = parameter(
        1, "parts that a batch is cut into, whose gradients are computed apart and added in order", 1
    )
    optimizer: str = parameter("adam", "outer optimiser", choices=("adam", "sgd"))
    rate: float = parameter(1e-3, "rate of the outer optimiser", 0)
    decay: float = parameter(1.0, "factor on the rate every --decay-every iterations", 0, 1)
    decay_every: int = parameter(1000, "iterations between decays of the rate", 1)
    clip: float = parameter(0.0, "largest norm of the gradient; 0 does not clip", 0)
    weight_decay: float = parameter(0.0, "L2 penalty of the outer optimiser", 0)
    precision: str = parameter("float32", "arithmetic of the networks", choices=("float32", "bfloat16"))
    device: str = parameter("cpu", "where tensors live: cpu, cuda, cuda:1, ...")
    threads: int = parameter(1, "threads of a trial; decides rounding, hence recorded", 1)
    log_every: int = parameter(10, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(100, "iterations between checkpoints; a multiple of --log-every", 1)
    start: str = parameter(
        "", "RUN/TREATMENT of trained networks: trial k starts from that of its trial k; empty starts at random"
    )
    evaluation: int = parameter(100, "lifetimes of the evaluation at the end", 1)

    def checked(self) -> Self:
        """Itself, if all its values are allowed and fit together.

        Raises:
            UserError: a value that is not allowed.
        """
        check(self)
        if self.checkpoint_every % self.log_every:
            raise UserError(
                f"--checkpoint-every {self.checkpoint_every}: allowed are multiples of "
                f"--log-every {self.log_every}"
            )
        if self.batch % self.parts:
            raise UserError(f"--parts {self.parts}: allowed are numbers that divide --batch {self.batch}")
        return self

    @staticmethod
    def compared(settings: Mapping[str, Any]) -> dict[str, Any]:
        """Of settings as recorded, those that runs reported together must share.

        Others only say how numbers are computed. Trained networks that a run starts from have had their iterations
        elsewhere.
        """
        free = (*HOW, "iterations") if settings["start"] else HOW
        return {name: value for name, value in settings.items() if name not in free}

    def rate_at(self, iteration: int) -> float:
        """Rate of the outer optimiser in an iteration, the first of which is 1."""
        return self.rate * self.decay ** ((iteration - 1) // self.decay_every)

    def optimizer_options(self) -> dict[str, Any]:
        """Further arguments of torch's optimiser; none by default."""
        return {}

    def prepare(self, data: str | None) -> None:
        """Have the data in place before trials start; nothing for experiments without data.

        Raises:
            UserError: data are missing.
        """

    def task(self, seed: int, data: str | None) -> Task[Any]:
        """What is trained, for the seed of a trial, with data from a folder."""
        raise NotImplementedError
