"""Generated pictures: dead leaves, with nothing to download.

Opaque shapes of all sizes fall on each other (the dead leaves model of Matheron 1968). With radii r of density
proportional to 1 / r^3 the picture has the statistics of natural ones, above all a power spectrum that falls as
a power of the frequency, near -2 where leaves of every size take part (Lee, Mumford and Huang 2001, Occlusion
models for natural images). CIFAR-10 shows whole objects, so its power is near -3; the least radius here gives
the same. Half of the leaves are discs, half are rectangles, and each is shaded along one direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.random import SeedSequence, default_rng
from numpy.typing import NDArray

from meta.data.prepared import prepared

#: Leaves that fall; what is still bare then has the middle grey of the ground.
LEAVES = 600

#: Pictures beyond which they are kept among the prepared arrays: what takes about a second.
KEPT = 5000

#: Counts up when the same seed gives other pictures.
VERSION = 1

#: Least radius of a leaf in pixels, and the greatest as a share of the picture's side.
_RADII = (2.5, 1.0)

#: Random numbers that a leaf takes.
_NUMBERS = 9


def generate_pictures(count: int, seed: int, size: int = 32, first: int = 0) -> NDArray[np.uint8]:
    """Pictures `first` to `first + count - 1` of an endless list.

    Picture k is a function of (seed, k): the same whatever range is asked for.

    Args:
        count: number of pictures.
        seed: names the list of pictures.
        size: side in pixels, 8 or more.
        first: index of the first picture.

    Returns:
        uint8 (count, size, size).

    Raises:
        ValueError: a number is out of range.
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0), ("size", size, 8), ("first", first, 0)):
        if value < least:
            raise ValueError(f"{name}: {value}: allowed is {least} or more")
    numbers = range(first, first + count)
    if count <= KEPT:
        return _draw(numbers, seed, size)
    name = f"leaves-{seed}-{first}-{count}-{size}-{VERSION}"
    return prepared(name, lambda: {"pictures": _draw(numbers, seed, size)})["pictures"]


def _draw(numbers: Sequence[int], seed: int, size: int) -> NDArray[np.uint8]:
    pictures = np.empty((len(numbers), size, size), np.uint8)
    for index, number in enumerate(numbers):
        random = default_rng(SeedSequence((seed, number)))
        # Twice as fine as asked for: edges come out smooth.
        fine = np.full((2 * size, 2 * size), np.nan)
        _fall(random.random((LEAVES, _NUMBERS)), fine)
        fine = np.where(np.isnan(fine), 0.5, fine)
        grey = fine.reshape(size, 2, size, 2).mean(axis=(1, 3))
        pictures[index] = np.floor(grey * 255.0 + 0.5)
    return pictures


@njit(cache=True)
def _fall(numbers, picture):  # type: ignore[no-untyped-def]
    """Lay leaves from the top one down, each only where the picture is still bare (NaN)."""
    side = len(picture)
    least, greatest = 2.0 * _RADII[0], _RADII[1] * side
    bare = side * side
    for u in numbers:
        # Inverse of the distribution of density 1 / r^3 between least and greatest.
        radius = 1.0 / math.sqrt(least**-2 - u[0] * (least**-2 - greatest**-2))
        x, y = u[1] * (side + 2 * radius) - radius, u[2] * (side + 2 * radius) - radius
        for row in range(max(int(y - radius), 0), min(int(y + radius) + 2, side)):
            for column in range(max(int(x - radius), 0), min(int(x + radius) + 2, side)):
                if math.isnan(picture[row, column]):
                    value = _brightness(u, radius, column + 0.5 - x, row + 0.5 - y)
                    picture[row, column] = value
                    bare -= not math.isnan(value)
        if bare == 0:
            break


@njit(cache=True)
def _brightness(u, radius, across, down):  # type: ignore[no-untyped-def]
    """Brightness of a leaf this far from its middle; NaN where it does not reach."""
    if across * across + down * down > radius * radius:
        return math.nan
    if u[3] >= 0.5:  # a rectangle, turned
        cosine, sine = math.cos(2.0 * math.pi * u[4]), math.sin(2.0 * math.pi * u[4])
        narrow = 0.3 + 1.4 * (u[3] - 0.5)
        along, aside = across * cosine + down * sine, down * cosine - across * sine
        if abs(along) > 0.8 * radius or abs(aside) > 0.8 * narrow * radius:
            return math.nan
    shaded = across * math.cos(2.0 * math.pi * u[5]) + down * math.sin(2.0 * math.pi * u[5])
    grey = (u[7] + u[8]) / 2.0  # middle greys are more frequent
    return min(max(grey + 0.35 * (u[6] - 0.5) / radius * shaded, 0.0), 1.0)
