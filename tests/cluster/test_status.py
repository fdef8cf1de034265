import multiprocessing
from pathlib import Path

import pytest
from ray_cluster import wait_until
from small_program import small

from cluster.folder import RunFolder
from cluster.status import read_status
from cluster.trials import Trial


def test_a_failed_trial_is_told_of_until_it_is_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    monkeypatch.setenv("FAIL", "two/trial-001 4")
    assert small("run", "count", "--workers", 0, "--out", run) == 2
    assert f"1 of 6 trials failed; try them again with: small_program retry {run}" in capsys.readouterr().err
    status = read_status(RunFolder(run))
    assert status.failed == {Trial("two", 1): "ArithmeticError: cannot count to 4"}
    assert len(status.done) == 5 and not status.running and not status.waiting
    assert small("status", run) == 0
    told = capsys.readouterr().out
    assert "6 trials: 5 done, 0 running, 1 failed, 0 waiting" in told
    assert (
        "two/trial-001 failed: ArithmeticError: cannot count to 4" in told and f"small_program retry {run}" in told
    )
    assert small("retry", run, "--workers", 0) == 2  # fails again
    monkeypatch.delenv("FAIL")
    assert small("retry", run, "--workers", 0) == 0
    assert "[6/6] two/trial-001" in capsys.readouterr().err
    assert len(read_status(RunFolder(run)).done) == 6
    assert not list(run.rglob("failure.json")) and not (run / "driver.json").exists()
    assert small("retry", run) == 0 and "no failed trial" in capsys.readouterr().err


def test_retry_leaves_the_waiting_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    monkeypatch.setenv("FAIL", "one/trial-000 1")
    assert small("run", "count", "--workers", 0, "--out", run) == 2
    (run / "two" / "trial-002" / "result.json").unlink()  # as if the run had been killed before its end
    monkeypatch.delenv("FAIL")
    assert small("retry", run, "--workers", 0) == 0
    status = read_status(RunFolder(run))
    assert status.waiting == status.begun == {Trial("two", 2)} and len(status.done) == 5


def test_a_running_run_is_seen_and_a_killed_one_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    monkeypatch.setattr("cluster.driver.BEAT", 0.1)
    words = ("run", "count", "--workers", 0, "--pause", 0.3, "--steps", 1000, "--out", run.path)
    driver = multiprocessing.get_context("fork").Process(target=small, args=words)
    driver.start()
    wait_until(lambda: list(run.path.glob("*/trial-*/checkpoint.npz")) and read_status(run).running)
    assert set(read_status(run).running) == {Trial("one", 0)}
    assert small("status", run.path) == 0
    told = capsys.readouterr().out
    assert small("run", "--resume", "--workers", 0, "--out", run.path) == 2
    assert f"{run.path}: another process is writing this run" in capsys.readouterr().err
    assert "0 done, 1 running, 0 failed, 5 waiting" in told and f"driver: process {driver.pid} on " in told
    driver.kill()
    driver.join()
    monkeypatch.setattr("cluster.status.DEAD", 0.0)
    assert small("status", run.path) == 0
    told = capsys.readouterr().out
    assert "0 done, 0 running, 0 failed, 6 waiting (1 of them begun)" in told
    assert f"nobody runs it; go on with: small_program run --resume --out {run.path}" in told


@pytest.mark.parametrize("command", ["status", "retry"])
def test_what_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert small(command, tmp_path) == 2
    assert capsys.readouterr().err == f"small_program: {tmp_path}: not a run folder (it holds no run.json)\n"
