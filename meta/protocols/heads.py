"""Last layers that learn courses: features are fixed, and computed once for all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from meta.optimizers import Adam
from meta.protocols.courses import Course
from meta.protocols.examination import Marks, examine
from networks.compiled import compiles

#: Numbers that weights, gradients and moments of layers side by side may take; more are learned in turns.
ROOM = 2**27


def learn_heads(
    features: Tensor,
    heads: Sequence[tuple[Tensor, Tensor]],
    courses: Sequence[Course],
    rates: Sequence[float],
    counts: Sequence[int],
) -> list[list[Marks]]:
    """Learn courses, one example at a step with Adam, each by a last layer of its own.

    Args:
        features: of every drawing, (classes, drawings, features).
        heads: weights (outputs, features) and biases (outputs,) to start with, one pair a course.
        courses: all of one length.
        rates: of Adam, one a course.
        counts: after how many classes to examine, ascending; only the last of examples in mixed order.

    Returns:
        Marks of each course at each count.
    """
    if features.device.type == "cpu" and features.dtype == torch.float32 and compiles():
        table = with_constant(features)
        return [
            _learn_compiled(table, head, course, rate, counts)
            for head, course, rate in zip(heads, courses, rates, strict=True)
        ]
    return learn_side_by_side(features, heads, courses, rates, counts)


def with_constant(features: Tensor) -> Tensor:
    """Features (classes, drawings, features) with a one after each, for the bias."""
    return torch.cat([features, features.new_ones(*features.shape[:2], 1)], 2)


def _learn_compiled(
    table: Tensor, head: tuple[Tensor, Tensor], course: Course, rate: float, counts: Sequence[int]
) -> list[Marks]:
    """One course after another: weights and moments of one layer stay in the processor's cache."""
    from meta.protocols.kernels import learn_steps

    weights = torch.cat([head[0], head[1][:, None]], 1).contiguous()
    moments = torch.zeros(2, *weights.shape)
    classes, drawings = course.examples
    places = classes * table.shape[1] + drawings
    rows = table.flatten(0, 1).numpy()
    marks, begin = [], 0
    for count in counts:
        end = course.ended(count)
        learn_steps(weights.numpy(), moments.numpy(), rows, places, course.labels, rate, begin, end)
        marks.append(examine(course, count, table, partial(nn.functional.linear, weight=weights)))
        begin = end
    return marks


def learn_side_by_side(
    features: Tensor,
    heads: Sequence[tuple[Tensor, Tensor]],
    courses: Sequence[Course],
    rates: Sequence[float],
    counts: Sequence[int],
) -> list[list[Marks]]:
    """The same with torch's operations, many courses at once, as a GPU wants it."""
    size = max(1, ROOM // (4 * heads[0][0].numel()))
    marks: list[list[Marks]] = []
    for first in range(0, len(courses), size):
        part = slice(first, first + size)
        marks += _learn_together(features, heads[part], courses[part], rates[part], counts)
    return marks


def _learn_together(
    features: Tensor,
    heads: Sequence[tuple[Tensor, Tensor]],
    courses: Sequence[Course],
    rates: Sequence[float],
    counts: Sequence[int],
) -> list[list[Marks]]:
    weights = torch.stack([weight for weight, _ in heads]).to(features)  # (courses, outputs, features)
    biases = torch.stack([bias for _, bias in heads]).to(features)
    gradients, errors = torch.zeros_like(weights), torch.zeros_like(biases)
    optimizer = _optimizer(weights, biases, gradients, errors, rates)
    classes, drawings = torch.from_numpy(np.stack([course.examples for course in courses], 1))
    labels = torch.from_numpy(np.stack([course.labels for course in courses])).to(features.device)
    rows = torch.arange(len(courses), device=features.device)
    ends = {courses[0].ended(count): count for count in counts}
    marks: list[list[Marks]] = [[] for _ in courses]
    for step in range(labels.shape[1]):
        shown = features[classes[:, step], drawings[:, step]]  # (courses, features)
        scores = torch.baddbmm(biases[:, :, None], weights, shown[:, :, None])[:, :, 0]
        torch.softmax(scores, 1, out=errors)
        errors[rows, labels[:, step]] -= 1
        torch.mul(errors[:, :, None], shown[:, None, :], out=gradients)
        optimizer.step()
        if step + 1 in ends:
            for own, course, weight, bias in zip(marks, courses, weights, biases, strict=True):
                scored = partial(nn.functional.linear, weight=weight, bias=bias)
                own.append(examine(course, ends[step + 1], features, scored))
    return marks


def _optimizer(
    weights: Tensor, biases: Tensor, gradients: Tensor, errors: Tensor, rates: Sequence[float]
) -> torch.optim.Adam:
    """Adam of layers side by side, each with its rate; steps take what lies in `gradients` and `errors`."""
    groups = []
    for *values, rate in zip(weights, biases, gradients, errors, rates, strict=True):
        weight, bias = nn.Parameter(values[0]), nn.Parameter(values[1])
        weight.grad, bias.grad = values[2], values[3]
        groups.append({"params": [weight, bias], "lr": rate})
    return Adam(groups, fused=True)
