"""The command line as its user meets it: `evo.__main__.main` in this process, real processes where it matters."""

import filecmp
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evo.__main__ import main

SMALL = [
    "--population",
    "20",
    "--generations",
    "40",
    "--log-every",
    "5",
    "--checkpoint-every",
    "10",
    "--trials",
    "2",
]
RUN = ["run", "clune2013-retina", "--scale", "smoke", *SMALL]


def evo(*arguments: str | Path) -> int:
    """Exit code of the command line."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def same_files(a: Path, b: Path) -> bool:
    """Whether two folders hold the same files, byte for byte."""
    files = sorted(path.relative_to(a) for path in a.rglob("*") if path.is_file())
    assert files and files == sorted(path.relative_to(b) for path in b.rglob("*") if path.is_file())
    return filecmp.cmpfiles(a, b, [str(file) for file in files], shallow=False)[1:] == ([], [])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of every kind of treatment."""
    out = tmp_path_factory.mktemp("runs") / "run"
    treatments = ["pa", "pcc", "pcc-diversity", "pcc-count", "modularity", "random", "pa-random-ties"]
    assert evo(*RUN, "--treatments", *treatments, "--workers", "0", "--out", out) == 0
    return out


def test_results_hold_what_an_outsider_needs(finished: Path) -> None:
    result = json.loads((finished / "pcc" / "trial-001" / "result.json").read_text())
    for name in ("experiment", "treatment", "trial", "seed", "generation", "performance", "connection_cost"):
        assert name in result
    assert result["trial"] == 1 and result["generation"] == 40
    assert set(result["network"]["nodes"][0]) == {"id", "layer", "bias", "position"}
    nodes = {node["id"] for node in result["network"]["nodes"]}
    assert nodes == {node for module in result["partition"] for node in module}
    rows = (finished / "pcc" / "trial-001" / "metrics.csv").read_text().splitlines()
    assert rows[0].split(",")[0] == "generation"
    assert [int(row.split(",")[0]) for row in rows[1:]] == list(range(0, 41, 5))


def test_run_json_tells_how_to_make_the_run_again(finished: Path, tmp_path: Path) -> None:
    description = json.loads((finished / "run.json").read_text())
    assert description["versions"]["numpy"] and description["settings"]["population"] == 20
    command = description["command"].split()
    assert evo(*command[1:], "--workers", "0", "--out", tmp_path / "again") == 0
    assert same_files(finished, tmp_path / "again")


@pytest.mark.slow
def test_a_config_replays_a_run_on_other_workers_to_the_same_files(finished: Path, tmp_path: Path) -> None:
    config = finished / "run.json"
    assert evo("run", "--config", config, "--workers", "3", "--out", tmp_path / "again") == 0
    assert same_files(finished, tmp_path / "again")


