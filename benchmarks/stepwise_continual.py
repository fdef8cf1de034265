"""Learning in sequence, written as the published programs work: one picture after another, nothing computed ahead.

Weights are lists; every layer is a call of `torch.nn.functional`. What the baselines do that we do not: pass each
picture of the outer batch by itself; take gradients of the neuromodulatory network in every step of a lifetime and
throw them away; compute a representation anew in every step though it is fixed; evaluate the outer loss after
every step of a lifetime though the last counts; pass every picture of a test through the whole network, at every
rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

Weights = list[Tensor]
#: Weights of a network with three normalised convolutions, before its linear layer.
BLOCKS = 12


def random_weights(*shape: int) -> Tensor:
    """Kaiming normal."""
    return (torch.randn(*shape) * math.sqrt(2 / math.prod(shape[1:]))).requires_grad_()


def convolutions(inputs: int, channels: int, count: int = 3) -> Weights:
    """Weights of convolutions with norms."""
    weights: Weights = []
    for number in range(count):
        weights += [
            random_weights(channels, channels if number else inputs, 3, 3),
            torch.zeros(channels, requires_grad=True),
            torch.ones(channels, requires_grad=True),
            torch.zeros(channels, requires_grad=True),
        ]
    return weights


def anml_weights(channels: int, neuromodulatory: int, inputs: int, outputs: int = 1000) -> Weights:
    """Neuromodulatory network with its output layer, then prediction network with its head."""
    features = 9 * channels
    gates = [random_weights(features, 9 * neuromodulatory), torch.zeros(features, requires_grad=True)]
    head = [random_weights(outputs, features), torch.zeros(outputs, requires_grad=True)]
    return [*convolutions(inputs, neuromodulatory), *gates, *convolutions(inputs, channels), *head]


def blocks(picture: Tensor, weights: Weights) -> Tensor:
    """Features of one picture, normalised by itself."""
    x = picture
    for number in range(3):
        kernel, bias, scale, shift = weights[4 * number : 4 * number + 4]
        x = functional.conv2d(x, kernel, bias)
        x = functional.relu(functional.batch_norm(x, None, None, scale, shift, training=True))
        if number < 2:
            x = functional.max_pool2d(x, 2)
    return x.flatten(1)


def anml_scores(pictures: Tensor, weights: Weights) -> Tensor:
    """Class scores, one picture after another."""
    first, second = weights[: BLOCKS + 2], weights[BLOCKS + 2 :]
    scores = []
    for picture in pictures.split(1):
        gate = torch.sigmoid(functional.linear(blocks(picture, first), first[-2], first[-1]))
        scores.append(functional.linear(blocks(picture, second) * gate, second[-2], second[-1]))
    return torch.cat(scores)


def anml_gradient(weights: Weights, pictures: Tensor, labels: Tensor, shown: int, rate: float = 0.1) -> Weights:
    """First-order gradient of the outer loss after a lifetime of the first pictures, one a step."""
    fast = list(weights)
    for k in range(shown):
        loss = functional.cross_entropy(anml_scores(pictures[k : k + 1], fast), labels[k : k + 1])
        gradients = torch.autograd.grad(loss, fast)
        moved = [w - rate * g for w, g in zip(fast[BLOCKS + 2 :], gradients[BLOCKS + 2 :], strict=True)]
        fast = fast[: BLOCKS + 2] + moved
    loss = functional.cross_entropy(anml_scores(pictures, fast), labels)
    return list(torch.autograd.grad(loss, fast))


STRIDES = (2, 1, 2, 1, 2, 2)


def oml_weights(channels: int, outputs: int = 1000, hidden: int = 0) -> Weights:
    """A representation of six convolutions, a hidden layer if it has neurons, and a linear layer."""
    weights: Weights = []
    for number in range(6):
        weights += [
            random_weights(channels, channels if number else 1, 3, 3),
            torch.zeros(channels, requires_grad=True),
        ]
    width = 9 * channels
    if hidden:
        weights += [random_weights(hidden, width), torch.zeros(hidden, requires_grad=True)]
        width = hidden
    return [*weights, random_weights(outputs, width), torch.zeros(outputs, requires_grad=True)]


def oml_scores(pictures: Tensor, weights: Weights) -> Tensor:
    """Class scores."""
    x = pictures
    for number, stride in enumerate(STRIDES):
        x = functional.relu(functional.conv2d(x, weights[2 * number], weights[2 * number + 1], stride))
    x = x.flatten(1)
    if len(weights) > 14:
        x = functional.relu(functional.linear(x, weights[12], weights[13]))
    return functional.linear(x, weights[-2], weights[-1])


def oml_gradient(weights: Weights, pictures: Tensor, labels: Tensor, shown: int, rate: float = 0.03) -> Weights:
    """Second-order gradient of the outer loss after a lifetime of the first pictures, one a step."""
    head = weights[-2:]
    for k in range(shown):
        loss = functional.cross_entropy(oml_scores(pictures[k : k + 1], weights[:-2] + head), labels[k : k + 1])
        gradients = torch.autograd.grad(loss, head, create_graph=True)
        head = [w - rate * g for w, g in zip(head, gradients, strict=True)]
        outer = functional.cross_entropy(oml_scores(pictures, weights[:-2] + head), labels)
    return list(torch.autograd.grad(outer, weights))


def course(
    scores: Callable[[Tensor, Weights], Tensor],
    weights: Weights,
    learned: int,
    pictures: Tensor,
    labels: Tensor,
    rate: float,
) -> Weights:
    """The last weights, so many, after learning pictures one by one, each through the whole network; Adam."""
    own = [weight.detach().clone().requires_grad_() for weight in weights[-learned:]]
    optimizer = torch.optim.Adam(own, rate)
    frozen = [weight.detach() for weight in weights[:-learned]]
    for k in range(len(labels)):
        optimizer.zero_grad()
        functional.cross_entropy(scores(pictures[k : k + 1], frozen + own), labels[k : k + 1]).backward()
        optimizer.step()
    return own


def adaptation_weights(channels: int, ways: int) -> Weights:
    """Four normalised convolutions and a linear layer."""
    return [*convolutions(1, channels, 4), *line_weights(channels, ways)]


def adaptation_scores(pictures: Tensor, weights: Weights) -> Tensor:
    """Class scores of pictures that are normalised together."""
    x = pictures
    for number in range(4):
        kernel, bias, scale, shift = weights[4 * number : 4 * number + 4]
        x = functional.conv2d(x, kernel, bias, 2, 1)
        x = functional.relu(functional.batch_norm(x, None, None, scale, shift, training=True))
    return functional.linear(x.mean((2, 3)), weights[-2], weights[-1])


def line_weights(*widths: int) -> Weights:
    """Linear layers."""
    return [w for n, m in pairwise(widths) for w in (random_weights(m, n), torch.zeros(m, requires_grad=True))]


def line_outputs(x: Tensor, weights: Weights) -> Tensor:
    """Outputs of linear layers with ReLU between them."""
    for number in range(0, len(weights) - 2, 2):
        x = functional.relu(functional.linear(x, weights[number], weights[number + 1]))
    return functional.linear(x, weights[-2], weights[-1])


def maml_gradient(
    outputs: Callable[[Tensor, Weights], Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    weights: Weights,
    tasks: tuple[Tensor, Tensor, Tensor, Tensor],
    rate: float,
) -> Weights:
    """Second-order gradient of the mean loss of queries after one step on each task's support, task after task."""
    total = torch.zeros(())
    for support, answers, query, truth in zip(*tasks, strict=True):
        found = torch.autograd.grad(loss(outputs(support, weights), answers), weights, create_graph=True)
        fast = [weight - rate * one for weight, one in zip(weights, found, strict=True)]
        total = total + loss(outputs(query, fast), truth)
    return list(torch.autograd.grad(total / len(tasks[0]), weights))
