"""A network that learns one example at a time, and for good: what continual-learning methods start from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from meta.learners.parameters import Parameters, take
from meta.optimizers import Adam
from meta.protocols.courses import Course
from meta.protocols.examination import Marks, examine_told


class Online:
    """Plain learning with Adam, one example a step; a method to compare with overrides what it changes.

    Attributes:
        stage: the part of the network that learns, on what the part before it has prepared.
        parameters: of it that learn, by name; they change in place.
        rate: of Adam.

    Args:
        stage: see above; stays as it is.
        parameters: values to start with; copied.
        rate: see above.
        seed: of random numbers, if the method draws any.
    """

    def __init__(self, stage: nn.Module, parameters: Parameters, rate: float, seed: int = 0) -> None:
        self.stage, self.rate, self.seed = stage, rate, seed
        self.parameters = {name: value.detach().clone().requires_grad_() for name, value in parameters.items()}
        self.optimizer = Adam(list(self.parameters.values()), rate, fused=True)

    def scores(self, prepared: Any) -> Tensor:
        """Class scores (batch, outputs)."""
        return functional_call(self.stage, self.parameters, (prepared,))

    def scores_of(self, prepared: Any, labels: Tensor) -> Tensor:
        """Class scores (batch, outputs) when asked, from which who is told tasks may leave out those of others.

        Args:
            prepared: as of `scores`.
            labels: (batch,); nothing but an example's task may be taken from its label.
        """
        return self.scores(prepared)

    def loss(self, prepared: Any, labels: Tensor) -> Tensor:
        """What a step goes down: the cross-entropy of the examples."""
        return nn.functional.cross_entropy(self.scores(prepared), labels)

    def gradients(self, prepared: Any, labels: Tensor) -> list[Tensor]:
        """Gradient of what a step goes down, for each parameter."""
        loss = self.loss(prepared, labels)
        return list(torch.autograd.grad(loss, list(self.parameters.values()), materialize_grads=True))

    def learn(self, prepared: Any, labels: Tensor) -> None:
        """Take one step on examples (batch, ...) with labels (batch,)."""
        self.step(self.gradients(prepared, labels))

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Take one step of Adam, given a gradient for each parameter."""
        for value, gradient in zip(self.parameters.values(), gradients, strict=True):
            value.grad = gradient
        self.optimizer.step()

    def end_class(self) -> None:
        """Called when the next example is of another class, and at the end."""


def learn_course(learner: Online, prepared: Any, course: Course, counts: Sequence[int]) -> list[Marks]:
    """Teach a course, one example at a step.

    Args:
        learner: who learns.
        prepared: values of every drawing that there is, (classes, drawings, ...).
        course: what.
        counts: after how many classes to examine, ascending; only the last of examples in mixed order.

    Returns:
        Marks at each count.
    """
    device = next(iter(learner.parameters.values())).device
    classes, drawings = (torch.from_numpy(part) for part in course.examples)
    labels = torch.from_numpy(course.labels).to(device)
    ends = {course.ended(count): count for count in counts}
    marks = []
    for step, label in enumerate(course.labels):
        rows = slice(step, step + 1)
        with torch.enable_grad():
            learner.learn(take(prepared, (classes[rows], drawings[rows])), labels[rows])
            if step + 1 == len(labels) or course.labels[step + 1] != label:
                learner.end_class()
        if step + 1 in ends:
            with torch.no_grad():
                marks.append(examine_told(course, ends[step + 1], prepared, learner.scores_of))
    return marks
