"""What a report shows of each experiment: curves, final numbers, yes-or-no outcomes, figures of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.reports import Groups, Measure, Result, Subject, against_first
from evo.maps import MAPS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from analysis.curves import Scale

#: Whether something came about in a trial, from its result; None where the problem does not know it.
Outcome = Callable[[Mapping[str, Any]], bool | None]


@dataclass(frozen=True)
class Duration:
    """How many generations something took in each trial, from its result.

    Attributes:
        column: the number, None where it never came about.
        title: in tables and figures.
        observed: column with how long it was waited for in vain; None where a trial had no chance of it.
    """

    column: str
    title: str
    observed: str = "generation"

    def table(self, groups: Groups) -> pd.DataFrame:
        """As `analysis.tables.solving_times`: a row for each trial that had a chance of it."""
        import pandas as pd

        rows = [
            (name, result[self.column] if reached else result[self.observed], reached)
            for name, results in groups.items()
            for result in results
            if result[self.observed] is not None
            for reached in (result[self.column] is not None,)
        ]
        return pd.DataFrame(rows, columns=["treatment", "generation", "solved"]).astype({"solved": bool})


@dataclass(frozen=True)
class View:
    """What a report shows of an experiment.

    Attributes:
        curves: column of metrics.csv for each panel over generations, by its label.
        measures: final numbers that treatments are compared by.
        boxes: columns of those, and of durations, that are drawn as boxes; durations as curves of shares too.
        outcomes: shares of trials, by their title.
        captions: letters under a drawn network with the columns they stand for; these also rank it among equals
            in performance.
        further: figures beyond curves, boxes, bars and networks, from the results of each treatment.
        durations: how long things took.
        x: column of metrics.csv over which curves are drawn, where it has a value.
        xlabel: what that column counts.
        xscale: of that axis.
        against: the treatment that each is compared with, from all of them.
        maps: figures from the folders of the trials, with the best networks of further runs laid over.
    """

    curves: Mapping[str, str]
    measures: tuple[Measure, ...]
    boxes: tuple[str, ...]
    outcomes: Mapping[str, Outcome]
    captions: Mapping[str, str] = field(default_factory=lambda: {"Q": "modularity"})
    further: Callable[[Groups], dict[str, Figure]] | None = None
    durations: tuple[Duration, ...] = (Duration("solved_generation", "generation solved"),)
    x: str = "generation"
    xlabel: str = "Generation"
    xscale: Scale = "linear"
    against: Callable[[Iterable[str]], dict[str, str]] = against_first
    maps: Callable[[Subject, Sequence[Result], Sequence[Path]], dict[str, Figure]] | None = None


def _solves_all_parts(result: Mapping[str, Any]) -> bool | None:
    parts = result["sub_solutions"]
    return None if parts is None else bool(parts) and all(part["score"] == 1.0 for part in parts.values())


#: How treatments of experiments whose task changes begin: what their selection sees.
SELECTIONS = ("pcc-p100", "pcc-p025", "pcc-nonmod", "pcc", "pa")

#: What is shown of networks that were evolved for one problem.
NETWORKS = View(
    {"Performance": "performance", "Modularity Q": "modularity", "Connection cost": "connection_cost"},
    (
        Measure("performance", "performance", 3),
        Measure("modularity", "modularity Q", 3),
        Measure("modularity_mean", "Q, mean of tied", 3),
        Measure("connection_cost", "connection cost", 1),
        Measure("connections", "connections", 0),
        Measure("hierarchy", "hierarchy H", 3),
    ),
    ("performance", "modularity", "connection_cost"),
    {
        "perfect": lambda result: result["performance"] == 1.0,
        "decomposed": lambda result: result["decomposed"],
        "sub-solutions": _solves_all_parts,
        "Q beyond chance": lambda result: result["modularity_p"] < 0.05,
    },
)

#: What is shown of networks for hierarchical tasks.
HIERARCHIES = View(
    {
        "Performance": "performance",
        "Hierarchy H": "hierarchy",
        "Modularity Q": "modularity",
        "Connection cost": "connection_cost",
    },
    (
        Measure("performance", "performance", 3),
        Measure("hierarchy", "hierarchy H", 3),
        Measure("hierarchy_mean", "H, mean of tied", 3),
        Measure("modularity", "modularity Q", 3),
        Measure("modularity_mean", "Q, mean of tied", 3),
        Measure("connection_cost", "connection cost", 1),
        Measure("connections", "connections", 0),
        Measure("sub_problems", "sub-problems solved, share", 2),
    ),
    ("performance", "hierarchy", "modularity", "connection_cost", "sub_problems"),
    {
        "perfect": lambda result: result["performance"] == 1.0,
        "all sub-problems": lambda result: (
            None if result["sub_problems"] is None else result["sub_problems"] == 1.0
        ),
        "decomposed": lambda result: result["decomposed"],
        "H beyond chance": lambda result: result["hierarchy_p"] < 0.05,
        "Q beyond chance": lambda result: result["modularity_p"] < 0.05,
    },
    captions={"H": "hierarchy", "Q": "modularity"},
)


def without_cost_or_change(treatments: Iterable[str]) -> dict[str, str]:
    """Compare each treatment with that without cost in the same environment, as pcc-e20 with pa-e20.

    Where there is none, with its own selection in the fixed environment; treatments without either are left out.
    """
    names = list(treatments)
    against = {}
    for name in names:
        selection = next(known for known in SELECTIONS if name == known or name.startswith(known + "-"))
        candidates = ("pa" + name.removeprefix(selection), selection)
        found = [candidate for candidate in candidates if candidate in names and candidate != name]
        if found:
            against[name] = found[0]
    return against


def _goals_figures(groups: Groups) -> dict[str, Figure]:
    from evo.figures import after_switches, by_period

    return {
        "modularity-by-period": by_period(groups, "modularity", "Modularity Q"),
        "performance-by-period": by_period(groups, "performance", "Performance for the current goal"),
        "after-switches": after_switches(groups),
    }


#: What is shown of networks whose goal alternates.
GOALS = replace(
    NETWORKS,
    measures=(
        NETWORKS.measures[0],
        Measure("performance_other", "performance, other goals", 3),
        *NETWORKS.measures[1:],
    ),
    further=_goals_figures,
    durations=(
        *NETWORKS.durations,
        Duration("adaptation", "generations from a switch to a perfect network", "adaptation_observed"),
    ),
    against=without_cost_or_change,
)

#: What is shown of networks that take up another problem.
ADAPTATION = replace(
    NETWORKS,
    measures=(
        *NETWORKS.measures,
        Measure("base_modularity", "modularity Q of the cloned network", 3),
        Measure("base_connection_cost", "connection cost of the cloned network", 1),
    ),
    boxes=("adaptation_generations", "base_modularity"),
    durations=(
        Duration("base_generation", "generations to solve the first problem"),
        Duration("adaptation_generations", "generations to adapt", "adaptation_observed"),
    ),
    x="adapting",
    xlabel="Generations of the second problem",
    xscale="log",  # most adapt within some hundred generations, a few after thousands
    against=without_cost_or_change,
)

#: The same for networks of hierarchical tasks.
HIERARCHICAL_ADAPTATION = replace(
    ADAPTATION,
    curves=HIERARCHIES.curves,
    measures=(
        *HIERARCHIES.measures,
        Measure("base_hierarchy", "hierarchy H of the cloned network", 3),
        Measure("base_modularity", "modularity Q of the cloned network", 3),
        Measure("base_connection_cost", "connection cost of the cloned network", 1),
    ),
    boxes=(*ADAPTATION.boxes, "base_hierarchy"),
    outcomes=HIERARCHIES.outcomes,
    captions=HIERARCHIES.captions,
)


def _map_figures(about: Subject, results: Sequence[Result], overlay: Sequence[Path]) -> dict[str, Figure]:
    from evo.map_report import map_figures

    return map_figures(about, results, overlay)


#: What is shown of maps.
MAP = View(
    {"Filled cells": "filled", "Performance, mean of cells": "performance_mean", "Perfect cells": "perfect_cells"},
    (
        Measure("performance", "performance", 3),
        Measure("performance_mean", "performance, mean of cells", 3),
        Measure("filled", "filled cells", 0),
        Measure("perfect_cells", "perfect cells", 0),
        Measure("qd_score", "sum of performances", 0),
    ),
    (),
    {"perfect": lambda result: result["performance"] == 1.0},
    maps=_map_figures,
)

#: Experiments that are shown in a way of their own, by name.
VIEWS: dict[str, View] = {
    "mengistu2016-hierarchy": HIERARCHIES,
    "clune2013-changing-goals": GOALS,
    "clune2013-evolvability": ADAPTATION,
    "mengistu2016-evolvability": HIERARCHICAL_ADAPTATION,
    **{experiment.name: MAP for experiment in MAPS},
}


def view_of(experiment: str) -> View:
    """How an experiment is shown."""
    return VIEWS.get(experiment, NETWORKS)
