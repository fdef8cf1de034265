"""A second problem for clones of a perfect network: who is cloned, what is timed, what a kill leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from one_trial import rows, run

from cluster.errors import UserError
from evo.adaptation import Adaptation
from evo.engine import begin, best
from evo.environments import AdaptationSettings
from evo.experiments import EXPERIMENTS
from evo.population import Population
from evo.problems import PROBLEMS, Problem, all_patterns
from networks import from_graph, from_json, to_graph, to_json

PATTERNS = all_patterns(4)
YES = PATTERNS > 0
TABLES = {
    "pairs-and": (YES[:, 0] & YES[:, 1]) | (YES[:, 2] & YES[:, 3]),
    "pairs-or": (YES[:, 0] | YES[:, 1]) & (YES[:, 2] | YES[:, 3]),
    "parity": YES.sum(axis=1) % 2 == 1,
}
SMALL = AdaptationSettings(
    problem="pairs-and",
    target="pairs-or",
    objectives=("performance", "connection-cost"),
    population=60,
    generations=400,
    insertions_max=20,
    log_every=1,
    checkpoint_every=1000,
)
DIVERSE = replace(SMALL, objectives=("performance", "connection-cost", "diversity"), pressure=1.0)
NEVER = replace(SMALL, generations=12)


@pytest.fixture(autouse=True)
def small_problems() -> Iterator[None]:
    """Problems that evolution solves, or does not, within a second."""
    with pytest.MonkeyPatch.context() as patch:
        for name, table in TABLES.items():
            patch.setitem(PROBLEMS, name, lambda n=name, t=table: Problem.from_table(PATTERNS, t, (4, 2), n))
        yield


def share(population: Population, name: str) -> np.ndarray:
    """Share of right answers, counted from outputs."""
    problem = PROBLEMS[name]()
    return ((problem.outputs(population.networks)[:, 0] > 0) == TABLES[name]).mean(axis=1)


def solved_base(settings: AdaptationSettings) -> tuple[Adaptation, Population, int]:
    """A trial in the generation that solves its first problem."""
    course = Adaptation(settings, 5)
    population, generation = begin(course.toolbox, 5), 0
    course.notice(population, 0)
    while course.changed < 0:
        generation += 1
        population = course.step(population, generation)
        course.notice(population, generation)
    return course, population, generation


@pytest.mark.parametrize("settings", [SMALL, DIVERSE], ids=["cost", "diversity"])
def test_the_second_problem_begins_with_clones_of_one_perfect_network(settings: AdaptationSettings) -> None:
    course, population, generation = solved_base(settings)
    assert share(population, "pairs-and").max() == 1.0
    seen: list[Population] = []
    choose = course.second.select_parents

    def spy(parents: Population, k: int) -> Population:
        seen.append(parents)
        return choose(parents, k)

    course.second.register("select_parents", spy)
    following = course.step(population, generation + 1)
    (clones,) = seen
    assert len(clones) == SMALL.population
    for array in (clones.networks.weights, clones.networks.biases, clones.values, *clones.columns.values()):
        assert (array == array[0]).all()
    assert (share(clones, "pairs-and") == 1.0).all()
    assert np.array_equal(clones.values[:, 0], share(clones, "pairs-or"))
    drawn = [
        k
        for k in best(population)
        if np.array_equal(population.networks.weights[k], clones.networks.weights[0])
        and np.array_equal(population.networks.biases[k], clones.networks.biases[0])
    ]
    assert drawn and population.values[drawn[0], 1] == clones.values[0, 1]
    assert np.array_equal(following.values[:, 0], share(following, "pairs-or"))


def test_metrics_and_result_tell_how_long_each_problem_took(tmp_path: Path) -> None:
    result = run(tmp_path, SMALL)
    base = [row for row in rows(tmp_path) if row["phase"] == "base"]
    adaptation = [row for row in rows(tmp_path) if row["phase"] == "adaptation"]
    assert [int(row["generation"]) for row in base + adaptation] == list(range(len(base) + len(adaptation)))
    assert [float(row["performance"]) == 1.0 for row in base] == [False] * (len(base) - 1) + [True]
    assert [float(row["performance"]) == 1.0 for row in adaptation] == [False] * (len(adaptation) - 1) + [True]
    assert [int(row["adapting"]) for row in adaptation] == list(range(1, len(adaptation) + 1))
    assert {row["adapting"] for row in base} == {""}
    assert result["base_generation"] == len(base) - 1
    assert result["adaptation_generations"] == result["adaptation_observed"] == len(adaptation) > 0
    assert result["solved_generation"] == result["generation"] == len(base) - 1 + len(adaptation)
    assert result["problem"] == result["target_problem"] == "pairs-or"
    alone = from_graph(from_json(result["base_network"]), PROBLEMS["pairs-and"]().topology)
    assert share(Population(alone, (1.0,)), "pairs-and")[0] == 1.0
    assert result["base_connections"] == len(result["base_network"]["edges"])


def test_a_first_problem_that_is_never_solved_leaves_no_time(tmp_path: Path) -> None:
    result = run(tmp_path, replace(NEVER, problem="parity"))
    assert result["generation"] == 12 and result["problem"] == "parity"
    for name in ("base_generation", "adaptation_generations", "adaptation_observed", "base_network"):
        assert result[name] is None
    assert {row["phase"] for row in rows(tmp_path)} == {"base"}


def test_a_second_problem_that_is_never_solved_is_censored_at_the_cap(tmp_path: Path) -> None:
    settings = replace(SMALL, generations=300, target="parity", log_every=50)
    result = run(tmp_path, settings)
    assert 0 < result["base_generation"] < 300
    assert result["adaptation_generations"] is None and result["solved_generation"] is None
    assert result["adaptation_observed"] == 300
    assert result["generation"] == result["base_generation"] + 300
    assert result["problem"] == "parity" and result["performance"] < 1.0


def test_clones_that_know_the_second_problem_already_take_no_time() -> None:
    course, population, generation = solved_base(SMALL)
    course.second.problem = course.first.problem
    course.second.register("evaluate", course.first.evaluate)
    population = course.step(population, generation + 1)
    course.notice(population, generation + 1)
    assert course.adapted == 0 and course.ends(generation + 1) and course.solved == generation


@pytest.mark.parametrize("settings", [SMALL, DIVERSE], ids=["cost", "diversity"])
def test_killed_in_any_generation_a_trial_ends_the_same(settings: AdaptationSettings, tmp_path: Path) -> None:
    result = run(tmp_path / "whole", settings)
    change, last = result["base_generation"], result["generation"]
    for stop in sorted({1, change - 1, change, change + 1, last - 1} - {0, last}):
        killed = tmp_path / f"killed-{stop}"
        often = replace(settings, checkpoint_every=stop)  # so that the kill leaves the one of generation `stop`
        with pytest.raises(KeyboardInterrupt):
            run(killed, often, stop + 1)
        assert int(np.load(killed / "t" / "trial-000" / "checkpoint.npz")["generation"]) == stop
        run(killed, often)
        for file in ("metrics.csv", "checkpoint.npz", "result.json"):
            own, other = (folder / "t" / "trial-000" / file for folder in (tmp_path / "whole", killed))
            assert own.read_bytes() == other.read_bytes()


def test_treatments_are_directions_and_targets_with_every_selection() -> None:
    clune, mengistu = EXPERIMENTS["clune2013-evolvability"], EXPERIMENTS["mengistu2016-evolvability"]
    for direction, problems in {
        "and-or": ("retina-and", "retina-or"),
        "or-and": ("retina-or", "retina-and"),
    }.items():
        alone, cost = (clune.treated(clune.settings, f"{name}-{direction}") for name in ("pa", "pcc"))
        assert (alone.problem, alone.target) == (cost.problem, cost.target) == problems
        assert alone.objectives == ("performance",) and alone.probabilities(0) == (1.0,)
        assert cost.objectives == ("performance", "connection-cost") and cost.probabilities(0) == (1.0, 0.25)
        assert alone.generations == 25_001 and alone.population == 1000
    for target in ("and-equals-and", "or-xor-and", "or-xor-equals", "combination"):
        for name in ("pa", "pcc", "pcc-nonmod"):
            treated = mengistu.treated(mengistu.settings, f"{name}-{target}")
            assert (treated.problem, treated.target) == ("and-xor-and", target)
            assert treated.objectives[0] == "performance" and treated.objectives[-1] == "diversity"
            assert ("connection-cost" in treated.objectives) == (name != "pa")
            assert set(treated.probabilities(0)) == {1.0}
    assert "low-modularity" in mengistu.treated(mengistu.settings, "pcc-nonmod-or-xor-and").objectives


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"target": "5-xor"}, "--target 5-xor: allowed are problems with the patterns and layers of retina-and"),
        ({"target": "retina-and"}, "--target retina-and: allowed is another than --problem"),
        ({"target": "chess"}, "--target chess: allowed is one of retina-and"),
        ({"generations": 0}, "--generations 0: allowed is a whole number of 1 or more"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as refused:
        replace(AdaptationSettings(), **changes).checked()
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_the_network_that_was_cloned_is_drawn_by_the_seed() -> None:
    networks = [to_json_of(solved_base(SMALL)) for _ in range(2)]
    assert networks[0] == networks[1]


def to_json_of(solved: tuple[Adaptation, Population, int]) -> dict[str, Any]:
    course, population, generation = solved
    course.step(population, generation + 1)
    return to_json(to_graph(course.base, 0))
