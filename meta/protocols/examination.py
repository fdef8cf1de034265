"""What a network knows after so many classes: accuracy on learned and held-out drawings, class by class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.learners.parameters import take
from meta.protocols.courses import Course

#: Examples examined at once: more are no faster, and where convolutions learn take gigabytes.
BATCH = 256


@dataclass(frozen=True, eq=False)
class Marks:
    """Share of right answers to the drawings of each class, in the order of learning.

    Attributes:
        learned: (classes,).
        held_out: (classes,).
    """

    learned: NDArray[np.float64]
    held_out: NDArray[np.float64]

    @property
    def accuracies(self) -> tuple[float, float]:
        """Of all learned and of all held-out drawings."""
        return float(self.learned.mean()), float(self.held_out.mean())


def examine(course: Course, count: int, prepared: Any, scores: Callable[[Any], Tensor]) -> Marks:
    """Ask for the classes of all drawings of the first classes of a course; any output may be the answer.

    Args:
        course: what was learned.
        count: classes.
        prepared: values of every drawing that there is, (classes, drawings, ...).
        scores: from such values (batch, ...) to class scores (batch, outputs).
    """
    return examine_told(course, count, prepared, lambda values, labels: scores(values))


def examine_told(course: Course, count: int, prepared: Any, scores: Callable[[Any, Tensor], Tensor]) -> Marks:
    """The same of who is given labels (batch,) too, for what they say of the task that an example is from."""
    parts = [_right(cells, count, prepared, scores) for cells in course.examined(count)]
    return Marks(*parts)


def _right(
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
    count: int,
    prepared: Any,
    scores: Callable[[Any, Tensor], Tensor],
) -> NDArray[np.float64]:
    classes, drawings = (torch.from_numpy(part.flatten()) for part in cells)
    truth = np.arange(count)[:, None]
    labels = torch.from_numpy(np.broadcast_to(truth, cells[0].shape).flatten())
    answers = []
    for first in range(0, len(classes), BATCH):
        rows = slice(first, first + BATCH)
        answers.append(scores(take(prepared, (classes[rows], drawings[rows])), labels[rows]).argmax(1))
    found = torch.cat(answers).cpu().numpy().reshape(cells[0].shape)
    return (found == truth).mean(1)
