"""What the characters of an invented alphabet share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

#: Headings of first pieces: right, down, slanting down to the right or left, up to the right, left.
STARTS = np.radians([0.0, 90.0, 45.0, 135.0, -45.0, 180.0])


@dataclass(frozen=True, eq=False)
class Style:
    """A style: the pieces of strokes and how often they are put together in which way.

    Attributes:
        stock: length and turn of the pieces it is composed of, (n, 2).
        starts: probabilities of the headings that strokes start with, (6,).
        strokes: mean number of strokes after the first.
        pieces: mean number of pieces of a stroke after the first.
        snap: probability that a heading is a multiple of 45 degrees.
        smooth: probability that a piece goes on in the heading in which the last one ended.
        cross: probability that a stroke crosses the one it is attached to.
        apart: probability that a stroke touches no other.
        repeat: probability that a stroke repeats an earlier one beside it.
        mirror: probability that a stroke mirrors an earlier one.
        close: probability that a stroke ends on itself or on another.
        dots: probability of dots.
        bar: whether every character hangs from a bar.
        size: mean of the larger side in pixels.
    """

    stock: NDArray[np.float64]
    starts: NDArray[np.float64]
    strokes: float
    pieces: float
    snap: float
    smooth: float
    cross: float
    apart: float
    repeat: float
    mirror: float
    close: float
    dots: float
    bar: bool
    size: float


def draw_style(random: Generator) -> Style:
    """The style of an alphabet."""
    straight = random.beta(1.3, 1.3)
    return Style(
        stock=np.array([_piece(random, straight) for _ in range(12)]),
        starts=random.dirichlet([1.5, 2.0, 0.7, 0.7, 0.5, 0.7]),
        strokes=random.uniform(0.7, 2.4),
        pieces=random.uniform(0.5, 1.9),
        snap=random.beta(3.0, 1.0),
        smooth=random.beta(1.5, 1.5),
        cross=random.beta(1.0, 3.0),
        apart=random.beta(1.0, 5.0),
        repeat=random.beta(1.0, 4.0),
        mirror=random.beta(1.0, 5.0),
        close=random.beta(1.0, 3.0),
        dots=random.beta(0.5, 5.0),
        bar=bool(random.random() < 0.08),
        size=random.normal(66.0, 6.0),
    )


def _piece(random: Generator, straight: float) -> tuple[float, float]:
    """Length and turn of a primitive piece."""
    if random.random() < straight:
        return float(random.lognormal(math.log(28.0), 0.4)), 0.0
    turn = random.choice([0.5, 0.75, 1.0, 1.0, 1.4, 2.0]) * math.pi * random.uniform(0.85, 1.1)
    length = random.lognormal(math.log(22.0), 0.3) * (0.6 + turn / math.pi * 0.7)
    return float(length), float(turn * random.choice([-1.0, 1.0]))
