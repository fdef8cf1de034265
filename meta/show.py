"""`meta show`: one trained network, drawn, with its measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from cluster.errors import UserError
from cluster.files import read_arrays, read_json
from cluster.parameters import with_values
from cluster.storage import is_remote
from meta.experiments import EXPERIMENTS
from meta.task import Task
from meta.training import LOST, load_model


def show(trial: Path, data: str | None, out: Path | None) -> None:
    """Print the measures of a trial's network and draw what it is made of and what it does.

    Args:
        trial: folder of a finished trial, with its model.npz.
        data: folder of the data, if not the usual one.
        out: folder of the figures; default in the run's report folder.

    Raises:
        UserError: no finished trial there, or a model that does not fit its result.
    """
    from analysis.reports import make_folder
    from analysis.style import save_figure

    if out is None and is_remote(trial):
        raise UserError(f"--out: missing: allowed for {trial} is a folder on this machine for its figures")
    result = _result(trial)
    task = trained_task(trial, data)
    table = Table("measure", "value", box=None, padding=(0, 2), show_header=False)
    for name, value in result.items():
        if not isinstance(value, list | dict):
            table.add_row(name.replace("_", " "), f"{value:.5g}" if isinstance(value, float) else str(value))
    Console(highlight=False).print(table)
    target = out or trial.resolve().parent.parent / "report" / "networks"
    make_folder(target)
    name = f"{trial.resolve().parent.name}-{trial.resolve().name}"
    with torch.no_grad():
        for kind, figure in task.figures().items():
            for file in save_figure(figure, target / f"{name}-{kind}"):
                print(file)


def _result(trial: Path) -> dict[str, Any]:
    path = trial / "result.json"
    if not path.exists():
        raise UserError(f"{trial}: holds no result.json: allowed is the folder of a finished trial")
    result = read_json(path)
    if result.get("experiment") not in EXPERIMENTS:
        raise UserError(f"{path}: experiment {result.get('experiment')}: allowed are {', '.join(EXPERIMENTS)}")
    return result


def trained_task(trial: Path, data: str | None = None) -> Task[Any]:
    """The task of a finished trial with its trained model, for notebooks and figures.

    Args:
        trial: folder of the trial.
        data: folder of the data, if not the usual one.

    Raises:
        UserError: no finished trial there, or a model that does not fit its result.
    """
    result = _result(trial)
    experiment = EXPERIMENTS[result["experiment"]]
    settings = with_values(experiment.settings, result.get("settings", {}) | {"device": "cpu"}).checked()
    task = settings.task(int(result["seed"]), data)
    try:
        load_model(task.model, read_arrays(trial / "model.npz", LOST))
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{trial / 'model.npz'}: not this trial's model ({str(error).splitlines()[0]})") from None
    return task
