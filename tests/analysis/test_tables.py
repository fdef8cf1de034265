from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from runs_on_disk import add_trial, make_run, rows_of

from analysis.tables import metrics_of, results_of, solving_times
from cluster.errors import UserError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three trials of pcc and two of pa: two finished, one of them never solved; the others go on."""
    folder = make_run(tmp_path / "first")
    done = {"generation": 300, "performance": 1.0, "network": {"nodes": []}, "partition": [[0]]}
    add_trial(folder, "pcc", 0, rows_of([0.1, 0.5, 1.0, 1.0]), done | {"solved_generation": 137})
    add_trial(folder, "pcc", 1, rows_of([0.25, 0.5, 0.75, 0.75]), done | {"solved_generation": None})
    add_trial(folder, "pcc", 10, rows_of([0.1, 1.0, 1.0]))
    add_trial(folder, "pa", 0, rows_of([0.1, 0.2]))
    (add_trial(folder, "pa", 1, rows_of([0.3])) / "metrics.csv").write_text("generation,performance\n")
    return tmp_path / "first"


def test_results_are_those_of_the_finished_trials(run: Path) -> None:
    table = results_of([run])
    assert table[["run", "experiment", "treatment", "trial"]].to_numpy().tolist() == [
        ["first", "counting", "pcc", 0],
        ["first", "counting", "pcc", 1],
    ]
    assert table["performance"].tolist() == [1.0, 1.0]
    assert set(table) == {
        *("run", "experiment", "treatment", "trial"),
        *("generation", "performance", "solved_generation"),
    }


def test_metrics_are_those_of_every_trial_as_the_csv_module_reads_them(run: Path) -> None:
    table = metrics_of([run])
    expected = []
    for treatment, number in (("pa", 0), ("pcc", 0), ("pcc", 1), ("pcc", 10)):
        with (run / treatment / f"trial-{number:03d}" / "metrics.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                expected.append(["first", treatment, number, int(row["generation"]), float(row["performance"])])
    assert table.to_numpy().tolist() == expected
    assert list(table) == ["run", "treatment", "trial", "generation", "performance"]


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(500).tolist()
    add_trial(make_run(tmp_path / "run"), "pa", 0, rows_of(values))
    assert metrics_of([tmp_path / "run"])["performance"].tolist() == values


def test_runs_of_different_experiments_stand_below_each_other(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "second", ["pa", "x"], "other")
    add_trial(other, "x", 0, [{"generation": 0, "loss": 2.5}], {"loss": 1.5})
    metrics = metrics_of([run, tmp_path / "second"])
    assert metrics["run"].cat.categories.tolist() == ["first", "second"]
    assert metrics["treatment"].cat.categories.tolist() == ["pa", "pcc", "x"]
    last = metrics.iloc[-1]
    assert (last["run"], last["treatment"], last["loss"]) == ("second", "x", 2.5)
    assert np.isnan(last["performance"]) and metrics["loss"].isna().sum() == len(metrics) - 1
    results = results_of([run, tmp_path / "second"])
    assert results["experiment"].tolist() == ["counting", "counting", "other"]
    same = make_run(tmp_path / "elsewhere" / "first")
    add_trial(same, "pa", 0, rows_of([1.0]), {})
    assert results_of([run, same.path])["run"].tolist() == [str(run), str(run), str(same.path)]


def test_a_trial_that_never_solved_is_censored_not_left_out(run: Path) -> None:
    table = solving_times([run])
    assert table[["treatment", "trial", "generation", "solved"]].to_numpy().tolist() == [
        ["pa", 0, 100, False],  # goes on: not solved until its last logged generation
        ["pcc", 0, 137, True],  # finished: the generation itself
        ["pcc", 1, 300, False],  # finished: never solved
        ["pcc", 10, 100, True],  # goes on: the first logged generation with the goal
    ]
    assert solving_times([run], goal=0.5)["solved"].tolist() == [False, True, False, True]
    (run / "pcc" / "trial-000" / "metrics.csv").unlink()  # its result is enough
    assert len(solving_times([run])) == 4


def test_a_trial_with_phases_has_solved_its_problem_only_in_the_one_that_is_meant(run: Path) -> None:
    other = make_run(run.parent / "phases", ["pa"])
    first = [row | {"phase": "base"} for row in rows_of([0.5, 1.0])]
    later = [{"generation": 300, "performance": value, "phase": "adaptation"} for value in (0.9, 1.0)]
    add_trial(other, "pa", 0, first)
    add_trial(other, "pa", 1, [*first, *later[:1]])
    add_trial(other, "pa", 2, [*first, *later[1:]])
    assert solving_times([other.path])["solved"].tolist() == [False, False, True]
    assert solving_times([other.path])["generation"].tolist() == [100, 300, 300]
    assert solving_times([other.path], phase="base")["generation"].tolist() == [100, 100, 100]


def test_a_line_that_is_being_written_is_left_out(run: Path) -> None:
    with (run / "pa" / "trial-000" / "metrics.csv").open("a") as file:
        file.write("200,0.9")
    assert len(metrics_of([run]).query("treatment == 'pa'")) == 2
    assert solving_times([run])["generation"].tolist()[0] == 100


def test_a_run_on_remote_storage_is_read_alike(run: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for file in run.rglob("*"):
        if file.is_file() and not file.name.startswith("."):
            memory.pipe(f"/tables/first/{file.relative_to(run)}", file.read_bytes())
    for read in (results_of, metrics_of, solving_times):
        assert read(["memory://tables/first"]).equals(read([run]))


@pytest.mark.parametrize("read", [results_of, metrics_of, solving_times])
def test_what_cannot_be_read_is_said_in_one_line(read, tmp_path: Path, run: Path) -> None:
    begun, empty, later = tmp_path / "begun", tmp_path / "empty", tmp_path / "later"
    make_run(begun)
    empty.mkdir()
    make_run(later)
    (later / "run.json").write_text(json.dumps(json.loads((later / "run.json").read_text()) | {"format": 2}))
    for path, message in (
        (begun, "begun: no (finished trial|metrics) yet: allowed are runs"),
        (empty, r"empty: not a run folder \(it holds no run.json\)"),
        (tmp_path / "missing", "missing: not a run folder"),
        (later, "run.json: format 2: allowed is 1"),
    ):
        with pytest.raises(UserError, match=message) as error:
            read([path])
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="allowed is each run folder once"):
        read([run, run])
    with pytest.raises(UserError, match="allowed are one or more run folders in a list"):
        read(run)


def test_bad_files_are_named(run: Path) -> None:
    file = run / "pcc" / "trial-000" / "result.json"
    file.write_text('{"generation": 300, "solved_generation": "early"}')
    with pytest.raises(UserError, match=r"result\.json: solved_generation: 'early': allowed is a number of gen"):
        solving_times([run])
    file.write_text('{"solved_generation": null}')
    with pytest.raises(UserError, match=r"result\.json: generation: missing"):
        solving_times([run])
    file.write_text("{")
    with pytest.raises(UserError, match=r"result\.json: not a JSON file"):
        results_of([run])
    with pytest.raises(UserError, match=r"metrics\.csv: column loss: missing"):
        metrics_of([run], ["loss"])
    (run / "pa" / "trial-000" / "metrics.csv").write_text('a,"b\n1,2,3\n')
    with pytest.raises(UserError, match=r"metrics\.csv: cannot be read"):
        metrics_of([run])


@pytest.mark.parametrize("number", [0, 10])
def test_a_row_cut_off_is_left_out_while_a_trial_runs_and_refused_when_it_is_finished(
    run: Path, number: int
) -> None:
    file = run / "pcc" / f"trial-{number:03d}" / "metrics.csv"
    file.write_bytes(file.read_bytes()[:-3])
    if number == 10:  # still running
        table = metrics_of([run])
        assert table["generation"][(table["treatment"] == "pcc") & (table["trial"] == 10)].tolist() == [0, 100]
    else:
        with pytest.raises(UserError, match=r"trial-000/metrics\.csv: its last row is cut off"):
            metrics_of([run])
