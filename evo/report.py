"""`evo report`: table, statistics and figures of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis import statistics
from analysis.runs import all_treatments, finished_trials, read_metrics, results_table
from analysis.significance import modularity_significance
from cluster.errors import UserError
from cluster.files import disk_error, write_atomic, write_json
from cluster.folder import RunFolder, TrialFolder
from cluster.storage import is_remote
from evo.results import check_result

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from matplotlib.figure import Figure

#: Seed of the bootstrap; a report of the same run is the same file.
SEED = 0
#: Random networks that each network's modularity is compared with.
NULLS = 200
#: Most networks in a gallery.
GALLERY = 16


@dataclass(frozen=True)
class Measure:
    """A number of each trial that treatments are compared by."""

    column: str
    title: str
    digits: int


MEASURES = (
    Measure("performance", "performance", 3),
    Measure("modularity", "modularity Q", 3),
    Measure("modularity_mean", "Q, mean of tied", 3),
    Measure("connection_cost", "connection cost", 1),
    Measure("connections", "connections", 0),
)

#: Panels of the figure over generations.
CURVES = {"Performance": "performance", "Modularity Q": "modularity", "Connection cost": "connection_cost"}

#: Yes-or-no outcomes of a trial.
OUTCOMES: Mapping[str, Callable[[Mapping[str, Any]], bool | None]] = {
    "perfect": lambda result: result["performance"] == 1.0,
    "decomposed": lambda result: result["decomposed"],
    "sub-solutions": lambda result: _solves_all_parts(result["sub_solutions"]),
    "Q beyond chance": lambda result: result["modularity_p"] < 0.05,
}


def _solves_all_parts(parts: Mapping[str, Mapping[str, Any]] | None) -> bool | None:
    return None if parts is None else bool(parts) and all(part["score"] == 1.0 for part in parts.values())


def report(paths: Sequence[Path], out: Path | None = None, nulls: int = NULLS) -> None:
    """Write the report of a run, finished or not, or of several runs together, and print its table.

    Args:
        paths: run folders; the first treatment of the first one is what the others are compared with.
        out: where to; default RUN/report of a single run.
        nulls: number of random networks with the same degrees and layers that each network's Q is compared with.

    Raises:
        UserError: not a run folder, no finished trial, runs that do not belong together, or a result that its
            network does not bear out.
    """
    runs = [RunFolder(path) for path in paths]
    descriptions = [run.description for run in runs]
    treatments = all_treatments(paths, descriptions)
    if out is None and len(paths) > 1:
        raise UserError("--out: missing: allowed with several runs is a folder for their report")
    if out is None and is_remote(runs[0].path):
        raise UserError(f"--out: missing: allowed for {paths[0]} is a folder on this machine for its report")
    folders = [folder for run in runs for folder in finished_trials(run)]
    if not folders:
        raise UserError(f"{paths[0]}: no finished trial yet: allowed is a run with at least one")
    results, graphs = zip(*(_checked(folder, nulls) for folder in folders), strict=True)
    out = out or paths[0] / "report"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(out, error) from None
    groups = {name: [result for result in results if result["treatment"] == name] for name in treatments}
    groups = {name: members for name, members in groups.items() if members}
    summary = {name: summarise(members) for name, members in groups.items()}
    comparisons = compare(groups)
    columns, rows = tabulate(summary, comparisons)
    planned = sum(description["trials"] * len(description["treatments"]) for description in descriptions)
    _write_tables(out, columns, rows, list(results))
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
    files = draw(out, read_metrics(folders, CURVES.values()), groups, list(graphs), comparisons)
    _print(descriptions[0], columns, rows, f"{len(results)} of {planned}", out, files)


def _checked(folder: TrialFolder, nulls: int) -> tuple[dict[str, Any], nx.DiGraph]:
    """Result and network of a trial, the former borne out by the latter and by where it lies.

    The result gains `modularity_p`, the share of random networks that are as modular.
    """
    result, file = folder.result, folder.path / "result.json"
    graph, _ = check_result(result, file)
    own = f"{result['treatment']}/trial-{result['trial']:03d}"
    lies = f"{folder.path.parent.name}/{folder.path.name}"
    if own != lies:
        raise UserError(f"{file}: is of trial {own}: allowed is {lies}; the file was changed or moved")
    return result | {"modularity_p": modularity_significance(graph, nulls).p}, graph


def count(results: Sequence[Mapping[str, Any]], outcome: str) -> tuple[int, int] | None:
    """In how many trials, of how many, an outcome came about; None where the problem does not know it."""
    values = [OUTCOMES[outcome](result) for result in results]
    return None if None in values else (sum(map(bool, values)), len(values))


def summarise(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians with 95 % bootstrap intervals, and shares with Wilson intervals, of one treatment's trials."""
    from analysis.intervals import wilson_interval

    summary: dict[str, Any] = {"trials": len(results)}
    for measure in MEASURES:
        interval = statistics.median_interval([result[measure.column] for result in results], SEED)
        summary[measure.column] = {"median": interval.median, "low": interval.low, "high": interval.high}
    for name in OUTCOMES:
        counted = count(results, name)
        if counted is not None:
            low, high = wilson_interval(*counted)
            summary[name] = {"count": counted[0], "of": counted[1], "low": low, "high": high}
    solved = [result["solved_generation"] for result in results]
    # A trial that never solved the problem ranks behind all that did: the median may be "never".
    middle = float(np.median([math.inf if generation is None else generation for generation in solved]))
    summary["solved_generation"] = middle if math.isfinite(middle) else None
    return summary


