"""`evo report`: table, statistics and figures of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import statistics
from analysis.reports import Groups, corrected, make_folder, print_report, rank_sums, subject, write_tables
from analysis.runs import read_metrics
from analysis.significance import significance
from cluster.errors import UserError
from cluster.folder import TrialFolder
from evo.results import check_result, completed
from evo.views import Outcome, View, view_of

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


def report(
    paths: Sequence[Path], out: Path | None = None, nulls: int = NULLS, overlay: Sequence[Path] = ()
) -> None:
    """Write the report of a run, finished or not, or of several runs together, and print its table.

    Args:
        paths: run folders; the first treatment of the first one is what the others are compared with.
        out: where to; default RUN/report of a single run.
        nulls: number of random networks with the same degrees and layers that each network's Q is compared with.
        overlay: runs whose best networks are marked on the maps.

    Raises:
        UserError: not a run folder, no finished trial, runs that do not belong together, or a result that its
            network does not bear out.
    """
    about = subject(paths, out)
    view = view_of(about.descriptions[0]["experiment"])
    if overlay and view.maps is None:
        raise UserError(
            f"--overlay: {about.descriptions[0]['experiment']} has no map to lay over: allowed are maps"
        )
    results, graphs = zip(*(_checked(folder, nulls) for folder in about.folders), strict=True)
    maps = {} if view.maps is None else view.maps(about, results, overlay)
    make_folder(about.out)
    groups = about.groups(results)
    summary = {name: summarise(members, view) for name, members in groups.items()}
    comparisons = compare(groups, view)
    columns, rows = tabulate(summary, comparisons, view)
    write_tables(about, columns, rows, results, summary, comparisons)
    metrics = read_metrics(about.folders, view.curves.values())
    files = draw(about.out, view, metrics, groups, list(graphs), comparisons) + save_figures(maps, about.out)
    print_report(about, columns, rows, "medians with 95 % bootstrap intervals", files)


def _checked(folder: TrialFolder, nulls: int) -> tuple[dict[str, Any], nx.DiGraph]:
    """Result and network of a trial, the former borne out by the latter and by where it lies.

    The result gains `modularity_p` and `hierarchy_p`, the share of random networks that are as modular, as
    hierarchical, and what results of earlier versions lack.
    """
    result, file = folder.result, folder.path / "result.json"
    graph, problem = check_result(result, file)
    own = f"{result['treatment']}/trial-{result['trial']:03d}"
    lies = f"{folder.path.parent.name}/{folder.path.name}"
    if own != lies:
        raise UserError(f"{file}: is of trial {own}: allowed is {lies}; the file was changed or moved")
    chance = {f"{name}_p": found.p for name, found in significance(graph, nulls=nulls).items()}
    return completed(result, graph, problem) | chance, graph


def count(results: Sequence[Mapping[str, Any]], outcome: Outcome) -> tuple[int, int] | None:
    """In how many trials, of how many, an outcome came about; None where the problem does not know it."""
    values = [outcome(result) for result in results]
    return None if None in values else (sum(map(bool, values)), len(values))


def summarise(results: list[dict[str, Any]], view: View) -> dict[str, Any]:
    """Medians with 95 % bootstrap intervals, and shares with Wilson intervals, of one treatment's trials."""
    from analysis.intervals import wilson_interval

    summary: dict[str, Any] = {"trials": len(results)}
    for measure in view.measures:
        interval = statistics.median_interval([result[measure.column] for result in results], SEED)
        summary[measure.column] = {"median": interval.median, "low": interval.low, "high": interval.high}
    for name, outcome in view.outcomes.items():
        counted = count(results, outcome)
        if counted is not None:
            low, high = wilson_interval(*counted)
            summary[name] = {"count": counted[0], "of": counted[1], "low": low, "high": high}
    solved = [result["solved_generation"] for result in results]
    # A trial that never solved the problem ranks behind all that did: the median may be "never".
    middle = float(np.median([math.inf if generation is None else generation for generation in solved]))
    summary["solved_generation"] = middle if math.isfinite(middle) else None
    return summary


