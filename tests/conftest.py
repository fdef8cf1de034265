"""Its place puts this folder on the path, so that tests of every package find `oracles` and `ray_cluster`."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A Ray cluster of three nodes on this machine, one for all tests."""
    from ray_cluster import three_nodes

    with three_nodes() as nodes:
        yield nodes
