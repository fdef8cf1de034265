"""One iteration's lifetimes spread over workers, with a gradient whose last bit does not depend on them.

A batch is cut into `--parts` of one size. Each part's gradient is computed by itself, here or on an actor that
holds the task, and the sum is taken in the order of the parts (`cluster.gradients`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cluster.connection import Resources
from cluster.errors import UserError
from cluster.gradients import GradientPool
from cluster.parameters import whole_number
from cluster.where import amount
from meta.settings import Training
from meta.task import Task

Arrays = Mapping[str, NDArray]
#: What a measure's name has before it among the gradients.
MEASURE = "measure."


def open_pool(
    settings: Training, seed: int, data: str | None, places: Mapping[str, str | None]
) -> GradientPool | None:
    """Who computes the parts' gradients; None if a batch is not cut.

    Args:
        settings: of the trial.
        seed: of the trial.
        data: folder of the data.
        places: flags: `gradient_workers`, how many actors, none computing here; `gradient_address` of a Ray
            cluster, none starting one on this machine; `gpus_per_worker`.

    Raises:
        UserError: workers for a batch that is not cut, or a cluster that cannot be reached.
    """
    count, resources = gradient_workers(settings, places)
    if settings.parts == 1:
        return None
    return GradientPool(partial(build, settings, seed, data), count, places.get("gradient_address"), resources)


def gradient_workers(settings: Training, places: Mapping[str, str | None]) -> tuple[int, Resources]:
    """Number of actors that the flags ask for, and what each needs.

    Raises:
        UserError: no numbers, or workers for a batch that is not cut.
    """
    workers, gpus = places.get("gradient_workers"), places.get("gpus_per_worker")
    count = 0 if workers is None else whole_number("--gradient-workers", workers, 0)
    if count and settings.parts == 1:
        raise UserError(f"--gradient-workers {count}: allowed with --parts 2 or more")
    if gpus is not None and not count:
        raise UserError(f"--gpus-per-worker {gpus}: allowed with --gradient-workers 1 or more")
    return count, Resources(settings.threads, 0.0 if gpus is None else amount("--gpus-per-worker", gpus))


def build(settings: Training, seed: int, data: str | None) -> Callable[[Arrays, int], dict[str, NDArray]]:
    """What an actor does: the gradient of a numbered part at given parameters, with its measures."""
    from meta.trial import keep_memory, use_threads

    keep_memory()
    use_threads(settings.threads)
    task = settings_of_part(settings).task(seed, data)
    names = dict(task.model.named_parameters())

    def gradients(parameters: Arrays, number: int) -> dict[str, NDArray]:
        with torch.no_grad():
            for name, parameter in names.items():
                parameter.copy_(torch.from_numpy(np.array(parameters[name])))
        task.model.zero_grad()
        loss, measures = loss_of(task, number)
        loss.backward()
        found = {
            name: np.zeros(parameter.shape, np.float32) if parameter.grad is None else parameter.grad.cpu().numpy()
            for name, parameter in names.items()
        }
        return found | {MEASURE + name: value.cpu().numpy() for name, value in measures.items()}

    return gradients


def settings_of_part(settings: Training) -> Training:
    """The settings with a part's lifetimes as the batch."""
    return replace(settings, batch=settings.batch // settings.parts)


def loss_of(task: Task[Any], number: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of a numbered batch, and its measures, the loss among them."""
    settings: Training = task.settings
    with torch.autocast(task.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        loss, measures = task.loss(number)
    return loss, {"loss": loss.detach(), **measures}


def share(pool: GradientPool, task: Task[Any], iteration: int) -> dict[str, Tensor]:
    """Put the mean gradient of an iteration's parts into the model; returns the measures' means."""
    parts = task.settings.parts
    parameters = dict(task.model.named_parameters())
    arrays = {name: parameter.detach().cpu().numpy() for name, parameter in parameters.items()}
    numbers = [(iteration - 1) * parts + part for part in range(1, parts + 1)]
    total = {
        name: torch.from_numpy(np.asarray(value / parts)) for name, value in pool.sum(arrays, numbers).items()
    }
    for name, parameter in parameters.items():
        if parameter.requires_grad:
            # laid out as the parameter is: fused optimisers go through both side by side
            parameter.grad = torch.empty_like(parameter, requires_grad=False).copy_(total[name])
    return {name.removeprefix(MEASURE): value for name, value in total.items() if name.startswith(MEASURE)}
