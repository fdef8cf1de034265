"""Batches cut into parts: the gradient is the whole batch's, whoever computes it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cluster.gradients import GradientPool
from meta.__main__ import main
from meta.experiments.patterns import PatternSettings
from meta.sharing import build, loss_of, settings_of_part, share

SMALL = PatternSettings(bits=12, patterns=2, cycles=1, shown=2, blank=1, test=2, batch=6, parts=3, iterations=4)
_WORDS = "run miconi2018-patterns --scale smoke --bits 10 --batch 4 --parts 2 --iterations 6"
_MORE = "--log-every 2 --checkpoint-every 2 --trials 1 --workers 0"
FLAGS = [*_WORDS.split(), *_MORE.split()]


def test_the_shared_gradient_is_the_mean_of_the_parts_own() -> None:
    task = SMALL.task(3, None)
    with GradientPool(lambda: build(SMALL, 3, None), 0) as pool:
        measures = share(pool, task, iteration=2)
    own = settings_of_part(SMALL).task(3, None)
    own.model.load_state_dict(task.model.state_dict())
    losses = [loss_of(own, number)[0] for number in (4, 5, 6)]
    torch.stack(losses).mean().backward()
    for mine, shared in zip(own.model.parameters(), task.model.parameters(), strict=True):
        assert mine.grad is not None and shared.grad is not None
        torch.testing.assert_close(mine.grad, shared.grad, rtol=1e-4, atol=1e-5)
    assert float(measures["loss"]) == pytest.approx(float(torch.stack(losses).mean().detach()), rel=1e-6)


@pytest.mark.slow
def test_workers_change_nothing(tmp_path: Path) -> None:
    for workers in ("0", "2"):
        main([*FLAGS, "--gradient-workers", workers, "--out", str(tmp_path / workers)])
    for name in ("metrics.csv", "model.npz", "checkpoint.npz", "result.json"):
        here, there = (tmp_path / workers / "plastic" / "trial-000" / name for workers in ("0", "2"))
        assert here.read_bytes() == there.read_bytes(), name
    assert np.load(tmp_path / "0" / "plastic" / "trial-000" / "model.npz", allow_pickle=False).files


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--parts", "3"], "--parts 3: allowed are numbers that divide --batch 4"),
        (["--parts", "1", "--gradient-workers", "2"], "--gradient-workers 2: allowed with --parts 2 or more"),
        (["--gpus-per-worker", "0.5"], "--gpus-per-worker 0.5: allowed with --gradient-workers 1 or more"),
        (
            ["--gradient-workers", "2", "--gpus-per-worker", "1.5"],
            "--gpus-per-worker 1.5: allowed is a whole number, or a fraction between 0 and 1",
        ),
        (["--gradient-workers", "many"], "--gradient-workers many: allowed is a whole number of 0 or more"),
    ],
)
def test_bad_input_gets_one_line(
    flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*FLAGS, *flags, "--out", str(tmp_path / "run")])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
