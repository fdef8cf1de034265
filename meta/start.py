"""Trials that go on from networks that other trials trained: another test of them, or more training."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from cluster.errors import UserError
from cluster.files import read_arrays
from cluster.folder import RunFolder
from cluster.storage import location
from meta.settings import Training
from meta.training import LOST, load_model


def trained_network(start: str, number: int) -> Path:
    """Where the network is that a trial starts from: the one of the same number in another treatment's folder."""
    folder = location(start)
    return RunFolder(folder.parent).trial(folder.name, number).path / "model.npz"


def check_start(settings: Training, trials: int, data: str | None) -> None:
    """Look whether all trials have a network to start from, and whether it is such a one as they train.

    Raises:
        UserError: one has none, or another kind of network.
    """
    model = settings.task(0, data).model
    for number in range(trials):
        file = trained_network(settings.start, number)
        if not file.exists():
            raise UserError(
                f"--start {settings.start}: {file}: no such file: allowed is a folder RUN/TREATMENT with finished "
                f"trials 0 to {trials - 1}"
            )
        start_from(model, settings.start, number)


def start_from(model: nn.Module, start: str, number: int) -> None:
    """Give a network the parameters that it starts from.

    Raises:
        UserError: they are another network's.
    """
    arrays = read_arrays(trained_network(start, number), LOST)
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: value.shape for name, value in arrays.items()}
    if found != own:
        name = next(name for name in own | found if own.get(name) != found.get(name))
        raise UserError(
            f"--start {start}: {name}: {found.get(name, 'missing')}: allowed is a network of the same kind and "
            f"size, with {own.get(name, 'no ' + name)}"
        )
    load_model(model, arrays)
