"""Goals that alternate: what counts in which generation, what a switch does, what a kill leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_trial import rows, run

from cluster.errors import UserError
from evo.engine import begin, generations, make_toolbox
from evo.environments import GOAL_TREATMENTS, PERIODS, GoalSettings
from evo.experiments import EXPERIMENTS
from evo.goals import POINTS, AlternatingGoals, median_time, moments
from evo.population import Population
from evo.problems import PROBLEMS, Problem
from networks import from_graph, from_json, to_graph, to_json

EXPERIMENT = EXPERIMENTS["clune2013-changing-goals"]
SMALL = GoalSettings(period=7, population=20, generations=40, log_every=1, checkpoint_every=100, insertions_max=40)
PCC = replace(SMALL, objectives=("performance", "connection-cost"))

DIVERSE = replace(SMALL, objectives=("performance", "connection-cost", "diversity"), pressure=1.0)


def answered(population: Population, problem: Problem) -> np.ndarray:
    """Share of right answers of every individual, counted pattern by pattern from what its outputs say."""
    outputs = problem.outputs(population.networks)
    right = np.where(problem.targets.T, outputs > 0, outputs < 0)
    return right.mean(axis=(1, 2))


def evolved(settings: GoalSettings, length: int) -> tuple[AlternatingGoals, Population]:
    course = AlternatingGoals(settings, 3)
    population = begin(course.toolbox, 3)
    for generation in range(1, length + 1):
        population = course.step(population, generation)
        course.notice(population, generation)
    return course, population


@given(st.integers(1, 50), st.integers(0, 500), st.integers(1, 3))
def test_every_goal_lasts_a_period_and_the_first_switch_comes_right_after_it(
    period: int, generation: int, further: int
) -> None:
    goals = ("and-xor-and", "and-equals-and", "or-xor-and", "or-xor-equals")[: further + 1]
    settings = GoalSettings(problem=goals[0], further_goals=goals[1:], period=period)
    # Written out: the goal of generations 1, 2, ...
    written = [goal for _ in range(501) for goal in goals for _ in range(period)][:501]
    if generation > 0:
        assert settings.goal(generation) == written[generation - 1]
        assert settings.switches(generation) == (
            generation > 1 and written[generation - 1] != written[generation - 2]
        )
    else:
        assert settings.goal(0) == goals[0] and not settings.switches(0)
    assert replace(settings, fixed=True).goal(generation) == goals[0]
    assert not replace(settings, fixed=True).switches(generation)


@pytest.mark.parametrize("settings", [SMALL, PCC], ids=["performance alone", "connection cost"])
def test_every_individual_is_scored_by_the_current_goal_in_every_generation(settings: GoalSettings) -> None:
    course = AlternatingGoals(settings, 3)
    population = begin(course.toolbox, 3)
    for generation in range(1, 30):
        population = course.step(population, generation)
        assert course.problem == settings.goal(generation)
        assert np.array_equal(population.values[:, 0], answered(population, PROBLEMS[course.problem]()))


def test_at_a_switch_parents_are_scored_anew_before_they_have_children() -> None:
    course, population = evolved(PCC, 7)
    before = population.values.copy()
    seen: list[Population] = []
    following = course.toolboxes["retina-or"]
    choose = following.select_parents

    def spy(parents: Population, k: int) -> Population:
        seen.append(parents)
        return choose(parents, k)

    following.register("select_parents", spy)
    course.step(population, 8)
    (parents,) = seen
    assert np.array_equal(parents.networks.weights, population.networks.weights)
    assert np.array_equal(parents.values[:, 0], answered(population, PROBLEMS["retina-or"]()))
    assert np.array_equal(parents.values[:, 1], before[:, 1])  # what they cost does not change
    assert not np.array_equal(parents.values[:, 0], before[:, 0])
    assert np.array_equal(population.values, before)  # what was there before is left alone


def test_a_fixed_goal_is_the_run_without_goals() -> None:
    fixed = replace(PCC, fixed=True)
    _, population = evolved(fixed, 20)
    plain = make_toolbox(fixed)
    expected = begin(plain, 3)
    further = generations(plain, expected, 3)
    for _ in range(20):
        expected = next(further)
    assert np.array_equal(population.networks.weights, expected.networks.weights)
    assert np.array_equal(population.values, expected.values)


def test_metrics_tell_the_goal_and_what_the_best_are_worth_for_both(tmp_path: Path) -> None:
    result = run(tmp_path, PCC)
    written = rows(tmp_path)
    assert [row["goal"] for row in written] == [PCC.goal(generation) for generation in range(41)]
    last = written[-1]
    assert float(last["performance"]) == result["performance"] and last["goal"] == result["problem"]
    network = from_json(result["network"])
    for name in ("retina-and", "retina-or"):
        problem = PROBLEMS[name]()
        alone = Population(from_graph(network, problem.topology), (1.0,))
        assert result["performances"][name] == answered(alone, problem)[0]
    assert result["performances"][result["problem"]] == result["performance"]
    other = next(name for name in result["performances"] if name != result["problem"])
    assert result["performance_other"] == result["performances"][other]


@pytest.mark.parametrize(
    ("settings", "stop"),
    [*((PCC, stop) for stop in (3, 7, 8, 14, 15, 39)), (DIVERSE, 7), (DIVERSE, 8)],
)
def test_killed_in_any_generation_a_trial_ends_the_same(settings: GoalSettings, stop: int, tmp_path: Path) -> None:
    settings = replace(settings, checkpoint_every=stop)  # so that the kill leaves the one of generation `stop`
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    run(whole, settings)
    with pytest.raises(KeyboardInterrupt):
        run(killed, settings, stop + 1)
    checkpoint = np.load(killed / "t" / "trial-000" / "checkpoint.npz")
    assert int(checkpoint["generation"]) == stop
    run(killed, settings)
    for file in ("metrics.csv", "checkpoint.npz", "result.json"):
        own, other = (folder / "t" / "trial-000" / file for folder in (whole, killed))
        assert own.read_bytes() == other.read_bytes()


class Scripted:
    """A population whose best performance is given."""

    def __init__(self, highest: float) -> None:
        self.values = np.array([[0.5], [highest]])


def test_times_after_switches_are_counted_from_the_switch_and_censored_at_the_next() -> None:
    # Periods of 4: perfect at once, perfect after 3, never, perfect after 4, cut off after 2.
    course = AlternatingGoals(replace(SMALL, period=4), 1)
    scores = {
        5: (1.0, [1.0, 1.0, 1.0, 1.0]),
        9: (0.7, [0.8, 0.9, 1.0, 1.0]),
        13: (0.6, [0.6, 0.6, 0.7, 0.8]),
        17: (0.5, [0.6, 0.7, 0.8, 1.0]),
        21: (0.5, [0.5, 0.5]),
    }
    for generation in range(1, 5):
        course.notice(Scripted(0.5), generation)  # type: ignore[arg-type]
    for first, (at_once, after) in scores.items():
        course.times.append(-1)
        course._follow(Scripted(at_once), 0)  # type: ignore[arg-type]
        for k, score in enumerate(after):
            course.notice(Scripted(score), first + k)  # type: ignore[arg-type]
    _, population = evolved(SMALL, 0)
    outcome = course.outcome(22, json.loads(json.dumps(network_of(population))))
    assert outcome["adaptation_times"] == [0, 3, None, 4, None]
    assert outcome["switches"] == 5 and outcome["switches_met"] == 3
    assert outcome["adaptation"] == 3.5  # of 0, 3, 4 and one that is longer; the last was not given its time
    assert outcome["after_switch"]["generations"] == [0, 1, 2, 3, 4]
    expected = [np.mean(column) for column in ([1, 0.7, 0.6, 0.5, 0.5], [1, 0.8, 0.6, 0.6, 0.5])]
    assert outcome["after_switch"]["performance"][:2] == pytest.approx(expected)
    assert outcome["after_switch"]["performance"][3:] == pytest.approx(
        [np.mean([1, 1, 0.7, 0.8]), np.mean([1, 1, 0.8, 1])]
    )


def network_of(population: Population) -> dict[str, Any]:
    return to_json(to_graph(population.networks, 0))


def test_the_median_time_counts_those_that_never_came() -> None:
    assert median_time([3, -1, 5]) == 5
    assert median_time([3, -1, -1]) is None
    assert median_time([]) is None


@given(st.integers(1, 20_000))
def test_moments_begin_and_end_with_the_period(period: int) -> None:
    kept = moments(period)
    assert kept[0] == 0 and kept[1] == 1 and kept[-1] == period
    assert (np.diff(kept) > 0).all() and len(kept) <= POINTS + 1


def test_every_published_period_is_a_treatment_with_and_without_cost() -> None:
    for period in PERIODS:
        alone = EXPERIMENT.treated(EXPERIMENT.settings, f"pa-e{period}")
        cost = EXPERIMENT.treated(EXPERIMENT.settings, f"pcc-e{period}")
        sure = EXPERIMENT.treated(EXPERIMENT.settings, f"pcc-p100-e{period}")
        assert alone.period == cost.period == sure.period == period
        assert alone.probabilities(0) == (1.0,)
        assert cost.probabilities(0) == (1.0, 0.25) and sure.probabilities(0) == (1.0, 1.0)
        assert not alone.fixed and alone.goals == ("retina-and", "retina-or")
    for name in ("pa", "pcc", "pa-or", "pcc-or"):
        assert EXPERIMENT.treated(EXPERIMENT.settings, name).fixed
    assert EXPERIMENT.treated(EXPERIMENT.settings, "pa-or").goals == ("retina-or", "retina-and")
    assert set(EXPERIMENT.default) <= set(GOAL_TREATMENTS)
    assert GOAL_TREATMENTS["pa-changing"].keys() == {"objectives"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"period": 0}, "--period 0: allowed is a whole number of 1 or more"),
        (
            {"further_goals": ("5-xor",)},
            "--further-goals 5-xor: allowed are problems with the patterns and layers",
        ),
        ({"further_goals": ("and-xor-and",)}, "of retina-and (8-8-4-2-1), not 8-4-4-2-1"),
        ({"further_goals": ("retina-and",)}, "--further-goals retina-and: allowed is each of them once"),
        ({"further_goals": ("chess",)}, "--further-goals chess: allowed is one of retina-and"),
        ({"further_goals": ()}, "--further-goals: allowed are one or more"),
        ({"fixed": "sometimes"}, "--fixed sometimes: allowed is true or false"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as refused:
        replace(GoalSettings(), **changes).checked()
    assert says in str(refused.value) and "\n" not in str(refused.value)
