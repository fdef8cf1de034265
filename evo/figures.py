"""Figures of experiments whose goals alternate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.conditions import conditions_figure
from analysis.curves import Curve, Panel, curves_figure
from analysis.reports import Groups
from analysis.statistics import median_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Seed of the bootstrap; a figure of the same run is the same file.
SEED = 0
_FIXED = "fixed"


def by_period(groups: Groups, column: str, ylabel: str) -> Figure:
    """A number of every trial by the period of its goals, a series for each selection; fixed goals come last.

    Args:
        groups: results by treatment, whose name begins with the selection.
        column: of the number.
        ylabel: what it is.
    """
    series: dict[str, dict[str, list[float]]] = {}
    for treatment, results in groups.items():
        for result in results:
            # Fixed goals keep the rest of their name, so that pa-or is a condition beside pa.
            selection, rest = _split(treatment)
            period = result["period"]
            condition = " ".join([_FIXED, *rest]) if period is None else str(period)
            series.setdefault(selection, {}).setdefault(condition, []).append(result[column])
    found = {condition for values in series.values() for condition in values}
    order = sorted(found, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    ordered = {name: {c: values.get(c, []) for c in order} for name, values in series.items()}
    apart = [condition for condition in order if not condition.isdigit()]
    return conditions_figure(ordered, "Generations from one goal to the next", ylabel, apart=apart)


def _split(treatment: str) -> tuple[str, list[str]]:
    """Selection and what follows it: pcc-p100-e20 is pcc-p100 and e20."""
    words = treatment.split("-")
    length = 2 if len(words) > 1 and words[1].startswith("p") else 1
    return "-".join(words[:length]), words[length:]


def after_switches(groups: Groups) -> Figure:
    """Best performance in the generations after a switch, mean over switches, median and interval over trials."""
    curves = []
    for treatment, results in groups.items():
        followed = [result["after_switch"] for result in results if result["switches"] > 0]
        if followed:
            # All trials of a treatment have the same moments, unless one ended early. The first is the switch
            # itself, for which there is no place on a logarithmic axis.
            x = min((after["generations"] for after in followed), key=len)[1:]
            values = np.array([after["performance"][1 : len(x) + 1] for after in followed])
            curve = median_curve(values, SEED)
            curves.append(Curve(x, curve.median, curve.low, curve.high, treatment))
    return curves_figure([Panel(curves, "Best performance")], "Generations after a switch", xscale="log")
