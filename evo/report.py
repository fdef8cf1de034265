"""`evo report`: table, statistics and figures of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import statistics
from analysis.brackets import Pair
from analysis.comparisons import corrected
from analysis.page import Page
from analysis.reports import (
    Groups,
    Measure,
    brackets,
    make_folder,
    numbers,
    print_report,
    rank_sums,
    subject,
    write_tables,
)
from analysis.runs import read_metrics
from analysis.significance import significance
from analysis.survival import log_rank_tests, solving_curve
from analysis.wording import LOG_RANK
from cluster.errors import UserError
from cluster.folder import TrialFolder
from evo.experiments import EXPERIMENTS
from evo.results import check_result, completed
from evo.views import Duration, Outcome, View, view_of

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
# Longer than anything that came about.
NEVER = 1e18


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
    about = subject(paths, out, EXPERIMENTS)
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
    metrics = read_metrics(about.folders, [view.x, *view.curves.values()])
    files = draw(about.out, view, metrics, groups, list(graphs), comparisons) + save_figures(maps, about.out)
    what = "medians with 95 % intervals: bootstrap, for durations Kaplan-Meier"
    measures = (*view.measures, *(Measure(duration.column, duration.title, 0) for duration in view.durations))
    Page(about, EXPERIMENTS, measures, what, columns, rows, results, summary, comparisons, files).write()
    print_report(about, columns, rows, what, files)


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
        values = numbers(results, measure.column)
        if values:
            interval = statistics.median_interval(values, SEED)
            summary[measure.column] = {"median": interval.median, "low": interval.low, "high": interval.high}
    for name, outcome in view.outcomes.items():
        counted = count(results, outcome)
        if counted is not None:
            low, high = wilson_interval(*counted)
            summary[name] = {"count": counted[0], "of": counted[1], "low": low, "high": high}
    for duration in view.durations:
        table = duration.table({"": results})
        if len(table):
            curve = solving_curve(table["generation"], table["solved"])
            ends = {"median": curve.median, "low": curve.median_low, "high": curve.median_high}
            finite = {name: end if math.isfinite(end) else None for name, end in ends.items()}
            summary[duration.column] = finite | {"count": int(table["solved"].sum()), "of": len(table)}
    return summary


def compare(groups: Groups, view: View) -> list[dict[str, Any]]:
    """Tests of treatments against others: rank sums, log-rank for durations, Fisher's exact test for shares.

    `p_holm` corrects for the number of treatments compared, within each measure and test.
    """
    against = view.against(groups)
    tests = rank_sums(groups, view.measures, against)
    for duration in view.durations:
        tests += compare_durations(duration.table(groups), duration.column, against)
    for title, outcome in view.outcomes.items():
        rows = []
        for name, base in against.items():
            own, other = count(groups[name], outcome), count(groups[base], outcome)
            if own is None or other is None:
                continue
            exact = statistics.fisher_exact(*own, *other)
            test = {"measure": title, "treatment": name, "against": base, "trials": [own[1], other[1]]}
            rows.append(test | {"test": "Fisher's exact", "p": exact.p})
        tests += corrected(rows)
    return tests


def compare_durations(table: pd.DataFrame, column: str, against: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rank-sum tests, in which a trial that never came to it ranks last, and log-rank tests.

    Args:
        table: as of `Duration.table`.
        column: of the results, by which the tests are called.
        against: the treatment that each is compared with.
    """
    ranked = table["generation"].where(table["solved"], NEVER)
    present = set(table["treatment"])
    orders, rates = [], []
    for name, base in against.items():
        if name in present and base in present:
            own, first = table["treatment"] == name, table["treatment"] == base
            trials = [int(own.sum()), int(first.sum())]
            identity = {"measure": column, "treatment": name, "against": base, "trials": trials}
            order = statistics.mann_whitney(ranked[own], ranked[first])
            size = {"statistic": order.statistic, "vargha_delaney": order.vargha_delaney, "p": order.p}
            orders.append(identity | {"test": "Mann-Whitney U"} | size)
            rate = log_rank_tests(table[own | first], base=base).iloc[0]
            rates.append(identity | {"test": LOG_RANK, "statistic": float(rate["z"]), "p": float(rate["p"])})
    return corrected(orders) + corrected(rates)


