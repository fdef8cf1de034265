"""A run on a real cluster of three nodes: whatever is lost on the way, the files are those of one process."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deap import base
from evaluations import performance_and_connections
from ray_cluster import wait_until, workers_of

from cluster.connection import connected
from cluster.pool import EvaluatorPool
from evo.__main__ import main
from evo.engine import begin, generations, make_toolbox, one_by_one
from evo.experiments import EXPERIMENTS

pytestmark = pytest.mark.slow

RUN = "run clune2013-retina --scale smoke --population 40 --generations 900 --log-every 10 --checkpoint-every 30"
RUN += " --treatments pa pcc --trials 6"


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a run and its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def start(cluster: Any, out: Path) -> subprocess.Popen:
    """A driver in a process of its own."""
    words = [
        sys.executable,
        "-m",
        "evo",
        *RUN.split(),
        "--out",
        str(out),
        "--resume",
        "--address",
        cluster.address,
    ]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True)


def busy_node(cluster: Any, out: Path, nodes: list[Any]) -> Any:
    """A node that is in the middle of a trial: at work after some trial has a checkpoint and before the end."""
    wait_until(lambda: list(out.glob("*/trial-*/checkpoint.npz")))
    node = wait_until(lambda: next((node for node in nodes if workers_of(node)), None))
    assert len(list(out.glob("*/trial-*/result.json"))) < 12
    return node


def halted_worker(node: Any) -> int | None:
    """A process in the middle of a trial, stopped so that the trial does not end before the node does."""
    for process in workers_of(node):
        os.kill(process, signal.SIGSTOP)
        if process in workers_of(node):
            return process
        os.kill(process, signal.SIGCONT)
    return None


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files of the run in one process."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    main([*RUN.split(), "--out", str(out), "--workers", "0"])
    return files(out)


@pytest.fixture
def another_node(cluster: Any) -> Iterator[Any]:
    """A fourth node that may be lost."""
    node = cluster.add_node(num_cpus=1)
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node)


def test_three_nodes_give_the_files_of_one_process(
    cluster: Any, expected: dict[str, bytes], tmp_path: Path
) -> None:
    main([*RUN.split(), "--out", str(tmp_path / "run"), "--address", cluster.address])
    assert files(tmp_path / "run") == expected


def test_killed_workers_are_replaced(cluster: Any, expected: dict[str, bytes], tmp_path: Path) -> None:
    driver = start(cluster, tmp_path / "run")
    for _ in range(2):
        node = busy_node(cluster, tmp_path / "run", cluster.list_all_nodes())
        os.kill(workers_of(node)[0], signal.SIGKILL)
        time.sleep(0.5)
    told = driver.communicate()[1]
    assert driver.returncode == 0 and told.count("lost its worker and goes on") >= 1, told
    assert files(tmp_path / "run") == expected


def test_a_lost_node_is_survived(
    cluster: Any, another_node: Any, expected: dict[str, bytes], tmp_path: Path
) -> None:
    driver = start(cluster, tmp_path / "run")
    busy_node(cluster, tmp_path / "run", [another_node])
    worker = wait_until(lambda: halted_worker(another_node))
    cluster.remove_node(another_node, allow_graceful=False)
    os.kill(worker, signal.SIGKILL)
    told = driver.communicate()[1]
    assert driver.returncode == 0 and "lost its worker and goes on" in told, told
    assert files(tmp_path / "run") == expected


def test_a_killed_driver_leaves_a_run_that_goes_on(
    cluster: Any, expected: dict[str, bytes], tmp_path: Path
) -> None:
    driver = start(cluster, tmp_path / "run")
    busy_node(cluster, tmp_path / "run", cluster.list_all_nodes())
    driver.kill()
    driver.wait()
    assert (tmp_path / "run" / "driver.json").exists()
    driver = start(cluster, tmp_path / "run")
    told = driver.communicate()[1]
    assert driver.returncode == 0, told
    assert files(tmp_path / "run") == expected


def test_a_pool_evaluates_a_population_as_the_engine_does(cluster: Any) -> None:
    experiment = EXPERIMENTS["clune2013-retina"]
    settings = dataclasses.replace(experiment.treated(experiment.settings, "pcc-count"), population=12)

    def evolved(toolbox: base.Toolbox) -> bytes:
        population = begin(toolbox, 3)
        further = generations(toolbox, population, 3)
        for _ in range(4):
            population = next(further)
        return population.networks.weights.tobytes() + population.values.tobytes()

    expected = evolved(make_toolbox(settings))
    with connected(cluster.address), EvaluatorPool(2, worth=0) as pool:
        toolbox = make_toolbox(settings)
        toolbox.register("evaluate", one_by_one(performance_and_connections, pool.map))
        assert evolved(toolbox) == expected
    toolbox = make_toolbox(settings)
    toolbox.register("evaluate", one_by_one(performance_and_connections))
    assert evolved(toolbox) == expected