def test_another_seed_gives_other_trials(finished: Path, tmp_path: Path) -> None:
    assert evo(*RUN, "--treatments", "pa", "--seed", "2", "--workers", "0", "--out", tmp_path / "other") == 0
    own = [json.loads((tmp_path / "other" / "pa" / f"trial-00{k}" / "result.json").read_text()) for k in (0, 1)]
    first = json.loads((finished / "pa" / "trial-000" / "result.json").read_text())
    assert len({result["seed"] for result in [*own, first]}) == 3
    assert own[0]["network"] != own[1]["network"] != first["network"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_at_any_moment_a_run_resumes_to_the_same_end(tmp_path: Path, workers: str) -> None:
    size = ["--population", "40", "--generations", "600", "--log-every", "10", "--checkpoint-every", "50"]
    command = ["run", "clune2013-retina", "--scale", "smoke", *size, "--trials", "2", "--workers", workers]
    assert evo(*command, "--out", tmp_path / "whole") == 0
    killed, kills = tmp_path / "killed", 0
    for attempt in range(7):
        process = subprocess.Popen(
            [sys.executable, "-m", "evo", *command, "--resume", "--out", str(killed)],
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        begun = time.monotonic()
        while process.poll() is None and not list(killed.glob("*/trial-*/metrics.csv")):
            assert time.monotonic() - begun < 60
            time.sleep(0.005)
        time.sleep(0.07 * attempt)
        if process.poll() is not None:
            assert process.returncode == 0
            break
        # Without its workers: they must notice by themselves.
        os.kill(process.pid, signal.SIGKILL)
        kills += 1
        process.wait()
    else:
        assert evo(*command, "--resume", "--out", killed) == 0
    assert kills > 0
    assert same_files(tmp_path / "whole", killed)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("run nosuch", "experiment nosuch: no such experiment: allowed are clune2013-retina"),
        ("run", "EXPERIMENT: missing: allowed are"),
        ("run clune2013-retina --treatments pa xyz", "--treatments xyz: clune2013-retina has no such treatment"),
        ("run clune2013-retina --treatments pa pa", "--treatments pa pa: allowed is each of them once"),
        ("run clune2013-retina --population 0", "--population 0: allowed is a whole number of 2 or more"),
        ("run clune2013-retina --population 1.5", "--population 1.5: allowed is a whole number of 2 or more"),
        ("run clune2013-retina --pressure -0.5", "--pressure -0.5: allowed is a number from 0 to 1"),
        ("run clune2013-retina --add-rate=-1e-9", "--add-rate -1e-9: allowed is a number from 0 to 1"),
        ("run clune2013-retina --insertions-min 9 --insertions-max 3", "--insertions-min 9: allowed is at most"),
        (
            "run clune2013-retina --objectives connections",
            "--objectives connections: treatment pa sets it: allowed",
        ),
        ("run clune2013-retina --scale huge", "--scale huge: allowed are paper, laptop, smoke"),
        ("run clune2013-retina --trials 0", "--trials 0: allowed is a whole number of 1 or more"),
        ("run clune2013-retina --workers -1", "--workers -1: allowed is a whole number of 0 or more"),
        (
            "run clune2013-retina --colour red",
            "--colour red: not understood (see evo run clune2013-retina --help)",
        ),
        ("run clune2013-retina --generation 5", "--generation 5: not understood: did you mean --generations?"),
        ("run --resume", "--out: missing: allowed with --resume alone is the folder of a run"),
        (
            "run clune2013-retina --out memory://a",
            "--out memory://a: the memory of one process: allowed is --workers 0",
        ),
        ("run clune2013-retina --out memory://", "memory://: allowed is memory:// with a name after it"),
        ("run clune2013-retina --out ftp://host/a", "ftp://host/a: ftp:// needs more than an address (host)"),
        ("run clune2013-retina --out=", "an empty name: allowed are folders, files and URLs"),
        ("run --config nothing.json", "nothing.json: cannot be read: No such file or directory"),
        ("report nothing", "nothing: not a run folder"),
        ("show nothing", "nothing: holds no result.json"),
        ("list nothing", "experiment nothing: no such experiment"),
        ("dance", "invalid choice: 'dance'"),
    ],
)
def test_bad_input_gets_one_line_and_code_2(
    arguments: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert evo(*arguments.split()) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"evo: {says}") or says in printed.err
    assert printed.err.count("\n") == 1 and printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_another_run_is_left_alone(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (finished / "run.json").read_bytes()
    assert evo(*RUN, "--out", finished) == 2
    assert "holds another run" in capsys.readouterr().err
    assert evo(*RUN, "--seed", "5", "--resume", "--out", finished) == 2
    assert "its treatments is" in capsys.readouterr().err
    assert (finished / "run.json").read_bytes() == before


def test_a_run_goes_on_with_later_code(tmp_path: Path) -> None:
    run = unfinished(tmp_path)
    description = json.loads((run / "run.json").read_text())
    description |= {"commit": "0" * 40, "versions": {"numpy": "1.0"}}
    (run / "run.json").write_text(json.dumps(description))
    again = [*RUN, "--treatments", "pa", "--trials", "1", "--workers", "0", "--resume", "--out", run]
    assert evo(*again) == 0
    assert (run / "pa" / "trial-000" / "result.json").exists()
    assert json.loads((run / "run.json").read_text()) == description


def unfinished(tmp_path: Path) -> Path:
    """A run whose only trial has a checkpoint but no result."""
    run = tmp_path / "run"
    assert evo(*RUN, "--treatments", "pa", "--trials", "1", "--workers", "0", "--out", run) == 0
    (run / "pa" / "trial-000" / "result.json").unlink()
    return run


@pytest.mark.parametrize("damage", ["truncated", "other", "empty"])
def test_a_damaged_checkpoint_gets_one_line(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = unfinished(tmp_path)
    checkpoint = run / "pa" / "trial-000" / "checkpoint.npz"
    content = checkpoint.read_bytes()
    if damage == "truncated":
        checkpoint.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        checkpoint.write_bytes(b"")
    else:
        other = tmp_path / "other"
        assert evo(*RUN, "--population", "22", "--treatments", "pa", "--workers", "0", "--out", other) == 0
        checkpoint.write_bytes((other / "pa" / "trial-000" / "checkpoint.npz").read_bytes())
    capsys.readouterr()
    assert evo("run", "--resume", "--workers", "0", "--out", run) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("evo: ") and str(checkpoint) in message
    assert message.endswith("to start this trial over")
    checkpoint.unlink()
    assert evo("run", "--resume", "--workers", "0", "--out", run) == 0


def test_a_result_edited_by_hand_is_noticed(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original = (finished / "pcc" / "trial-000" / "result.json").read_text()
    file = tmp_path / "result.json"
    changes = {
        "performance": 1.0,
        "connection_cost": 1.0,
        "connections": 1,
        "modularity": 0.9,
        "decomposed": True,
        "problem": "chess",
        "partition": [[0]],
        "trial": "first",
        "modularity_mean": None,
        "solved_generation": "never",
        "network": {"nodes": 3},
    }
    for name, value in changes.items():
        result = json.loads(original)
        assert result[name] != value
        result[name] = value
        file.write_text(json.dumps(result))
        assert evo("show", file) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1 and str(file) in message and name.split("_")[0] in message
    for name in json.loads(original):
        result = json.loads(original)
        del result[name]
        file.write_text(json.dumps(result))
        if evo("show", file) == 2:
            assert re.search(rf"{file}: {name}: missing\n", capsys.readouterr().err)
    file.write_text(original[: len(original) // 2])
    assert evo("show", file) == 2
    assert "not a JSON file" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems and only root ignores permissions")
def test_a_full_disk_gets_one_line_and_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", str(disk)], capture_output=True
    ).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        assert evo(*RUN, "--trials", "9", "--workers", "0", "--out", disk / "run") == 2
        message = capsys.readouterr().err.splitlines()[-1]
        assert message.startswith(f"evo: {disk}") and message.endswith(
            "cannot be written: No space left on device"
        )
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        assert evo(*RUN, "--trials", "9", "--workers", "0", "--resume", "--out", disk / "run") == 0
        assert evo(*RUN, "--trials", "9", "--workers", "0", "--out", tmp_path / "whole") == 0
        assert same_files(disk / "run", tmp_path / "whole")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert evo(*RUN, "--out", disk / "other") == 2
        assert capsys.readouterr().err.endswith("cannot be written: Read-only file system\n")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_report_holds_tables_statistics_and_figures(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for out in ("one", "two"):
        assert evo("report", finished, "--out", tmp_path / out) == 0
    printed = capsys.readouterr().out
    assert "decomposed trials" in printed and "p (pcc - pa)" in printed
    assert same_files(tmp_path / "one", tmp_path / "two")
    figures = {path.name for path in (tmp_path / "one").glob("*.png")}
    assert {"curves.png", "box-modularity.png", "bars-decomposed.png", "networks-pcc.png"} <= figures
    assert (tmp_path / "one" / "index.html").read_text().count("<figure") == len(figures)
    statistics = json.loads((tmp_path / "one" / "statistics.json").read_text())
    assert statistics["finished_trials"] == 14 and statistics["summary"]["pa"]["trials"] == 2
    trials = (tmp_path / "one" / "trials.csv").read_text().splitlines()
    assert len(trials) == 15


def test_several_runs_are_reported_together_if_they_belong_together(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evo(*RUN, "--treatments", "pcc-p100", "--workers", "0", "--out", tmp_path / "more") == 0
    assert evo("report", finished, tmp_path / "more", "--out", tmp_path / "report") == 0
    statistics = json.loads((tmp_path / "report" / "statistics.json").read_text())
    assert statistics["finished_trials"] == 16 and "pcc-p100" in statistics["summary"]
    assert {test["against"] for test in statistics["comparisons"]} == {"pa"}
    capsys.readouterr()
    assert evo("report", finished, finished, "--out", tmp_path / "no") == 2
    assert "treatment pa: allowed is each treatment in one run only" in capsys.readouterr().err
    longer = [*RUN, "--generations", "50", "--treatments", "pcc-p100", "--workers", "0"]
    assert evo(*longer, "--out", tmp_path / "longer") == 0
    assert evo("report", finished, tmp_path / "longer", "--out", tmp_path / "no") == 2
    assert "generations 50: allowed is 40, as of" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_a_run_that_is_older_than_a_setting_had_its_published_value(finished: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    assert evo(*RUN, "--treatments", "pcc-p100", "--workers", "0", "--out", older) == 0
    description = json.loads((older / "run.json").read_text())
    assert description["settings"].pop("lineage") is False
    (older / "run.json").write_text(json.dumps(description))
    assert evo("report", finished, older, "--out", tmp_path / "report") == 0


def test_a_result_in_the_wrong_place_is_noticed(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    result = tmp_path / "run" / "pcc" / "trial-000" / "result.json"
    result.write_bytes((finished / "pa" / "trial-001" / "result.json").read_bytes())
    assert evo("report", tmp_path / "run") == 2
    assert "is of trial pa/trial-001: allowed is pcc/trial-000" in capsys.readouterr().err


def test_an_unfinished_run_is_reported_as_far_as_it_is(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = unfinished(tmp_path)
    assert evo("report", run) == 2
    assert "no finished trial yet" in capsys.readouterr().err


def test_show_prints_and_draws_one_network(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evo("show", finished / "pcc" / "trial-000", "--nulls", "20", "--out", tmp_path / "net.png") == 0
    printed = capsys.readouterr().out
    assert "modularity Q (spectral)" in printed and str(tmp_path / "net.png") in printed
    assert (tmp_path / "net.svg").exists()


def test_list_and_help_teach(capsys: pytest.CaptureFixture[str]) -> None:
    assert evo("list") == 0 and evo("list", "clune2013-hxor") == 0
    printed = capsys.readouterr().out
    assert "clune2013-5xor" in printed and "pressure 0.5" in printed
    assert evo("run", "clune2013-retina", "--help") == 0
    assert "--bias-change" in capsys.readouterr().out


@pytest.mark.slow
def test_the_door_is_light() -> None:
    code = (
        "import evo, meta, sys; print([m for m in ('ray', 'matplotlib', 'torch', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_interrupted_a_run_says_how_to_go_on(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "evo",
            *RUN,
            "--generations",
            "100000",
            "--workers",
            "2",
            "--out",
            str(tmp_path / "run"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob("run/*/trial-*/metrics.csv")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=400)
    assert process.returncode == 130
    assert printed.rstrip().endswith(f"evo run --resume --out {tmp_path / 'run'}") and "Traceback" not in printed
