"""The outer loop: lifetimes forward, gradients back, the optimiser, metrics, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cluster.errors import UserError
from cluster.folder import TrialFolder
from cluster.gradients import GradientPool
from cluster.trials import Progress
from meta.optimizers import SGD, Adam, RMSprop
from meta.settings import Training
from meta.sharing import loss_of, share
from meta.task import Task


def train(
    task: Task[Any],
    folder: TrialFolder,
    progress: Progress,
    tensorboard: str | None = None,
    pool: GradientPool | None = None,
) -> None:
    """Train a task to its end, from its checkpoint if there is one.

    Args:
        task: what is trained.
        folder: of the trial.
        progress: called with every row of metrics.
        tensorboard: folder of TensorBoard events, if wanted.
        pool: who computes the gradients of a batch's parts (`meta.sharing`); None computes them here, in one.

    Raises:
        FloatingPointError: the loss or a parameter is no longer a number; the last checkpoint is from before that.
        UserError: the checkpoint is not of this trial.
    """
    settings: Training = task.settings
    optimizer = make_optimizer(task.model, settings)
    restored = folder.restore()
    begun = kept = 0 if restored is None else unpack(restored, task, optimizer, folder)
    with ExitStack() as stack:
        stack.enter_context(advised(settings, lambda: kept))
        events = None if tensorboard is None else stack.enter_context(_events(tensorboard, begun))
        gathered: list[Mapping[str, Tensor]] = []
        for iteration in range(begun + 1, settings.iterations + 1):
            gathered.append(step(task, optimizer, iteration, pool))
            last = iteration == settings.iterations
            if last or iteration % settings.log_every == 0:
                row = summarise(gathered, iteration)
                with torch.no_grad():
                    row |= task.validate(iteration)
                gathered = []
                folder.record(row)
                progress(row)
                if events is not None:
                    for name, value in row.items():
                        events.add_scalar(name, value, iteration)
            if last or iteration % settings.checkpoint_every == 0:
                check_parameters(task.model, iteration)
                folder.checkpoint(pack(task, optimizer, iteration))
                kept = iteration


@contextmanager
def advised(settings: Training, kept: Callable[[], int]) -> Iterator[None]:
    """Add to the error of a training that diverged which checkpoint there is, and what a person can do.

    Args:
        settings: of the training.
        kept: tells the iteration of the last checkpoint, 0 if there is none.

    Raises:
        FloatingPointError: what was raised, with more in its line.
    """
    try:
        yield
    except FloatingPointError as error:
        state = f"the checkpoint of iteration {kept()} is kept" if kept() else "there is no checkpoint yet"
        raise FloatingPointError(f"{error}; {state}; {settings.remedy}") from None


def step(
    task: Task[Any], optimizer: torch.optim.Optimizer, iteration: int, pool: GradientPool | None = None
) -> dict[str, Tensor]:
    """One iteration; returns its measures, still on the device."""
    settings: Training = task.settings
    optimizer.zero_grad()
    if pool is None:
        loss, measures = loss_of(task, iteration)
        loss.backward()
    else:
        measures = share(pool, task, iteration)
    task.before_step()
    if settings.clip:
        torch.nn.utils.clip_grad_norm_(task.model.parameters(), settings.clip)
    for group in optimizer.param_groups:
        group["lr"] = settings.rate_at(iteration) * task.rate_factor()
    optimizer.step()
    task.after_step(iteration)
    return measures


def make_optimizer(model: torch.nn.Module, settings: Training) -> torch.optim.Optimizer:
    """The outer optimiser; torch's defaults beyond what the settings say."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    options = {"lr": settings.rate, "weight_decay": settings.weight_decay, **settings.optimizer_options()}
    if settings.optimizer == "adam":
        return Adam(parameters, fused=True, **options)
    if settings.optimizer == "rmsprop":
        return RMSprop(parameters, **options)
    return SGD(parameters, fused=True, **options)


