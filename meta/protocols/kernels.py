"""Steps of the last layers, compiled: weights and moments are gone through once a step, and stay in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# without error_model="numpy" a check of each division keeps the inner loop from using vector instructions
OPTIONS: dict[str, Any] = {"cache": True, "fastmath": True, "error_model": "numpy"}


@njit(**OPTIONS)
def learn_steps(
    widths: Integers,
    weights: Floats,
    moments: Floats,
    features: Floats,
    places: Integers,
    labels: Integers,
    rate: float,
    begin: int,
    end: int,
) -> None:  # pragma: no cover
    """Softmax cross-entropy and Adam (betas 0.9 and 0.999, epsilon 1e-8), one example a step, in place.

    Args:
        widths: of the features, of each hidden layer (ReLU), and of the outputs, (layers + 1,).
        weights: of each layer (outputs, inputs + 1), with the biases as last column, one after another, flat.
        moments: first and second, (2, weights).
        features: of every drawing, with a last column of ones, (drawings, features + 1).
        places: row of each example, (examples,).
        labels: of each example, (examples,).
        rate: of Adam.
        begin: first example of this call.
        end: first example after it.
    """
    layers = len(widths) - 1
    inputs, outputs = widths[:-1] + 1, widths[1:]
    starts = np.zeros(layers + 1, np.int64)
    starts[1:] = np.cumsum(inputs * outputs)
    errors = np.zeros((layers, outputs.max()), np.float32)
    active = np.ones((2, layers, inputs.max()), np.float32)  # what a layer is given, now and at the next step
    now, later = 0, 1
    active[now, 0, : inputs[0]] = features[places[begin]]
    for layer in range(layers):
        own = weights[starts[layer] : starts[layer + 1]]
        for row in range(outputs[layer]):
            part = own[row * inputs[layer] : (row + 1) * inputs[layer]]
            errors[layer, row] = _product(part, active[now, layer, : inputs[layer]])
        if layer < layers - 1:
            _rectify(errors[layer, : outputs[layer]], active[now, layer + 1])
    for step in range(begin, end):
        active[later, 0, : inputs[0]] = features[places[min(step + 1, end - 1)]]
        top = errors[-1, : outputs[-1]]
        _softmax(top)
        top[labels[step]] -= np.float32(1.0)
        for layer in range(layers - 1, 0, -1):
            own = weights[starts[layer] : starts[layer + 1]]
            _send_back(
                own, errors[layer, : outputs[layer]], active[now, layer, : inputs[layer]], errors[layer - 1]
            )
        size = np.float32(rate / (1.0 - 0.9 ** (step + 1.0)))
        root = np.float32(1.0 / np.sqrt(1.0 - 0.999 ** (step + 1.0)))
        for layer in range(layers):
            shown, following = active[now, layer, : inputs[layer]], active[later, layer, : inputs[layer]]
            for row in range(outputs[layer]):
                first = starts[layer] + row * inputs[layer]
                last = first + inputs[layer]
                part = weights[first:last]
                _adam(part, moments[0, first:last], moments[1, first:last], errors[layer, row], shown, size, root)
                errors[layer, row] = _product(part, following)  # of the next step, while the row is in the cache
            if layer < layers - 1:
                _rectify(errors[layer, : outputs[layer]], active[later, layer + 1])
        now, later = later, now


@njit(forceinline=True, **OPTIONS)
def _adam(
    weight: Floats,
    first: Floats,
    second: Floats,
    error: np.float32,
    shown: Floats,
    size: np.float32,
    root: np.float32,
) -> None:  # pragma: no cover
    """One neuron's step; size is the rate over what the first moment lacks, root that of the second."""
    keep, new = np.float32(0.9), np.float32(0.1)
    keep_square, new_square = np.float32(0.999), np.float32(0.001)
    epsilon = np.float32(1e-8)
    for k in range(len(weight)):
        gradient = error * shown[k]
        mean = keep * first[k] + new * gradient
        square = keep_square * second[k] + new_square * gradient * gradient
        first[k], second[k] = mean, square
        weight[k] -= size * mean / (np.sqrt(square) * root + epsilon)


@njit(forceinline=True, **OPTIONS)
def _product(one: Floats, other: Floats) -> np.float32:  # pragma: no cover
    """Scalar product."""
    total = np.float32(0.0)
    for k in range(len(one)):
        total += one[k] * other[k]
    return total


@njit(forceinline=True, **OPTIONS)
def _rectify(scores: Floats, active: Floats) -> None:  # pragma: no cover
    """What the next layer is given; the one after the last score, for its biases, is left."""
    for row in range(len(scores)):
        active[row] = max(scores[row], np.float32(0.0))


@njit(forceinline=True, **OPTIONS)
def _send_back(weights: Floats, errors: Floats, active: Floats, before: Floats) -> None:  # pragma: no cover
    """Errors of the neurons before a layer, flat weights (outputs, inputs + 1), from those after it."""
    width = len(active) - 1
    before[:width] = np.float32(0.0)
    for row in range(len(errors)):
        own, error = weights[row * len(active) : (row + 1) * len(active)], errors[row]
        for k in range(width):
            before[k] += error * own[k]
    for k in range(width):
        if active[k] <= np.float32(0.0):
            before[k] = np.float32(0.0)


@njit(forceinline=True, **OPTIONS)
def _softmax(scores: Floats) -> None:  # pragma: no cover
    """Scores become shares, in place."""
    highest, total = scores.max(), np.float32(0.0)
    for row in range(len(scores)):
        scores[row] = np.exp(scores[row] - highest)
        total += scores[row]
    for row in range(len(scores)):
        scores[row] /= total
