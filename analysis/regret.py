"""Regret of agents of bandits: what their pulls gave away, pull by pull, beside policies that need no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from analysis import style
from analysis.curves import Curve, Panel, curves_figure
from analysis.intervals import mean_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AGENT = "trained agent"


def regret_figure(agents: Mapping[str, ArrayLike], policies: Mapping[str, Mapping[str, ArrayLike]]) -> Figure:
    """Draw cumulative regret over the pulls of a lifetime, a panel for each kind of bandits.

    Args:
        agents: Cumulative regret of trained agents, (seeds, pulls), by the panel's name; the line is the mean, the
            band its 95 % interval over seeds (Student's t).
            Of a single agent also (lifetimes, pulls); the interval then is over lifetimes.
        policies: By the panel's name, then the policy's: regret after each pull, (pulls,), without a band, or
            (lifetimes, pulls) with one.

    Raises:
        ValueError: Regrets that are not (seeds, pulls).
    """
    panels = []
    for name, table in agents.items():
        own = _curve(AGENT, table)
        others = [_curve(policy, regret) for policy, regret in policies.get(name, {}).items()]
        panels.append(Panel([*others, own], "Cumulative regret" + (f", {name}" if len(agents) > 1 else "")))
    names = list(dict.fromkeys(policy for table in policies.values() for policy in table))
    free = [
        colour for colour in style.distinct_colours(len(names) + 2)[1:] if colour != style.PALETTE[6]
    ]  # too pale
    colours = dict(zip(names, free, strict=False)) | {AGENT: style.PALETTE[0]}
    return curves_figure(panels, "Pull", colours=colours)


def transfer_figure(regrets: ArrayLike, trained: Sequence[str], tested: Sequence[str]) -> Figure:
    """Draw regret of agents (rows) on kinds of bandits they were not trained on (columns), a number in each cell.

    Args:
        regrets: After the last pull, (agents, kinds).
        trained: Names of the agents.
        tested: Names of the kinds.

    Raises:
        ValueError: As many names as there are no rows or columns.
    """
    from matplotlib.figure import Figure

    table = np.asarray(regrets, np.float64)
    if table.shape != (len(trained), len(tested)):
        raise ValueError(f"regrets: shape {table.shape}: allowed is {(len(trained), len(tested))}")
    with style.house_style():
        size = (1.2 + 0.68 * len(tested), 0.55 + 0.3 * len(trained))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.imshow(table / table.max(0), cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
        for row, values in enumerate(table):
            for column, value in enumerate(values):
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=style.SMALL_FONT_SIZE)
        axes.set_xticks(range(len(tested)), tested)
        axes.set_yticks(range(len(trained)), trained)
        axes.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


def _curve(name: str, regrets: ArrayLike) -> Curve:
    """The mean of regrets (rows, pulls) with its interval, or a line (pulls,) without one."""
    table = np.asarray(regrets, np.float64)
    pulls = np.arange(1, table.shape[-1] + 1)
    if table.ndim == 1:
        return Curve(pulls, table, table, table, name)
    means = mean_curve(table)
    return Curve(pulls, means.mean, means.low, means.high, name)
