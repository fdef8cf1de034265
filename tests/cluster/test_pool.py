import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deap import base
from evaluations import mortal, noisy, poisonous, slowly, sphere

from cluster.connection import Resources, connected
from cluster.errors import UserError
from cluster.pool import EvaluatorPool, PoisonedError

pytestmark = pytest.mark.slow

GENOMES = [[float(number), 0.5] for number in range(15)]
HALF = Resources(0.5)


@pytest.fixture(scope="module", autouse=True)
def connection(cluster: Any) -> Iterator[None]:
    with connected(cluster.address):
        yield


@pytest.mark.parametrize(("workers", "chunk"), [(0, 4), (1, 4), (3, 4), (3, 1), (2, 100)])
def test_values_come_in_order_for_any_number_of_workers(workers: int, chunk: int) -> None:
    with EvaluatorPool(workers, resources=HALF, chunk=chunk, worth=0) as pool:
        assert pool.map(sphere, GENOMES) == [sphere(genome) for genome in GENOMES]
        assert pool.map(slowly, GENOMES[:3]) == [sphere(genome) for genome in GENOMES[:3]]  # another function
        assert pool.map(sphere, []) == []


def test_chance_depends_on_the_seed_and_the_index_alone() -> None:
    values = []
    for workers, chunk in ((0, 4), (1, 2), (3, 4)):
        with EvaluatorPool(workers, resources=HALF, chunk=chunk, worth=0) as pool:
            pool.seed = (7, 1)
            values.append(pool.map(noisy, GENOMES))
            pool.seed = (7, 2)
            assert pool.map(noisy, GENOMES) != values[-1]
    assert values[0] == values[1] == values[2] and len(set(values[0])) == len(GENOMES)


def test_workers_that_die_are_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    with EvaluatorPool(2, resources=HALF, worth=0) as pool:
        assert pool.map(partial(mortal, path=tmp_path), GENOMES) == [(genome[0] ** 2,) for genome in GENOMES]
    assert pool.found == [] and len(list(tmp_path.iterdir())) == 8


def test_poisoned_evaluations_are_reported_and_the_others_keep_their_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with EvaluatorPool(2, resources=HALF, limit=1.0, poisoned=(-1.0,), worth=0) as pool:
        values = pool.map(poisonous, GENOMES)
    bad = {3: "ArithmeticError: three", 5: "returned (nan,)", 7: "took longer than 1 s"}
    bad |= {11: "its worker died 3 times (ActorDiedError)", 13: "returned ('thirteen',): allowed are numbers"}
    assert values == [(-1.0,) if number in bad else (float(number),) for number in range(15)]
    assert {report.index: report.reason for report in pool.found} == bad
    assert [report.individual for report in pool.found] == [GENOMES[number] for number in bad]
    assert "individual 7: took longer than 1 s; counted as (-1.0,)" in capsys.readouterr().err


@pytest.mark.parametrize("workers", [0, 2])
def test_without_a_substitute_a_poisoned_evaluation_raises(workers: int) -> None:
    with EvaluatorPool(workers, resources=HALF, worth=0) as pool:
        with pytest.raises(PoisonedError, match=r"individual 3: ArithmeticError: three: \[3.0, 0.5\]"):
            pool.map(poisonous, GENOMES[:5])
        with pytest.raises(PoisonedError, match=r"individual 1: returned \(nan,\)"):
            pool.map(poisonous, GENOMES[4:6])


def test_cheap_evaluations_stay_in_this_process(capsys: pytest.CaptureFixture[str]) -> None:
    with EvaluatorPool(2, resources=HALF) as pool:
        assert pool.map(sphere, GENOMES) == [sphere(genome) for genome in GENOMES]
        assert pool.crew is None and "below 5 ms" in capsys.readouterr().err
        assert pool.map(sphere, GENOMES) == [sphere(genome) for genome in GENOMES]
    with EvaluatorPool(2, resources=HALF) as pool:
        assert pool.map(slowly, GENOMES) == [sphere(genome) for genome in GENOMES]
        assert pool.crew is not None and capsys.readouterr().err == ""


def test_more_than_a_node_has_is_refused() -> None:
    with pytest.raises(UserError, match="allowed is what one node has"):
        EvaluatorPool(1, resources=Resources(1, 1))


def evolved(pool: EvaluatorPool) -> list[list[float]]:
    """A small evolution with DEAP's own parts."""
    random.seed(1)
    toolbox = base.Toolbox()
    toolbox.register("evaluate", noisy)
    toolbox.register("map", pool.map)
    population = [[random.gauss(0, 1)] for _ in range(10)]
    for generation in range(4):
        pool.seed = generation
        state = random.getstate()
        values = list(toolbox.map(toolbox.evaluate, population))
        random.setstate(state)
        order = np.argsort([value[0] for value in values])
        population = [[population[k][0] + random.gauss(0, 0.1)] for k in [*order[:5], *order[:5]]]
    return population


def test_deap_evolves_the_same_with_any_number_of_workers() -> None:
    ends = []
    for workers in (0, 2):
        with EvaluatorPool(workers, resources=HALF, chunk=3, worth=0) as pool:
            ends.append(evolved(pool))
    assert ends[0] == ends[1]
