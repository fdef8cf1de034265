"""A Ray cluster of several nodes on this machine, for tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: What the nodes and their drivers need: tests' functions, loopback addresses, and no token of the user's.
ENVIRONMENT = {
    "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
    "RAY_AUTH_MODE": "disabled",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ADDRESS": "",
    "RAY_worker_register_timeout_seconds": "600",  # a busy machine takes minutes to import what a worker needs
}


@contextlib.contextmanager
def three_nodes() -> Iterator[Any]:
    """Three nodes of one CPU each, shut down at the end."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("RAY_ADDRESS")
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        try:
            for _ in range(2):
                cluster.add_node(num_cpus=1)
            cluster.wait_for_nodes()
            yield cluster
        finally:
            import ray

            ray.shutdown()
            cluster.shutdown()


def workers_of(node: Any, title: str = "ray::_run") -> list[int]:
    """Processes on a node that are at work on a task or actor of this title."""
    raylet = node.all_processes["raylet"][0].process.pid
    listing = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()[1:]]
    return [int(pid) for pid, parent, words in rows if int(parent) == raylet and words.startswith(title)]


def wait_until(condition: Callable[[], Any], seconds: float = 400) -> Any:
    """What a condition gives as soon as it holds; a busy machine takes minutes to start a job."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came about")
