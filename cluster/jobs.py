"""Runs submitted over HTTP to a cluster's head, from a machine that need not be part of the cluster.

A job is this program's own command, run on the cluster with `--address auto`. Its run folder is on storage that
all nodes see, and it resumes: submitting the same job again after it died goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console

from cluster.connection import TOKEN_HELP
from cluster.display import duration
from cluster.errors import UserError
from cluster.packages import pack

DEFAULT_ADDRESS = "http://127.0.0.1:8265"
#: Seconds that a head may take to get ready for jobs.
PATIENCE = 60.0
#: States that a job does not leave.
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


class Jobs:
    """The jobs of a program on a cluster.

    Args:
        program: name of the command, such as evo.
        address: http://HEAD:8265; default RAY_API_SERVER_ADDRESS, else this machine.

    Raises:
        UserError: nobody answers there, or refuses this client.
    """

    def __init__(self, program: str, address: str | None = None) -> None:
        self.program = program
        self.address = address or os.environ.get("RAY_API_SERVER_ADDRESS") or DEFAULT_ADDRESS
        if not self.address.startswith(("http://", "https://")) or self.address.endswith("//"):
            raise UserError(f"--address {self.address}: allowed is http://HEAD:PORT, the port mostly 8265")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        with self._refusals():
            from ray.job_submission import JobSubmissionClient

            for module in (
                "dashboard.modules.dashboard_sdk",
                "dashboard.modules.job.sdk",
                "_private.runtime_env.packaging",
            ):
                logging.getLogger(f"ray.{module}").setLevel(logging.WARNING)
            self.client = JobSubmissionClient(self.address)

    def submit(
        self,
        words: Sequence[str],
        environment: dict[str, Any] | None = None,
        installed: bool = False,
        include: Sequence[Path] = (),
        name: str | None = None,
    ) -> str:
        """Submit a command.

        Args:
            words: of the command, without the program.
            environment: Ray's runtime environment.
            installed: use the package that is installed on the cluster, take nothing along.
            include: more files to take along.
            name: id of the job; default one that tells the same command from others.

        Returns:
            The job's id.

        Raises:
            UserError: the command is no run, names no storage or is under way already, or the cluster refuses it.
        """
        words = complete(words)
        environment = dict(environment or {})
        same = name or f"{self.program}-{hashlib.sha256(shlex.join(words).encode()).hexdigest()[:8]}"
        job = self._free_id(same, exact=name is not None)
        with tempfile.TemporaryDirectory() as folder, self._refusals():
            if not installed and "working_dir" not in environment:
                print(pack(Path(folder), include), file=sys.stderr)
                environment["working_dir"] = folder
            entrypoint = shlex.join(["python", "-m", "cluster.entry", self.program, *words])
            self._hand_over(entrypoint, job, environment)
        return job

    def _hand_over(self, entrypoint: str, job: str, environment: dict[str, Any]) -> None:
        """Submit; a head that has just started answers before it can take jobs."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.client.submit_job(
                    entrypoint=entrypoint,
                    submission_id=job,
                    runtime_env=environment,
                    metadata={"program": self.program},
                )
                return
            except RuntimeError as error:
                if "No available agent" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(1)

    def _free_id(self, same: str, exact: bool) -> str:
        """An id for a command that is not under way.

        Raises:
            UserError: it is.
        """
        taken = {job.submission_id: job for job in self.all() if job.submission_id}
        attempts = [same, *(f"{same}-{number}" for number in range(2, len(taken) + 3))]
        for job in [same] if exact else attempts:
            if job not in taken:
                return job
            state = taken[job].status
            if state not in ENDED:
                raise UserError(
                    f"submit: job {job} is this command and is {state}: not submitted again; "
                    f"see `{self.program} logs {job} --follow` or `{self.program} stop {job}`"
                )
        raise UserError(f"--id {same}: a job of this name has ended ({taken[same].status}): allowed is a new name")

    def all(self) -> list[Any]:
        """All jobs of the cluster that were submitted, oldest first."""
        with self._refusals():
            found = [job for job in self.client.list_jobs() if job.submission_id]
        return sorted(found, key=lambda job: job.start_time or 0)

    def show(self) -> None:
        """Print this program's jobs."""
        console = Console(highlight=False, markup=False, soft_wrap=True)
        for job in self.all():
            if (job.metadata or {}).get("program") != self.program:
                continue
            begun = (job.start_time or 0) / 1000
            took = (job.end_time / 1000 if job.end_time else time.time()) - begun
            started = time.strftime("%Y-%m-%d %H:%M", time.localtime(begun))
            console.print(
                f"{job.submission_id}  {job.status:<9}  {started}  {duration(took):>9}  {job.entrypoint}"
            )

    def print_logs(self, job: str) -> None:
        """Print what a job has written so far."""
        with self._refusals(job):
            print(self.client.get_job_logs(job), end="")

    def follow(self, job: str) -> int:
        """Print what a job writes until it ends; its exit code."""
        printed = 0

        async def tail() -> None:
            nonlocal printed
            skip = printed  # after a lost connection, the log comes from its beginning again
            async for text in self.client.tail_job_logs(job):
                fresh, skip = text[skip:], max(0, skip - len(text))
                printed += len(fresh)
                print(fresh, end="", flush=True)

        with self._refusals(job):
            while True:
                try:
                    asyncio.run(tail())
                except RuntimeError as error:
                    if "closed unexpectedly" not in str(error):
                        raise
                info = self.client.get_job_info(job)
                if info.status in ENDED:
                    break
                time.sleep(1)
        return self._ended(info)

    def _ended(self, info: Any) -> int:
        print(f"job {info.submission_id}: {info.status.lower()}", file=sys.stderr)
        if info.status == "SUCCEEDED":
            return 0
        if info.driver_exit_code is None and info.message:  # it never began
            print(" ".join(info.message.split()), file=sys.stderr)
        return info.driver_exit_code or 1

    def stop(self, job: str) -> None:
        """Stop a job; its run can be resumed."""
        with self._refusals(job):
            stopped = self.client.stop_job(job)
            state = self.client.get_job_status(job)
        print(f"job {job}: {'stopping' if stopped else f'had ended already ({state})'}", file=sys.stderr)

    @contextmanager
    def _refusals(self, job: str = "") -> Iterator[None]:
        """What the job server says no to, in one line that says what to do."""
        try:
            yield
        except UserError:
            raise
        except (Exception, SystemExit) as error:
            raise UserError(self._explain(error, job)) from None

    def _explain(self, error: BaseException, job: str) -> str:
        text = " ".join(str(error).split())
        kind = type(error).__name__
        if kind == "AuthenticationError" or "status code 401" in text or "status code 403" in text:
            given = "refused the token" if _has_token() else "asks for a token and none is set"
            return f"--address {self.address}: the cluster {given}: {TOKEN_HELP}"
        if isinstance(error, ConnectionError) or "Connection" in kind or "Timeout" in kind:
            return f"--address {self.address}: no job server answers there ({text})"
        if job and ("does not exist" in text or "404" in text):
            return f"job {job}: no such job: `{self.program} jobs` lists them"
        return f"--address {self.address}: {kind}: {text}"


