"""Its place puts this folder on the path, so that tests of every package find `oracles` and the like."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)  # no test looks at a clock
settings.load_profile("house")

# Where tests run in the background the shell has the signal ignored, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one process run all tests of a file, and those of all files that start Ray; begin with what takes long.

    Two clusters that start at once on a machine get in each other's way; and a long file that begins last keeps
    one process busy while the others wait.
    """
    with_ray = {item.path for item in items if {"cluster", "head"} & set(getattr(item, "fixturenames", ()))}
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("ray" if item.path in with_ray else str(item.path)))
    items.sort(key=lambda item: (item.path not in with_ray, item.path not in slow))


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
