"""Courses: which drawings of which classes are learned, in which order, and which are kept for the examination."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Drawings:
    """Which drawings of each class are learned and which are held out.

    Attributes:
        learned: (classes, learned).
        held_out: (classes, held out).
    """

    learned: NDArray[np.int64]
    held_out: NDArray[np.int64]


def split_drawings(classes: int, drawings: int, learned: int, seed: int) -> Drawings:
    """A random split of each class's drawings, named by a seed.

    Raises:
        ValueError: none would be held out.
    """
    if not 0 < learned < drawings:
        raise ValueError(f"learned: {learned}: allowed are 1 to {drawings - 1} of {drawings} drawings")
    stream = np.random.default_rng((seed, classes))
    order = stream.permuted(np.tile(np.arange(drawings), (classes, 1)), axis=1)
    return Drawings(order[:, :learned], order[:, learned:])


def for_search(drawings: Drawings, scored: int) -> Drawings:
    """The learned drawings cut in two: what is held out is in neither part, so a search may look at both.

    The first part is shown again until there are as many as before: the best rate depends on the number of steps.

    Raises:
        ValueError: nothing would be left to learn.
    """
    count = drawings.learned.shape[1]
    if not 0 < scored < count:
        raise ValueError(f"scored: {scored}: allowed are 1 to {count - 1} of the {count} learned drawings")
    return Drawings(drawings.learned[:, np.arange(count) % (count - scored)], drawings.learned[:, -scored:])


@dataclass(frozen=True, eq=False)
class Course:
    """Classes to learn one after another; a class's label is its place.

    Attributes:
        classes: their numbers in the order of learning, (classes,).
        learned: drawings of each in the order shown, (classes, learned).
        held_out: drawings of each, (classes, held out).
        order: places of the examples among all learned ones, class after class, (classes x learned,).
    """

    classes: NDArray[np.int64]
    learned: NDArray[np.int64]
    held_out: NDArray[np.int64]
    order: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Label of each example in the order shown, (examples,)."""
        return self.order // self.learned.shape[1]

    @property
    def examples(self) -> NDArray[np.int64]:
        """Class and drawing of each example in the order shown, (2, examples)."""
        return np.stack([self.classes[self.labels], self.learned.reshape(-1)[self.order]])

    def examined(self, count: int) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]:
        """Classes and drawings of learned and of held-out examples of the first classes, (count, drawings)."""
        return tuple(
            (np.broadcast_to(self.classes[:count, None], part[:count].shape), part[:count])
            for part in (self.learned, self.held_out)
        )

    def first(self, count: int) -> Course:
        """The first classes alone, one after another."""
        learned = self.learned[:count]
        return Course(self.classes[:count], learned, self.held_out[:count], np.arange(learned.size))

    def ended(self, count: int) -> int:
        """Number of examples after which the first classes have been learned, if they come in sequence.

        Raises:
            ValueError: more classes than the course has.
        """
        if not 0 <= count <= len(self):
            raise ValueError(f"count: {count}: allowed are 0 to the {len(self)} classes of the course")
        return count * self.learned.shape[1]


def draw_course(drawings: Drawings, count: int, stream: np.random.Generator) -> Course:
    """Draw classes and the order of their drawings; one class after another.

    Raises:
        ValueError: more classes than there are.
    """
    classes = len(drawings.learned)
    if not 0 < count <= classes:
        raise ValueError(f"count: {count}: allowed are 1 to {classes} classes")
    chosen = stream.permutation(classes)[:count]
    learned = stream.permuted(drawings.learned[chosen], axis=1)
    return Course(chosen, learned, drawings.held_out[chosen], np.arange(learned.size))


def shuffled(course: Course, count: int, stream: np.random.Generator) -> Course:
    """The first classes of a course with all their examples in random order: what the oracle learns."""
    part = course.first(count)
    return replace(part, order=stream.permutation(part.learned.size))
