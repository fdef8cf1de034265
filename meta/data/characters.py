"""Handwritten characters: many classes with few drawings each, and their resampling to small pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

#: Side of the original drawings of Omniglot in pixels.
SIDE = 105

#: How drawings are made smaller: the exact box filter, or Pillow's LANCZOS as the continual-learning papers did.
Resampler = Literal["area", "lanczos"]


@dataclass(frozen=True, eq=False)
class Characters:
    """Classes of drawings in Omniglot's format.

    Attributes:
        images: uint8 (classes, drawings, size, size); 255 is paper (white), 0 is ink. May be read-only.
        names: "Alphabet/character01" of each class.
        background: whether a class belongs to the background set (for meta-training) or to the evaluation
            set, bool (classes,).
    """

    images: NDArray[np.uint8]
    names: tuple[str, ...]
    background: NDArray[np.bool_]

    def __post_init__(self) -> None:
        classes = len(self.names)
        if self.images.ndim != 4 or self.images.shape[0] != classes or self.background.shape != (classes,):
            raise ValueError(
                f"characters: images {self.images.shape}, {classes} names, background {self.background.shape}: "
                "allowed is images (classes, drawings, size, size) with one name and one mark a class"
            )

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.names)

    @property
    def drawings(self) -> int:
        """Number of drawings of each class."""
        return self.images.shape[1]

    @property
    def size(self) -> int:
        """Side of a picture in pixels."""
        return self.images.shape[2]

    @property
    def alphabets(self) -> tuple[str, ...]:
        """Name of the alphabet of each class."""
        return tuple(name.partition("/")[0] for name in self.names)

    def take(self, classes: ArrayLike) -> Characters:
        """Some of the classes, in the order given.

        Args:
            classes: indices (n,), or a mask bool (classes,).

        Raises:
            IndexError: an index or the mask's length is out of range.
        """
        chosen = np.arange(len(self))[np.asarray(classes)]
        return Characters(
            self.images[chosen], tuple(self.names[index] for index in chosen), self.background[chosen]
        )

    def rotations(self) -> Characters:
        """Every class turned by 0, 90, 180 and 270 degrees, as four classes.

        Returns:
            Class 4 k + r is class k turned r times by 90 degrees counterclockwise, exactly; its name ends
            in "@0", "@90", "@180" or "@270". Pictures made with "area" are those that turning the original
            drawing first would give; "lanczos" clips between rows and columns, so there it is a few grey
            levels off.
        """
        turned = np.stack([np.rot90(self.images, turns, axes=(2, 3)) for turns in range(4)], axis=1)
        return Characters(
            turned.reshape(4 * len(self), *self.images.shape[1:]),
            tuple(f"{name}@{90 * turns}" for name in self.names for turns in range(4)),
            np.repeat(self.background, 4),
        )


def check_resampling(size: int, resample: str) -> None:
    """Refuse a size or a resampler that `shrink` does not know.

    Raises:
        ValueError: it says what is allowed.
    """
    if not 1 <= size <= SIDE:
        raise ValueError(f"size: {size}: allowed is 1 to {SIDE} pixels")
    if resample not in get_args(Resampler):
        raise ValueError(f"resample: {resample!r}: allowed is {' or '.join(get_args(Resampler))}")


def shrink(paper: NDArray[np.bool_], size: int, resample: Resampler = "area") -> NDArray[np.uint8]:
    """Resample bits to grey levels.

    Bits become 0 and 255 *before* they are resampled, so that thin lines turn grey instead of vanishing.

    Args:
        paper: bool (pictures, 105, 105), True where the paper is white.
        size: side of the result in pixels.
        resample: "area" is the mean over the area of a new pixel, the same on every machine (sums of whole
            numbers, then rounded half up); "lanczos" is Pillow's.

    Returns:
        uint8 (pictures, size, size).

    Raises:
        ValueError: unknown size or resampler.
    """
    check_resampling(size, resample)
    if resample == "area":
        return _mean_of_areas(paper, size)
    grey = paper.astype(np.uint8) * np.uint8(255)
    pictures = [Image.fromarray(one).resize((size, size), Image.Resampling.LANCZOS) for one in grey]
    return np.stack([np.asarray(picture) for picture in pictures])


def _mean_of_areas(paper: NDArray[np.bool_], size: int) -> NDArray[np.uint8]:
    """The box filter, exact: lengths are counted in units of 1/size of an old pixel, hence whole numbers."""
    edges = np.arange(SIDE + 1) * size
    starts = np.arange(size)[:, np.newaxis] * SIDE
    overlap = np.minimum(edges[1:], starts + SIDE) - np.maximum(edges[:-1], starts)
    weights = np.maximum(overlap, 0).astype(np.float32)  # (size, 105); a row sums to 105
    # Sums stay below 105^2 < 2^24: float32 holds every one exactly, in any order of summation.
    sums = (weights @ paper.astype(np.float32) @ weights.T).astype(np.int64)
    return ((2 * 255 * sums + SIDE**2) // (2 * SIDE**2)).astype(np.uint8)
