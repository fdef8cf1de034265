"""`meta report`: table, statistics and figures of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from analysis import statistics
from analysis.intervals import MeanInterval, accuracy_over_seeds, mean_interval
from analysis.runs import all_treatments, finished_trials, read_metrics, results_table
from cluster.errors import UserError
from cluster.files import disk_error, write_atomic, write_json
from cluster.folder import RunFolder, TrialFolder
from cluster.storage import is_remote
from meta.views import VIEWS, Groups, Measure, View

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def report(paths: Sequence[Path], out: Path | None = None) -> None:
    """Write the report of a run, finished or not, or of several runs together, and print its table.

    Args:
        paths: run folders; the first treatment of the first one is what the others are compared with.
        out: where to; default RUN/report of a single run.

    Raises:
        UserError: not a run folder of this half, no finished trial, or runs that do not belong together.
    """
    runs = [RunFolder(path) for path in paths]
    descriptions = [run.description for run in runs]
    view = _view(paths[0], descriptions[0])
    treatments = all_treatments(paths, descriptions)
    if out is None and len(paths) > 1:
        raise UserError("--out: missing: allowed with several runs is a folder for their report")
    if out is None and is_remote(runs[0].path):
        raise UserError(f"--out: missing: allowed for {paths[0]} is a folder on this machine for its report")
    folders = [folder for run in runs for folder in finished_trials(run)]
    if not folders:
        raise UserError(f"{paths[0]}: no finished trial yet: allowed is a run with at least one")
    results = [_checked(folder, view) for folder in folders]
    out = out or paths[0] / "report"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(out, error) from None
    groups = {name: [result for result in results if result["treatment"] == name] for name in treatments}
    groups = {name: members for name, members in groups.items() if members}
    summary = {name: summarise(members, view.measures) for name, members in groups.items()}
    comparisons = compare(groups, view.measures)
    columns, rows = tabulate(summary, comparisons, view.measures)
    planned = sum(description["trials"] * len(description["treatments"]) for description in descriptions)
    _write(out, columns, rows, results)
    write_json(
        out / "statistics.json",
        {
            "commands": [description["command"] for description in descriptions],
            "commits": [description.get("commit") for description in descriptions],
            "finished_trials": len(results),
            "planned_trials": planned,
            "summary": summary,
            "comparisons": comparisons,
        },
    )
    files = draw(out, view, read_metrics(folders, view.curves.values()), groups, comparisons)
    _print(descriptions[0], columns, rows, f"{len(results)} of {planned}", out, files)


def _view(path: Path, description: Mapping[str, Any]) -> View:
    name = description["experiment"]
    if name not in VIEWS:
        raise UserError(f"{path}: experiment {name}: allowed are {', '.join(VIEWS)}")
    return VIEWS[name]


def _checked(folder: TrialFolder, view: View) -> dict[str, Any]:
    result, file = folder.result, folder.path / "result.json"
    for name in ("treatment", "trial", "parameters", *(measure.column for measure in view.measures)):
        if name not in result:
            raise UserError(f"{file}: {name}: missing")
    return result


def summarise(results: list[dict[str, Any]], measures: Sequence[Measure]) -> dict[str, Any]:
    """Means over trials with 95 % intervals of Student's t, of accuracies also the interval over episodes."""
    summary: dict[str, Any] = {"trials": len(results), "parameters": results[0]["parameters"]}
    for measure in measures:
        values = [result[measure.column] for result in results]
        entry: dict[str, Any] = {**_interval(mean_interval(values)), "values": values}
        if measure.answers is not None:
            answers = int(results[0][measure.answers])
            right = [round(value * answers) for value in values]
            entry["over_episodes"] = _interval(accuracy_over_seeds(right, answers).over_episodes)
        summary[measure.column] = entry
    return summary


def _interval(interval: MeanInterval) -> dict[str, float | None]:
    low, high = (None if math.isnan(end) else end for end in (interval.low, interval.high))
    return {"mean": interval.mean, "low": low, "high": high}


