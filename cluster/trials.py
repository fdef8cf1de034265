"""Runs the trials of a run, in this process or on several local ones."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from cluster.errors import UserError


@dataclass(frozen=True)
class Trial:
    """One seed of one treatment."""

    treatment: str
    number: int

    def __str__(self) -> str:
        return f"{self.treatment}/trial-{self.number:03d}"


Progress = Callable[[Mapping[str, Any]], None]
#: Runs one trial to its end, calling back with a row of numbers now and then. A worker process receives it by
#: pickling, so it is a module's function or a partial of one.
TrialFunction = Callable[[Trial, Progress], None]


class Observer(Protocol):
    """Who is told how the trials go."""

    def started(self, trial: Trial) -> None:
        """A trial begins, or begins again."""

    def advanced(self, trial: Trial, row: Mapping[str, Any]) -> None:
        """A trial has a new row of numbers."""

    def finished(self, trial: Trial) -> None:
        """A trial has its result."""

    def failed(self, trial: Trial, message: str) -> None:
        """A trial ended without a result."""


#: How often a trial is started again after its worker process died (killed, out of memory).
RESTARTS = 3


def run_trials(
    function: TrialFunction, trials: Sequence[Trial], workers: int, observer: Observer
) -> dict[Trial, str]:
    """Run trials; results do not depend on `workers`.

    Args:
        function: runs one trial.
        trials: which ones.
        workers: number of local processes; 0 runs one trial after the other in this process.
        observer: who is told.

    Returns:
        What went wrong, for each trial that failed; the others went on.

    Raises:
        UserError: something that would stop the others too, such as a full disk; running trials are stopped.
    """
    if workers == 0:
        return _run_here(function, trials, observer)
    return _Crew(function, trials, min(workers, max(len(trials), 1)), observer).work()


def _run_here(function: TrialFunction, trials: Sequence[Trial], observer: Observer) -> dict[Trial, str]:
    failures = {}
    for trial in trials:
        observer.started(trial)
        try:
            function(trial, lambda row, trial=trial: observer.advanced(trial, row))  # type: ignore[misc]
        except UserError:
            raise
        except Exception as error:
            failures[trial] = _describe(error)
            observer.failed(trial, failures[trial])
        else:
            observer.finished(trial)
    return failures


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


class _Crew:
    """Worker processes, each with a pipe: trials go down, rows and results come up."""

    def __init__(self, function: TrialFunction, trials: Sequence[Trial], workers: int, observer: Observer) -> None:
        self.function = function
        self.waiting = deque(trials)
        self.observer = observer
        self.size = workers
        self.restarts: dict[Trial, int] = {}
        self.failures: dict[Trial, str] = {}
        self.busy: dict[Connection, tuple[multiprocessing.process.BaseProcess, Trial | None]] = {}

    def work(self) -> dict[Trial, str]:
        try:
            for _ in range(self.size):
                self._hire()
            while any(trial is not None for _, trial in self.busy.values()):
                for pipe in wait(list(self.busy)):
                    assert isinstance(pipe, Connection)
                    self._listen(pipe)
        finally:
            for process, _ in self.busy.values():
                process.kill()
                process.join()
        return self.failures

    def _hire(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(self.function, theirs), daemon=True)
        process.start()
        theirs.close()
        self.busy[ours] = (process, None)
        self._assign(ours)

    def _assign(self, pipe: Connection) -> None:
        process, _ = self.busy[pipe]
        trial = self.waiting.popleft() if self.waiting else None
        self.busy[pipe] = (process, trial)
        if trial is not None:
            with contextlib.suppress(OSError):  # a worker that died already is noticed when it is listened to
                pipe.send(trial)
            self.observer.started(trial)

    def _listen(self, pipe: Connection) -> None:
        process, trial = self.busy[pipe]
        try:
            kind, content = pipe.recv()
        except (EOFError, OSError):
            del self.busy[pipe]
            process.join()
            self._replace(trial, process.exitcode)
            return
        assert trial is not None
        if kind == "row":
            self.observer.advanced(trial, content)
            return
        if kind == "refused":
            raise UserError(content)
        if kind == "failed":
            self.failures[trial] = content
            self.observer.failed(trial, content)
        else:
            self.observer.finished(trial)
        self._assign(pipe)

    def _replace(self, trial: Trial | None, exit_code: int | None) -> None:
        """A worker died: its trial goes on from its checkpoint in a new one."""
        if trial is None:
            return
        self.restarts[trial] = self.restarts.get(trial, 0) + 1
        if self.restarts[trial] <= RESTARTS:
            self.waiting.appendleft(trial)
        else:
            self.failures[trial] = f"its worker process died {RESTARTS + 1} times (exit code {exit_code})"
            self.observer.failed(trial, self.failures[trial])
        if self.waiting:
            self._hire()


def _serve(function: TrialFunction, pipe: Connection) -> None:
    """A worker process: run what comes down the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    while True:
        try:
            trial = pipe.recv()
        except EOFError:
            return
        try:
            function(trial, lambda row: pipe.send(("row", dict(row))))
            message = ("finished", "")
        except BrokenPipeError:
            sys.exit(1)  # the parent is gone; whoever resumes the run takes over
        except UserError as error:
            message = ("refused", str(error))
        except Exception as error:
            message = ("failed", _describe(error))
        pipe.send(message)
