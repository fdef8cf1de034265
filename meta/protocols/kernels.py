"""A last layer's steps compiled: weights and moments are gone through once a step, and stay in the cache."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


# without error_model="numpy" a check of each division keeps the inner loop from using vector instructions
@njit(cache=True, fastmath=True, error_model="numpy")
def learn_steps(
    weights: Floats,
    moments: Floats,
    features: Floats,
    places: NDArray[np.int64],
    labels: NDArray[np.int64],
    rate: float,
    begin: int,
    end: int,
) -> None:  # pragma: no cover
    """Softmax cross-entropy and Adam (betas 0.9 and 0.999, epsilon 1e-8), one example a step, in place.

    Args:
        weights: with the biases as last column, (outputs, features + 1).
        moments: first and second, (2, outputs, features + 1).
        features: of every drawing, with a last column of ones, (drawings, features + 1).
        places: row of each example, (examples,).
        labels: of each example, (examples,).
        rate: of Adam.
        begin: first example of this call.
        end: first example after it.
    """
    outputs, width = weights.shape
    errors = np.empty(outputs, np.float32)
    keep, new = np.float32(0.9), np.float32(0.1)
    keep_square, new_square = np.float32(0.999), np.float32(0.001)
    epsilon = np.float32(1e-8)
    for row in range(outputs):
        errors[row] = _product(weights[row], features[places[begin]])
    for step in range(begin, end):
        shown, following = features[places[step]], features[places[min(step + 1, end - 1)]]
        _softmax(errors)
        errors[labels[step]] -= np.float32(1.0)
        size = np.float32(rate / (1.0 - 0.9 ** (step + 1.0)))
        root = np.float32(1.0 / np.sqrt(1.0 - 0.999 ** (step + 1.0)))
        for row in range(outputs):
            weight, first, second, error = weights[row], moments[0, row], moments[1, row], errors[row]
            for k in range(width):
                gradient = error * shown[k]
                mean = keep * first[k] + new * gradient
                square = keep_square * second[k] + new_square * gradient * gradient
                first[k], second[k] = mean, square
                weight[k] -= size * mean / (np.sqrt(square) * root + epsilon)
            errors[row] = _product(weight, following)  # the next step's score, while the row is in the cache


@njit(cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _product(one: Floats, other: Floats) -> np.float32:  # pragma: no cover
    """Scalar product."""
    total = np.float32(0.0)
    for k in range(len(one)):
        total += one[k] * other[k]
    return total


@njit(cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _softmax(scores: Floats) -> None:  # pragma: no cover
    """Scores become shares, in place."""
    highest, total = scores.max(), np.float32(0.0)
    for row in range(len(scores)):
        scores[row] = np.exp(scores[row] - highest)
        total += scores[row]
    for row in range(len(scores)):
        scores[row] /= total
