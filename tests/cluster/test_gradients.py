from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from evaluations import build_regression
from ray_cluster import wait_until

from cluster.connection import Resources, connected
from cluster.gradients import GradientPool

PARAMETERS = {"weights": np.linspace(-1, 1, 20, dtype=np.float32), "bias": np.zeros(1, np.float32)}
TASKS = list(range(17))
HALF = Resources(0.5)


@pytest.fixture(scope="module")
def connection(cluster: Any) -> Iterator[None]:
    with connected(cluster.address):
        yield


def expected() -> dict[str, np.ndarray]:
    """The sum one term after the other."""
    gradients = build_regression()
    total = {"weights": np.zeros(20, np.float32), "bias": np.zeros(1, np.float32)}
    for task in TASKS:
        for name, gradient in gradients(PARAMETERS, task).items():
            total[name] = total[name] + gradient
    return total


def test_in_this_process_the_sum_is_that_of_the_terms() -> None:
    with GradientPool(build_regression, workers=0) as pool:
        total = pool.sum(PARAMETERS, TASKS)
    assert total["weights"].dtype == np.float32
    assert {name: array.tobytes() for name, array in total.items()} == {
        name: array.tobytes() for name, array in expected().items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "chunk"), [(1, 1), (2, 1), (3, 1), (3, 5)])
def test_workers_give_the_same_sum_to_the_last_bit(connection: None, workers: int, chunk: int) -> None:
    with GradientPool(build_regression, workers, resources=HALF, chunk=chunk) as pool:
        for _ in range(2):
            total = pool.sum(PARAMETERS, TASKS)
            assert {name: array.tobytes() for name, array in total.items()} == {
                name: array.tobytes() for name, array in expected().items()
            }


@pytest.mark.slow
def test_a_lost_worker_changes_nothing(connection: None) -> None:
    import ray

    with GradientPool(build_regression, 2, resources=HALF) as pool:
        pool.each(PARAMETERS, TASKS)
        assert pool.crew is not None
        wait_until(lambda: len(pool.crew.idle) == 2 or pool.each(PARAMETERS, TASKS) is None)
        ray.kill(pool.crew.idle[0])
        total = pool.sum(PARAMETERS, TASKS)
        assert total["weights"].tobytes() == expected()["weights"].tobytes()


def test_what_goes_wrong_names_the_task() -> None:
    with GradientPool(build_regression, workers=0) as pool:
        with pytest.raises(RuntimeError, match="task -1: ValueError: no task -1"):
            pool.sum(PARAMETERS, [1, -1])
        with pytest.raises(ValueError, match="tasks: none"):
            pool.sum(PARAMETERS, [])
    with pytest.raises(ValueError, match="chunk 0"):
        GradientPool(build_regression, workers=0, chunk=0)
