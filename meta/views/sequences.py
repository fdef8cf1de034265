"""What a report shows of learning in sequence, and of adapting in a few steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.reports import Groups, Measure, Result
from cluster.errors import UserError
from meta.views.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.curves import Scale


#: What papers say, by the panel, the treatment and the number of classes: ANML as its authors' later program has
#: it (Frati et al. 2024), all others read off the figure of Javed & White 2019.
PUBLISHED: Mapping[str, Mapping[str, Mapping[int, float]]] = {
    "Accuracy, held-out drawings": {
        "anml": {10: 0.90, 50: 0.89, 75: 0.86, 100: 0.85, 200: 0.80, 300: 0.76, 400: 0.72, 600: 0.65},
        "oml": {10: 0.93, 50: 0.82, 75: 0.80, 100: 0.77, 150: 0.66, 200: 0.60},
        "maml-rep": {10: 0.85, 50: 0.71, 75: 0.71, 100: 0.70, 150: 0.52, 200: 0.36},
        "sr-nn": {10: 0.70, 50: 0.54, 75: 0.44, 100: 0.44, 150: 0.27, 200: 0.18},
        "pretrain": {10: 0.39, 50: 0.19, 75: 0.20, 100: 0.14, 150: 0.11, 200: 0.08},
        "scratch": {10: 0.14, 50: 0.02, 75: 0.02, 100: 0.02, 150: 0.01, 200: 0.01},
    },
    "Accuracy, learned drawings": {
        "oml": {10: 1.00, 50: 0.97, 75: 0.965, 100: 0.97, 150: 0.915, 200: 0.89},
    },
}


def sequences(groups: Groups) -> dict[str, Figure]:
    """Accuracy against the number of classes learned, each class's against when it was learned, and by size."""
    from analysis.sequences import accuracy_figure, forgetting_figure
    from analysis.style import treatment_colours

    counts = {name: results[0]["counts"] for name, results in groups.items()}
    kinds = {
        "Accuracy, held-out drawings": ("sequential", "held_out"),
        "Accuracy, learned drawings": ("sequential", "learned"),
        "Accuracy, mixed order": ("oracle", "held_out"),
    }
    panels = {
        label: {
            name: np.concatenate([result[order][part] for result in results])
            for name, results in groups.items()
            if all(order in result for result in results)
        }
        for label, (order, part) in kinds.items()
    }
    by_class = {
        label: {name: [r["sequential"][part] for r in results] for name, results in groups.items()}
        for label, part in (("Held-out drawings", "class_held_out"), ("Learned drawings", "class_learned"))
    }
    colours = treatment_colours(groups)
    published = {
        label: {name: known[kind] for name in groups if (kind := name.removesuffix("-fast")) in known}
        for label, known in PUBLISHED.items()
    }
    figures = {
        "accuracy": accuracy_figure(counts, {k: v for k, v in panels.items() if v}, colours, published),
        "forgetting": forgetting_figure(by_class, colours),
    }
    return figures | _sizes(groups)


def _sizes(groups: Groups) -> dict[str, Figure]:
    """Scores against the number of parameters, where treatments differ in width."""
    from analysis.sequences import size_figure
    from analysis.style import treatment_colours

    kinds = by_size(groups)
    scores = {"Accuracy, held-out drawings": "accuracy", "Share lost from mixed order": "relative_drop"}
    panels = {
        label: {
            kind: {size: [result[score] for result in results] for size, results in sizes.items()}
            for kind, sizes in kinds.items()
            if all(score in result for results in sizes.values() for result in results)
        }
        for label, score in scores.items()
    }
    drawn = {label: tables for label, tables in panels.items() if tables}
    return {"size": size_figure(drawn, treatment_colours(kinds))} if drawn else {}


def by_size(groups: Groups) -> dict[str, dict[int, Sequence[Result]]]:
    """Results of treatments that differ in nothing but their width, by what they share and their parameters.

    A treatment's name ends in its channels, as anml-16, or it is of the experiment's width and its name does not,
    as anml. What comes in one width is left out, and results that do not tell their parameters.
    """
    kinds: dict[str, dict[int, Sequence[Result]]] = {}
    for name, results in groups.items():
        if "parameters" not in results[0]:
            continue
        kinds.setdefault(re.sub(r"-\d+$", "", name), {})[results[0]["parameters"]] = results
    return {kind: sizes for kind, sizes in kinds.items() if len(sizes) > 1}


