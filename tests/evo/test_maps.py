"""Maps as their user meets them: the command line, files, reports."""

from __future__ import annotations

import filecmp
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from cluster.errors import UserError
from cluster.folder import RunFolder
from cluster.trials import Trial
from evo.__main__ import main
from evo.archive import Archive
from evo.axes import AXES
from evo.experiments import EXPERIMENTS
from evo.map_report import best_of
from evo.map_trial import read_map, run_trial
from evo.maps import MapElitesSettings
from evo.problems import retina
from evo.variation import random_networks

SHORT = ["--generations", "12", "--log-every", "3", "--checkpoint-every", "5", "--trials", "2", "--workers", "0"]
NAMES = ["clune2013-landscape", "mengistu2016-map"]


def evo(*arguments: str | Path) -> int:
    """Exit code of the command line."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its name."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of every kind of map, on the retina."""
    out = tmp_path_factory.mktemp("runs")
    for name in NAMES:
        problem = ["--problem", "retina-and"]
        assert evo("run", name, "--scale", "smoke", *SHORT, *problem, "--out", out / name) == 0
    return out


def test_the_published_values() -> None:
    shared = {"add_rate": 0.2, "remove_rate": 0.2, "weight_changes": 2.0}
    step = {"insertions_max": 99, "bias_rate": 1 / 15, "bias_change": "step"}
    grown = step | {"insertions_min": 20, "minimum_connections": 20}
    redraw = {"insertions_min": 0, "insertions_max": 119, "bias_rate": 1 / 24, "bias_change": "redraw"}
    landscape = {"cells": 200, "neighbours": 8, "population": 1000, "cost_end": 500.0}
    for name, values in {
        "mengistu2016-map": grown
        | {"problem": "and-xor-and", "cells": 256, "starters": 1000, "pairs": 2000, "generations": 25_001},
        "clune2013-landscape": landscape | redraw | {"problem": "retina-and", "generations": 10_001},
        "clune2013-landscape-5xor": landscape | step | {"problem": "5-xor", "generations": 100_001},
        "clune2013-landscape-hxor": landscape | grown | {"problem": "hierarchical-xor", "generations": 100_001},
    }.items():
        settings = asdict(EXPERIMENTS[name].settings)
        assert {key: settings[key] for key in shared | values} == shared | values
    ends = {axis: AXES[axis].end for axis in ("connection-cost", "nodes", "connections")}
    assert ends == {"connection-cost": 500.0, "nodes": 25.0, "connections": 150.0}


@pytest.mark.parametrize("name", NAMES)
def test_a_trial_leaves_its_map(runs: Path, name: str) -> None:
    experiment = EXPERIMENTS[name]
    trial = runs / name / experiment.default[0] / "trial-001"
    result = json.loads((trial / "result.json").read_text())
    with np.load(trial / "archive.npz", allow_pickle=False) as file:
        arrays = dict(file)
    assert result["filled"] == len(arrays["cell"]) == len(np.unique(arrays["cell"]))
    assert result["performance"] == arrays["performance"].max() and result["generation"] == 12
    assert result["qd_score"] == pytest.approx(arrays["performance"].sum())
    assert result["perfect_cells"] == (arrays["performance"] == 1).sum()
    assert result["coverage"] == result["filled"] / np.prod(arrays["shape"])
    rows = (trial / "metrics.csv").read_text().splitlines()
    assert rows[0] == "generation,filled,coverage,performance,performance_mean,qd_score,perfect_cells"
    assert [int(row.split(",")[0]) for row in rows[1:]] == [0, 3, 6, 9, 12]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_again_gives_the_same_files(runs: Path, name: str, tmp_path: Path) -> None:
    description = json.loads((runs / name / "run.json").read_text())
    assert evo(*description["command"].split()[1:], "--workers", "0", "--out", tmp_path / "again") == 0
    for trial in (runs / name).glob("*/trial-*"):
        again = tmp_path / "again" / trial.relative_to(runs / name)
        files = [path.name for path in trial.iterdir()]
        assert filecmp.cmpfiles(trial, again, files, shallow=False)[1:] == ([], []) and len(files) == 4


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stop", [3, 6, 12])
def test_stopped_anywhere_a_trial_resumes_to_the_same_files(
    runs: Path, name: str, stop: int, tmp_path: Path
) -> None:
    run = RunFolder(runs / name)
    experiment = EXPERIMENTS[name]
    trial = Trial(experiment.default[0], 0)
    settings = type(experiment.settings)(**_tuples(run.description["settings"]))
    settings = experiment.treated(settings, trial.treatment)
    again = RunFolder.create(tmp_path / "run", {k: v for k, v in run.description.items() if k != "format"})

    def stops(row: dict) -> None:
        if row["generation"] == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trial(trial, stops, again.path, settings, 1)
    run_trial(trial, lambda row: None, again.path, settings, 1)
    own, whole = (folder.trial(trial.treatment, 0).path for folder in (again, run))
    assert contents(own) == contents(whole)


