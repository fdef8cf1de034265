"""A pen that draws planned strokes: chains of arcs, a little different each time, as black lines on white.

A stroke is a chain of *pieces*; a piece is an arc given by its length, the heading it starts with and how far it
turns (0 is straight, a whole turn is a loop). A stroke begins at a place on an earlier stroke, so that what
touches or crosses in the plan does so in every drawing. Everything is in pixels of a 105 x 105 drawing, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from meta.data.characters import SIDE

#: Points along a piece.
STEPS = 10

#: Most pieces of a stroke.
PIECES = 5

#: Pixels between a line's middle and the edge of the paper, at least.
MARGIN = 4.0

#: Standard normal numbers that a stroke takes from its drawer's hand.
NOISE_OF_STROKE = 6 + 3 * PIECES + STEPS * PIECES


@dataclass(frozen=True, eq=False)
class Plan:
    """How a character is drawn, stroke by stroke.

    Attributes:
        pieces: length, heading and turn of each piece, (strokes, PIECES, 3) in pixels and radians; a stroke's
            pieces end at the first of length 0.
        parents: index of the earlier stroke on which a stroke begins, -1 for the first, (strokes,).
        places: where along the parent, 0 (its start) to 1 (its end), (strokes,).
        offsets: how far beside that place, (strokes, 2).
        anchors: which point of the stroke lies there, 0 (its start) to 1 (its end), (strokes,).
        targets: index of the stroke on which it ends, itself for its own start, -1 for none, (strokes,).
        ends: where along the target, (strokes,).
    """

    pieces: NDArray[np.float64]
    parents: NDArray[np.int64]
    places: NDArray[np.float64]
    offsets: NDArray[np.float64]
    anchors: NDArray[np.float64]
    targets: NDArray[np.int64]
    ends: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of strokes."""
        return len(self.parents)


@dataclass(frozen=True)
class Hand:
    """How one person draws.

    Attributes:
        slant: shear, in pixels to the right per pixel up.
        turn: rotation in radians.
        scale: width and height relative to the plan's.
        shift: where the middle of a drawing lies, relative to the middle of the paper, in pixels.
        noise: how much drawings differ; 0 draws the plan exactly.
        radius: half the width of the pen's line in pixels.
    """

    slant: float = 0.0
    turn: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    noise: float = 1.0
    radius: float = 2.5


def trace(plan: Plan, noise: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The points of each stroke, before they are put on paper.

    Args:
        plan: the character.
        noise: numbers of about standard normal distribution, (strokes, NOISE_OF_STROKE); zeros draw the plan.

    Returns:
        Points (strokes, STEPS * PIECES + 1, 2) and the number of points of each stroke, (strokes,).
    """
    return _trace(
        plan.pieces, plan.parents, plan.places, plan.offsets, plan.anchors, plan.targets, plan.ends, noise
    )


def on_paper(points: NDArray[np.float64], counts: NDArray[np.int64], hand: Hand) -> NDArray[np.float64]:
    """Points as this hand puts them on paper, in the middles of pixels as a mouse does.

    A drawing that would leave the paper is made smaller and moved inside.

    Args:
        points: as `trace` gives them, (strokes, points, 2).
        counts: points of each stroke, (strokes,).
        hand: who draws.

    Returns:
        Points x, y in pixels, (strokes, points, 2).
    """
    cosine, sine = math.cos(hand.turn), math.sin(hand.turn)
    slanted = np.array([[cosine, -sine], [sine, cosine]]) @ np.array([[1.0, -hand.slant], [0.0, 1.0]])
    turned = points @ (slanted * np.array(hand.scale)).T
    low, high = box(turned, counts)
    smaller = min(1.0, (SIDE - 2 * MARGIN) / (high - low).max())
    half = (high - low) / 2 * smaller
    middle = np.clip(SIDE / 2 + np.array(hand.shift), MARGIN + half, SIDE - MARGIN - half)
    return np.floor((turned - (low + high) / 2) * smaller + middle) + 0.5


def box(points: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest x and y of points (strokes, points, 2), of which each stroke uses the first few."""
    return _box(points, counts)


@njit(cache=True)
def _trace(pieces, parents, places, offsets, anchors, targets, ends, noise):  # type: ignore[no-untyped-def]
    strokes = len(parents)
    points = np.zeros((strokes, STEPS * PIECES + 1, 2))
    counts = np.zeros(strokes, np.int64)
    for stroke in range(strokes):
        hand = noise[stroke]
        counts[stroke] = _chain(pieces[stroke], hand[6:], points[stroke])
        own = points[stroke, : counts[stroke]]
        start = np.zeros(2)
        if parents[stroke] >= 0:
            parent = points[parents[stroke], : counts[parents[stroke]]]
            start = _along(parent, places[stroke] + 0.04 * hand[0]) + offsets[stroke] + hand[1:3]
        own += start - _along(own, anchors[stroke])
        if targets[stroke] >= 0:
            target = points[targets[stroke], : counts[targets[stroke]]]
            missing = _along(target, ends[stroke] + 0.04 * hand[3]) + hand[4:6] - own[-1]
            for index in range(len(own)):
                own[index] += missing * (index / (len(own) - 1))
    return points, counts


@njit(cache=True)
def _chain(pieces, noise, points):  # type: ignore[no-untyped-def]
    """Walk along a stroke's pieces from (0, 0); returns the number of points."""
    count = 1
    for piece in range(PIECES):
        length, heading, turn = pieces[piece]
        if length == 0.0:
            break
        length *= math.exp(0.13 * noise[3 * piece])
        heading += 0.09 * noise[3 * piece + 1]
        turn *= 1.0 + 0.1 * noise[3 * piece + 2]
        for step in range(STEPS):
            heading += 0.05 * noise[3 * PIECES + STEPS * piece + step]
            angle = heading + turn * (step + 0.5) / STEPS
            points[count, 0] = points[count - 1, 0] + length / STEPS * math.cos(angle)
            points[count, 1] = points[count - 1, 1] + length / STEPS * math.sin(angle)
            count += 1
    return count


@njit(cache=True)
def _along(points, place):  # type: ignore[no-untyped-def]
    """The point at a place along a stroke, 0 to 1."""
    position = min(max(place, 0.0), 1.0) * (len(points) - 1)
    index = min(int(position), len(points) - 2)
    share = position - index
    return points[index] * (1.0 - share) + points[index + 1] * share


@njit(cache=True)
def _box(points, counts):  # type: ignore[no-untyped-def]
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for stroke in range(len(counts)):
        for index in range(counts[stroke]):
            for axis in range(2):
                low[axis] = min(low[axis], points[stroke, index, axis])
                high[axis] = max(high[axis], points[stroke, index, axis])
    return low, high
