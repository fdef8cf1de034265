"""A crew of Ray actors that answer questions in order, whatever happens to them.

Each actor loads what it works with once. Questions go out in chunks of a fixed size and answers come back in the
order of the questions, so that neither the number of actors nor their fate changes a result, provided that an
answer is a pure function of the question. An actor that dies, alone or with its node, is replaced, and its chunk
asked again one by one, so that a question that kills or hangs is found and the others are not lost.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from cluster.connection import Resources

#: How often a question is asked again, alone, after the actor that worked on it died.
RETRIES = 2

Seed = int | Sequence[int] | None
#: Makes, on the actor, what answers a question: answer = work(*shared, question).
Maker = Callable[[], Callable[..., Any]]


@dataclass(frozen=True)
class Answer:
    """What came of a question.

    Attributes:
        how: it gave a "value", it "raised", the actor "died" of it every time, or it "hung" beyond the limit.
        value: the value, or one line that says what went wrong.
        seconds: what the answer took.
    """

    how: Literal["value", "raised", "died", "hung"]
    value: Any
    seconds: float = 0.0


def answer(work: Callable[..., Any], shared: tuple, question: Any, seed: Seed, index: int) -> Answer:
    """Answer one question, here; an exception is an answer too."""
    begun = time.perf_counter()
    if seed is not None:
        restart_random(seed, index)
    try:
        return Answer("value", work(*shared, question), time.perf_counter() - begun)
    except Exception as error:
        return Answer("raised", one_line(error), time.perf_counter() - begun)


def restart_random(seed: int | Sequence[int], index: int) -> None:
    """Restart the global generators of Python and numpy as a function of (seed, index) alone."""
    words = [seed] if isinstance(seed, int) else list(seed)
    sequence = np.random.SeedSequence([*words, index])
    random.seed(int(sequence.generate_state(1, np.uint64)[0]))
    np.random.seed(sequence.generate_state(4))  # noqa: NPY002 - what evaluations of others draw from


class _Actor:
    """The remote side."""

    def __init__(self) -> None:
        self.work: Any = None

    def load(self, make: Maker) -> None:
        self.work = make()

    def answer(self, shared: tuple, questions: list[tuple[int, Any]], seed: Seed) -> list[Answer]:
        return [answer(self.work, shared, question, seed, index) for index, question in questions]


class Crew:
    """Actors on the connected cluster.

    Args:
        workers: how many.
        resources: what each needs.
        limit: seconds a question may take; None is as long as it likes.
    """

    def __init__(self, workers: int, resources: Resources, limit: float | None = None) -> None:
        import ray

        self.size, self.limit = workers, limit
        actor: Any = ray.remote(_Actor)
        self.kind = actor.options(max_restarts=0, max_task_retries=0, **resources.options())
        self.make: Maker | None = None
        self.stored: Any = None
        self.loading: dict[Any, Any] = {}
        self.idle: list[Any] = []
        self.busy: dict[Any, tuple[Any, list[int], float]] = {}

    def ask(
        self,
        make: Maker,
        questions: Sequence[Any],
        chunk: int,
        shared: tuple = (),
        seed: Seed = None,
        first: int = 0,
    ) -> list[Answer]:
        """Answers to questions, in their order.

        Args:
            make: what the actors load, unless they did already for the call before.
            questions: of any kind that can be pickled.
            chunk: how many go out together.
            shared: first arguments of every question, sent once to each node.
            seed: if given, (seed, index of the question) restarts the global random generators before each.
            first: index of the first question.
        """
        import ray

        self._load(make)
        indices = range(first, first + len(questions))
        numbered = dict(zip(indices, questions, strict=True))
        call = _Call(numbered, deque(list(indices[n : n + chunk]) for n in range(0, len(indices), chunk)))
        stored = ray.put(shared)
        while len(call.answers) < len(questions):
            while self.idle and call.waiting:
                actor, chosen = self.idle.pop(), call.waiting.popleft()
                batch = [(index, numbered[index]) for index in chosen]
                self.busy[actor.answer.remote(stored, batch, seed)] = (actor, chosen, time.monotonic())
            done, _ = ray.wait([*self.loading, *self.busy], num_returns=1, timeout=self._patience())
            for reference in done:
                self._receive(reference, call)
            self._stop_the_hung(call)
        return [call.answers[index] for index in indices]

    def _receive(self, reference: Any, call: _Call) -> None:
        import ray

        if reference in self.loading:
            self._loaded(reference)
            return
        actor, indices, _ = self.busy.pop(reference)
        try:
            call.answers |= zip(indices, ray.get(reference), strict=True)
            self.idle.append(actor)
        except ray.exceptions.RayTaskError as error:
            # Not of the work itself, whose exceptions are answers, but e.g. of what cannot be unpickled.
            self.idle.append(actor)
            call.answers |= {index: Answer("raised", one_line(error.cause)) for index in indices}
        except ray.exceptions.RayError as error:
            self._hire()
            call.died(indices, error)

    def close(self) -> None:
        """Dismiss all actors."""
        import ray

        for actor in [*self.loading.values(), *self.idle, *(actor for actor, _, _ in self.busy.values())]:
            ray.kill(actor)
        self.loading, self.idle, self.busy = {}, [], {}

    def _load(self, make: Maker) -> None:
        import ray

        if make is self.make:
            return
        self.make, self.stored = make, ray.put(make)
        self.close()
        for _ in range(self.size):
            self._hire()

    def _hire(self) -> None:
        actor = self.kind.remote()
        self.loading[actor.load.remote(self.stored)] = actor

    def _loaded(self, reference: Any) -> None:
        """An actor is ready, or died on the way; what its maker raises is raised here."""
        import ray

        actor = self.loading.pop(reference)
        try:
            ray.get(reference)
            self.idle.append(actor)
        except ray.exceptions.RayTaskError:
            ray.kill(actor)
            raise
        except ray.exceptions.RayError:
            self._hire()

    def _patience(self) -> float | None:
        if self.limit is None or not self.busy:
            return None
        ends = [begun + self.limit * len(indices) for _, indices, begun in self.busy.values()]
        return max(0.0, min(ends) - time.monotonic()) + 0.01

    def _stop_the_hung(self, call: _Call) -> None:
        import ray

        if self.limit is None:
            return
        for reference, (actor, indices, begun) in list(self.busy.items()):
            if time.monotonic() - begun > self.limit * len(indices):
                del self.busy[reference]
                ray.kill(actor)
                self._hire()
                call.hung(indices, self.limit)


@dataclass
class _Call:
    """What is left to do of one call, and what came of the rest."""

    questions: dict[int, Any]
    waiting: deque[list[int]]
    answers: dict[int, Answer] = field(default_factory=dict)
    deaths: dict[int, int] = field(default_factory=dict)

    def died(self, indices: list[int], error: Exception) -> None:
        if len(indices) > 1:
            self._one_by_one(indices)
            return
        count = self.deaths[indices[0]] = self.deaths.get(indices[0], 0) + 1
        if count <= RETRIES:
            self.waiting.appendleft(indices)
        else:
            self.answers[indices[0]] = Answer("died", f"its worker died {count} times ({type(error).__name__})")

    def hung(self, indices: list[int], limit: float) -> None:
        if len(indices) > 1:
            self._one_by_one(indices)
        else:
            self.answers[indices[0]] = Answer("hung", f"took longer than {limit:g} s", limit)

    def _one_by_one(self, indices: list[int]) -> None:
        self.waiting.extendleft([index] for index in reversed(indices))


def one_line(error: BaseException | None) -> str:
    """An exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
