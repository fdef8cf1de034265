"""What a report shows of each experiment: curves, final numbers, yes-or-no outcomes, figures of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.reports import Groups, Measure, Result, Subject
from evo.maps import MAPS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Whether something came about in a trial, from its result; None where the problem does not know it.
Outcome = Callable[[Mapping[str, Any]], bool | None]


@dataclass(frozen=True)
class View:
    """What a report shows of an experiment.

    Attributes:
        curves: column of metrics.csv for each panel over generations, by its label.
        measures: final numbers that treatments are compared by.
        boxes: columns of those that are drawn as boxes.
        outcomes: shares of trials, by their title.
        captions: letters under a drawn network with the columns they stand for; these also rank it among equals
            in performance.
        further: figures beyond curves, boxes, bars and networks, from the results of each treatment.
        maps: figures from the folders of the trials, with the best networks of further runs laid over.
    """

    curves: Mapping[str, str]
    measures: tuple[Measure, ...]
    boxes: tuple[str, ...]
    outcomes: Mapping[str, Outcome]
    captions: Mapping[str, str] = field(default_factory=lambda: {"Q": "modularity"})
    further: Callable[[Groups], dict[str, Figure]] | None = None
    maps: Callable[[Subject, Sequence[Result], Sequence[Path]], dict[str, Figure]] | None = None


def _solves_all_parts(result: Mapping[str, Any]) -> bool | None:
    parts = result["sub_solutions"]
    return None if parts is None else bool(parts) and all(part["score"] == 1.0 for part in parts.values())


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
    **{experiment.name: MAP for experiment in MAPS},
}


def view_of(experiment: str) -> View:
    """How an experiment is shown."""
    return VIEWS.get(experiment, NETWORKS)
