"""Online-aware meta-learning (OML): learn in sequence, be judged by all that is to be known, the past included.

Javed and White (2019), arXiv 1905.12588, algorithm 2. The representation is fixed in a lifetime, the layers after
it learn, one example at a step; the outer gradient goes to the representation and to where those layers start.
MAML-Rep is the same with steps of all examples together (`batch` 0 of the learner). For long lifetimes gradients
can be truncated.
"""

from __future__ import annotations

import torch
from torch import Tensor

from meta.learners.inner import Learner
from meta.learners.parameters import take
from meta.learners.trajectory import Trajectory

#: What learns in a lifetime.
PLASTIC = ("hidden", "head")


def meta_scores(learner: Learner, trajectory: Trajectory) -> Tensor:
    """Scores of the outer batch, (outer, classes), by the model that has learned the trajectory."""
    prepared = learner.prepare(trajectory.all)  # all that is fixed in a lifetime, once for all its examples
    count = len(trajectory.labels)
    adapted = learner.adapt_prepared(take(prepared, slice(count)), trajectory.labels)
    return learner.answer(adapted, prepared if trajectory.repeated else take(prepared, slice(count, None)))


def truncated_scores(learner: Learner, trajectory: Trajectory, steps: int) -> tuple[Tensor, Tensor | float]:
    """Scores of the outer batch by the model that has learned the trajectory, and losses on the way.

    The paper's way with long lifetimes: after every stretch of steps the model is judged by the outer batch, but
    for classes yet to come, and its gradient is cut. Gradients of all stretches add up; none reaches back
    beyond its own, so that only the first tells where the plastic layers should start.

    Args:
        learner: whose lifetimes have one pass.
        trajectory: what it learns.
        steps: of a stretch.

    Returns:
        Scores at the end (outer, classes), and the sum of the losses at the ends of all stretches but the last.
    """
    prepared, count, losses = learner.prepare(trajectory.all), len(trajectory.labels), []
    asked = prepared if trajectory.repeated else take(prepared, slice(count, None))
    labels = trajectory.outer_labels
    for done, adapted in learner.stretches(take(prepared, slice(count)), trajectory.labels, steps):
        scores = learner.answer(adapted, asked)
        begun, coming = (torch.isin(labels, part) for part in trajectory.labels.tensor_split([done]))
        judged = begun | ~coming
        losses.append(learner.loss(scores[judged], labels[judged]))
    return scores, sum(losses[:-1])
