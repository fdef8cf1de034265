"""Run folders as pandas tables."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cluster.errors import UserError
from cluster.experiments import Experiment, completed
from cluster.folder import RunFolder, TrialFolder

if TYPE_CHECKING:
    import pandas as pd

#: Entries of result.json that are no columns of a table.
NESTED = (
    "network",
    "partition",
    "sub_solutions",
    "sub_problem_carriers",
    "base_network",
    "performances",
    "adaptation_times",
    "after_switch",
)


def finished_trials(run: RunFolder) -> list[TrialFolder]:
    """Folders of all finished trials, treatments in the run's order, trials by number.

    Raises:
        UserError: not a run folder.
    """
    treatments = run.description["treatments"]
    return [folder for treatment in treatments for folder in run.trials(treatment) if folder.finished]


def all_treatments(
    paths: Sequence[Path], descriptions: Sequence[Mapping[str, Any]], experiments: Mapping[str, Experiment]
) -> list[str]:
    """Treatments of runs that a report shows together.

    Args:
        paths: run folders.
        descriptions: contents of their run.json.
        experiments: that there are; a run that is older than a setting has had its published value.

    Raises:
        UserError: the runs are of different experiments or settings, or have a treatment in common.
    """
    treatments: list[str] = []
    first, settings = descriptions[0]["experiment"], [_settings(one, experiments) for one in descriptions]
    for number, (path, description, own) in enumerate(zip(paths, descriptions, settings, strict=True)):
        if description["experiment"] != first:
            raise UserError(
                f"{path}: experiment {description['experiment']}: allowed is {first}, as of {paths[0]}"
            )
        for other, theirs in zip(paths[:number], settings, strict=False):
            for name in sorted(own.keys() & theirs):
                if own[name] != theirs[name]:
                    raise UserError(
                        f"{path}: {name} {own[name]}: allowed is {theirs[name]}, as of {other}: runs are reported "
                        "together if their settings are equal"
                    )
        for treatment in description["treatments"]:
            if treatment in treatments:
                raise UserError(f"{path}: treatment {treatment}: allowed is each treatment in one run only")
            treatments.append(treatment)
    return treatments


def _settings(description: Mapping[str, Any], experiments: Mapping[str, Experiment]) -> dict[str, Any]:
    """Settings that runs reported together must share."""
    experiment = experiments.get(description["experiment"])
    given = description["settings"]
    if experiment is None:
        return dict(given)
    compared: Callable[[Mapping[str, Any]], dict[str, Any]] = getattr(experiment.settings, "compared", dict)
    return compared(completed(given, experiment))


def results_table(results: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a finished trial; what is nested in a result is left out."""
    import pandas as pd

    return pd.DataFrame([{k: v for k, v in result.items() if k not in NESTED} for result in results])


def read_metrics(folders: Iterable[TrialFolder], columns: Iterable[str] = ()) -> pd.DataFrame:
    """The metrics of trials, below each other, with columns `treatment` (categorical) and `trial` first.

    A last line that was cut off, by a kill or because the trial is writing it, is left out.

    Args:
        folders: of the trials.
        columns: what the metrics must hold.

    Raises:
        UserError: a file that cannot be read as metrics or lacks a column.
    """
    import pandas as pd

    tables: list[pd.DataFrame] = []
    treatments: list[str] = []
    trials: list[int] = []
    wanted = list(columns)
    for folder in folders:
        file = folder.path / "metrics.csv"
        table = _whole_rows(file, folder.finished)
        for column in wanted:
            if column not in table:
                raise UserError(f"{file}: column {column}: missing")
        tables.append(table)
        treatments.append(folder.path.parent.name)
        trials.append(int(folder.path.name.removeprefix("trial-")))
    if not tables:
        return pd.DataFrame()
    whole, rows = pd.concat(tables, ignore_index=True), [len(table) for table in tables]
    # A name for each of millions of rows is slow; a number for each is not.
    names = list(dict.fromkeys(treatments))
    codes = np.repeat([names.index(name) for name in treatments], rows)
    whole.insert(0, "treatment", pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(names))))
    whole.insert(1, "trial", np.repeat(trials, rows))
    return whole


def _whole_rows(file: Path, finished: bool) -> pd.DataFrame:
    """The rows of a file; of a trial that is running, the last may be there in part."""
    import pandas as pd

    try:
        content = file.read_bytes()
        if finished and not content.endswith(b"\n"):
            raise UserError(f"{file}: its last row is cut off, though the trial is finished: the file is damaged")
        return pd.read_csv(io.BytesIO(content[: content.rfind(b"\n") + 1]))
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise UserError(f"{file}: cannot be read: {str(error).strip()}") from None
