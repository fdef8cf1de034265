from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ray_cluster import wait_until
from trial_functions import TRIALS, Log, die, die_further_on, fail_one, overlap, refuse_one, write

from cluster.connection import Resources, alive_nodes, connected
from cluster.errors import UserError
from cluster.ray_trials import run_trials_on
from cluster.trials import RESTARTS, Trial

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def connection(cluster: Any) -> Iterator[None]:
    """One driver for all tests here."""
    with connected(cluster.address):
        yield


def test_every_trial_runs_once_and_is_seen(tmp_path: Path) -> None:
    log = Log()
    assert run_trials_on(partial(write, path=tmp_path), TRIALS, Resources(), log) == {}
    assert len(list(tmp_path.iterdir())) == len(TRIALS)
    for trial in TRIALS:
        events = log.of(trial)
        assert events[0] == "started" and events[-2:] == ["row 1", "finished"] and "started" not in events[1:]


def test_a_trial_that_raises_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    log = Log()
    failures = run_trials_on(partial(fail_one, path=tmp_path), TRIALS, Resources(), log)
    assert failures == {TRIALS[1]: "ZeroDivisionError: in the trial"}
    assert len(list(tmp_path.iterdir())) == len(TRIALS) - 1
    assert log.of(TRIALS[1]) == ["started", "failed"]


def test_what_would_stop_every_trial_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="disk full"):
        run_trials_on(partial(refuse_one, path=tmp_path), TRIALS, Resources(), Log())


def test_a_trial_whose_worker_dies_runs_again(tmp_path: Path) -> None:
    log = Log()
    assert run_trials_on(partial(die, path=tmp_path, times=2), TRIALS, Resources(), log) == {}
    assert log.of(TRIALS[1])[-1] == "finished"
    assert (tmp_path / "deaths").read_text() == "xx"


def test_a_trial_whose_worker_always_dies_is_given_up(tmp_path: Path) -> None:
    log = Log()
    failures = run_trials_on(partial(die, path=tmp_path, times=99), TRIALS, Resources(), log)
    assert list(failures) == [TRIALS[1]] and "lost" in failures[TRIALS[1]]
    assert len((tmp_path / "deaths").read_text()) == RESTARTS + 1
    assert sum(event == "finished" for event, _ in log.events) == len(TRIALS) - 1


def test_a_trial_that_gets_further_is_never_given_up(tmp_path: Path) -> None:
    failures = run_trials_on(partial(die_further_on, path=tmp_path), TRIALS[:1], Resources(), Log())
    assert failures == {} and len((tmp_path / "steps").read_text()) == 6 > RESTARTS + 1


@pytest.mark.parametrize(("resources", "most", "limit"), [(Resources(), 2, 2), (Resources(0.5), None, 6)])
def test_no_more_run_at_once_than_allowed_or_than_fit(
    tmp_path: Path, resources: Resources, most: int | None, limit: int
) -> None:
    trials = [Trial("a", number) for number in range(18)]
    assert run_trials_on(partial(overlap, path=tmp_path), trials, resources, Log(), most) == {}
    seen = [int(line) for line in (tmp_path / "most").read_text().split()]
    assert len(seen) == 18 and max(seen) <= limit


def test_trials_share_a_gpu(cluster: Any, tmp_path: Path) -> None:
    node = cluster.add_node(num_cpus=1, num_gpus=1)  # Ray takes our word for it
    try:
        wait_until(lambda: any(resources.get("GPU") for resources in alive_nodes()))
        trials = [Trial("a", number) for number in range(6)]
        assert run_trials_on(partial(overlap, path=tmp_path), trials, Resources(0.1, 0.5), Log()) == {}
        assert max(int(line) for line in (tmp_path / "most").read_text().split()) <= 2
        assert set((tmp_path / "gpus").read_text().split()) == {"0"}
    finally:
        cluster.remove_node(node)
