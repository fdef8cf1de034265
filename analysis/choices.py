"""Is a choice repeated? Habit and planning told apart in the two-step task.

After a reward, habit repeats the choice that came before it, whatever led from the one to the other. Who plans
repeats it after a common transition and changes it after a rare one, when the other choice usually leads to the
state that paid. Daw et al. 2011 (doi 10.1016/j.neuron.2011.02.027).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style
from analysis.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What a choice is repeated after, as in the rows and columns of the tables here.
CONDITIONS = (("rewarded, common", "rewarded, rare"), ("unrewarded, common", "unrewarded, rare"))
#: Sign of each condition's log odds in the effects of a logistic regression on factors of -1/2 and 1/2.
CONTRASTS = {
    "reward": np.array([[1, 1], [-1, -1]]),
    "transition": np.array([[1, -1], [1, -1]]),
    "interaction": np.array([[1, -1], [-1, 1]]),
}


@dataclass(frozen=True)
class Effect:
    """An effect on the log odds of repeating a choice.

    Attributes:
        estimate: logarithm of an odds ratio.
        error: its standard error.
        p: of its being 0, two-sided (Wald).
    """

    estimate: float
    error: float
    p: float


def stay_counts(choices: ArrayLike, rewarded: ArrayLike, rare: ArrayLike) -> tuple[NDArray, NDArray]:
    """How often the first choice of a trial was that of the trial before, by what happened in that one.

    Args:
        choices: first choice of each trial, (trials, lifetimes).
        rewarded: whether the trial was rewarded, the same shape.
        rare: whether its transition was a rare one, the same shape.

    Returns:
        Repeated choices and all of them, integers (2, 2) each, ordered as CONDITIONS.

    Raises:
        ValueError: arrays of different shapes, or fewer than two trials.
    """
    made, paid, odd = (np.asarray(array) for array in (choices, rewarded, rare))
    if made.ndim != 2 or made.shape != paid.shape or made.shape != odd.shape or len(made) < 2:
        raise ValueError(
            f"choices, rewarded, rare: shapes {made.shape}, {paid.shape}, {odd.shape}: "
            "allowed are equal ones (trials, lifetimes) with 2 trials or more"
        )
    stayed = made[1:] == made[:-1]
    stays, totals = np.zeros((2, 2), np.int64), np.zeros((2, 2), np.int64)
    for row, reward in enumerate((True, False)):
        for column, unusual in enumerate((False, True)):
            here = (paid[:-1].astype(bool) == reward) & (odd[:-1].astype(bool) == unusual)
            stays[row, column], totals[row, column] = (stayed & here).sum(), here.sum()
    return stays, totals


def stay_effects(stays: ArrayLike, totals: ArrayLike) -> dict[str, Effect]:
    """Logistic regression of repeating a choice on reward, transition and both together.

    The model has as many parameters as there are conditions, so its estimates are contrasts of the conditions' log
    odds. Half a choice is added to each count (Haldane 1956), which keeps log odds finite.

    Args:
        stays: repeated choices, (2, 2), ordered as CONDITIONS.
        totals: all choices.

    Returns:
        The effects named in CONTRASTS. A positive reward effect marks habit, a positive interaction planning.

    Raises:
        ValueError: no choices in a condition, or more repeated ones than there are.
    """
    yes, all_of = np.asarray(stays, np.float64), np.asarray(totals, np.float64)
    if yes.shape != (2, 2) or all_of.shape != (2, 2) or np.any(all_of < 1) or np.any((yes < 0) | (yes > all_of)):
        raise ValueError(f"stays, totals: {yes.tolist()}, {all_of.tolist()}: allowed are counts of 0 to 1 or more")
    odds = np.log((yes + 0.5) / (all_of - yes + 0.5))
    error = 0.5 * math.sqrt(float((1 / (yes + 0.5) + 1 / (all_of - yes + 0.5)).sum()))
    effects = {}
    for name, signs in CONTRASTS.items():
        # Factors of -1/2 and 1/2: main effects are mean differences, the interaction one of differences.
        scale = 1.0 if name == "interaction" else 0.5
        estimate, spread = scale * float((signs * odds).sum()), 2 * scale * error
        p = 2 * NormalDist().cdf(-abs(estimate) / spread)
        effects[name] = Effect(estimate, spread, p)
    return effects


def stay_figure(shares: Mapping[str, ArrayLike], references: Sequence[tuple[str, ArrayLike]] = ()) -> Figure:
    """Draw how often choices are repeated by reward and transition: mean over seeds, its interval, each seed.

    Args:
        shares: Shares of repeated choices of each treatment, (seeds, 2, 2), ordered as CONDITIONS.
        references: Published shares (2, 2) to compare with, by name; drawn as short lines.

    Raises:
        ValueError: Shares of another shape.
    """
    from matplotlib.figure import Figure

    tables = {name: np.asarray(table, np.float64) for name, table in shares.items()}
    for name, table in tables.items():
        if table.ndim != 3 or table.shape[1:] != (2, 2) or not len(table):
            raise ValueError(f"shares of {name}: shape {table.shape}: allowed is (seeds, 2, 2)")
    with style.house_style():
        size = (min(style.DOUBLE_COLUMN, 0.6 + 2.3 * len(tables)), 2.3)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
        for panel, (name, table) in zip(axes, tables.items(), strict=True):
            _draw_stays(panel, table, references)
            panel.set_title(name)
        axes[0].set_ylabel("Choice repeated")
        axes[0].set_ylim(0, 1.03)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _draw_stays(axes, table: NDArray, references: Sequence[tuple[str, ArrayLike]]) -> None:  # type: ignore[no-untyped-def]
    spots = np.random.default_rng(0).uniform(-0.1, 0.1, len(table))  # apart, so that equal seeds are seen
    for column, (label, colour) in enumerate((("common", style.PALETTE[0]), ("rare", style.PALETTE[5]))):
        places = np.arange(2) + (column - 0.5) * 0.38
        intervals = [mean_interval(table[:, row, column]) for row in range(2)]
        axes.bar(places, [one.mean for one in intervals], 0.34, color=colour, alpha=0.75, label=label)
        for place, row, interval in zip(places, range(2), intervals, strict=True):
            if not math.isnan(interval.low):
                axes.plot([place] * 2, [interval.low, interval.high], color=style.INK, linewidth=0.9)
            axes.plot(place + spots, table[:, row, column], ".", color=style.INK, markersize=3, alpha=0.6)
            for index, (name, published) in enumerate(references):
                value = np.asarray(published, np.float64)[row, column]
                axes.plot(
                    [place - 0.17, place + 0.17],
                    [value, value],
                    color=style.GREY,
                    linestyle=("-", "--", ":")[index % 3],
                    label=name if row == column == 0 else None,
                )
    axes.set_xticks([0, 1], ["rewarded", "unrewarded"])
    axes.tick_params(axis="x", length=0)
