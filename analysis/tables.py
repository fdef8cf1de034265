"""One or many run folders, of one experiment or several, as tidy pandas tables: a row a trial or a logged step.

Finished trials give results; metrics and solving times are of all trials that have begun, so that no trial is
left out because it has not got there yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.runs import read_metrics, results_table
from cluster.errors import UserError
from cluster.folder import RunFolder, TrialFolder
from cluster.trials import Trial

if TYPE_CHECKING:
    import pandas as pd

Paths = Sequence[Path | str]


def results_of(paths: Paths) -> pd.DataFrame:
    """One row for each finished trial: `run`, `experiment`, and every plain entry of its result.json.

    Args:
        paths: run folders, at paths or URLs. A run is called by the name of its folder, or by its whole path if
            others have the same name.

    Raises:
        UserError: not a run folder, one of another format, or no finished trial in any of them.
    """
    runs = _open(paths)
    rows = [
        {"run": name, "experiment": run.description["experiment"]} | _plain(folder)
        for name, run in runs.items()
        for folder in _holding(run, "result.json")
    ]
    if not rows:
        raise UserError(f"{_listed(paths)}: no finished trial yet: allowed are runs with at least one")
    return results_table(rows)


def metrics_of(paths: Paths, columns: Iterable[str] = ()) -> pd.DataFrame:
    """The logged metrics of all trials, finished or not, below each other.

    Args:
        paths: as in `results_of`.
        columns: what the metrics must hold.

    Returns:
        Columns `run` and `treatment` (categorical), `trial`, then those of metrics.csv; what a run does not log is
        NaN.

    Raises:
        UserError: not a run folder, one of another format, metrics that cannot be read or lack a column, or no
            metrics in any of them.
    """
    import pandas as pd

    wanted = list(columns)
    tables = {name: read_metrics(_holding(run, "metrics.csv"), wanted) for name, run in _open(paths).items()}
    tables = {name: table for name, table in tables.items() if len(table)}
    if not tables:
        raise UserError(f"{_listed(paths)}: no metrics yet: allowed are runs that have begun")
    treatments = list(dict.fromkeys(t for table in tables.values() for t in table["treatment"].cat.categories))
    for table in tables.values():
        table["treatment"] = table["treatment"].cat.set_categories(treatments)
    whole = pd.concat(tables.values(), ignore_index=True)
    codes = np.repeat(np.arange(len(tables)), [len(table) for table in tables.values()])
    whole.insert(0, "run", pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(list(tables)))))
    return whole


def solving_times(
    paths: Paths,
    metric: str = "performance",
    goal: float = 1.0,
    event: str = "solved_generation",
    phase: str = "adaptation",
) -> pd.DataFrame:
    """When each trial solved its problem, or until when it has not: censored, but not left out.

    A finished trial says in its result when it solved the problem. A trial that goes on is followed by its
    metrics: it solved the problem in the first logged generation with the goal (at most one logging interval
    late), or has not until the last logged one.

    Args:
        paths: as in `results_of`.
        metric: column of the metrics that tells whether a trial that goes on has solved the problem.
        goal: the least value of it that does.
        event: entry of result.json with the generation in which a trial solved it, null if it never did.
        phase: where the metrics tell phases of a trial, the one whose problem is meant.

    Returns:
        A row for each trial that has logged anything: `run`, `experiment`, `treatment`, `trial`, `generation`, and
        `solved` (whether that is when it was solved, or the last one looked at).

    Raises:
        UserError: as `metrics_of`, or a result without the event or its last generation.
    """
    import pandas as pd

    rows = []
    for name, run in _open(paths).items():
        experiment, finished = run.description["experiment"], run.holding("result.json")
        for folder in _holding(run, "result.json", "metrics.csv"):
            treatment, number = folder.path.parent.name, _number(folder)
            done = Trial(treatment, number) in finished
            until = _solved(folder, event) if done else _followed(folder, metric, goal, phase)
            if until is not None:
                rows.append((name, experiment, treatment, number, *until))
    if not rows:
        raise UserError(f"{_listed(paths)}: no metrics yet: allowed are runs that have begun")
    return pd.DataFrame(rows, columns=["run", "experiment", "treatment", "trial", "generation", "solved"])


def _open(paths: Paths) -> dict[str, RunFolder]:
    if isinstance(paths, str | Path) or not paths:
        raise UserError(f"paths: {paths!r}: allowed are one or more run folders in a list")
    runs = [RunFolder(path) for path in paths]
    names = [Path(str(run.path)).name for run in runs]
    named = {name if names.count(name) == 1 else str(run.path): run for name, run in zip(names, runs, strict=True)}
    if len(named) < len(runs):
        raise UserError(f"paths: {_listed(paths)}: allowed is each run folder once")
    return named


def _holding(run: RunFolder, *files: str) -> list[TrialFolder]:
    """Folders of the trials that hold one of these files, treatments in the run's order, trials by number."""
    order = {treatment: place for place, treatment in enumerate(run.description["treatments"])}
    trials = [trial for trial in set().union(*map(run.holding, files)) if trial.treatment in order]
    trials.sort(key=lambda trial: (order[trial.treatment], trial.number))
    return [run.trial(trial.treatment, trial.number) for trial in trials]


def _plain(folder: TrialFolder) -> dict[str, Any]:
    named = {"treatment": folder.path.parent.name, "trial": _number(folder)}
    return named | {key: value for key, value in folder.result.items() if not isinstance(value, list | dict)}


def _solved(folder: TrialFolder, event: str) -> tuple[int, bool]:
    result = folder.result
    for name, kinds in ((event, int | None), ("generation", int)):
        if name not in result or not isinstance(result[name], kinds):
            found = repr(result[name]) if name in result else "missing"
            raise UserError(f"{folder.path / 'result.json'}: {name}: {found}: allowed is a number of generations")
    solved = result[event] is not None
    return int(result[event] if solved else result["generation"]), solved


def _followed(folder: TrialFolder, metric: str, goal: float, phase: str) -> tuple[int, bool] | None:
    table = read_metrics([folder], ["generation", metric])
    if table.empty:
        return None
    counts = table["phase"] == phase if "phase" in table else True
    reached = table["generation"][(table[metric] >= goal) & counts]
    return (int(reached.iloc[0]), True) if len(reached) else (int(table["generation"].iloc[-1]), False)


def _number(folder: TrialFolder) -> int:
    return int(folder.path.name.removeprefix("trial-"))


def _listed(paths: Paths) -> str:
    return ", ".join(str(path) for path in paths)
