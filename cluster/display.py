"""What a person sees while trials run: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from cluster.trials import Trial

#: Seconds between plain lines about running trials.
QUIET = 30.0


class Display:
    """Shows the trials of one run; an Observer of `run_trials`.

    Args:
        total: number of trials in the run, those already finished included.
        done: number of trials finished before.
        steps: name of the column that counts steps, e.g. "generation".
        length: number of steps of a trial.
        shown: columns of a trial's rows to show.
    """

    def __init__(self, total: int, done: int, steps: str, length: int, shown: tuple[str, ...]) -> None:
        self.total, self.done, self.steps, self.length, self.shown = total, done, steps, length, shown
        self.failures = 0
        self.running: dict[Trial, dict[str, Any]] = {}
        self.begun = self.last_line = time.monotonic()
        self.console = Console(file=sys.stderr)
        self.live: Live | None = None
        self._steps_done = 0.0

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self.live = Live(
                console=self.console, get_renderable=self._table, refresh_per_second=4, transient=True
            )
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()
        if kind is None:
            seconds = time.monotonic() - self.begun
            self._line(f"{self.done} of {self.total} trials finished ({seconds:.0f} s)")

    def started(self, trial: Trial) -> None:
        """A trial begins, or begins again."""
        if trial in self.running:
            self._line(f"{trial} lost its worker and goes on from its last checkpoint")
        self.running[trial] = {}

    def advanced(self, trial: Trial, row: Mapping[str, Any]) -> None:
        """A trial has a new row of numbers."""
        previous = self.running.get(trial, {}).get(self.steps)
        if previous is not None:
            self._steps_done += row[self.steps] - previous
        self.running[trial] = dict(row)
        if not self.live and time.monotonic() - self.last_line > QUIET:
            self._line(self._summary())

    def finished(self, trial: Trial) -> None:
        """A trial has its result."""
        row = self.running.pop(trial, {})
        self.done += 1
        if not self.live:
            self._line(f"[{self.done}/{self.total}] {trial}  {self._numbers(row)}")

    def failed(self, trial: Trial, message: str) -> None:
        """A trial ended without a result."""
        self.running.pop(trial, None)
        self.failures += 1
        self._line(f"{trial} failed: {message}")

    def state(self) -> dict[str, Any]:
        """How the run goes, for driver.json: the steps of running trials, steps a second, seconds left."""
        running = {str(trial): row.get(self.steps, 0) for trial, row in list(self.running.items())}
        speed, left = self._speed()
        return {"running": running, "steps_per_second": speed, "seconds_left": left}

    def _speed(self) -> tuple[float, float | None]:
        """Steps a second of all trials together since the start, and seconds left; None while nobody knows."""
        speed = self._steps_done / max(time.monotonic() - self.begun, 1e-9)
        current = sum(row.get(self.steps, 0) for row in list(self.running.values()))
        # What a trial's length says is not kept by all: a second phase may follow.
        left = max((self.total - self.done - self.failures) * self.length - current, 0)
        return speed, left / speed if speed > 0 else None

    def _line(self, text: str) -> None:
        self.last_line = time.monotonic()
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _numbers(self, row: Mapping[str, Any]) -> str:
        return "  ".join(f"{name} {_short(row[name])}" for name in self.shown if name in row)

    def _summary(self) -> str:
        text = f"{self.done}/{self.total} trials finished, {len(self.running)} running"
        speed, left = self._speed()
        if left is not None:
            text += f", {speed:{'.0f' if speed >= 10 else '.2g'}} {self.steps}s/s, about {duration(left)} left"
        return text

    def _table(self) -> Table:
        table = Table(title=self._summary(), title_justify="left", title_style="bold")
        table.add_column("trial")
        for name in (self.steps, *self.shown):
            table.add_column(name.replace("_", " "), justify="right")
        for trial, row in sorted(self.running.items(), key=lambda item: str(item[0])):
            step = f"{row.get(self.steps, 0)}/{self.length}"
            table.add_row(str(trial), step, *(_short(row.get(name, "")) for name in self.shown))
        return table


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """A time in words."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
