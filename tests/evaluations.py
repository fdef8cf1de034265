"""Evaluations and gradients for tests, where worker processes can import them."""

import math
import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def sphere(genome: list[float]) -> tuple[float]:
    """A cheap evaluation."""
    return (sum(x * x for x in genome),)


def noisy(genome: list[float]) -> tuple[float, float]:
    """An evaluation that draws from the global generators, as many simulators do."""
    return (genome[0] + random.random(), float(np.random.normal()))  # noqa: NPY002


def poisonous(genome: list[float]) -> tuple[float]:
    """Raises for 3, returns NaN for 5, hangs for 7, kills its worker for 11, returns a text for 13."""
    number = int(genome[0])
    if number == 3:
        raise ArithmeticError("three")
    if number == 7:
        time.sleep(600)
    if number == 11:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 13:
        return ("thirteen",)  # type: ignore[return-value]
    return (math.nan if number == 5 else float(number),)


def mortal(genome: list[float], path: Path) -> tuple[float]:
    """Kills its worker the first time it meets an individual with an even number."""
    mark = path / str(int(genome[0]))
    if genome[0] % 2 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return (genome[0] ** 2,)


def slowly(genome: list[float]) -> tuple[float]:
    """An evaluation of 20 ms."""
    time.sleep(0.02)
    return sphere(genome)


def performance_and_connections(individual: Any) -> tuple[float, float]:
    """Objectives of one of evo's individuals."""
    from evo.problems import PROBLEMS
    from networks import connection_count

    networks = individual.population.networks
    problem = PROBLEMS["retina-and"]()
    return float(problem.performance(problem.outputs(networks))[0]), float(connection_count(networks)[0])


def build_regression() -> Callable[[Mapping[str, NDArray], int], dict[str, NDArray]]:
    """Gradients of the squared error of a linear model on the data of a task, in float32."""
    inputs = np.random.default_rng(0).normal(size=(64, 20)).astype(np.float32)

    def gradients(parameters: Mapping[str, NDArray], task: int) -> dict[str, NDArray]:
        if task < 0:
            raise ValueError(f"no task {task}")
        targets = np.random.default_rng(task).normal(size=64).astype(np.float32)
        error = inputs @ parameters["weights"] + parameters["bias"] - targets
        return {"weights": inputs.T @ error, "bias": error.sum(keepdims=True)}

    return gradients
