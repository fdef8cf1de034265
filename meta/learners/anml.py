"""ANML, a neuromodulated meta-learning algorithm: gates decide what a lifetime reads and what it changes.

Beaulieu et al. (2020), arXiv 2002.09571, algorithm 1. One class a lifetime: its row of the last layer is zapped,
the prediction network learns its pictures one by one, under gates of the neuromodulatory network, which does not
learn in a lifetime; the outer loss is of those pictures and of others of all classes. Without a neuromodulatory
network the same is SANML (Frati et al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from meta.learners import oml
from meta.learners.inner import Learner
from meta.learners.trajectory import Trajectory
from meta.learners.zapping import zap_learned

#: What learns in a lifetime.
PLASTIC = ("prediction", "head")


def meta_scores(
    learner: Learner,
    trajectories: Sequence[Trajectory],
    head: nn.Linear,
    stream: np.random.Generator | None,
    truncate: int = 0,
) -> list[tuple[Tensor, Tensor | float]]:
    """Scores of each trajectory's outer batch, (outer, classes), by the model that has learned the trajectory.

    Args:
        learner: of a `networks.prediction.prediction_network`.
        trajectories: a meta-batch; each of one class, and pictures of all classes.
        head: the last layer.
        stream: of the random numbers of the reset; None leaves the rows as they are.
        truncate: steps that gradients reach back (`meta.learners.oml.truncated_scores`); 0 is all of them.

    Returns:
        Scores, and losses during the trajectory, which there are only if gradients are truncated.
    """
    if stream is not None:
        for trajectory in trajectories:  # all before the first lifetime: gradients go back through every one
            zap_learned(head, trajectory, stream)
    # The gates do not change in a lifetime: one batch for all.
    if truncate:
        return [oml.truncated_scores(learner, trajectory, truncate) for trajectory in trajectories]
    return [(oml.meta_scores(learner, trajectory), 0.0) for trajectory in trajectories]
