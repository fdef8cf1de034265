"""Learning many classes one after another, once, one picture at a time: the meta-test of ANML and OML.

Beaulieu et al. (2020), arXiv 2002.09571; Javed and White (2019), arXiv 1905.12588. The rate is chosen for each
number of classes on other courses, whose scores come from learned drawings kept aside: no drawing that is tested
on decides anything. A course of many classes goes through all smaller numbers on its way, so that one course tells
the accuracy at each of them; the published programs draw courses for each number apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meta.learners.parameters import Parameters, matching, split_stages
from meta.protocols.courses import Course, Drawings, draw_course, for_search, shuffled, split_drawings
from meta.protocols.examination import BATCH, Marks
from meta.protocols.layers import can_learn, learn_layers, linear_layers
from meta.protocols.online import Online, learn_course

#: Random numbers of a course by its kind and number.
Streams = Callable[[str, int], np.random.Generator]
#: Makes who learns a course: stage, parameters, rate, seed.
Method = Callable[[nn.Module, Parameters, float, int], Online]
#: Kinds of courses' random numbers: to choose rates, to test, the order of the oracle's, what courses start with.
KINDS = ("search", "tested", "mixed", "start")


@dataclass(frozen=True)
class Plan:
    """How a network is tested.

    Attributes:
        counts: numbers of classes after which to examine, ascending.
        rates: of Adam, from which the best is chosen for each count.
        searches: courses that the rate is chosen on.
        courses: courses that are tested.
        learned: drawings of a class that are learned; the others are held out.
        scored: of the learned ones, how many the search scores on instead, showing others twice.
        split: seed that names the split of drawings.
        oracle: whether to test learning in mixed order too.
    """

    counts: tuple[int, ...] = (10, 50, 75, 100, 150, 200, 300, 400, 500, 600)
    rates: tuple[float, ...] = (1e-2, 3e-3, 1e-3, 6e-4, 3e-4, 1e-4, 3e-5)
    searches: int = 3
    courses: int = 10
    learned: int = 15
    scored: int = 3
    split: int = 0
    oracle: bool = True


@dataclass(frozen=True, eq=False)
class Scores:
    """What courses came to.

    Attributes:
        rates: chosen for each count, (counts,).
        learned: accuracy on learned drawings, (courses, counts).
        held_out: accuracy on held-out drawings, (courses, counts).
        by_class: marks of each course after its last class.
    """

    rates: tuple[float, ...]
    learned: NDArray[np.float64]
    held_out: NDArray[np.float64]
    by_class: tuple[Marks, ...]


class Student:
    """A trained network that is to learn courses.

    Attributes:
        model: as it was trained; a course does not change it.
        trained: names of the parameters that learn.

    Args:
        model: see above; what lies before the first parameter that learns is computed once for all drawings.
        trained: patterns of parameters (`meta.learners.parameters.matching`).
        redrawn: patterns of those that start at random, convolutions and linear layers, Kaiming normal.
        method: who learns; the default is plain learning.

    Raises:
        ValueError: a pattern that names no parameter, or one to start at random that does not learn.
    """

    def __init__(
        self,
        model: nn.Module,
        trained: Sequence[str] = ("head",),
        redrawn: Sequence[str] = ("head",),
        method: Method = Online,
    ) -> None:
        self.model, self.trained, self.method = model, matching(model, trained, "trained"), method
        self._redrawn = set(matching(model, redrawn, "redrawn"))
        if fixed := self._redrawn - set(self.trained):
            raise ValueError(f"redrawn: {min(fixed)}: allowed are parameters that learn, {', '.join(trained)}")
        self._fixed, self._stage = split_stages(model, self.trained)
        layers = linear_layers(self._stage) if method is Online else None
        #: Names of the layers that learn, if nothing else does, plainly; they have a faster way.
        self._layers = layers if layers and len(self.trained) == 2 * len(layers) else None

    def prepare(self, images: NDArray[np.uint8] | Tensor) -> Any:
        """Values of all drawings (classes, drawings, ...) before the first stage that learns.

        Args:
            images: (classes, drawings, side, side), 0 to 255, or float inputs (classes, drawings, ...).
        """
        table = torch.as_tensor(np.asarray(images) if isinstance(images, np.ndarray) else images)
        flat = table.flatten(0, 1)
        device = next(self.model.parameters()).device
        parts = [
            self._fixed(as_inputs(flat[first : first + BATCH].to(device))) for first in range(0, len(flat), BATCH)
        ]
        return _joined(parts, tuple(table.shape[:2]))

    def initial(self, stream: np.random.Generator) -> Parameters:
        """Parameters that learn, as a course starts with them."""
        own = dict(self.model.named_parameters())
        values = {name: own[name].detach().clone() for name in self.trained}
        for name in self.trained:
            if name in self._redrawn:
                values[name] = _drawn(values[name], stream)
        return values

    def learn(
        self,
        prepared: Any,
        courses: Sequence[Course],
        rates: Sequence[float],
        counts: Sequence[int],
        streams: Sequence[np.random.Generator],
    ) -> list[list[Marks]]:
        """Marks of each course at each count, each learned from a start of its own.

        Args:
            prepared: from `prepare`.
            courses: all of one length.
            rates: one a course.
            counts: ascending; only the last of courses in mixed order.
            streams: of random numbers, one a course.
        """
        with flushing():
            starts = [self.initial(stream) for stream in streams]
            if self._layers and can_learn(prepared, len(self._layers)):
                layers = [
                    [(start[f"{name}.weight"], start[f"{name}.bias"]) for name in self._layers] for start in starts
                ]
                return learn_layers(prepared, layers, courses, rates, counts)
            return [
                learn_course(
                    self.method(self._stage, start, rate, int(stream.integers(2**31))), prepared, course, counts
                )
                for start, course, rate, stream in zip(starts, courses, rates, streams, strict=True)
            ]


def sequential_test(
    student: Student, images: NDArray[np.uint8] | Tensor, plan: Plan, streams: Streams | int = 0
) -> dict[str, Scores]:
    """Test a network: "sequential", and if the plan says so the "oracle", which learns in mixed order.

    Args:
        student: who learns.
        images: of the classes to test with, as `Student.prepare` takes them.
        plan: how.
        streams: of random numbers, by kind and number; or a seed that names them.

    Raises:
        ValueError: more classes than there are, or too few drawings.
    """
    if isinstance(streams, int):
        streams = partial(_seeded, streams)
    drawings = split_drawings(len(images), images.shape[1], plan.learned, plan.split)
    with torch.no_grad():
        prepared = student.prepare(images)
        found = {"sequential": _test(student, prepared, drawings, plan, plan.counts, streams, False)}
        if plan.oracle:
            parts = [_test(student, prepared, drawings, plan, (count,), streams, True) for count in plan.counts]
            found["oracle"] = Scores(
                tuple(part.rates[0] for part in parts),
                np.concatenate([part.learned for part in parts], 1),
                np.concatenate([part.held_out for part in parts], 1),
                parts[-1].by_class,
            )
    return found


def _seeded(seed: int, kind: str, number: int) -> np.random.Generator:
    """Random numbers of a course, named by a seed."""
    return np.random.default_rng((seed, KINDS.index(kind), number))


def _test(
    student: Student,
    prepared: Any,
    drawings: Drawings,
    plan: Plan,
    counts: Sequence[int],
    streams: Streams,
    mixed: bool,
) -> Scores:
    """Choose a rate for each count, then learn the tested courses at the chosen rates."""
    aside = for_search(drawings, plan.scored)
    courses = _courses(aside, "search", plan.searches, counts[-1], streams, mixed)
    searched = _accuracies(_learn(student, prepared, courses, plan.rates, counts, streams))
    best = searched.mean(1)[:, :, 1].argmax(0)  # (counts,): place of the best rate
    courses = _courses(drawings, "tested", plan.courses, counts[-1], streams, mixed)
    own = np.empty((len(courses), len(counts), 2))
    for place in np.unique(best):
        chosen = np.flatnonzero(best == place)
        needed = counts[: chosen[-1] + 1]  # a rate that is best for small counts alone stops there
        parts = courses if mixed else [course.first(needed[-1]) for course in courses]
        marks = _learn(student, prepared, parts, (plan.rates[place],), needed, streams)
        own[:, chosen] = _accuracies(marks)[0][:, chosen]
        if needed == counts:
            by_class = tuple(one[-1] for one in marks[0])
    return Scores(tuple(plan.rates[place] for place in best), own[:, :, 0], own[:, :, 1], by_class)


def _courses(
    drawings: Drawings, kind: str, number: int, count: int, streams: Streams, mixed: bool
) -> list[Course]:
    courses = [draw_course(drawings, count, streams(kind, k)) for k in range(number)]
    return [shuffled(one, count, streams("mixed", k)) for k, one in enumerate(courses)] if mixed else courses


def _learn(
    student: Student,
    prepared: Any,
    courses: Sequence[Course],
    rates: Sequence[float],
    counts: Sequence[int],
    streams: Streams,
) -> list[list[list[Marks]]]:
    """Marks (rates, courses, counts) of the same courses from the same starts at every rate."""
    starts = [streams("start", k) for _ in rates for k in range(len(courses))]
    marks = student.learn(
        prepared, [*courses] * len(rates), [rate for rate in rates for _ in courses], counts, starts
    )
    return [marks[first : first + len(courses)] for first in range(0, len(marks), len(courses))]


def _accuracies(marks: list[list[list[Marks]]]) -> NDArray[np.float64]:
    """Learned and held-out accuracies, (rates, courses, counts, 2)."""
    return np.array([[[one.accuracies for one in own] for own in row] for row in marks])


def as_inputs(pictures: Tensor) -> Tensor:
    """Pictures (batch, side, side) of bytes as inputs (batch, 1, side, side) from 0 to 1; others as they are."""
    return pictures.unsqueeze(1).float() / 255 if pictures.dtype == torch.uint8 else pictures


def _joined(parts: list[Any], shape: tuple[int, ...]) -> Any:
    if isinstance(parts[0], Tensor):
        return torch.cat(parts).unflatten(0, shape)
    return tuple(torch.cat(values).unflatten(0, shape) for values in zip(*parts, strict=True))


def _drawn(value: Tensor, stream: np.random.Generator) -> Tensor:
    """Weights drawn anew, Kaiming normal, and biases 0."""
    if value.ndim < 2:
        return torch.zeros_like(value)
    deviation = math.sqrt(2 / value[0].numel())
    return torch.from_numpy(stream.normal(0.0, deviation, tuple(value.shape)).astype(np.float32)).to(value)


@contextmanager
def flushing() -> Iterator[None]:
    """Take numbers too small to be normal for zero.

    The moments of outputs that are never right come to that, and a processor takes twenty times as long for them.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
