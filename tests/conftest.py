"""Its place puts this folder on the path, so that tests of every package find `oracles` and the like."""

import re
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("house", deadline=None)  # no test looks at a clock
settings.load_profile("house")

# Where tests run in the background the shell has the signal ignored, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@cache
def starts_ray(path: Path) -> bool:
    """Whether tests of a file take one of the clusters."""
    return re.search(r"\b(cluster: Any|head: Head)\b", path.read_text()) is not None


class ByFile(LoadScopeScheduling):
    """Has one process run all tests of a file, and those of all files that start Ray.

    Jobs and drivers find a cluster by looking at what runs on the machine, so there must be one process's alone.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "ray" if starts_ray(self.config.rootpath / file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Who of the processes runs what; pytest-xdist asks."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: a long file that begins last keeps one process busy while the others wait."""
    with_ray = {path: starts_ray(path) for path in {item.path for item in items}}
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not with_ray[item.path], item.path not in slow))


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """A bucket of an S3 server on this machine, found by the environment as the real one would be."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("runs")
        yield "s3://runs"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="session")
def cluster(s3: str) -> Iterator[Any]:
    """A Ray cluster of three nodes on this machine, one for all tests; its nodes find the S3 server too."""
    from ray_cluster import three_nodes

    with three_nodes() as nodes:
        yield nodes
