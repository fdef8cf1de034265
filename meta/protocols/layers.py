"""Last layers that learn courses: features are fixed, and computed once for all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meta.optimizers import Adam
from meta.protocols.courses import Course
from meta.protocols.examination import Marks, examine
from networks.compiled import compiles

#: Numbers that weights, gradients and moments of layers side by side may take; more are learned in turns.
ROOM = 2**27
#: Weights (outputs, inputs) and biases (outputs,) of each layer.
Layers = Sequence[tuple[Tensor, Tensor]]


def linear_layers(stage: nn.Module) -> list[str] | None:
    """Names of a network's linear layers, if it is nothing but these with ReLU between them; else None."""
    modules = stage.named_modules(remove_duplicate=False)
    parts = [(name, part) for name, part in modules if not isinstance(part, nn.Sequential)]
    layers, between = parts[::2], parts[1::2]
    linear = all(isinstance(part, nn.Linear) and part.bias is not None for _, part in layers)
    rectified = all(isinstance(part, nn.ReLU) for _, part in between)
    return [name for name, _ in layers] if linear and rectified and len(layers) > len(between) else None


def can_learn(features: Tensor, depth: int) -> bool:
    """Whether `learn_layers` takes such features and so many layers: more than one have to be compiled."""
    return features.ndim == 3 and (depth == 1 or _compiles(features))


def _compiles(features: Tensor) -> bool:
    return features.device.type == "cpu" and features.dtype == torch.float32 and compiles()


def learn_layers(
    features: Tensor,
    starts: Sequence[Layers],
    courses: Sequence[Course],
    rates: Sequence[float],
    counts: Sequence[int],
) -> list[list[Marks]]:
    """Learn courses, one example at a step with Adam, each by layers of its own.

    Args:
        features: of every drawing, (classes, drawings, features).
        starts: layers to start with, ReLU between them; a list for each course.
        courses: all of one length.
        rates: of Adam, one a course.
        counts: after how many classes to examine, ascending; only the last of examples in mixed order.

    Returns:
        Marks of each course at each count.
    """
    if _compiles(features):
        table = with_constant(features)
        return [
            _learn_compiled(table, layers, course, rate, counts)
            for layers, course, rate in zip(starts, courses, rates, strict=True)
        ]
    return learn_side_by_side(features, starts, courses, rates, counts)


def with_constant(features: Tensor) -> Tensor:
    """Features (..., features) with a one after each, for the bias."""
    return torch.cat([features, features.new_ones(*features.shape[:-1], 1)], -1)


def joined(layers: Layers) -> tuple[NDArray[np.int64], Tensor]:
    """Widths and flat weights of layers, as `meta.protocols.kernels.learn_steps` takes them."""
    widths = np.array([layers[0][0].shape[1], *(len(weight) for weight, _ in layers)])
    return widths, torch.cat([torch.cat([weight, bias[:, None]], 1).flatten() for weight, bias in layers])


def _learn_compiled(
    table: Tensor, layers: Layers, course: Course, rate: float, counts: Sequence[int]
) -> list[Marks]:
    """One course after another: weights and moments of its layers stay in the processor's cache."""
    from meta.protocols.kernels import learn_steps

    widths, weights = joined(layers)
    moments = torch.zeros(2, len(weights))
    parts = weights.split([width * (before + 1) for before, width in pairwise(widths.tolist())])
    views = [part.view(width, -1) for part, width in zip(parts, widths[1:].tolist(), strict=True)]
    classes, drawings = course.examples
    places = classes * table.shape[1] + drawings
    rows = table.flatten(0, 1).numpy()
    marks, begin = [], 0
    for count in counts:
        end = course.ended(count)
        learn_steps(widths, weights.numpy(), moments.numpy(), rows, places, course.labels, rate, begin, end)
        marks.append(examine(course, count, table, partial(_scores, layers=views)))
        begin = end
    return marks


def _scores(values: Tensor, layers: Sequence[Tensor]) -> Tensor:
    """Class scores (batch, outputs) of features with a constant; layers have their biases as last column."""
    for layer in layers[:-1]:
        values = with_constant(nn.functional.linear(values, layer).relu())
    return nn.functional.linear(values, layers[-1])


def learn_side_by_side(
    features: Tensor,
    starts: Sequence[Layers],
    courses: Sequence[Course],
    rates: Sequence[float],
    counts: Sequence[int],
) -> list[list[Marks]]:
    """The same of one layer with torch's operations, many courses at once, as a GPU wants it."""
    heads = [layer for (layer,) in starts]
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
