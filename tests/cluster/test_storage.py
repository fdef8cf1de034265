"""Run folders away from this machine: in memory, and on a local stand-in for S3 with the real client."""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray_cluster import ROOT, wait_until, workers_of
from small_program import small

from cluster import driver
from cluster.errors import UserError
from cluster.folder import RunFolder, Superseded
from cluster.status import read_status
from cluster.storage import RemotePath, files_below, is_remote, location
from cluster.trials import Trial


@pytest.fixture(params=["local", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new run may go, on each kind of storage."""
    if request.param == "local":
        return str(tmp_path / "run")
    root = request.getfixturevalue("s3") if request.param == "s3" else "memory://runs"
    return f"{root}/{secrets.token_hex(4)}"


def contents(place: str) -> dict[str, bytes]:
    root = location(place)
    return {name: (root / name).read_bytes() for name in files_below(root)}


def test_a_run_leaves_the_same_files_everywhere(place: str, tmp_path: Path) -> None:
    assert small("run", "count", "--workers", 0, "--out", place) == 0
    assert small("run", "count", "--workers", 0, "--out", tmp_path / "local") == 0
    found = contents(place)
    assert found == contents(str(tmp_path / "local")) and len(found) == 1 + 6 * 3
    assert found["two/trial-001/metrics.csv"].startswith(b"step,total\n1,3\n2,5\n")


@pytest.mark.parametrize("step", [1, 4])
def test_a_trial_goes_on_from_its_checkpoint(place: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", f"two/trial-001 {step}")
    assert small("run", "count", "--workers", 0, "--out", place) == 2
    broken = contents(place)
    error = f"ArithmeticError: cannot count to {step}"
    assert json.loads(broken["two/trial-001/failure.json"]) == {"error": error}
    assert ("two/trial-001/checkpoint.npz" in broken) == (step > 1)
    monkeypatch.delenv("FAIL")
    assert small("run", "--resume", "--workers", 0, "--out", place) == 0
    assert small("run", "count", "--workers", 0, "--out", f"{place}-whole") == 0
    assert contents(place) == contents(f"{place}-whole")


def test_rows_after_the_last_checkpoint_are_cut(place: str) -> None:
    trial = RunFolder.create(place, {}).trial("pa", 3)
    with trial.locked():
        trial.record({"step": 0})
        trial.checkpoint({"a": np.arange(3)})
        metrics = trial.path / "metrics.csv"
        metrics.write_bytes(metrics.read_bytes() + b"1\n2")
        restored = trial.restore()
        assert restored is not None and np.array_equal(restored["a"], np.arange(3))
        trial.record({"step": 1})
        trial.checkpoint({"a": np.arange(4)})
        assert metrics.read_bytes() == b"step\n0\n1\n"


def test_another_run_is_refused_and_untouched(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert small("run", "count", "--workers", 0, "--out", place) == 0
    before = contents(place)
    assert small("run", "count", "--workers", 0, "--out", place) == 2
    assert "holds another run: allowed is a new or empty folder, or --resume" in capsys.readouterr().err
    assert small("run", "count", "--workers", 0, "--steps", 7, "--resume", "--out", place) == 2
    assert "holds another run: its settings.steps is 6, not 7" in capsys.readouterr().err
    assert contents(place) == before


def test_status_reads_every_storage(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "one/trial-002 2")
    assert small("run", "count", "--workers", 0, "--out", place) == 2
    status = read_status(RunFolder(place))
    assert len(status.done) == 5 and status.failed == {Trial("one", 2): "ArithmeticError: cannot count to 2"}


def test_a_reader_never_sees_half_a_file(place: str) -> None:
    """Written and read at once, a file is always whole, as each kind of storage is said to keep it."""
    root = location(place)
    if not is_remote(root):
        root.mkdir()
    from cluster.files import write_atomic

    file, size = root / "file", 2_000_000
    write_atomic(file, b"\0" * size)
    stop = threading.Event()

    def write() -> None:
        for value in range(1, 200):
            write_atomic(file, bytes([value]) * size)
            time.sleep(0.001)  # so that the reader has its turn
            if len(seen) > 5:
                break
        stop.set()

    writer = threading.Thread(target=write)
    seen: set[int] = set()
    writer.start()
    while not stop.is_set():
        content = file.read_bytes()
        assert len(content) == size and len(set(content)) == 1
        seen.add(content[0])
    writer.join()
    assert len(seen) > 1


@pytest.fixture
def remote(request: pytest.FixtureRequest, s3: str, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A new run on remote storage, whose drivers live fast."""
    monkeypatch.setattr(driver, "BEAT", 0.2)
    monkeypatch.setattr(driver, "DEAD", 1.0)
    return RunFolder.create(f"{s3}/{secrets.token_hex(4)}", {})


def test_a_second_driver_is_refused_while_the_first_lives(remote: RunFolder) -> None:
    refused = pytest.raises(UserError, match=f"writing this run .process {os.getpid()} on")
    with remote.locked(), refused, remote.locked():
        pass
    with remote.locked():  # it has let go
        pass
    assert files_below(remote.path) == {"run.json"}


def test_a_dead_driver_is_taken_over_from(remote: RunFolder) -> None:
    (remote.path / "driver.json").write_bytes(b'{"token": "dead", "count": 3}\n')
    with remote.locked():
        assert json.loads((remote.path / "driver.json").read_bytes())["token"] != "dead"
    assert not (remote.path / "driver.json").exists()


def test_a_driver_that_was_taken_over_from_stops(remote: RunFolder) -> None:
    with pytest.raises(KeyboardInterrupt), remote.locked():
        (remote.path / "driver.json").write_bytes(b'{"token": "other"}\n')
        time.sleep(5)
    assert json.loads((remote.path / "driver.json").read_bytes()) == {"token": "other"}


def test_a_trial_thought_lost_writes_no_more(remote: RunFolder) -> None:
    first, second = remote.trial("pa", 0), remote.trial("pa", 0)
    with first.locked():
        first.checkpoint({"step": np.array(1)})
        with second.locked():
            with pytest.raises(Superseded):
                first.checkpoint({"step": np.array(2)})
            with pytest.raises(Superseded):
                first.finish({})
            second.checkpoint({"step": np.array(3)})
    assert files_below(first.path) == {"checkpoint.npz"}


def test_a_storage_that_says_no_is_one_line(s3: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert small("run", "count", "--workers", 0, "--out", "s3://nobodys-bucket/run") == 2
    assert "s3://nobodys-bucket/run: cannot be listed: no such bucket" in capsys.readouterr().err
    assert small("run", "count", "--workers", 0, "--out", "carrier-pigeon://run") == 2
    assert "unknown storage carrier-pigeon://: allowed is what fsspec knows" in capsys.readouterr().err
    assert small("status", f"{s3}/nothing") == 2
    assert "s3://runs/nothing: not a run folder (it holds no run.json)" in capsys.readouterr().err


def test_without_permission_a_run_is_refused(s3: str) -> None:
    """In a process of its own: the server's doors stay shut only for it."""
    import requests

    requests.post(os.environ["AWS_ENDPOINT_URL"] + "/moto-api/reset-auth", data=b"0", timeout=10)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "small_program", "run", "count", "--workers", "0", "--out", f"{s3}/closed"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        )
    finally:
        requests.post(os.environ["AWS_ENDPOINT_URL"] + "/moto-api/reset-auth", data=b"inf", timeout=10)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1, result.stderr
    assert "s3://runs/closed" in result.stderr and "not permitted to these credentials" in result.stderr


@pytest.mark.slow
def test_three_nodes_write_to_remote_storage_what_one_process_writes(
    cluster: Any, s3: str, tmp_path: Path
) -> None:
    place = f"{s3}/{secrets.token_hex(4)}"
    words = ("run", "count", "--steps", 12, "--pause", 0.05, "--trials", 3)
    assert small(*words, "--workers", 0, "--out", tmp_path / "here") == 0
    kill = threading.Thread(target=_kill_one_worker, args=(cluster, place))
    kill.start()
    assert small(*words, "--address", cluster.address, "--out", place) == 0
    kill.join()
    assert contents(place) == contents(str(tmp_path / "here"))


def _kill_one_worker(cluster: Any, place: str) -> None:
    wait_until(lambda: any(name.endswith("checkpoint.npz") for name in files_below(location(place))))
    os.kill(wait_until(lambda: [pid for node in cluster.list_all_nodes() for pid in workers_of(node)])[0], 9)


def test_a_url_joins_as_a_path_does() -> None:
    place = location("s3://bucket/runs/a/")
    assert str(place / "pa" / "trial-000") == "s3://bucket/runs/a/pa/trial-000"
    assert (place / "x.json").name == "x.json" and (place / "x.json").parent == place
    assert (place / "x.json").suffix == ".json"
    assert isinstance(place, RemotePath) and not is_remote(location("file:///tmp/a"))
    assert location("file:///tmp/a") == Path("/tmp/a")
