"""The experiment on hierarchy (Mengistu et al. 2016): its settings, what its results hold, its report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import networkx as nx
import pytest

from cluster.errors import UserError
from evo.__main__ import main
from evo.experiments import EXPERIMENTS, Settings
from evo.problems import PROBLEMS
from evo.results import check_result, completed
from networks import from_json

EXPERIMENT = EXPERIMENTS["mengistu2016-hierarchy"]
SIZE = ["--population", "24", "--generations", "30", "--log-every", "10", "--checkpoint-every", "10"]
SIZE += ["--trials", "1", "--workers", "0"]
TREATMENTS = ["pa", "pcc", "pcc-p025", "pcc-nonmod", "hierarchy"]


def evo(*arguments: str | Path) -> int:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def treated(treatment: str) -> Settings:
    settings = EXPERIMENT.treated(EXPERIMENT.settings, treatment)
    assert isinstance(settings, Settings)
    return settings


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of every kind of treatment."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert evo("run", EXPERIMENT.name, "--scale", "smoke", *SIZE, "--treatments", *TREATMENTS, "--out", out) == 0
    return out


# --- Settings -----------------------------------------------------------------------------------------------


def test_settings_are_the_published_ones() -> None:
    settings = EXPERIMENT.settings
    assert (settings.population, settings.generations, EXPERIMENT.trials["paper"]) == (1000, 25_001, 30)
    assert (settings.insertions_min, settings.insertions_max, settings.minimum_connections) == (20, 99, 20)
    assert (settings.bias_rate, settings.bias_change) == (1 / 15, "step")
    assert (settings.add_rate, settings.remove_rate, settings.weight_changes) == (0.2, 0.2, 2.0)
    assert settings.problem == "and-xor-and" and EXPERIMENT.default == ("pa", "pcc")


@pytest.mark.parametrize(
    ("treatment", "objectives", "probabilities"),
    [
        ("pa", "performance diversity", (1, 1)),
        ("pcc", "performance connection-cost diversity", (1, 1, 1)),
        ("pcc-p025", "performance connection-cost diversity", (1, 0.25, 1)),
        ("pcc-nonmod", "performance low-modularity connection-cost diversity", (1, 1, 1, 1)),
        ("low-hierarchy", "performance low-hierarchy connection-cost diversity", (1, 1, 1, 1)),
        ("hierarchy", "performance hierarchy diversity", (1, 1, 1)),
        ("hierarchy-p025", "performance hierarchy diversity", (1, 0.25, 1)),
    ],
)
def test_treatments_are_the_published_ones(
    treatment: str, objectives: str, probabilities: tuple[float, ...]
) -> None:
    settings = treated(treatment)
    assert settings.objectives == tuple(objectives.split())
    assert settings.probabilities(0) == settings.probabilities(25_000) == probabilities


def test_few_connections_to_begin_with_are_few_to_keep() -> None:
    for treatment in ("pa-few", "pcc-few"):
        settings = treated(treatment)
        assert (settings.insertions_min, settings.insertions_max, settings.minimum_connections) == (11, 19, 11)


def test_the_schedule_lowers_the_pressure_by_a_tenth_every_5000_generations() -> None:
    settings = treated("pcc-schedule")
    wanted = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1]
    assert [settings.pressure_at(5000 * k) for k in range(11)] == wanted
    assert [settings.pressure_at(5000 * (k + 1) - 1) for k in range(11)] == wanted
    assert settings.probabilities(7000) == (1, 0.8, 1)


def test_a_pressure_without_steps_stays_whatever_the_floor() -> None:
    settings = Settings(pressure=0.25, pressure_floor=0.5)
    assert {settings.pressure_at(generation) for generation in (0, 4999, 5000, 10**9)} == {0.25}


# --- Results ------------------------------------------------------------------------------------------------


def test_results_hold_hierarchy_and_sub_problems(finished: Path) -> None:
    for treatment in TREATMENTS:
        folder = finished / treatment / "trial-000"
        result = json.loads((folder / "result.json").read_text())
        graph = from_json(result["network"])
        below = graph.subgraph(nx.ancestors(graph, 18) | {18}).reverse()
        wanted = nx.global_reaching_centrality(below) if len(below) > 1 else 0.0
        assert result["hierarchy"] == pytest.approx(wanted, abs=1e-12)
        assert 0 <= result["hierarchy_mean"] <= 1
        carriers = result["sub_problem_carriers"]
        assert list(carriers) == list(PROBLEMS["and-xor-and"]().parts)
        assert result["sub_problems"] == sum(carrier is not None for carrier in carriers.values()) / 6
        rows = (folder / "metrics.csv").read_text().splitlines()
        assert rows[0].split(",")[-1] == "hierarchy" and len(rows) == 5


def test_a_changed_hierarchy_is_noticed_and_a_missing_one_recomputed(finished: Path, tmp_path: Path) -> None:
    result = json.loads((finished / "pcc" / "trial-000" / "result.json").read_text())
    graph, problem = check_result(result, tmp_path)
    assert completed(result, graph, problem) == result
    later = ("hierarchy", "sub_problems", "sub_problem_carriers")
    for name, value in zip(later, (result["hierarchy"] / 2 + 0.1, 0.9, {}), strict=True):
        with pytest.raises(UserError, match=f"{name} is .*, but its network gives"):
            check_result(result | {name: value}, tmp_path)
    before = {name: value for name, value in result.items() if name not in later}
    assert completed(before, *check_result(before, tmp_path)) == result


def test_other_problems_have_no_sub_problems_to_solve(tmp_path: Path) -> None:
    run = ["run", "clune2013-retina", "--scale", "smoke", *SIZE, "--treatments", "pa"]
    assert evo(*run, "--out", tmp_path / "run") == 0
    result = json.loads((tmp_path / "run" / "pa" / "trial-000" / "result.json").read_text())
    assert result["sub_problems"] is result["sub_problem_carriers"] is None
    assert 0 <= result["hierarchy"] <= 1


@pytest.mark.parametrize("problem", ["and-xor-two-outputs", "and-xor-three-outputs", "overlapping-and-xor"])
def test_tasks_of_other_shapes_evolve(problem: str, tmp_path: Path) -> None:
    run = ["run", EXPERIMENT.name, "--scale", "smoke", "--problem", problem, *SIZE, "--generations", "3"]
    assert evo(*run, "--out", tmp_path / "run") == 0
    result = json.loads((tmp_path / "run" / "pcc" / "trial-000" / "result.json").read_text())
    assert len(result["sub_problem_carriers"]) == len(PROBLEMS[problem]().parts)


def test_a_run_from_before_a_setting_existed_goes_on(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    file, trial = tmp_path / "run" / "run.json", tmp_path / "run" / "pcc" / "trial-000"
    description = json.loads(file.read_text())
    for name in ("pressure_step", "pressure_every", "pressure_floor"):
        del description["settings"][name]
    file.write_text(json.dumps(description))
    wanted = (trial / "result.json").read_bytes()
    (trial / "result.json").unlink()
    assert evo("run", "--resume", "--workers", "0", "--out", tmp_path / "run") == 0
    assert (trial / "result.json").read_bytes() == wanted


# --- Report -------------------------------------------------------------------------------------------------


def test_the_report_compares_hierarchy(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evo("report", finished, "--nulls", "5", "--out", tmp_path / "report") == 0
    printed = capsys.readouterr().out
    for row in ("hierarchy H", "H, mean of tied", "sub-problems solved, share", "H beyond chance trials"):
        assert row in printed
    files = {file.name for file in (tmp_path / "report").glob("*.png")}
    assert {"curves.png", "box-hierarchy.png", "box-sub_problems.png", "networks-pcc-nonmod.png"} <= files
    summary = json.loads((tmp_path / "report" / "statistics.json").read_text())["summary"]
    assert set(summary) == set(TREATMENTS)


def test_show_tells_which_neurons_solve_which_sub_problem(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evo("show", finished / "pcc" / "trial-000", "--nulls", "5", "--out", tmp_path / "net.png") == 0
    printed = capsys.readouterr().out
    assert "hierarchy H" in printed and "of 6" in printed and "xor(and(0, 1)" in printed
