"""The outer loop on a task small enough to follow by hand: steps, metrics, checkpoints, divergence."""

import csv
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cluster.errors import UserError
from cluster.files import read_arrays
from cluster.folder import TrialFolder
from cluster.parameters import parameter
from meta.settings import Training
from meta.task import Task
from meta.training import check_device, laid_out_like, summarise, train


@dataclass(frozen=True)
class LineSettings(Training):
    """Settings of a line to fit; what goes wrong, and when, is told here."""

    nan_from: int = parameter(0, "iteration from which the loss is nan", 0)
    broken_from: int = parameter(0, "iteration from which the gradient is nan but not the loss", 0)
    inputs: int = parameter(3, "of the model", 1)


class LineTask(Task[LineSettings]):
    """Fit a line to random points; counts in its own state how often it was called."""

    def __init__(self, settings: LineSettings, seed: int = 1) -> None:
        super().__init__(settings, seed)
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(settings.inputs, 4), nn.Tanh(), nn.Linear(4, 1))
        self.calls: list[str] = []
        self.count = 0

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Mean square of the model's answers to this iteration's points."""
        self.count += 1
        self.calls.append(f"loss {iteration}")
        points = self.stream("training", iteration).normal(size=(self.settings.batch, self.settings.inputs))
        answers = self.model(self.tensor(points.astype(np.float32)))
        self.kind = answers.dtype
        loss = (answers.float() - 1 - 0.1 * self.count).square().mean()
        if self.settings.nan_from and iteration >= self.settings.nan_from:
            loss = loss * float("nan")
        if self.settings.broken_from and iteration >= self.settings.broken_from:
            loss = loss + (0 * answers.float()).abs().sqrt().sum()  # the root's slope at 0 is infinite
        return loss, {"answer": answers.detach().mean()}

    def evaluate(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def before_step(self) -> None:
        """Note it."""
        self.calls.append("before")

    def after_step(self, iteration: int) -> None:
        """Note it."""
        self.calls.append(f"after {iteration}")

    def validate(self, iteration: int) -> dict[str, float]:
        """Something that can be told apart."""
        assert not torch.is_grad_enabled()
        return {"validated": 10.0 * iteration}

    def state(self) -> dict[str, NDArray]:
        """The count."""
        return {"count": np.array(self.count)}

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """The count."""
        self.count = int(arrays["count"])


def line(**values: Any) -> LineTask:
    """A task of ten iterations."""
    chosen = {"iterations": 10, "log_every": 2, "checkpoint_every": 4, "batch": 5, "rate": 0.05} | values
    return LineTask(LineSettings(**chosen).checked())


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(tmp_path)


def weights(task: LineTask) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in task.model.parameters()]


def ignore(row: Mapping[str, Any]) -> None:
    """Nobody watches."""


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize(("clip", "weight_decay"), [(0.0, 0.0), (0.1, 0.01)])
def test_training_is_the_plain_loop(optimizer: str, clip: float, weight_decay: float, folder: TrialFolder) -> None:
    extra = {"optimizer": optimizer, "clip": clip, "weight_decay": weight_decay, "decay": 0.5, "decay_every": 3}
    task, twin = line(**extra), line(**extra)
    train(task, folder, ignore)
    kind = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    plain = kind(twin.model.parameters(), lr=0.05, weight_decay=weight_decay)
    for iteration in range(1, 11):
        for group in plain.param_groups:
            group["lr"] = 0.05 * 0.5 ** ((iteration - 1) // 3)
        plain.zero_grad()
        twin.loss(iteration)[0].backward()
        if clip:
            nn.utils.clip_grad_norm_(twin.model.parameters(), clip)
        plain.step()
    for one, other in zip(weights(task), weights(twin), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_rows_are_means_since_the_last_row_and_the_last_iteration_has_one(folder: TrialFolder) -> None:
    rows: list[Mapping[str, Any]] = []
    train(line(iterations=9, log_every=4), folder, rows.append)
    every: list[Mapping[str, Any]] = []
    (folder.path / "every").mkdir()
    train(line(iterations=9, log_every=1, checkpoint_every=9), TrialFolder(folder.path / "every"), every.append)
    for row, own in zip(rows, (every[:4], every[4:8], every[8:]), strict=True):
        assert row["loss"] == pytest.approx(np.mean([one["loss"] for one in own]), rel=1e-5)
    assert [row["iteration"] for row in rows] == [4, 8, 9]
    assert [row["validated"] for row in rows] == [40.0, 80.0, 90.0]
    with (folder.path / "metrics.csv").open() as file:
        stored = list(csv.DictReader(file))
    assert [{name: float(value) for name, value in row.items()} for row in stored] == rows


def test_a_row_is_the_mean_of_its_iterations() -> None:
    gathered = [{"loss": torch.tensor(float(k)), "error": torch.tensor(k / 10)} for k in range(4)]
    row = summarise(gathered, 20)
    assert row == {"iteration": 20, "loss": 1.5, "error": pytest.approx(0.15)}


def test_hooks_are_called_around_every_step(folder: TrialFolder) -> None:
    task = line(iterations=2)
    train(task, folder, ignore)
    assert task.calls == ["loss 1", "before", "after 1", "loss 2", "before", "after 2"]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("stopped_at", [2, 4, 6, 8, 10])
def test_stopped_and_resumed_it_ends_the_same_bit_for_bit(optimizer: str, stopped_at: int, tmp_path: Path) -> None:
    class Stop(BaseException):
        """As a kill: nothing catches it."""

    def stop(row: Mapping[str, Any]) -> None:
        if row["iteration"] == stopped_at:
            raise Stop

    folders = [TrialFolder(tmp_path / name) for name in ("whole", "stopped")]
    for each in folders:
        each.path.mkdir()
    whole = line(optimizer=optimizer)
    train(whole, folders[0], ignore)
    with pytest.raises(Stop):
        train(line(optimizer=optimizer), folders[1], stop)
    again = line(optimizer=optimizer)
    train(again, folders[1], ignore)
    for name in ("metrics.csv", "checkpoint.npz"):
        assert (folders[0].path / name).read_bytes() == (folders[1].path / name).read_bytes()
    assert all(torch.equal(one, other) for one, other in zip(weights(whole), weights(again), strict=True))
    if stopped_at > 4:  # it did not begin anew
        assert again.calls[0] == f"loss {(stopped_at - 1) // 4 * 4 + 1}"


def test_a_finished_training_is_not_repeated(folder: TrialFolder) -> None:
    train(line(), folder, ignore)
    again = line()
    train(again, folder, ignore)
    assert again.calls == []


@pytest.mark.parametrize(("first", "kept"), [(7, 4), (9, 8), (3, None)])
def test_a_loss_that_is_no_number_ends_with_the_last_good_checkpoint(
    first: int, kept: int | None, folder: TrialFolder
) -> None:
    with pytest.raises(FloatingPointError, match=f"loss is nan at iteration {first}: .*try a smaller --rate"):
        train(line(nan_from=first), folder, ignore)
    assert (folder.path / "checkpoint.npz").exists() == (kept is not None)
    if kept is not None:
        arrays = read_arrays(folder.path / "checkpoint.npz")
        assert int(arrays["iteration"]) == kept
        assert all(np.isfinite(value).all() for value in arrays.values())


def test_parameters_that_are_no_numbers_enter_no_checkpoint(folder: TrialFolder) -> None:
    with pytest.raises(FloatingPointError, match=r"parameter 0\.weight is not finite after iteration 8"):
        train(line(broken_from=8), folder, ignore)
    assert int(read_arrays(folder.path / "checkpoint.npz")["iteration"]) == 4


def test_a_checkpoint_of_another_model_is_refused(folder: TrialFolder) -> None:
    train(line(), folder, ignore)
    with pytest.raises(UserError, match=r"checkpoint\.npz: not a checkpoint of this trial .*remove it"):
        train(line(inputs=2), folder, ignore)


@pytest.mark.parametrize("missing", ["iteration", "model.0.weight", "task.count"])
def test_a_checkpoint_that_lacks_something_is_refused(missing: str, folder: TrialFolder) -> None:
    train(line(), folder, ignore)
    arrays = read_arrays(folder.path / "checkpoint.npz")
    del arrays[missing]
    np.savez(folder.path / "checkpoint.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(UserError) as caught:
        train(line(), folder, ignore)
    assert missing.split(".", 1)[-1] in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("precision", "kind"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_half_precision_is_for_the_forward_pass_only(
    precision: str, kind: torch.dtype, folder: TrialFolder
) -> None:
    task = line(precision=precision)
    train(task, folder, ignore)
    assert task.kind == kind
    assert all(parameter.dtype == torch.float32 for parameter in task.model.parameters())


def test_random_streams_of_a_trial_are_apart() -> None:
    drawn = {
        float(LineTask(LineSettings(), seed).stream(name, number).random())
        for seed in (1, 2)
        for name in ("model", "training", "evaluation", "validation")
        for number in (0, 1)
    }
    assert len(drawn) == 16
    one, other = (LineTask(LineSettings(), 1).stream("training", 5).random() for _ in range(2))
    assert one == other


def test_a_restored_tensor_lies_in_memory_as_its_parameter() -> None:
    parameter = torch.empty(4, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    value = np.arange(48, dtype=np.float32).reshape(4, 3, 2, 2)
    laid = laid_out_like(parameter, value)
    assert laid.stride() == parameter.stride() and np.array_equal(laid.numpy(), value)
    assert laid_out_like(parameter, np.array(3.0)).shape == ()


def test_arrays_go_to_the_device_in_their_own_shape() -> None:
    task = line()
    for array in (np.array(0.5), np.ones((2, 3)).T, np.zeros((0, 2))):
        assert tuple(task.tensor(array).shape) == array.shape


@pytest.mark.parametrize("device", ["cuda:77", "gpu", "cpu:0", ""])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(UserError, match=f"--device {device}: not on this machine: allowed are cpu"):
        check_device(device)
    check_device("cpu")


def test_rows_between_checkpoints_must_fit() -> None:
    with pytest.raises(UserError, match="--checkpoint-every 5: allowed are multiples of --log-every 2"):
        line(checkpoint_every=5)


def test_events_are_written_for_tensorboard_and_cut_back_on_resuming(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (tmp_path / "trial").mkdir()
    train(line(), TrialFolder(tmp_path / "trial"), ignore, str(tmp_path / "events"))
    read = EventAccumulator(str(tmp_path / "events"))
    read.Reload()
    assert [event.step for event in read.Scalars("loss")] == [2, 4, 6, 8, 10]


def test_a_trial_keeps_to_its_threads() -> None:
    """Numba's first call gives OpenMP all processors, and torch shares it; only a fresh process shows that."""
    program = """
import torch
from meta.trial import use_threads
torch.ones(1000, 1000).sum()  # after which torch no longer sets its threads anew by itself
use_threads(1)
from networks.plastic import PlasticConnections
from networks.fused import FusedTrace
connections = PlasticConnections(300, 300)
FusedTrace(connections, connections.initial(1)).read(torch.ones(1, 300))
print(torch.get_num_threads())
"""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    found = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    assert found.stdout.split() == [b"1"]