def compare(groups: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Tests of every treatment against the first: rank sums, and Fisher's exact test for shares.

    `p_holm` corrects for the number of treatments compared, within each measure.
    """
    base, *others = groups
    tests: list[dict[str, Any]] = []
    for measure in MEASURES:
        first = [result[measure.column] for result in groups[base]]
        rows = []
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
        tests += _corrected(rows)
    for outcome in OUTCOMES:
        rows = []
        counted = count(groups[base], outcome)
        for name in others:
            own = count(groups[name], outcome)
            if counted is None or own is None:
                continue
            exact = statistics.fisher_exact(*own, *counted)
            rows.append(
                {
                    "measure": outcome,
                    "treatment": name,
                    "against": base,
                    "test": "Fisher's exact",
                    "p": exact.p,
                }
            )
        tests += _corrected(rows)
    return tests


def _corrected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if rows:
        for row, p in zip(rows, statistics.holm([row["p"] for row in rows]), strict=True):
            row["p_holm"] = float(p)
    return rows


def tabulate(
    summary: Mapping[str, Mapping[str, Any]], comparisons: list[dict[str, Any]]
) -> tuple[list[str], list[list[str]]]:
    """The report's table: a row a measure, a column a treatment, then p-values against the first treatment."""
    base, *others = summary
    columns = ["", *summary, *(f"p ({name} - {base})" for name in others)]
    p_values = {(test["measure"], test["treatment"]): test["p"] for test in comparisons}
    rows = [["trials", *(str(group["trials"]) for group in summary.values()), *("" for _ in others)]]
    for measure in MEASURES:
        cells = []
        for group in summary.values():
            value, digits = group[measure.column], measure.digits
            interval = f"[{value['low']:.{digits}f}, {value['high']:.{digits}f}]"
            cells.append(f"{value['median']:.{digits}f} {interval}")
        rows.append([measure.title, *cells, *(_p(p_values, measure.column, name) for name in others)])
    for name in OUTCOMES:
        if all(name in group for group in summary.values()):
            cells = [f"{g[name]['count']}/{g[name]['of']} ({_percent(g[name])})" for g in summary.values()]
            rows.append([name + " trials", *cells, *(_p(p_values, name, other) for other in others)])
    solved = [group["solved_generation"] for group in summary.values()]
    cells = ["never" if generation is None else f"{generation:.0f}" for generation in solved]
    rows.append(["median generation solved", *cells, *("" for _ in others)])
    return columns, rows


def _percent(share: Mapping[str, int]) -> str:
    return f"{100 * share['count'] / share['of']:.0f} %"


def _p(p_values: Mapping[tuple[str, str], float], measure: str, treatment: str) -> str:
    p = p_values.get((measure, treatment))
    return "" if p is None else f"{p:.2g}"


def _write_tables(out: Path, columns: list[str], rows: list[list[str]], results: list[dict[str, Any]]) -> None:
    import pandas as pd

    table = pd.DataFrame(rows, columns=columns)
    write_atomic(out / "table.csv", table.to_csv(index=False, lineterminator="\n").encode())
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    write_atomic(out / "table.md", ("\n".join(lines) + "\n").encode())
    trials = results_table(results).to_csv(index=False, lineterminator="\n")
    write_atomic(out / "trials.csv", trials.encode())


def draw(
    out: Path,
    metrics: pd.DataFrame,
    groups: Mapping[str, list[dict[str, Any]]],
    graphs: list[nx.DiGraph],
    comparisons: list[dict[str, Any]],
) -> list[Path]:
    """All figures of a run; returns the files."""
    from analysis.groups import bars_figure, box_figure
    from analysis.learning import learning_curves
    from analysis.style import save_figure, treatment_colours

    colours = treatment_colours(groups)
    base = next(iter(groups))

    def pairs(measure: str) -> list[tuple[str, str, float]]:
        return [(base, t["treatment"], t["p"]) for t in comparisons if t["measure"] == measure]

    figures = {"curves": learning_curves(metrics, "generation", CURVES, list(groups), colours=colours)}
    for measure in (MEASURES[0], MEASURES[1], MEASURES[3]):
        values = {name: [result[measure.column] for result in members] for name, members in groups.items()}
        label = measure.title[0].upper() + measure.title[1:]
        figures[f"box-{measure.column}"] = box_figure(values, label, pairs(measure.column), colours=colours)
    for name in OUTCOMES:
        counts = {treatment: count(members, name) for treatment, members in groups.items()}
        known = {treatment: counted for treatment, counted in counts.items() if counted is not None}
        if len(known) == len(groups):
            file = f"bars-{name.replace(' ', '-').lower()}"
            figures[file] = bars_figure(known, f"Trials: {name} (%)", pairs(name), colours=colours)
    graph_of = iter(graphs)
    for name, members in groups.items():
        figures[f"networks-{name}"] = _gallery(members, [next(graph_of) for _ in members])
    return [file for name, figure in figures.items() for file in save_figure(figure, out / name)]


def _gallery(results: list[dict[str, Any]], graphs: list[nx.DiGraph]) -> Figure:
    """The best networks by performance, then modularity, in the colours of their modules."""
    from analysis.gallery import gallery
    from evo.problems import PROBLEMS

    order = sorted(range(len(results)), key=lambda k: (-results[k]["performance"], -results[k]["modularity"]))
    chosen = order[:GALLERY]
    problem = PROBLEMS[results[0]["problem"]]()
    return gallery(
        [graphs[k] for k in chosen],
        [f"{results[k]['performance']:.3f}  Q {results[k]['modularity']:.2f}" for k in chosen],
        [results[k]["partition"] for k in chosen],
        left_inputs=problem.left or None,
        right_inputs=problem.right or None,
    )


def _print(
    description: Mapping[str, Any],
    columns: list[str],
    rows: list[list[str]],
    finished: str,
    out: Path,
    files: list[Path],
) -> None:
    console = Console(highlight=False)
    console.print(f"\n[bold]{description['experiment']}[/bold]  {description['question']}", soft_wrap=True)
    console.print(f"{finished} trials finished; medians with 95 % bootstrap intervals\n")
    table = Table(box=None, padding=(0, 2), header_style="bold")
    for k, column in enumerate(columns):
        table.add_column(column, justify="left" if k == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    widths = [max(len(row[k]) for row in [columns, *rows]) + 4 for k in range(len(columns))]
    Console(highlight=False, width=max(console.width, sum(widths))).print(table)
    print(f"\ntables and statistics: {out / 'table.md'}, {out / 'trials.csv'}, {out / 'statistics.json'}")
    print("figures:")
    for file in files:
        if file.suffix == ".png":
            print(f"  {file}")
