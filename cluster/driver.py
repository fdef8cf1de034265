"""The sign of life of whoever drives a run: RUN/driver.json, renewed every few seconds, removed at the end.

It tells how the run goes to anybody who sees the storage. On remote storage, which has no locks, it is also what
keeps a second driver out: a sign of life that does not change for a while is a dead driver's and is taken over.
Nobody's clock is compared with anybody else's.
"""

from __future__ import annotations

import _thread
import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.errors import UserError
from cluster.files import write_atomic
from cluster.storage import is_remote

#: Seconds between two signs of life, and without one until a driver on remote storage counts as dead.
BEAT = 5.0
DEAD = 30.0

Tell = Callable[[], Mapping[str, Any]]


@contextmanager
def driving(run: Path, tell: Tell) -> Iterator[None]:
    """Give signs of life while the block runs.

    Args:
        run: the run folder.
        tell: how the run goes.

    Raises:
        UserError: on remote storage, another driver is alive.
    """
    sign = _Sign(run / "driver.json", tell)
    if is_remote(run):
        sign.claim()
    else:
        sign.write()
    stopped = threading.Event()
    thread = threading.Thread(target=sign.renew, args=(stopped,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        if not sign.lost:
            sign.file.unlink(missing_ok=True)


def read_sign(run: Path) -> dict[str, Any] | None:
    """The last sign of life; None if there is none."""
    try:
        content = json.loads((run / "driver.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


class _Sign:
    def __init__(self, file: Path, tell: Tell) -> None:
        self.file, self.tell = file, tell
        self.token = secrets.token_hex(8)
        self.count = 0
        self.lost = False

    def content(self) -> bytes:
        self.count += 1
        who = {"host": socket.gethostname(), "process": os.getpid(), "token": self.token, "count": self.count}
        return (json.dumps(who | {"time": round(time.time(), 1)} | dict(self.tell())) + "\n").encode()

    def write(self) -> None:
        write_atomic(self.file, self.content())

    def claim(self) -> None:
        """Be the only driver: of several who try at once one creates the object, or is the last to replace it."""
        while not self.file.create(self.content()):  # type: ignore[attr-defined]
            before = self.read()
            if before is None:
                continue
            _wait_until(lambda seen=before: self.read() != seen, DEAD)  # type: ignore[misc]
            now = self.read()
            if now is None:
                continue
            if now != before:
                raise UserError(
                    f"{self.file.parent}: another process is writing this run "
                    f"(process {now.get('process')} on {now.get('host')}); wait for it or stop it"
                )
            self.write()
            time.sleep(BEAT / 2)  # for another who took over at the same moment
            if not self.owned():
                raise UserError(f"{self.file.parent}: another process took this run over; wait for it or stop it")
            return

    def read(self) -> dict[str, Any] | None:
        return read_sign(self.file.parent)

    def owned(self) -> bool:
        return (self.read() or {}).get("token") == self.token

    def renew(self, stopped: threading.Event) -> None:
        while not stopped.wait(BEAT):
            # Storage that cannot be reached for a moment is no reason to stop: the trials will say if it stays so.
            with contextlib.suppress(UserError):
                if is_remote(self.file) and not self.owned():
                    self.lost = True
                    _thread.interrupt_main()
                    return
                self.write()


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(min(BEAT / 5, 1.0))
