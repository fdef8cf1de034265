"""Connecting to a Ray cluster, with one line for whatever stands in the way.

Ray is imported in functions only: whoever runs on local processes never loads it.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cluster.errors import UserError

#: Seconds to wait for a first answer from an address.
PATIENCE = 5.0

TOKEN_HELP = (
    "set RAY_AUTH_MODE=token and put the cluster's token into ~/.ray/auth_token, the file named by "
    "RAY_AUTH_TOKEN_PATH, or RAY_AUTH_TOKEN"
)


@dataclass(frozen=True)
class Resources:
    """What one task or actor needs; fractions are allowed."""

    cpus: float = 1.0
    gpus: float = 0.0

    def options(self) -> dict[str, Any]:
        """As Ray's options."""
        return {"num_cpus": self.cpus, "num_gpus": self.gpus}

    def fit(self, node: dict[str, float]) -> int:
        """How many fit on a node with these total resources at once."""
        rooms = [
            int(node.get(name, 0.0) / needed + 1e-9)
            for name, needed in (("CPU", self.cpus), ("GPU", self.gpus))
            if needed > 0
        ]
        return min(rooms, default=int(node.get("CPU", 1.0)))


@contextmanager
def connected(address: str | None, workers: int | None = None) -> Iterator[None]:
    """Be connected to a cluster while the block runs; a connection that is there already is used and kept.

    Args:
        address: `auto` or HOST:PORT of an existing cluster; None starts one on this machine for this block.
        workers: CPUs of the cluster on this machine.

    Raises:
        UserError: nobody answers there, or refuses this client.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    if address is not None:
        _check_answers(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    silent: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    with _quiet() as said:
        try:
            if address is None:
                ray.init(address="local", num_cpus=workers, include_dashboard=False, **silent)
            else:
                ray.init(address=address, **silent)
        except (Exception, SystemExit) as error:
            raise UserError(explain(address or "this machine", error, said())) from None
    try:
        with _without_chatter():
            yield
    finally:
        ray.shutdown()


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep Ray from printing pages about every lost worker; whoever started the work tells of it in a line.

    `log_to_driver` does not cover these, so the function that prints them is taken out.
    """
    import ray._private.worker

    worker: Any = ray._private.worker
    prints = getattr(worker, "print_to_stdstream", None)
    worker.print_to_stdstream = lambda *about, **more: None
    try:
        yield
    finally:
        worker.print_to_stdstream = prints


def explain(address: str, error: BaseException, said: str = "") -> str:
    """Why a cluster could not be used, in one line that says what to do."""
    text = " ".join(str(error).split())
    together = text + said
    if "no authentication token was found" in together:
        return f"--address {address}: this cluster asks for a token and none is set: {TOKEN_HELP}"
    refused = ("InvalidAuthToken", "Unauthenticated")
    if type(error).__name__ == "AuthenticationError" or any(word in together for word in refused):
        return f"--address {address}: the cluster refused the token: {TOKEN_HELP}"
    if "Version mismatch" in text:
        return f"--address {address}: {text}: allowed are the same versions of Ray and Python on both sides"
    if "Could not find any running Ray instance" in text:
        return (
            f"--address {address}: no Ray cluster runs on this machine: start one with `ray start --head`, "
            "or give HOST:PORT"
        )
    if "node" in text and "not found" in text.lower():
        return (
            f"--address {address}: this machine is no node of that cluster: join it with "
            f"`ray start --address {address}`, or use `submit`"
        )
    return f"--address {address}: cannot be used: {type(error).__name__}: {text}"


def require(address: str | None, resources: Resources) -> None:
    """Check that some node of the connected cluster can hold what a task needs.

    Raises:
        UserError: none can; the line says what the nodes have.
    """
    nodes = alive_nodes()
    if any(resources.fit(node) for node in nodes):
        return
    have = ", ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes)
    raise UserError(
        f"--address {address}: {resources.cpus:g} CPUs and {resources.gpus:g} GPUs for each: "
        f"allowed is what one node has; this cluster's {len(nodes)} have {have}"
    )


def alive_nodes() -> list[dict[str, float]]:
    """Total resources of every node of the connected cluster that is alive."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _check_answers(address: str) -> None:
    """Ray itself waits for minutes where nobody answers."""
    target = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    if address == "auto" and (not target or target in ("auto", "local")):
        return
    host, _, port = target.rpartition(":")
    if not host or not port.isdigit() or "://" in host:
        raise UserError(f"--address {address}: allowed is auto or HOST:PORT, such as 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"--address {address}: no cluster answers at {target} ({error})") from None


@contextmanager
def _quiet() -> Iterator[Any]:
    """Keep what Ray's core prints to the error stream; yields how to read it."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)

        def said() -> str:
            file.seek(0)
            return file.read().decode(errors="replace")

        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
