"""What a report of meta-learning says of trials, beside what the command line's tests see of it."""

import math

import pytest

from analysis.intervals import mean_interval
from analysis.reports import Measure, brackets, rank_sums
from meta.report import summarise, tabulate

ACCURACY = Measure("accuracy", "accuracy", 3, share=True)
LOSS = Measure("loss", "loss", 3)


def test_the_interval_of_a_share_ends_at_0_and_1() -> None:
    values = [0.6, 0.95, 1.0]
    results = [{"parameters": 1, "accuracy": value, "loss": value} for value in values]
    summary = summarise(results, [ACCURACY, LOSS])
    free = mean_interval(values)
    assert free.high > 1.0 and free.low > 0.0
    assert summary["loss"]["low"] == summary["accuracy"]["low"] == free.low
    assert (summary["loss"]["high"], summary["accuracy"]["high"]) == (free.high, 1.0)
    assert summarise(results[:1], [ACCURACY])["accuracy"]["low"] is None
    assert math.isclose(summary["accuracy"]["mean"], free.mean)


@pytest.mark.parametrize(("trials", "drawn"), [(3, []), (4, ["other"])])
def test_brackets_stand_where_trials_are_enough_to_differ(trials: int, drawn: list[str]) -> None:
    groups = {name: [{"loss": add + k} for k in range(trials)] for name, add in (("first", 0.0), ("other", 9.0))}
    tests = rank_sums(groups, [LOSS])
    assert [name for _, name, _ in brackets(tests, "loss")] == drawn
    assert brackets(tests, "accuracy") == []


def test_trials_without_a_number_do_not_count_for_brackets() -> None:
    first: list[dict[str, float | None]] = [{"loss": float(k)} for k in range(4)]
    other: list[dict[str, float | None]] = [{"loss": 9.0}, *[{"loss": None}] * 3]
    tests = rank_sums({"first": first, "other": other}, [LOSS])
    assert [test["trials"] for test in tests] == [[1, 4]]
    assert brackets(tests, "loss") == []


def test_one_trial_against_one_is_no_test() -> None:
    groups = {name: [{"loss": value}] for name, value in (("first", 1.0), ("other", 2.0))}
    assert rank_sums(groups, [LOSS]) == []
    summary = {name: summarise([{"parameters": 1, **one[0]}], [LOSS]) for name, one in groups.items()}
    assert tabulate(summary, [], [LOSS])[0] == ["", "first", "other"]
    groups["other"] *= 2
    assert [test["trials"] for test in rank_sums(groups, [LOSS])] == [[2, 1]]
