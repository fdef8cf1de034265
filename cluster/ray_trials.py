"""Runs the trials of a run on a Ray cluster: plain tasks, a bounded number at a time.

A trial whose worker or node is lost is started again, on any node, and goes on from its own checkpoint. Ray's own
retries are off: it is the driver that starts a trial again, so that it can tell who watches, and can give up a
trial that dies again and again without getting further. When the driver ends, however it ends, Ray ends its tasks;
the run folder says what is left to do.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from cluster.connection import Resources, alive_nodes
from cluster.errors import UserError
from cluster.trials import RESTARTS, Observer, Trial, TrialFunction

#: Seconds between two looks at what came, and at least between two rows of numbers that a trial sends.
INTERVAL = 1.0
#: Rows a second from all trials together: an inbox takes some three thousand.
ROWS = 1000
#: Seconds between two counts of the cluster's nodes, which may come and go.
COUNT_EVERY = 10.0
#: Trials handed to the cluster beyond those that fit, so that it never waits for the driver.
AHEAD = 8

Row = Mapping[str, Any]


def run_trials_on(
    function: TrialFunction,
    trials: Sequence[Trial],
    resources: Resources,
    observer: Observer,
    most: int | None = None,
) -> dict[Trial, str]:
    """Run trials on the connected cluster; results are those of `cluster.trials.run_trials`.

    Args:
        function: runs one trial; every node must be able to import it.
        trials: which ones.
        resources: what a trial needs.
        observer: who is told.
        most: how many may run at once; default as many as the cluster holds.

    Returns:
        What went wrong, for each trial that failed; the others went on.

    Raises:
        UserError: something that would stop the others too.
    """
    return _Dispatcher(function, trials, resources, observer, most).work()


def _run(
    function: TrialFunction, trial: Trial, attempt: int, inbox: Any, interval: float
) -> tuple[str, str, dict[str, Any]]:
    """What a worker does: how the trial ended, why, and its last row; rows go to the inbox now and then."""
    last: dict[str, Any] = {}
    sent = -math.inf

    def progress(row: Row) -> None:
        nonlocal last, sent
        last = dict(row)
        if time.monotonic() - sent >= interval:
            sent = time.monotonic()
            inbox.put.remote(trial, attempt, last)

    inbox.put.remote(trial, attempt, None)
    try:
        function(trial, progress)
    except UserError as error:
        return "refused", str(error), last
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}", last
    return "finished", "", last


class _Inbox:
    """An actor beside the driver, where trials leave their rows."""

    def __init__(self) -> None:
        self.news: dict[tuple[Trial, int], dict[str, Any] | None] = {}

    def put(self, trial: Trial, attempt: int, row: dict[str, Any] | None) -> None:
        self.news[trial, attempt] = row

    def take(self) -> dict[tuple[Trial, int], dict[str, Any] | None]:
        news, self.news = self.news, {}
        return news


class _Dispatcher:
    """Keeps the cluster busy, and tells the observer."""

    def __init__(
        self,
        function: TrialFunction,
        trials: Sequence[Trial],
        resources: Resources,
        observer: Observer,
        most: int | None,
    ) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.waiting = deque(trials)
        self.observer = observer
        self.resources = resources
        self.most = most
        self.running: dict[Any, Trial] = {}
        self.attempts: dict[Trial, int] = dict.fromkeys(trials, 0)
        self.seen: set[Trial] = set()
        self.deaths: dict[Trial, int] = dict.fromkeys(trials, 0)
        self.furthest: dict[Trial, float] = dict.fromkeys(trials, -1.0)
        self.failures: dict[Trial, str] = {}
        self.function = ray.put(function)
        self.task = ray.remote(_run).options(max_retries=0, **resources.options())
        here = ray.get_runtime_context().get_node_id()
        near = NodeAffinitySchedulingStrategy(here, soft=True)
        actor: Any = ray.remote(_Inbox)
        self.inbox = actor.options(num_cpus=0, max_restarts=-1, scheduling_strategy=near).remote()
        self.counted = -COUNT_EVERY
        self.room = 0

    def work(self) -> dict[Trial, str]:
        import ray

        while self.waiting or self.running:
            self._submit()
            done, _ = ray.wait(list(self.running), num_returns=1, timeout=INTERVAL)
            if done:  # others may have ended with it
                done, _ = ray.wait(list(self.running), num_returns=len(self.running), timeout=0)
            self._read_news()
            for reference in done:
                self._end(reference, self.running.pop(reference))
        return self.failures

    def _submit(self) -> None:
        while self.waiting and len(self.running) < self._limit():
            trial = self.waiting.popleft()
            self.attempts[trial] += 1
            interval = max(INTERVAL, self._limit() / ROWS)
            reference = self.task.remote(self.function, trial, self.attempts[trial], self.inbox, interval)
            self.running[reference] = trial

    def _limit(self) -> int:
        if self.most is not None:
            return self.most
        if time.monotonic() - self.counted > COUNT_EVERY:
            self.counted = time.monotonic()
            self.room = sum(self.resources.fit(node) for node in alive_nodes())
        return self.room + AHEAD

    def _read_news(self) -> None:
        """Rows since the last look; that an inbox was lost with its node costs some rows of the display."""
        import ray

        try:
            news: Any = ray.get(self.inbox.take.remote(), timeout=INTERVAL)
        except (ray.exceptions.RayError, TimeoutError):
            return
        current = {(trial, self.attempts[trial]) for trial in self.running.values()}
        for (trial, attempt), row in news.items():
            if (trial, attempt) in current:
                self._see(trial, row)

    def _see(self, trial: Trial, row: Row | None) -> None:
        if trial not in self.seen:
            self.seen.add(trial)
            self.observer.started(trial)
        if row:
            step = float(next(iter(row.values())))
            if step > self.furthest[trial]:
                self.furthest[trial], self.deaths[trial] = step, 0
            self.observer.advanced(trial, row)

    def _end(self, reference: Any, trial: Trial) -> None:
        import ray

        try:
            how, why, row = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ImportError):
                raise UserError(
                    f"--address: a node cannot import what runs the trials ({error.cause}): install the same "
                    "version of this package on all nodes, or use `submit`, which takes it along"
                ) from None
            how, why, row = "failed", f"{type(error.cause).__name__}: {error.cause}", {}
        except ray.exceptions.RayError as error:
            self._lost(trial, error)
            return
        if how == "refused":
            raise UserError(why)
        self._see(trial, row)
        if how == "failed":
            self._fail(trial, why)
        else:
            self.observer.finished(trial)

    def _lost(self, trial: Trial, error: Exception) -> None:
        """Its worker or node is gone: it goes on from its checkpoint, unless that led nowhere several times."""
        self.seen.discard(trial)
        self.deaths[trial] += 1
        if self.deaths[trial] <= RESTARTS:
            self.waiting.appendleft(trial)
        else:
            first_line = str(error).strip().split("\n")[0]
            self._fail(trial, f"its worker was lost {RESTARTS + 1} times ({type(error).__name__}: {first_line})")

    def _fail(self, trial: Trial, message: str) -> None:
        self.failures[trial] = message
        self.observer.failed(trial, message)
