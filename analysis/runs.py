"""Run folders as pandas tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.errors import UserError
from cluster.folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

#: Entries of result.json that are no columns of a table.
NESTED = ("network", "partition", "sub_solutions")


def read_results(run: RunFolder) -> list[dict[str, Any]]:
    """Results of all finished trials, treatments in the run's order, trials by number.

    Raises:
        UserError: not a run folder, or a result that cannot be read.
    """
    results = []
    for treatment in run.description["treatments"]:
        results += [folder.result for folder in run.trials(treatment) if folder.finished]
    return results


def results_table(results: list[dict[str, Any]]) -> pd.DataFrame:
    """One row a finished trial; what is nested in a result is left out."""
    import pandas as pd

    return pd.DataFrame([{k: v for k, v in result.items() if k not in NESTED} for result in results])


def read_metrics(run: RunFolder) -> pd.DataFrame:
    """The metrics of all finished trials, below each other, with columns `treatment` and `trial` first.

    Raises:
        UserError: not a run folder, or a file that cannot be read as metrics.
    """
    import pandas as pd

    tables = []
    for treatment in run.description["treatments"]:
        for folder in run.trials(treatment):
            if not folder.finished:
                continue
            try:
                table = pd.read_csv(folder.path / "metrics.csv")
            except (OSError, ValueError) as error:
                raise UserError(f"{folder.path / 'metrics.csv'}: cannot be read: {error}") from None
            table.insert(0, "treatment", treatment)
            table.insert(1, "trial", int(folder.path.name.removeprefix("trial-")))
            tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
