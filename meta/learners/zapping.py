"""Zapping: rows of the last layer are drawn anew, so that what is before it must make learning them easy.

Frati, Traft, Clune and Cheney (2024), Reset it and forget it, arXiv 2310.07996. Online-aware meta-learning and
ANML zap the row of the class that a lifetime is about to learn; the bias is left as it is, as in their programs.
Alternating sequential and batch learning (ASB) needs nothing else: no gradient goes through the lifetime.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from meta.learners.inner import Learner
from meta.learners.trajectory import Trajectory


def zap(head: nn.Linear, classes: Iterable[int], stream: np.random.Generator) -> None:
    """Draw the weights of some classes anew, Kaiming normal; the parameter itself changes, whatever its gradient.

    Args:
        head: last layer, one output a class.
        classes: whose rows.
        stream: of random numbers.
    """
    deviation = math.sqrt(2 / head.in_features)
    with torch.no_grad():
        for number in classes:
            row = stream.normal(0.0, deviation, head.in_features).astype(np.float32)
            head.weight[number] = torch.from_numpy(row).to(head.weight)


def zap_learned(head: nn.Linear, trajectory: Trajectory, stream: np.random.Generator) -> None:
    """Zap the rows of the classes that a lifetime is about to learn."""
    zap(head, sorted(set(trajectory.labels.tolist())), stream)


def alternating_scores(learner: Learner, trajectory: Trajectory) -> Tensor:
    """Scores of the outer batch after the model itself has learned the trajectory.

    The lifetime's steps stay in the model, and the gradient of the scores is the usual one of where they led.
    """
    with torch.no_grad():
        adapted = learner.adapt(trajectory.learned, trajectory.labels)
        own = dict(learner.model.named_parameters())
        for name, value in adapted.items():
            own[name].copy_(value)
    return learner.model(trajectory.outer)
