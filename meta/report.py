"""`meta report`: table, statistics and figures of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.intervals import MeanInterval, accuracy_over_seeds, mean_interval
from analysis.page import Page
from analysis.reports import Groups, Measure, brackets, make_folder, print_report, rank_sums, subject, write_tables
from analysis.runs import read_metrics
from cluster.errors import UserError
from cluster.folder import TrialFolder
from meta.experiments import EXPERIMENTS
from meta.views import VIEWS, View

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
    about = subject(paths, out, EXPERIMENTS)
    view = _view(paths[0], about.descriptions[0])
    results = [_checked(folder, view) for folder in about.folders]
    if view.check is not None:
        view.check(results)
    make_folder(about.out)
    groups = about.groups(results)
    measures = view.measures + (view.more(results) if view.more is not None else ())
    summary = {name: summarise(members, measures) for name, members in groups.items()}
    comparisons = rank_sums(groups, measures)
    columns, rows = tabulate(summary, comparisons, measures)
    flat = [{k: v for k, v in result.items() if not isinstance(v, list | dict)} for result in results]
    write_tables(about, columns, rows, flat, summary, comparisons)
    metrics = read_metrics(
        [folder for folder in about.folders if folder.result["iteration"]], view.curves.values()
    )
    files = draw(about.out, view, metrics, groups, comparisons)
    numbers = "means [95 % intervals over trials]; p-values: rank-sum tests"
    Page(about, EXPERIMENTS, view.measures, numbers, columns, rows, flat, summary, comparisons, files).write()
    print_report(about, columns, rows, numbers, files)


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
        entry: dict[str, Any] = {**_interval(mean_interval(values), measure.share), "values": values}
        if measure.answers is not None:
            answers = int(results[0][measure.answers])
            right = [round(value * answers) for value in values]
            entry["over_episodes"] = _interval(accuracy_over_seeds(right, answers).over_episodes, measure.share)
        summary[measure.column] = entry
    return summary


def _interval(interval: MeanInterval, share: bool) -> dict[str, float | None]:
    """Mean and ends, those of a share within 0 to 1; a single value has none."""
    low, high = (None if math.isnan(end) else end for end in (interval.low, interval.high))
    if share and low is not None and high is not None:
        low, high = max(low, 0.0), min(high, 1.0)
    return {"mean": interval.mean, "low": low, "high": high}


def tabulate(
    summary: Mapping[str, Mapping[str, Any]], comparisons: list[dict[str, Any]], measures: Sequence[Measure]
) -> tuple[list[str], list[list[str]]]:
    """The report's table: a row a measure, a column a treatment, then p-values of tests against the first one."""
    base, tested = next(iter(summary)), {test["treatment"] for test in comparisons}
    others = [name for name in summary if name in tested]
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


def draw(
    out: Path, view: View, metrics: pd.DataFrame, groups: Groups, comparisons: list[dict[str, Any]]
) -> list[Path]:
    """All figures of a run; returns the files."""
    from analysis.groups import box_figure
    from analysis.learning import learning_curves
    from analysis.style import save_figure, treatment_colours

    colours = treatment_colours(groups)
    figures: dict[str, Figure] = {}
    trained = [name for name in groups if groups[name][0]["iteration"]]  # others have no iterations to show
    if trained:
        figures["curves"] = learning_curves(
            metrics,
            "iteration",
            view.curves,
            trained,
            view.references,
            band="quartiles",
            yscales=dict.fromkeys(view.logarithmic, "log"),
            colours=colours,
        )
    for measure in view.measures:
        values = {name: [result[measure.column] for result in members] for name, members in groups.items()}
        pairs = brackets(comparisons, measure.column)
        label = measure.title[0].upper() + measure.title[1:]
        figures[f"box-{measure.column}"] = box_figure(values, label, pairs, colours=colours)
    if view.further is not None:
        figures |= view.further(groups)
    return [file for name, figure in figures.items() for file in save_figure(figure, out / name)]
