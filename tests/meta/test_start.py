"""Trials that start from networks that other trials trained."""

from pathlib import Path

import numpy as np
import pytest

from cluster.files import read_arrays, read_json
from meta.__main__ import main


def meta(*arguments: str | Path) -> int:
    """Exit code of the command line."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def run(out: Path, treatment: str, *more: str | Path) -> int:
    scale = ["--scale", "smoke", "--trials", "2", "--workers", "0"]
    return meta("run", "beaulieu2020-omniglot", *scale, "--treatments", treatment, "--out", out, *more)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("start") / "trained"
    assert run(out, "anml-no-nm", "--iterations", "2") == 0
    return out


def test_another_test_of_a_trained_network_starts_from_it(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    start = trained / "anml-no-nm"
    assert run(out, "pretrain-replay", "--iterations", "0", "--start", start) == 0
    for name in ("trial-000", "trial-001"):
        before, after = (read_arrays(folder / name / "model.npz") for folder in (start, out / "pretrain-replay"))
        assert before.keys() == after.keys() and all(np.array_equal(before[key], after[key]) for key in before)
        assert read_json(out / "pretrain-replay" / name / "result.json")["settings"]["start"] == str(start)


def test_a_report_shows_it_beside_other_trainings_of_one_length(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again, narrow, longer = (tmp_path / name for name in ("again", "narrow", "longer"))
    assert run(again, "pretrain-replay", "--iterations", "0", "--start", trained / "anml-no-nm") == 0
    assert run(narrow, "oml", "--iterations", "2", "--precision", "bfloat16") == 0
    assert meta("report", again, trained, narrow, "--out", tmp_path / "report") == 0
    statistics = read_json(tmp_path / "report" / "statistics.json")
    assert set(statistics["summary"]) == {"anml-no-nm", "pretrain-replay", "oml"}
    assert any("--precision bfloat16" in command for command in statistics["commands"])
    assert run(longer, "pretrain", "--iterations", "4") == 0
    capsys.readouterr()
    assert meta("report", again, trained, longer, "--out", tmp_path / "no") == 2
    assert f"{longer}: iterations 4: allowed is 2, as of {trained}" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_a_training_that_starts_from_a_trained_network_moves_on_and_resumes(trained: Path, tmp_path: Path) -> None:
    more = ("--start", trained / "anml-no-nm", "--iterations", "4", "--trials", "1")
    assert run(tmp_path / "a", "anml-no-nm", *more) == 0
    assert run(tmp_path / "b", "anml-no-nm", *more, "--rate", "0") == 0
    start, moved, stayed = (
        read_arrays(out / "anml-no-nm" / "trial-000" / "model.npz")
        for out in (trained, tmp_path / "a", tmp_path / "b")
    )
    kept = [key for key in start if not key.startswith("head.")]  # output weights of lifetimes are drawn anew
    assert all(np.array_equal(start[key], stayed[key]) for key in kept)
    assert not all(np.array_equal(start[key], moved[key]) for key in kept)
    (tmp_path / "a" / "anml-no-nm" / "trial-000" / "result.json").unlink()
    assert meta("run", "--resume", "--out", tmp_path / "a", "--workers", "0") == 0  # from its own checkpoint
    again = read_arrays(tmp_path / "a" / "anml-no-nm" / "trial-000" / "model.npz")
    assert all(np.array_equal(again[key], moved[key]) for key in moved)


def test_what_cannot_be_started_from_gets_one_line(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "a", "anml-no-nm", "--start", trained / "anml") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "trial-000/model.npz: no such file: allowed is a folder RUN/TREATMENT" in lines[0]
    assert not (tmp_path / "a").exists()
    assert run(tmp_path / "b", "anml-no-nm", "--start", trained / "anml-no-nm", "--trials", "3") == 2
    assert "finished trials 0 to 2" in capsys.readouterr().err
    assert run(tmp_path / "c", "anml", "--start", trained / "anml-no-nm") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "neuromodulation" in lines[0] and "missing: allowed is a network of the" in lines[0]
    assert not (tmp_path / "c").exists()
