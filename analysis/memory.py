"""How much a network remembers and for how long: recall over load or age, and a text's loss over recency.

Miconi, Stanley and Clune (2018) test a plastic network on patterns it saw once or more in the same lifetime; a
memory curve shows how its error grows with their number, or with the steps since. For text the same question is
how much easier a token is to predict that came up a short while ago.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.curves import Curve, Panel, Scale, curves_figure
from analysis.intervals import mean_curve
from analysis.references import Reference

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def memory_figure(
    conditions: Sequence[float],
    values: Mapping[str, ArrayLike],
    xlabel: str,
    ylabel: str,
    references: Sequence[Reference] = (),
    *,
    limits: tuple[float, float] | None = None,
    xscale: Scale = "linear",
    colours: Mapping[str, str] | None = None,
) -> Figure:
    """Draw recall against what it depends on: the mean over episodes with its 95 % interval (Student's t).

    Args:
        conditions: The x axis in ascending order, e.g. patterns stored, or steps since a pattern was shown.
        values: Error or accuracy of each network (episodes, conditions), by its name; NaN where an episode has
            no value. A network's episodes must be independent.
        xlabel: What the conditions are.
        ylabel: What the values are.
        references: Numbers to compare with, e.g. the chance level.
        limits: Limits of the y axis; by default those of the data and the references.
        xscale: Scale of the x axis.
        colours: Colour of each network; by default `treatment_colours`.

    Raises:
        ValueError: Values that are infinite, or not (episodes, conditions).
    """
    curves = []
    for name, table in values.items():
        means = mean_curve(table)
        curves.append(Curve(conditions, means.mean, means.low, means.high, name, points=True))
    panel = Panel(curves, ylabel, limits=limits, references=references)
    return curves_figure([panel], xlabel, colours=colours, xscale=xscale)


def recency(tokens: ArrayLike) -> NDArray[np.int64]:
    """Distance of each token of a text to its previous occurrence.

    Linear in the length of the text for up to 65,536 different tokens.

    Args:
        tokens: integers from 0, (n,).

    Returns:
        Tokens back (n,): 1 where the token before is the same, 0 where the token occurs for the first time.

    Raises:
        ValueError: tokens that are not integers from 0 in one dimension.
    """
    text = np.asarray(tokens)
    if text.ndim != 1 or text.dtype.kind not in "iu" or (text.size and text.min() < 0):
        raise ValueError(f"tokens: {text.dtype} of shape {text.shape}: allowed are integers from 0, (n,)")
    if text.size and text.max() < 2**16:
        text = text.astype(np.uint16)  # numpy sorts 16 bits by radix
    order = np.argsort(text, kind="stable")  # a token's places follow each other, first to last
    again = text[order[1:]] == text[order[:-1]]
    distances = np.zeros(len(text), np.int64)
    distances[order[1:][again]] = np.diff(order)[again]
    return distances


def loss_by_recency(losses: ArrayLike, tokens: ArrayLike, edges: Sequence[int]) -> pd.DataFrame:
    """Mean loss of a text's tokens by the distance to their previous occurrence.

    Args:
        losses: loss of predicting each token, (n,).
        tokens: the tokens predicted, integers from 0, (n,).
        edges: where classes of distance begin, ascending from 1; the last class has no end.

    Returns:
        A row for each class and a last one for first occurrences: `distance` (name), `start` and `end` (tokens
        back, both in the class; end is infinite in the last class; both NaN for first occurrences), `tokens`
        (how many), `loss` (their mean, NaN without tokens).

    Raises:
        ValueError: lengths that differ, losses that are not finite, tokens as for `recency`, or edges that do not
            ascend from 1.
    """
    import pandas as pd

    values, distances, starts = np.asarray(losses, np.float64), recency(tokens), np.asarray(edges)
    if values.shape != distances.shape or not np.all(np.isfinite(values)):
        raise ValueError(f"losses: shape {values.shape}: allowed are finite numbers {distances.shape}, as tokens")
    if not len(starts) or starts[0] != 1 or starts.dtype.kind not in "iu" or np.any(np.diff(starts) < 1):
        raise ValueError(f"edges: {list(edges)}: allowed are ascending integers from 1")
    # Class 0 of the search is distance 0, the first occurrences, which the table has last.
    classes = np.searchsorted(starts, distances, side="right")
    count = np.roll(np.bincount(classes, minlength=len(starts) + 1), -1)
    total = np.roll(np.bincount(classes, weights=values, minlength=len(starts) + 1), -1)
    ends = [*(starts[1:] - 1.0), np.inf, np.nan]
    names = [_class_name(start, end) for start, end in zip(starts, ends, strict=False)]
    return pd.DataFrame(
        {
            "distance": [*names, "first"],
            "start": [*starts.astype(float), np.nan],
            "end": ends,
            "tokens": count,
            "loss": np.where(count > 0, total / np.maximum(count, 1), np.nan),
        }
    )


def recency_figure(
    tables: Mapping[str, pd.DataFrame], ylabel: str = "Loss (nats)", *, colours: Mapping[str, str] | None = None
) -> Figure:
    """Draw the loss by recency of several models on one text, a place on the x axis for each class.

    Args:
        tables: Of each model, from `loss_by_recency` with the same edges, by its name.
        ylabel: Name and unit of the loss.
        colours: Colour of each model; by default `treatment_colours`.

    Raises:
        ValueError: No tables, or tables of different classes.
    """
    names = [list(table.distance) for table in tables.values()]
    if not names or any(other != names[0] for other in names):
        raise ValueError("tables: allowed are one or more of the same classes of distance")
    places = np.arange(len(names[0]))
    curves = [
        Curve(places, table.loss, table.loss, table.loss, name, points=True) for name, table in tables.items()
    ]
    figure = curves_figure([Panel(curves, ylabel)], "Tokens since the same token", colours=colours)
    axes = figure.axes[0]
    axes.set_xticks(places, names[0], rotation=45, ha="right", rotation_mode="anchor")
    return figure


def _class_name(start: int, end: float) -> str:
    if np.isinf(end):
        return f"{start:,} or more"
    return f"{start:,}" if start == end else f"{start:,} to {end:,.0f}"
