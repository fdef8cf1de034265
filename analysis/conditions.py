"""A quantity under several conditions: every trial, medians and their intervals, a series for each treatment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from analysis import style
from analysis.statistics import median_interval
from analysis.style import treatment_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Seed of the bootstrap; a figure of the same values is the same file.
SEED = 0
#: Width that the series of one condition share, where conditions are 1 apart.
_SPREAD = 0.5


def conditions_figure(
    series: Mapping[str, Mapping[str, ArrayLike]],
    xlabel: str,
    ylabel: str,
    *,
    apart: Collection[str] = (),
    colours: Mapping[str, str] | None = None,
) -> Figure:
    """Draw the values of each series under each condition, with a line through the medians.

    Args:
        series: By name, values (trials,) by condition. Conditions stand in the order in which they first appear
            in any series; one that a series does not have leaves a gap in its line.
        xlabel: What the conditions are.
        ylabel: What the values are.
        apart: Conditions that no line leads to, for they are not next to the others on any scale.
        colours: Colour of each series; by default `treatment_colours`.
    """
    from matplotlib.figure import Figure

    colours = {**treatment_colours(series), **(colours or {})}
    conditions = list(dict.fromkeys(condition for values in series.values() for condition in values))
    with style.house_style():
        width = max(style.SINGLE_COLUMN, 0.8 + 0.55 * len(conditions))
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        axes = figure.add_subplot()
        for number, (name, values) in enumerate(series.items()):
            shift = (number - (len(series) - 1) / 2) * _SPREAD / max(len(series), 1)
            medians = np.full(len(conditions), np.nan)
            ends = np.full((2, len(conditions)), np.nan)
            for place, condition in enumerate(conditions):
                trials = np.asarray(values.get(condition, ()), np.float64)
                if len(trials):
                    found = median_interval(trials, SEED)
                    medians[place], ends[:, place] = found.median, (found.low, found.high)
                    axes.scatter(
                        np.full(len(trials), place + shift),
                        trials,
                        s=5.0,
                        c=colours[name],
                        alpha=0.45,
                        linewidths=0,
                    )
            x = np.arange(len(conditions)) + shift
            reach = np.abs(ends - medians)
            colour = colours[name]
            axes.errorbar(
                x,
                medians,
                yerr=reach,
                fmt="o",
                color=colour,
                markersize=4.0,
                elinewidth=1.2,
                capsize=2.5,
                label=name,
            )
            joined = [condition not in apart for condition in conditions]
            axes.plot(x, np.where(joined, medians, np.nan), color=colour, linewidth=1.2)
        axes.set_xticks(range(len(conditions)), conditions)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if series:
            figure.legend(loc="outside upper center", ncols=min(len(series), 4))
    return figure
