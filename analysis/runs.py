"""Run folders as pandas tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.errors import UserError
from cluster.folder import RunFolder, TrialFolder

if TYPE_CHECKING:
    import pandas as pd

#: Entries of result.json that are no columns of a table.
NESTED = ("network", "partition", "sub_solutions")


def finished_trials(run: RunFolder) -> list[TrialFolder]:
    """Folders of all finished trials, treatments in the run's order, trials by number.

    Raises:
        UserError: not a run folder.
    """
    treatments = run.description["treatments"]
    return [folder for treatment in treatments for folder in run.trials(treatment) if folder.finished]


def all_treatments(paths: Sequence[Path], descriptions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Treatments of runs that a report shows together.

    Args:
        paths: run folders.
        descriptions: contents of their run.json.

    Raises:
        UserError: the runs are of different experiments or settings, or have a treatment in common.
    """
    treatments: list[str] = []
    for path, description in zip(paths, descriptions, strict=True):
        for name in ("experiment", "settings"):
            if description[name] != descriptions[0][name]:
                raise UserError(f"{path}: its {name} differ from those of {paths[0]}: allowed are equal ones")
        for treatment in description["treatments"]:
            if treatment in treatments:
                raise UserError(f"{path}: treatment {treatment}: allowed is each treatment in one run only")
            treatments.append(treatment)
    return treatments


def results_table(results: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a finished trial; what is nested in a result is left out."""
    import pandas as pd

    return pd.DataFrame([{k: v for k, v in result.items() if k not in NESTED} for result in results])


def read_metrics(folders: Iterable[TrialFolder], columns: Iterable[str] = ()) -> pd.DataFrame:
    """The metrics of trials, below each other, with columns `treatment` and `trial` first.

    Args:
        folders: of the trials.
        columns: what the metrics must hold.

    Raises:
        UserError: a file that cannot be read as metrics or lacks a column.
    """
    import pandas as pd

    tables = []
    for folder in folders:
        file = folder.path / "metrics.csv"
        try:
            table = pd.read_csv(file)
        except (OSError, ValueError) as error:
            raise UserError(f"{file}: cannot be read: {error}") from None
        for column in columns:
            if column not in table:
                raise UserError(f"{file}: column {column}: missing")
        table.insert(0, "treatment", folder.path.parent.name)
        table.insert(1, "trial", int(folder.path.name.removeprefix("trial-")))
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