def tabulate(
    summary: Mapping[str, Mapping[str, Any]], comparisons: list[dict[str, Any]], view: View
) -> tuple[list[str], list[list[str]]]:
    """The report's table: a row a measure, a column a treatment, then p-values of the comparisons."""
    tested = {test["treatment"] for test in comparisons}
    against = {name: base for name, base in view.against(summary).items() if name in tested}
    columns = ["", *summary, *(f"p ({name} - {base})" for name, base in against.items())]
    p_values = {(test["measure"], test["treatment"], test["test"] == LOG_RANK): test["p"] for test in comparisons}

    def p_cells(measure: str, rates: bool = False) -> list[str]:
        found = [p_values.get((measure, name, rates)) for name in against]
        return ["" if p is None else f"{p:.2g}" for p in found]

    rows = [["trials", *(str(group["trials"]) for group in summary.values()), *("" for _ in against)]]
    for measure in view.measures:
        cells = [_interval(group.get(measure.column), measure.digits) for group in summary.values()]
        rows.append([measure.title, *cells, *p_cells(measure.column)])
    for name in view.outcomes:
        if all(name in group for group in summary.values()):
            cells = [f"{g[name]['count']}/{g[name]['of']} ({_percent(g[name])})" for g in summary.values()]
            rows.append([name + " trials", *cells, *p_cells(name)])
    for duration in view.durations:
        column = duration.column
        rows.append([duration.title, *(_lasting(g.get(column)) for g in summary.values()), *p_cells(column)])
        if against:
            rows.append([f"{duration.title}, {LOG_RANK}", *("" for _ in summary), *p_cells(column, rates=True)])
    return columns, rows


def _interval(value: Mapping[str, float] | None, digits: int) -> str:
    if value is None:
        return "-"
    return f"{value['median']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"


def _lasting(value: Mapping[str, float | None] | None) -> str:
    """Median and interval of a duration, and of how many trials how many came to it."""
    if value is None:
        return "-"
    low, high = ("∞" if value[end] is None else f"{value[end]:.0f}" for end in ("low", "high"))
    middle = "never" if value["median"] is None else f"{value['median']:.0f}"
    return f"{middle} [{low}, {high}] {value['count']}/{value['of']}"


def _percent(share: Mapping[str, int]) -> str:
    return f"{100 * share['count'] / share['of']:.0f} %"


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

    figures = {
        "curves": learning_curves(
            metrics,
            view.x,
            view.curves,
            list(groups),
            xlabel=view.xlabel,
            xscale=view.xscale,
            colours=colours,
            against=view.against(groups),
        )
    }
    for duration in (duration for duration in view.durations if duration.column in view.boxes):
        figures |= _duration_figures(groups, duration, brackets(comparisons, duration.column), colours)
    for measure in (measure for measure in view.measures if measure.column in view.boxes):
        values = {name: numbers(members, measure.column) for name, members in groups.items()}
        label = measure.title[0].upper() + measure.title[1:]
        figures[f"box-{measure.column}"] = box_figure(
            values, label, brackets(comparisons, measure.column), colours=colours
        )
    for name, outcome in view.outcomes.items():
        counts = {treatment: count(members, outcome) for treatment, members in groups.items()}
        known = {treatment: counted for treatment, counted in counts.items() if counted is not None}
        if len(known) == len(groups):
            file = f"bars-{name.replace(' ', '-').lower()}"
            figures[file] = bars_figure(known, f"Trials: {name} (%)", brackets(comparisons, name), colours=colours)
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


def _duration_figures(
    groups: Groups, duration: Duration, pairs: Sequence[Pair], colours: Mapping[str, str]
) -> dict[str, Figure]:
    """Boxes of durations, triangles for trials that were waited for in vain, and the share of trials over time."""
    from analysis.groups import box_figure
    from analysis.survival import solving_figure

    table = duration.table(groups)
    label = duration.title[0].upper() + duration.title[1:]
    # A logarithmic axis has no place for 0.
    times = {name: table["generation"][table["treatment"] == name].clip(lower=1.0) for name in groups}
    vain = {name: ~table["solved"][table["treatment"] == name] for name in groups}
    box = box_figure(times, label, pairs, colours=colours, scale="log", censored=vain)
    figures = {f"box-{duration.column}": box}
    if len(table):
        figures[f"solved-{duration.column}"] = solving_figure(table, colours=colours, xlabel=label, xscale="log")
    return figures


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
