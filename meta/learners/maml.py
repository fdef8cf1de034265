"""Model-agnostic meta-learning (MAML), first and second order.

Finn, Abbeel and Levine (2017), arXiv 1703.03400, algorithm 2: initial parameters from which a few steps of
gradient descent on a few examples lead far.
"""

from __future__ import annotations

import torch
from torch import Tensor

from meta.learners.inner import Learner


def meta_outputs(
    learner: Learner, support: Tensor, answers: Tensor, query: Tensor, together: bool = True
) -> Tensor:
    """Outputs for each task's query by the model that has learned the task's support.

    Args:
        learner: what a lifetime does.
        support: (tasks, examples, ...).
        answers: of the support, (tasks, examples, ...).
        query: (tasks, queries, ...).
        together: compute all tasks at once, or one after another, as CPUs prefer convolutions of many pictures.

    Returns:
        (tasks, queries, outputs).
    """
    if not together:
        tasks = zip(support, answers, query, strict=True)
        return torch.stack([learner.predict(learner.adapt(known, told), asked) for known, told, asked in tasks])
    adapted = learner.adapt_prepared(learner.prepare(support, together=True), answers, together=True)
    return learner.answer(adapted, learner.prepare(query, together=True), together=True)
