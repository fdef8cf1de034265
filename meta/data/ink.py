"""Black lines on white paper: strokes as bits of a 105 x 105 drawing."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from meta.data.characters import SIDE


def ink(points: NDArray[np.float64], counts: NDArray[np.int64], radius: float) -> NDArray[np.bool_]:
    """Draw strokes as lines with round ends.

    Args:
        points: (strokes, points, 2), x and y.
        counts: points of each stroke, (strokes,).
        radius: half the width of a line.

    Returns:
        bool (105, 105), True where the paper stays white: where a pixel's middle is further than radius away.
    """
    paper = np.ones((SIDE, SIDE), np.bool_)
    _ink(points, counts, radius, paper)
    return paper


@njit(cache=True)
def _ink(points, counts, radius, paper):  # type: ignore[no-untyped-def]
    for stroke in range(len(counts)):
        for index in range(counts[stroke] - 1):
            _line(points[stroke, index], points[stroke, index + 1], radius, paper)


@njit(cache=True)
def _line(start, end, radius, paper):  # type: ignore[no-untyped-def]
    """Blacken the pixels whose middle is at most radius away from a straight line."""
    across, down = end[0] - start[0], end[1] - start[1]
    squared = max(across * across + down * down, 1e-12)
    left = max(math.ceil(min(start[0], end[0]) - radius - 0.5), 0)
    right = min(math.floor(max(start[0], end[0]) + radius - 0.5), SIDE - 1)
    top = max(math.ceil(min(start[1], end[1]) - radius - 0.5), 0)
    bottom = min(math.floor(max(start[1], end[1]) + radius - 0.5), SIDE - 1)
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            x, y = column + 0.5 - start[0], row + 0.5 - start[1]
            share = min(max((x * across + y * down) / squared, 0.0), 1.0)
            x, y = x - share * across, y - share * down
            if x * x + y * y <= radius * radius:
                paper[row, column] = False