def compare(groups: Groups, measures: Sequence[Measure]) -> list[dict[str, Any]]:
    """Rank-sum tests of every treatment against the first; `p_holm` corrects for their number."""
    base, *others = groups
    tests: list[dict[str, Any]] = []
    for measure in measures if others else ():
        first = [result[measure.column] for result in groups[base]]
        rows: list[dict[str, Any]] = []
        for name in others:
            test = statistics.mann_whitney([result[measure.column] for result in groups[name]], first)
            rows.append(
                {
                    "measure": measure.column,
                    "treatment": name,
                    "against": base,
                    "test": "Mann-Whitney U",
                    "statistic": test.statistic,
                    "vargha_delaney": test.vargha_delaney,
                    "p": test.p,
                }
            )
        corrected = statistics.holm([row["p"] for row in rows])
        tests += [row | {"p_holm": float(p)} for row, p in zip(rows, corrected, strict=True)]
    return tests


def tabulate(
    summary: Mapping[str, Mapping[str, Any]], comparisons: list[dict[str, Any]], measures: Sequence[Measure]
) -> tuple[list[str], list[list[str]]]:
    """The report's table: a row a measure, a column a treatment, then p-values against the first treatment."""
    base, *others = summary
    columns = ["", *summary, *(f"p ({name} - {base})" for name in others)]
    p_values = {(test["measure"], test["treatment"]): f"{test['p']:.2g}" for test in comparisons}
    blank = ["" for _ in others]
    rows = [
        ["trials", *(str(group["trials"]) for group in summary.values()), *blank],
        ["parameters", *(f"{group['parameters']:,}" for group in summary.values()), *blank],
    ]
    for measure in measures:
        cells = [_cell(group[measure.column], measure.digits) for group in summary.values()]
        rows.append([measure.title, *cells, *(p_values.get((measure.column, name), "") for name in others)])
    return columns, rows


def _cell(value: Mapping[str, Any], digits: int) -> str:
    if value["low"] is None:
        return f"{value['mean']:.{digits}f}"
    return f"{value['mean']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"


def _write(out: Path, columns: list[str], rows: list[list[str]], results: list[dict[str, Any]]) -> None:
    import pandas as pd

    table = pd.DataFrame(rows, columns=columns)
    write_atomic(out / "table.csv", table.to_csv(index=False, lineterminator="\n").encode())
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    write_atomic(out / "table.md", ("\n".join(lines) + "\n").encode())
    flat = [{k: v for k, v in result.items() if not isinstance(v, list | dict)} for result in results]
    write_atomic(out / "trials.csv", results_table(flat).to_csv(index=False, lineterminator="\n").encode())


def draw(
    out: Path, view: View, metrics: pd.DataFrame, groups: Groups, comparisons: list[dict[str, Any]]
) -> list[Path]:
    """All figures of a run; returns the files."""
    from analysis.groups import box_figure
    from analysis.learning import learning_curves
    from analysis.style import save_figure, treatment_colours

    colours = treatment_colours(groups)
    figures: dict[str, Figure] = {
        "curves": learning_curves(
            metrics,
            "iteration",
            view.curves,
            list(groups),
            view.references,
            band="quartiles",
            yscales=dict.fromkeys(view.logarithmic, "log"),
            colours=colours,
        )
    }
    base = next(iter(groups))
    for measure in view.measures:
        values = {name: [result[measure.column] for result in members] for name, members in groups.items()}
        pairs = [(base, t["treatment"], t["p"]) for t in comparisons if t["measure"] == measure.column]
        label = measure.title[0].upper() + measure.title[1:]
        figures[f"box-{measure.column}"] = box_figure(values, label, pairs, colours=colours)
    if view.further is not None:
        figures |= view.further(groups)
    return [file for name, figure in figures.items() for file in save_figure(figure, out / name)]


def _print(
    description: Mapping[str, Any],
    columns: list[str],
    rows: list[list[str]],
    finished: str,
    out: Path,
    files: list[Path],
) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{description['experiment']}[/bold]  {description['question']}")
    console.print(f"{finished} trials finished; means [95 % intervals over trials]; p-values: rank-sum tests")
    table = Table(*columns, box=None, padding=(0, 2))
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for file in (out / "table.md", out / "statistics.json", out / "trials.csv", *files):
        if file.suffix != ".svg":
            console.print(str(file), soft_wrap=True)
