import errno
import fcntl
import multiprocessing
import os
import stat
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.errors import UserError
from cluster.folder import RunFolder, TrialFolder
from cluster.locks import is_held, locked_folder
from cluster.seeds import trial_seed
from cluster.trials import Trial

DESCRIPTION = {
    "experiment": "a",
    "question": "why?",
    "command": "evo run a",
    "scale": "smoke",
    "treatments": ["pa"],
    "trials": 1,
    "seed": 1,
    "settings": {},
}


def _hold(path: Path, seconds: float) -> None:
    with RunFolder(path).locked():
        (path / "held").touch()
        time.sleep(seconds)


def test_a_folder_that_holds_another_run_is_refused_and_untouched(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", DESCRIPTION)
    with pytest.raises(UserError, match="holds another run"):
        RunFolder.create(tmp_path / "run", {"experiment": "b"})
    assert RunFolder(tmp_path / "run").description["experiment"] == "a"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files"):
        RunFolder.create(tmp_path / "other", {})
    with pytest.raises(UserError, match="is a file"):
        RunFolder.create(tmp_path / "other" / "thesis.tex", {})


def test_a_run_that_cannot_be_described_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: object) -> None:
        raise UserError("full")

    monkeypatch.setattr("cluster.folder.write_json", full)
    with pytest.raises(UserError):
        RunFolder.create(tmp_path / "deep" / "run", {})
    assert not (tmp_path / "deep" / "run").exists()


def test_another_format_is_refused(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", {})
    (tmp_path / "run" / "run.json").write_text('{"format": 99}')
    with pytest.raises(UserError, match="format 99: allowed is 1"):
        _ = RunFolder(tmp_path / "run").description


@pytest.mark.parametrize("name", DESCRIPTION)
def test_a_description_with_something_missing_is_refused(tmp_path: Path, name: str) -> None:
    RunFolder.create(tmp_path / "run", {**DESCRIPTION, name: None})
    with pytest.raises(UserError, match=f"run.json: {name} None: allowed is a "):
        _ = RunFolder(tmp_path / "run").description


def test_a_second_process_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "run", {})
    holder = multiprocessing.get_context("spawn").Process(target=_hold, args=(tmp_path / "run", 60))
    holder.start()
    while not (tmp_path / "run" / "held").exists():
        time.sleep(0.01)
    with pytest.raises(UserError, match="another process"), RunFolder(tmp_path / "run").locked():
        pass
    holder.kill()
    holder.join()
    with RunFolder(tmp_path / "run").locked():  # a killed holder holds nothing
        pass


def test_a_trial_is_done_once_with_its_own_seed_and_named_in_its_result(tmp_path: Path) -> None:
    run, seeds = RunFolder.create(tmp_path / "run", DESCRIPTION), []

    def work(folder: TrialFolder, seed: int) -> dict[str, Any]:
        assert is_held(folder.path) and not folder.finished
        seeds.append(seed)
        return {"score": 3}

    for number in (0, 1, 1, 0):
        run.complete(Trial("a", number), 7, work)
    assert seeds == [trial_seed(7, "a", 0), trial_seed(7, "a", 1)]
    named = {"experiment": DESCRIPTION["experiment"], "treatment": "a", "trial": 1, "seed": seeds[1]}
    assert run.trial("a", 1).result == named | {"score": 3}


def test_rows_after_the_last_checkpoint_are_cut_when_a_trial_goes_on(tmp_path: Path) -> None:
    trial = RunFolder.create(tmp_path / "run", {}).trial("pa", 3)
    assert trial.path.name == "trial-003"
    with trial.locked():
        trial.record({"generation": 0, "performance": 0.5})
        trial.checkpoint({"a": np.arange(3)})
        metrics = trial.path / "metrics.csv"
        kept = metrics.read_text()
        metrics.write_text(kept + "1,0.6\n2,0.")  # as a kill in the middle of a write leaves it
        restored = trial.restore()
        assert restored is not None and np.array_equal(restored["a"], np.arange(3))
        assert metrics.read_text() == kept == "generation,performance\n0,0.5\n"
        trial.record({"generation": 1, "performance": 0.7})
        trial.checkpoint({"a": np.arange(4)})
        assert metrics.read_text() == kept + "1,0.7\n"


def test_metrics_keep_the_columns_that_they_began_with(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", {})
    with run.trial("pa", 0).locked():
        before = run.trial("pa", 0)
        before.record({"generation": 0, "performance": 0.5})
        before.checkpoint({})
        later = run.trial("pa", 0)
        assert later.restore() is not None
        for generation in (1, 2):
            later.record({"generation": generation, "hierarchy": 0.75, "performance": 0.5})
        later.checkpoint({})
        text = (later.path / "metrics.csv").read_text()
        assert text == "generation,performance\n0,0.5\n1,0.5\n2,0.5\n"


def test_without_a_checkpoint_a_trial_starts_over(tmp_path: Path) -> None:
    trial = RunFolder.create(tmp_path / "run", {}).trial("pa", 0)
    with trial.locked():
        (trial.path / "metrics.csv").write_text("generation\n0\n")
        assert trial.restore() is None
        assert not (trial.path / "metrics.csv").exists()


def test_metrics_shorter_than_the_checkpoint_knows_are_refused(tmp_path: Path) -> None:
    trial = RunFolder.create(tmp_path / "run", {}).trial("pa", 0)
    with trial.locked():
        trial.record({"generation": 0})
        trial.checkpoint({})
        (trial.path / "metrics.csv").write_text("")
        with pytest.raises(UserError, match="0 bytes where the checkpoint knows 13"):
            trial.restore()


def test_where_folders_cannot_be_locked_a_file_in_them_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS refuses to lock what is not open for writing."""
    real = fcntl.flock

    def flock(handle: int, how: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EBADF, "Bad file descriptor")
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked_folder(tmp_path, wait=False):
        assert is_held(tmp_path)
        with pytest.raises(UserError, match="another process"), locked_folder(tmp_path, wait=False):
            pass
    assert not is_held(tmp_path)