def _tuples(settings: dict) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("run mengistu2016-map --cells 1", "--cells 1: allowed is a whole number from 2 to 4096"),
        ("run clune2013-landscape --neighbours 0", "--neighbours 0: allowed is a whole number from 1"),
        (
            "run mengistu2016-map --axes modularity beauty",
            "--axes beauty: allowed is one of modularity, hierarchy",
        ),
        ("run clune2013-landscape --axes modularity nodes", "--axes modularity nodes: treatment cost sets it"),
        ("run mengistu2016-map --axes modularity modularity", "--axes modularity modularity: allowed are two or"),
        ("run clune2013-landscape --problem chess", "--problem chess: allowed is one of"),
        ("run clune2013-landscape --treatments colour", "--treatments colour: clune2013-landscape has no such"),
        ("run mengistu2016-map --treatments map-cost --cells 600", "--cells 600: allowed with three axes is at"),
        ("run mengistu2016-map --insertions-max 3", "--insertions-min 20: allowed is at most --insertions-max 3"),
        ("run mengistu2016-map --pressure 1", "--pressure 1: not understood (see"),
    ],
)
def test_bad_input_gets_one_line(
    arguments: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert evo(*arguments.split()) == 2
    printed = capsys.readouterr()
    assert says in printed.err and printed.err.count("\n") == 1 and printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("axes", [("modularity", "beauty"), ("modularity",), ("nodes", "nodes"), ()])
def test_axes_that_span_no_map_are_refused(axes: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="--axes"):
        MapElitesSettings(axes=axes).checked()


@pytest.mark.parametrize(
    "damage", ["truncated", "pickle", "performance", "place", "ancestor", "fewer", "weights", "missing"]
)
def test_a_changed_map_is_noticed(runs: Path, damage: str, tmp_path: Path) -> None:
    shutil.copytree(runs / "mengistu2016-map" / "map" / "trial-000", tmp_path / "trial-000")
    folder = RunFolder(tmp_path.parent).trial(tmp_path.name, 0)
    file = folder.path / "archive.npz"
    with np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "missing":
        file.unlink()
    else:
        if damage == "pickle":
            arrays["weights"] = np.array([{"a": 1}], object)
        elif damage == "performance":
            arrays["performance"][0] = 1.0
        elif damage == "place":
            arrays["place"][3] += 1e-4
        elif damage == "ancestor":
            arrays["history_performance"][0] = 0.123
        elif damage == "weights":
            arrays["weights"][arrays["weights"] == 2] = 1
        else:
            elites = {name for name in arrays if not name.startswith("history") and name != "shape"}
            arrays |= {name: arrays[name][:-1] for name in elites}
        np.savez(file, **arrays)
    with pytest.raises(UserError, match=str(file)) as error:
        read_map(folder, folder.result, retina())
    assert "\n" not in str(error.value)


def test_a_report_draws_the_maps(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--population", "20", "--generations", "20", "--trials", "1", "--workers", "0", "--scale", "smoke"]
    assert evo("run", "clune2013-retina", *small, "--out", tmp_path / "ends") == 0
    assert evo("run", "clune2013-hxor", *small, "--out", tmp_path / "others") == 0
    words = ["--overlay", tmp_path / "ends", "--nulls", "20", "--out", tmp_path / "one"]
    assert evo("report", runs / "clune2013-landscape", *words) == 0
    drawn = {path.name for path in (tmp_path / "one").iterdir()}
    assert {"map-cost.png", "places-cost.svg", "curves.png", "table.md"} <= drawn
    assert "lineages-cost.png" not in drawn
    assert evo("report", runs / "mengistu2016-map", "--nulls", "20", "--out", tmp_path / "map") == 0
    drawn = {path.name for path in (tmp_path / "map").iterdir()}
    assert {"map-map.png", "lineages-map.png", "ancestors-map.png", "places-map.png"} <= drawn
    assert "filled cells" in capsys.readouterr().out
    for words, says in (
        ([runs / "clune2013-landscape", "--overlay", tmp_path / "others"], "of problem hierarchical-xor: allowed"),
        ([tmp_path / "ends", "--overlay", tmp_path / "others"], "clune2013-retina has no map"),
        ([runs / "clune2013-landscape", "--overlay", tmp_path / "nothing"], "not a run folder"),
    ):
        assert evo("report", *words, "--out", tmp_path / "no") == 2
        message = capsys.readouterr().err
        assert says in message and message.count("\n") == 1
    assert not (tmp_path / "no").exists()


def test_a_map_of_several_trials_shows_the_best_of_each_cell() -> None:
    topology = retina().topology
    rng = np.random.default_rng(0)
    archives, expected = [], np.full((5, 6), np.nan)
    for generation in range(3):
        archive = Archive(topology, (5, 6, 2))
        places = rng.random((40, 3))
        performance = rng.integers(0, 9, 40) / 8
        networks = random_networks(topology, 40, (0, 9), rng)
        archive.add(networks, performance, places, generation)
        archives.append(archive)
        for place, value in zip(places, performance, strict=True):
            row, column = (min(int(np.floor(p * n + 0.5)), n - 1) for p, n in zip(place, (5, 6), strict=False))
            expected[row, column] = np.fmax(expected[row, column], value)
    np.testing.assert_array_equal(best_of(archives), expected)


def test_deeper_maps_are_drawn_from_above(tmp_path: Path) -> None:
    words = ["--treatments", "map-cost", "--cells", "16", *SHORT, "--trials", "1"]
    assert evo("run", "mengistu2016-map", "--scale", "smoke", *words, "--out", tmp_path / "run") == 0
    assert evo("report", tmp_path / "run", "--nulls", "20") == 0
    drawn = {path.name for path in (tmp_path / "run" / "report").iterdir()}
    assert "lineages-map-cost.png" in drawn and "ancestors-map-cost.png" not in drawn
