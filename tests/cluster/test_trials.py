from functools import partial
from pathlib import Path

import pytest
from trial_functions import TRIALS, Log, die, fail_one, refuse_one, write

from cluster.errors import UserError
from cluster.trials import RESTARTS, run_trials


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_trial_runs_once_and_is_seen(tmp_path: Path, workers: int) -> None:
    log = Log()
    assert run_trials(partial(write, path=tmp_path), TRIALS, workers, log) == {}
    assert len(list(tmp_path.iterdir())) == len(TRIALS)
    for trial in TRIALS:
        assert log.of(trial) == ["started", "row 0", "row 1", "finished"]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_trial_that_raises_is_reported_and_the_others_go_on(tmp_path: Path, workers: int) -> None:
    log = Log()
    failures = run_trials(partial(fail_one, path=tmp_path), TRIALS, workers, log)
    assert failures == {TRIALS[1]: "ZeroDivisionError: in the trial"}
    assert len(list(tmp_path.iterdir())) == len(TRIALS) - 1
    assert log.of(TRIALS[1]) == ["started", "failed"]


@pytest.mark.parametrize("workers", [0, 2])
def test_what_would_stop_every_trial_stops_the_run(tmp_path: Path, workers: int) -> None:
    with pytest.raises(UserError, match="disk full"):
        run_trials(partial(refuse_one, path=tmp_path), TRIALS, workers, Log())


def test_a_killed_worker_is_replaced_and_its_trial_runs_again(tmp_path: Path) -> None:
    log = Log()
    assert run_trials(partial(die, path=tmp_path, times=2), TRIALS, 2, log) == {}
    assert log.of(TRIALS[1]) == ["started"] * 3 + ["row 0", "row 1", "finished"]
    assert len(list(tmp_path.iterdir())) == len(TRIALS) + 1


def test_a_trial_whose_worker_always_dies_is_given_up(tmp_path: Path) -> None:
    log = Log()
    failures = run_trials(partial(die, path=tmp_path, times=99), TRIALS, 2, log)
    assert list(failures) == [TRIALS[1]] and "died" in failures[TRIALS[1]]
    assert log.of(TRIALS[1]) == ["started"] * (RESTARTS + 1) + ["failed"]
    assert sum(event == "finished" for event, _ in log.events) == len(TRIALS) - 1