def _has_token() -> bool:
    path = os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    given = bool(os.environ.get("RAY_AUTH_TOKEN")) or Path(path).exists()
    return given and os.environ.get("RAY_AUTH_MODE", "token") == "token"


def complete(words: Sequence[str]) -> list[str]:
    """A command as a cluster should run it: on the cluster, resuming, with its results where all nodes see them.

    Raises:
        UserError: it is no run or retry, or names no such place.
    """
    words = list(words)
    if not words or words[0] not in ("run", "retry"):
        raise UserError(f"{' '.join(['submit', *words])}: allowed after -- is run EXPERIMENT ... or retry RUN ...")
    if words[0] == "run":
        out = dict(pairwise(words)).get("--out")
        if out is None:
            raise UserError("submit: --out: missing: allowed is a URL or absolute path that all nodes see")
    else:
        out = words[1] if len(words) > 1 else ""
    if "://" not in out and not out.startswith("/"):
        raise UserError(f"submit: {out}: allowed is a URL or an absolute path that all nodes see")
    if words[0] == "run" and "--resume" not in words:
        words.append("--resume")
    if "--address" not in words and "--workers" not in words:
        words += ["--address", "auto"]
    return words


def read_environment(file: Path) -> dict[str, Any]:
    """Ray's runtime environment from a YAML or JSON file.

    Raises:
        UserError: no such file, or it holds something else.
    """
    import yaml

    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        raise UserError(f"--env-file {file}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"--env-file {file}: no YAML or JSON ({' '.join(str(error).split())})") from None
    known = ("env_vars", "pip", "uv", "conda", "working_dir", "py_modules", "image_uri", "config", "excludes")
    if not isinstance(content, dict) or not set(content) <= set(known):
        unknown = (
            ", ".join(map(str, set(content) - set(known))) if isinstance(content, dict) else repr(content)[:60]
        )
        raise UserError(f"--env-file {file}: {unknown}: allowed are {', '.join(known)}")
    return content