def compare(groups: Groups, view: View) -> list[dict[str, Any]]:
    """Tests of every treatment against the first: rank sums, and Fisher's exact test for shares.

    `p_holm` corrects for the number of treatments compared, within each measure.
    """
    base, *others = groups
    tests = rank_sums(groups, view.measures)
    for title, outcome in view.outcomes.items():
        rows = []
        counted = count(groups[base], outcome)
        for name in others:
            own = count(groups[name], outcome)
            if counted is None or own is None:
                continue
            exact = statistics.fisher_exact(*own, *counted)
            rows.append(
                {
                    "measure": title,
                    "treatment": name,
                    "against": base,
                    "test": "Fisher's exact",
                    "p": exact.p,
                }
            )
        tests += corrected(rows)
    return tests


def tabulate(
    summary: Mapping[str, Mapping[str, Any]], comparisons: list[dict[str, Any]], view: View
) -> tuple[list[str], list[list[str]]]:
    """The report's table: a row a measure, a column a treatment, then p-values against the first treatment."""
    base, *others = summary
    columns = ["", *summary, *(f"p ({name} - {base})" for name in others)]
    p_values = {(test["measure"], test["treatment"]): test["p"] for test in comparisons}
    rows = [["trials", *(str(group["trials"]) for group in summary.values()), *("" for _ in others)]]
    for measure in view.measures:
        cells = []
        for group in summary.values():
            value, digits = group[measure.column], measure.digits
            interval = f"[{value['low']:.{digits}f}, {value['high']:.{digits}f}]"
            cells.append(f"{value['median']:.{digits}f} {interval}")
        rows.append([measure.title, *cells, *(_p(p_values, measure.column, name) for name in others)])
    for name in view.outcomes:
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


def draw(
    out: Path,
    view: View,
    metrics: pd.DataFrame,
    groups: Groups,
    graphs: list[nx.DiGraph],
    comparisons: list[dict[str, Any]],
) -> list[Path]:
    """All figures of a run; returns the files."""
    from analysis.groups import bars_figure, box_figure
    from analysis.learning import learning_curves
    from analysis.style import treatment_colours

    colours = treatment_colours(groups)
    base = next(iter(groups))

    def pairs(measure: str) -> list[tuple[str, str, float]]:
        return [(base, t["treatment"], t["p"]) for t in comparisons if t["measure"] == measure]

    figures = {"curves": learning_curves(metrics, "generation", view.curves, list(groups), colours=colours)}
    for measure in (measure for measure in view.measures if measure.column in view.boxes):
        values = {name: [result[measure.column] for result in members] for name, members in groups.items()}
        label = measure.title[0].upper() + measure.title[1:]
        figures[f"box-{measure.column}"] = box_figure(values, label, pairs(measure.column), colours=colours)
    for name, outcome in view.outcomes.items():
        counts = {treatment: count(members, outcome) for treatment, members in groups.items()}
        known = {treatment: counted for treatment, counted in counts.items() if counted is not None}
        if len(known) == len(groups):
            file = f"bars-{name.replace(' ', '-').lower()}"
            figures[file] = bars_figure(known, f"Trials: {name} (%)", pairs(name), colours=colours)
    graph_of = iter(graphs)
    for name, members in groups.items():
        figures[f"networks-{name}"] = _gallery(members, [next(graph_of) for _ in members], view)
    if view.further is not None:
        figures |= view.further(groups)
    return save_figures(figures, out)


def save_figures(figures: Mapping[str, Figure], out: Path) -> list[Path]:
    """Write figures by their names; returns the files."""
    from analysis.style import save_figure

    return [file for name, figure in figures.items() for file in save_figure(figure, out / name)]


def _gallery(results: list[dict[str, Any]], graphs: list[nx.DiGraph], view: View) -> Figure:
    """The best networks by performance, then by what the view ranks them by, in the colours of their modules."""
    from analysis.gallery import gallery
    from evo.problems import PROBLEMS

    def rank(k: int) -> tuple[float, ...]:
        return tuple(-results[k][column] for column in ("performance", *view.captions.values()))

    chosen = sorted(range(len(results)), key=rank)[:GALLERY]
    problem = PROBLEMS[results[0]["problem"]]()
    return gallery(
        [graphs[k] for k in chosen],
        [_caption(results[k], view) for k in chosen],
        [results[k]["partition"] for k in chosen],
        left_inputs=problem.left or None,
        right_inputs=problem.right or None,
    )


def _caption(result: Mapping[str, Any], view: View) -> str:
    numbers = (f"{letter} {result[column]:.2f}" for letter, column in view.captions.items())
    return "  ".join((f"{result['performance']:.3f}", *numbers))
