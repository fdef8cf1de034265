"""Learning from a few examples: how good a learner is after each step, over many tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from meta.learners.inner import Learner

#: From outputs (tasks, queries, ...) and answers to a number of each task, (tasks,).
Score = Callable[[Tensor, Tensor], Tensor]


def scores_by_step(
    learner: Learner,
    support: Tensor,
    answers: Tensor,
    query: Tensor,
    truth: Tensor,
    steps: int,
    score: Score,
    together: bool = True,
) -> Tensor:
    """Scores of each task before learning and after each step, (tasks, steps + 1).

    Args:
        learner: each of whose calls is one step (`batch` 0, `passes` 1).
        support: (tasks, examples, ...).
        answers: of the support, (tasks, examples, ...).
        query: (tasks, queries, ...).
        truth: answers of the query.
        steps: how many.
        score: of a batch of tasks.
        together: compute all tasks at once, or one after another.
    """
    if not together:
        parts = zip(*(table.split(1) for table in (support, answers, query, truth)), strict=True)
        return torch.cat([scores_by_step(learner, a, b, c, d, steps, score) for a, b, c, d in parts])
    with torch.no_grad():
        known, asked = learner.prepare(support, together=True), learner.prepare(query, together=True)
        parameters = {k: v.detach().expand(len(support), *v.shape) for k, v in learner.initial().items()}
        found = []
        for step in range(steps + 1):
            found.append(score(learner.answer(parameters, asked, together=True), truth))
            if step < steps:
                parameters = learner.adapt_prepared(known, answers, together=True, start=parameters)
    return torch.stack(found, 1)


def accuracy(outputs: Tensor, truth: Tensor) -> Tensor:
    """Share of right answers of each task; outputs (tasks, queries, classes), truth (tasks, queries)."""
    return (outputs.argmax(-1) == truth).float().mean(1)


def squared_error(outputs: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error of each task; outputs and truth (tasks, queries, 1)."""
    return (outputs - truth).square().flatten(1).mean(1)


def summary(scores: Tensor, name: str) -> dict[str, Any]:
    """Mean and 95 % interval over tasks after each step: a list by step, and numbers for a table.

    Steps that are too long for a task make its error grow without end. One such task in hundreds decides the mean;
    the median tells of the others. Scores that are no longer numbers are left out of means, not of medians.

    Args:
        scores: (tasks, steps + 1).
        name: of the number, e.g. "accuracy".

    Returns:
        `by_step`, `NAME_STEP` (means), `NAME_median` after the last step, and `diverged`, the share of tasks whose
        last score is no number.
    """
    from analysis.intervals import mean_curve

    values = scores.double().cpu().numpy()
    finite = np.isfinite(values)
    curve = mean_curve(np.where(finite, values, np.nan))
    median = np.median(np.where(finite, values, np.inf), 0)
    table = {"mean": curve.mean, "low": curve.low, "high": curve.high, "median": median}
    result: dict[str, Any] = {
        "by_step": {key: [float(x) if np.isfinite(x) else None for x in row] for key, row in table.items()}
    }
    result |= {f"{name}_{step}": float(mean) for step, mean in enumerate(curve.mean)}
    last = float(median[-1]) if np.isfinite(median[-1]) else None
    return result | {f"{name}_median": last, "diverged": float(1 - finite[:, -1].mean())}