def by_step(label: str, kind: str = "mean", scale: Scale = "linear") -> Callable[[Groups], dict[str, Figure]]:
    """Draws a score before learning and after each step, its mean or median over tasks, with 95 % over models."""

    def drawn(groups: Groups) -> dict[str, Figure]:
        from analysis.sequences import course_figure
        from analysis.style import treatment_colours

        tables = {name: [result["by_step"][kind] for result in results] for name, results in groups.items()}
        return {"steps": course_figure({label: tables}, "Gradient steps", 0, treatment_colours(groups), scale)}

    return drawn


def sines_kept(groups: Groups) -> dict[str, Figure]:
    """Error on the sines seen so far, and on each of them after the last was learned."""
    from analysis.sequences import course_figure
    from analysis.style import treatment_colours

    parts = {"Error on sines seen": "error_seen", "Error on each at the end": "error_by_function"}
    panels = {
        label: {name: [result[part] for result in results] for name, results in groups.items()}
        for label, part in parts.items()
    }
    return {"kept": course_figure(panels, "Sine", 1, treatment_colours(groups), "log")}


def _share(column: str, title: str, digits: int = 3) -> Measure:
    return Measure(column, title, digits, share=True)


def sequence_measures(results: Sequence[Result]) -> tuple[Measure, ...]:
    """Accuracy after each number of classes, in sequence and in mixed order, and what the features say."""
    counts = [count for count in results[0]["counts"] if all(count in result["counts"] for result in results)]
    found = [_share(f"accuracy_{count}", f"accuracy, {count} classes") for count in counts]
    found += [_share(f"oracle_{count}", f"mixed order, {count} classes") for count in counts]
    found += [
        Measure("relative_drop", "relative drop from mixed order", 3),
        _share("least_squares_features", "least squares, 100 classes"),
        _share("neighbours_features", "nearest neighbours, 100 classes"),
        _share("neighbours_ungated", "nearest neighbours before gates"),
        _share("neighbours_gates", "nearest neighbours of gates"),
        _share("active_features", "active units"),
        _share("active_ungated", "active units before gates"),
        _share("dead_features", "units never active"),
    ]
    return tuple(measure for measure in found if all(measure.column in result for result in results))


def same_split(results: Sequence[Result]) -> None:
    """Refuse results that were tested on different drawings.

    Raises:
        UserError: names two of them.
    """
    first = results[0]
    for result in results:
        if result["split"] != first["split"] or result["counts"][-1] != first["counts"][-1]:
            names = [f"{one['treatment']}/trial-{one['trial']:03}" for one in (result, first)]
            tested = [f"{one['split']} to {one['counts'][-1]} classes" for one in (result, first)]
            raise UserError(
                f"{names[0]}: tested on {tested[0]}, {names[1]} on {tested[1]}: "
                "allowed are results of one split and of as many classes, as others do not compare"
            )


_SEQUENCES = View(
    {"Loss": "loss", "Accuracy, all classes": "remembered"},
    (
        _share("accuracy", "accuracy, held-out drawings"),
        _share("learned_accuracy", "accuracy, learned drawings"),
        _share("above_chance", "classes above chance"),
    ),
    further=sequences,
    more=sequence_measures,
    check=same_split,
)

#: How each experiment is shown, by its name.
VIEWS = {
    "beaulieu2020-omniglot": _SEQUENCES,
    "javed2019-omniglot": _SEQUENCES,
    "frati2024-omniglot": _SEQUENCES,
    "finn2017-sine": View(
        {"Squared error": "error"},
        (
            Measure("error_0", "squared error before learning", 3),
            Measure("error_1", "squared error after a step", 3),
            Measure("error_median", "squared error after all steps, median", 3),
        ),
        logarithmic=("Squared error",),
        further=by_step("Squared error, median", "median", "log"),
    ),
    "finn2017-omniglot": View(
        {"Loss": "loss", "Accuracy, training classes": "accuracy"},
        (
            _share("accuracy_1", "accuracy after a step, new classes", 4),
            _share("test_accuracy", "accuracy after all steps, new classes", 4),
        ),
        further=by_step("Accuracy, new classes"),
    ),
    "javed2019-sine": View(
        {"Squared error": "error"},
        (
            Measure("first_error", "squared error after one sine", 3),
            Measure("last_error", "squared error after all sines", 3),
        ),
        logarithmic=("Squared error",),
        further=sines_kept,
    ),
}
