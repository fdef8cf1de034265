"""What methods share that give each task capacity of its own: when a task begins, and which outputs are its."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meta.learners.parameters import Parameters
from meta.optimizers import Adam
from meta.protocols.online import Online


class InTasks(Online):
    """Classes come in tasks, so many one after another; the outputs of a task are for its classes.

    What is learned of a task is to tell its classes apart: the loss is the cross-entropy among its outputs. When
    asked, the outputs of all tasks so far stand side by side and any may be the answer, as with all other methods;
    or, where tasks are known, only those of the task that an example is from: the setting that these methods were
    published for, and a far easier one.

    These methods expect the examples of a task in mixed order, but here they come class after class. So examples
    are kept until their task ends, and each step is also on some that are drawn from them.

    The stage is left out: networks of the method's own learn in its place, from what was prepared for it, flat.

    Attributes:
        task: number of the task that was begun last, -1 before the first.
        outputs: that answer for it, among all scores.
        kept: examples of it so far.

    Args:
        stage: as `Online`; not used.
        parameters: as `Online`; they say the device and the precision.
        rate: as `Online`.
        seed: of random numbers.
        task_classes: classes of a task.
        task_known: see above.
        task_drawn: kept examples of the current task in a step, fewer as long as there are not as many; 0 learns
            from one example a step, as plain learning does.

    Raises:
        ValueError: tasks of no classes, or fewer than no examples drawn.
    """

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        task_classes: int = 10,
        task_known: bool = False,
        task_drawn: int = 10,
    ) -> None:
        super().__init__(stage, parameters, rate, seed)
        check_counts(task_classes=task_classes)
        if task_drawn < 0:
            raise ValueError(f"task_drawn: {task_drawn}: allowed is 0 or more")
        self.task_drawn, self.kept = task_drawn, list[tuple[Tensor, Tensor]]()
        self.task_classes, self.task_known, self.task = task_classes, task_known, -1
        self.like = next(iter(self.parameters.values())).detach()
        self._ended = 0

    @property
    def outputs(self) -> slice:
        """Places of the current task's outputs."""
        return slice(self.task * self.task_classes, (self.task + 1) * self.task_classes)

    def enter(self, prepared: Any, labels: Tensor) -> None:
        """Begin the task of a new example, if it is the first of it; to be called before learning from it.

        Raises:
            ValueError: the values are not one tensor, or the label is of another task's class.
        """
        if not isinstance(prepared, Tensor):
            raise ValueError(f"prepared: {len(prepared)} tensors: allowed is one, whose values a column takes in")
        if self._ended // self.task_classes > self.task:
            self.task, self.kept = self.task + 1, []
            self._draws = np.random.default_rng((self.seed, self.task, 1))
            self.begin_task(prepared.flatten(1).shape[1])
        low, high = self.outputs.start, self.outputs.stop - 1
        for label in labels.tolist():
            if not low <= label <= high:
                raise ValueError(f"labels: {label}: allowed are {low} to {high}, the classes of the current task")

    def begin_task(self, inputs: int) -> None:
        """Called before the first example of a task, of so many values."""

    def end_task(self) -> None:
        """Called after the last example of a task."""

    def learn(self, prepared: Any, labels: Tensor) -> None:
        """Take one step on a new example (1, ...) and on drawn ones of its task; then keep it."""
        self.enter(prepared, labels)
        chosen = self._draws.permutation(len(self.kept))[: self.task_drawn]
        batch = [(prepared, labels), *(self.kept[k] for k in chosen)]
        super().learn(torch.cat([one for one, _ in batch]), torch.cat([label for _, label in batch]))
        self.kept.append((prepared, labels))

    def end_class(self) -> None:
        """Count, for a task is over after so many classes."""
        self._ended += 1
        if self._ended % self.task_classes == 0:
            self.end_task()

    @abstractmethod
    def own_scores(self, prepared: Any) -> Tensor:
        """Outputs of the current task, (batch, classes of a task)."""

    def loss(self, prepared: Any, labels: Tensor) -> Tensor:
        """Cross-entropy of examples of the current task among its outputs."""
        return nn.functional.cross_entropy(self.own_scores(prepared), labels - self.outputs.start)

    def scores_of(self, prepared: Any, labels: Tensor) -> Tensor:
        """Scores of all outputs, or where tasks are known minus infinity at those of other tasks."""
        scores = self.scores(prepared)
        if not self.task_known:
            return scores
        tasks = torch.arange(scores.shape[1], device=scores.device) // self.task_classes
        own = labels.to(scores.device)[:, None] // self.task_classes
        return scores.masked_fill(tasks != own, -math.inf)

    def stream(self) -> np.random.Generator:
        """Random numbers of the current task."""
        return np.random.default_rng((self.seed, self.task, 0))

    def tensor(self, values: NDArray[np.float64]) -> Tensor:
        """Numbers on the device and in the precision of what learns."""
        return torch.from_numpy(values).to(self.like)

    def weights(self, stream: np.random.Generator, *shape: int) -> Tensor:
        """Weights (..., outputs, inputs), Kaiming normal."""
        return self.tensor(stream.normal(0.0, math.sqrt(2 / shape[-1]), shape))

    def adopt(self, parameters: Parameters) -> None:
        """Let other parameters learn from now on, with moments of Adam that start at zero."""
        self.parameters = {name: value.requires_grad_() for name, value in parameters.items()}
        self.optimizer = Adam(list(self.parameters.values()), self.rate, fused=True)


def check_counts(**counts: int) -> None:
    """Refuse counts of nothing.

    Raises:
        ValueError: names the argument.
    """
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name}: {value}: allowed is 1 or more")
