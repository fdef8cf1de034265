"""Populations of expensive evaluations: a pool of evaluator actors behind DEAP's `toolbox.map`.

    with EvaluatorPool(workers=8, limit=60, poisoned=(0.0,)) as pool:
        toolbox.register("map", pool.map)

Results come in the order of the individuals and do not depend on the number of workers. An evaluation must be a
pure function of its individual; one that draws from the global generators of Python or numpy is one of
(individual, `pool.seed`, index), if `pool.seed` is set, e.g. to (seed of the trial, generation) each generation.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cluster.actors import Answer, Crew, Seed, answer
from cluster.connection import Resources, connected, require

#: Seconds of one evaluation below which sending it away costs more than it gains (see benchmarks/clusters.py).
WORTH = 0.005


@dataclass(frozen=True)
class Poisoned:
    """An evaluation that gave no usable value.

    Attributes:
        call: number of the call of `map`, from 0.
        index: which individual of that call.
        individual: it.
        reason: one line.
    """

    call: int
    index: int
    individual: Any
    reason: str


class PoisonedError(RuntimeError):
    """An evaluation gave no usable value and no substitute is allowed."""

    def __init__(self, found: Poisoned) -> None:
        super().__init__(f"individual {found.index}: {found.reason}: {found.individual!r:.200}")
        self.found = found


class EvaluatorPool:
    """Evaluates individuals on actors.

    Args:
        workers: how many actors; 0 evaluates in this process, where nothing guards against hanging or dying.
        address: of a Ray cluster; None starts one on this machine, which ends with the pool.
        resources: what each actor needs; GPUs for torch evaluators.
        chunk: how many individuals go out together.
        limit: seconds an evaluation may take; None is as long as it likes.
        poisoned: what stands for the value of an evaluation that raises, returns NaN, kills its worker or takes
            longer than `limit`; None raises PoisonedError. Either way it is reported in `found` and on the error
            stream.
        worth: seconds of one evaluation below which the pool stays in this process and says so; 0 never does.

    Raises:
        UserError: the cluster cannot be reached, or has too little.
    """

    def __init__(
        self,
        workers: int,
        address: str | None = None,
        resources: Resources | None = None,
        chunk: int = 4,
        limit: float | None = None,
        poisoned: Sequence[float] | None = None,
        worth: float = WORTH,
    ) -> None:
        if chunk < 1:
            raise ValueError(f"chunk {chunk}: allowed is a whole number of 1 or more")
        self.chunk, self.poisoned, self.worth = chunk, poisoned, worth
        self.seed: Seed = None
        self.found: list[Poisoned] = []
        self.calls = 0
        self.function: Callable[..., Any] | None = None
        self.make: Callable[[], Callable[..., Any]] | None = None
        self.crew: Crew | None = None
        self.opened = contextlib.ExitStack()
        if workers > 0:
            resources = resources or Resources()
            self.opened.enter_context(connected(address, math.ceil(workers * resources.cpus)))
            with self._closed_after_an_error():
                require(address or "local", resources)
                self.crew = Crew(workers, resources, limit)

    def __enter__(self) -> EvaluatorPool:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()

    def close(self) -> None:
        """Dismiss the actors and leave the cluster."""
        if self.crew is not None:
            self.crew.close()
            self.crew = None
        self.opened.close()

    def map(self, function: Callable[..., Any], individuals: Iterable[Any]) -> list[Any]:
        """Values of individuals, in their order.

        Raises:
            PoisonedError: an evaluation gave no usable value and there is no substitute for it.
        """
        questions = list(individuals)
        if function is not self.function:
            self.function, self.make = function, partial(_give, function)
        answers = self._answers(questions)
        self.calls += 1
        return [self._value(index, questions[index], found) for index, found in enumerate(answers)]

    def _answers(self, questions: list[Any]) -> list[Answer]:
        if self.crew is None or self.calls > 0 or self.worth <= 0:
            return self._ask(questions, 0)
        first = self._ask(questions[: self.chunk], 0)
        cost = float(np.median([found.seconds for found in first])) if first else math.inf
        if cost < self.worth and all(found.how == "value" for found in first):
            print(
                f"an evaluation takes {1000 * cost:.2g} ms: below {1000 * self.worth:g} ms sending it to a worker "
                "costs more than it gains; evaluating in this process",
                file=sys.stderr,
            )
            self.close()
        return first + self._ask(questions[self.chunk :], self.chunk)

    def _ask(self, questions: list[Any], first: int) -> list[Answer]:
        assert self.function is not None and self.make is not None
        if self.crew is not None:
            return self.crew.ask(self.make, questions, self.chunk, seed=self.seed, first=first)
        return [answer(self.function, (), question, self.seed, n) for n, question in enumerate(questions, first)]

    def _value(self, index: int, individual: Any, found: Answer) -> Any:
        reason = _fault(found)
        if reason is None:
            return found.value
        report = Poisoned(self.calls - 1, index, individual, reason)
        self.found.append(report)
        if self.poisoned is None:
            raise PoisonedError(report)
        print(f"individual {index}: {reason}; counted as {tuple(self.poisoned)}", file=sys.stderr)
        return tuple(self.poisoned)

    @contextlib.contextmanager
    def _closed_after_an_error(self) -> Any:
        try:
            yield
        except BaseException:
            self.opened.close()
            raise


def _give(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _fault(found: Answer) -> str | None:
    """Why an answer is no usable value; None if it is one."""
    if found.how != "value":
        return str(found.value)
    try:
        numbers = np.asarray(found.value, dtype=float)
    except (TypeError, ValueError):
        return f"returned {found.value!r:.100}: allowed are numbers"
    return f"returned {found.value!r:.100}" if np.isnan(numbers).any() else None