def summarise(gathered: list[Mapping[str, Tensor]], iteration: int) -> dict[str, Any]:
    """A row of metrics: means over the iterations since the last row.

    Raises:
        FloatingPointError: a loss among them is not finite.
    """
    table = {name: torch.stack([row[name].float() for row in gathered]).cpu().numpy() for name in gathered[0]}
    bad = np.flatnonzero(~np.isfinite(table["loss"]))
    if len(bad):
        first = iteration - len(gathered) + 1 + int(bad[0])
        raise FloatingPointError(
            f"loss is {table['loss'][bad[0]]} at iteration {first}: allowed is a finite number"
        )
    return {"iteration": iteration} | {name: float(values.mean()) for name, values in table.items()}


def check_parameters(model: torch.nn.Module, iteration: int) -> None:
    """Keep a checkpoint from which nothing could go on from taking the place of a good one.

    Raises:
        FloatingPointError: a parameter is not finite.
    """
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise FloatingPointError(f"parameter {name} is not finite after iteration {iteration}")


def pack(task: Task[Any], optimizer: torch.optim.Optimizer, iteration: int) -> dict[str, NDArray]:
    """Arrays of a checkpoint: model, optimiser, and what the task carries along."""
    arrays = {"iteration": np.array(iteration)}
    arrays |= {f"model.{name}": value.cpu().numpy() for name, value in task.model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        arrays |= {
            f"optimizer.{index}.{name}": torch.as_tensor(value).cpu().numpy() for name, value in state.items()
        }
    return arrays | {f"task.{name}": value for name, value in task.state().items()}


def unpack(
    arrays: Mapping[str, NDArray], task: Task[Any], optimizer: torch.optim.Optimizer, folder: TrialFolder
) -> int:
    """Put a checkpoint's content in place; returns its iteration.

    Raises:
        UserError: it does not fit the model.
    """
    try:
        load_model(task.model, section(arrays, "model."))
        state: dict[int, dict[str, Tensor]] = {}
        parameters = optimizer.param_groups[0]["params"]
        for key, value in section(arrays, "optimizer.").items():
            index, name = key.split(".", 1)
            state.setdefault(int(index), {})[name] = laid_out_like(parameters[int(index)], value)
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        task.restore(section(arrays, "task."))
        return int(arrays["iteration"])
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        lines = [line.strip() for line in str(error).splitlines()]  # torch says what is wrong in the second
        # a network of another size differs in every parameter
        reason = f"it lacks {lines[0]}" if isinstance(error, KeyError) else lines[min(1, len(lines) - 1)][:200]
        raise UserError(
            f"{folder.path / 'checkpoint.npz'}: not a checkpoint of this trial ({reason}); "
            "remove it to start this trial over"
        ) from None


def laid_out_like(parameter: Tensor, value: NDArray) -> Tensor:
    """A stored array as a tensor, in memory as the parameter is: fused optimisers go through both side by side."""
    tensor = torch.from_numpy(value)
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, requires_grad=False).copy_(tensor)


def section(arrays: Mapping[str, NDArray], prefix: str) -> dict[str, NDArray]:
    """Arrays whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


#: What to do about a damaged file of a trained network.
LOST = "remove its trial's folder to run the trial again with --resume"


def load_model(model: torch.nn.Module, arrays: Mapping[str, NDArray]) -> None:
    """Put stored parameters into a model.

    Raises:
        RuntimeError: names or shapes differ.
    """
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})


def check_device(name: str) -> None:
    """Refuse a device that is not there.

    Raises:
        UserError: names what is.
    """
    known = ["cpu"]
    if torch.cuda.is_available():
        known += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        known.append("mps")
    if name not in known:
        raise UserError(f"--device {name}: not on this machine: allowed are {', '.join(known)}")


def _events(path: str, begun: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(path, purge_step=begun + 1)
