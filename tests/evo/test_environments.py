"""Experiments whose task changes as their user meets them: run, resume, list, report, show, bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evo.__main__ import main
from evo.report import compare, summarise, tabulate
from evo.results import check_result
from evo.views import VIEWS, without_cost_or_change

SMALL = "--scale smoke --population 20 --generations 40 --log-every 5 --trials 1 --workers 0"
GOALS = f"run clune2013-changing-goals {SMALL} --treatments"
ADAPTATION = f"run clune2013-evolvability {SMALL} --treatments"


def evo(*arguments: str | Path) -> int:
    """Exit code of the command line."""
    try:
        main([word for argument in arguments for word in str(argument).split()])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(scope="module")
def goals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "goals"
    assert evo(GOALS, "pa pa-e20 pcc-e20", "--out", out) == 0
    return out


@pytest.fixture(scope="module")
def adaptation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "adaptation"
    assert evo(ADAPTATION, "pa-and-or pcc-and-or", "--out", out) == 0
    return out


def test_goals_are_reported_by_period(goals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evo("report", goals, "--nulls 5 --out", tmp_path / "report") == 0
    printed = capsys.readouterr().out
    assert "performance, other goals" in printed
    assert "p (pcc-e20 - pa-e20)" in printed and "p (pa-e20 - pa)" in printed
    figures = {path.name for path in (tmp_path / "report").glob("*.png")}
    assert {"modularity-by-period.png", "after-switches.png", "curves.png"} <= figures
    assert evo("show", goals / "pcc-e20" / "trial-000", "--nulls 5 --out", tmp_path / "network") == 0
    assert "performance for retina-or" in capsys.readouterr().out


def test_an_adaptation_is_reported_although_no_trial_got_there(
    adaptation: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evo("report", adaptation, "--nulls 5 --out", tmp_path / "report") == 0
    printed = capsys.readouterr().out
    assert "never [∞, ∞] 0/1" in printed and "p (pcc-and-or - pa-and-or)" in printed
    figures = {path.name for path in (tmp_path / "report").glob("*.png")}
    assert {"box-adaptation_generations.png", "box-base_modularity.png"} <= figures
    assert evo("show", adaptation / "pcc-and-or" / "trial-000", "--nulls 5 --out", tmp_path / "network") == 0
    assert re.search(r"adaptation generations +never", capsys.readouterr().out)


def test_what_goals_results_say_beyond_the_network_is_checked_too(
    goals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original = json.loads((goals / "pa-e20" / "trial-000" / "result.json").read_text())
    check_result(original, tmp_path)
    other = next(name for name in original["performances"] if name != original["problem"])
    for changes, says in (
        ({other: 1.0}, f"performance for {other} is 1.0"),
        ({"chess": 0.5}, "performances of 'chess'"),
    ):
        (tmp_path / "result.json").write_text(
            json.dumps(original | {"performances": original["performances"] | changes})
        )
        assert evo("show", tmp_path / "result.json") == 2
        assert says in capsys.readouterr().err


def test_the_cloned_network_of_a_result_is_checked_too(
    goals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original = json.loads((goals / "pa" / "trial-000" / "result.json").read_text())
    base = {
        f"base_{name}": original[name] for name in ("modularity", "connection_cost", "connections", "hierarchy")
    }
    base |= {"base_problem": "retina-and", "base_network": original["network"]}
    (tmp_path / "result.json").write_text(json.dumps(original | base))
    assert evo("show", tmp_path / "result.json") == 2
    assert "base_performance is 1.0, but its network gives 0." in capsys.readouterr().err


def adapted(base: int | None, adaptation: int | None, observed: int | None, **more: Any) -> dict[str, Any]:
    """What a report reads of a trial."""
    numbers = {"performance": 1.0, "modularity": 0.4, "modularity_mean": 0.4, "connection_cost": 30.0}
    numbers |= {"connections": 20, "decomposed": True, "sub_solutions": {}, "modularity_p": 0.5, "generation": 100}
    numbers |= {"hierarchy": 0.8, "hierarchy_mean": 0.8}
    cloned = {
        f"base_{name}": None if base is None else numbers[name] for name in ("modularity", "connection_cost")
    }
    times = {"base_generation": base, "adaptation_generations": adaptation, "adaptation_observed": observed}
    return numbers | cloned | times | more


def test_a_trial_without_a_start_has_no_time_and_one_without_an_end_is_censored() -> None:
    groups = {
        "pa-and-or": [adapted(10, 40, 40), adapted(20, None, 50), adapted(None, None, None), adapted(5, 45, 45)],
        "pcc-and-or": [adapted(10, 5, 5), adapted(10, 6, 6), adapted(10, 7, 7)],
        "pa-or-and": [adapted(None, None, None)],
    }
    view = VIEWS["clune2013-evolvability"]
    summary = {name: summarise(results, view) for name, results in groups.items()}
    times = summary["pa-and-or"]["adaptation_generations"]
    assert (times["median"], times["count"], times["of"]) == (45, 2, 3)
    assert "adaptation_generations" not in summary["pa-or-and"]
    tests = {
        (test["treatment"], test["test"]): test
        for test in compare(groups, view)
        if test["measure"] == "adaptation_generations"
    }
    assert {treatment for treatment, _ in tests} == {"pcc-and-or"}
    assert tests["pcc-and-or", "Mann-Whitney U"]["vargha_delaney"] == 0.0
    columns, rows = tabulate(summary, compare(groups, view), view)
    table = {row[0]: dict(zip(columns[1:], row[1:], strict=True)) for row in rows}
    assert table["generations to adapt"]["pa-and-or"] == "45 [40, ∞] 2/3"
    assert table["generations to adapt"]["pa-or-and"] == "-"
    assert table["generations to solve the first problem"]["pa-and-or"].endswith("3/4")
    assert float(table["generations to adapt"]["p (pcc-and-or - pa-and-or)"]) < 0.2


def test_treatments_are_compared_with_the_same_tasks_without_cost_else_with_the_fixed_goal() -> None:
    names = ["pa", "pcc", "pa-e20", "pcc-e20", "pcc-p100-e20", "pcc-e50", "pa-or"]
    assert without_cost_or_change(names) == {
        "pcc": "pa",
        "pa-e20": "pa",
        "pcc-e20": "pa-e20",
        "pcc-p100-e20": "pa-e20",
        "pcc-e50": "pcc",
        "pa-or": "pa",
    }
    assert without_cost_or_change(["pa-and-or", "pcc-and-or", "pa-or-and"]) == {"pcc-and-or": "pa-and-or"}
    assert without_cost_or_change(["pa-combination", "pcc-nonmod-combination"]) == {
        "pcc-nonmod-combination": "pa-combination"
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            "run clune2013-changing-goals --treatments pa-changing --period 0",
            "--period 0: allowed is a whole number",
        ),
        (
            "run clune2013-changing-goals --treatments pa-e20 --period 5",
            "--period 5: treatment pa-e20 sets it: allowed",
        ),
        ("run clune2013-changing-goals --further-goals 5-xor", "--further-goals 5-xor: allowed are problems with"),
        ("run clune2013-evolvability --target 5-xor", "--target 5-xor: treatment pa-and-or sets it"),
        (
            "run mengistu2016-evolvability --treatments pa-chess",
            "--treatments pa-chess: mengistu2016-evolvability",
        ),
        ("run clune2013-retina --period 5", "--period 5: not understood (see"),
    ],
)
def test_bad_input_gets_one_line_and_code_2(
    arguments: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert evo(arguments) == 2
    printed = capsys.readouterr()
    assert says in printed.err and printed.err.count("\n") == 1 and printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "flag", "treatment"),
    [
        ("clune2013-changing-goals", "--period", "pcc-p100-e10000"),
        ("clune2013-evolvability", "--target", "pcc-or-and"),
        ("mengistu2016-evolvability", "--target", "pcc-nonmod-combination"),
    ],
)
def test_list_and_help_teach(name: str, flag: str, treatment: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert evo("list", name) == 0 and treatment in capsys.readouterr().out
    assert evo("run", name, "--help") == 0 and flag in capsys.readouterr().out
