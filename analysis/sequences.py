"""Learning in sequence: how much is known after so many classes, and what of it is forgotten."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style
from analysis.curves import Curve, Panel, Scale, curves_figure
from analysis.intervals import mean_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Points of a curve of what is forgotten.
POINTS = 20


def accuracy_figure(
    counts: Mapping[str, Sequence[int]],
    panels: Mapping[str, Mapping[str, ArrayLike]],
    colours: Mapping[str, str] | None = None,
    published: Mapping[str, Mapping[str, Mapping[int, float]]] | None = None,
) -> Figure:
    """Draw accuracy against the number of classes learned: means with 95 % intervals over all courses.

    Args:
        counts: Numbers of classes of each treatment.
        panels: By the panel's label and the treatment's name, accuracies (courses, counts) of all models; a
            treatment may be missing from a panel.
        colours: Colour of each treatment.
        published: What papers say, dashed, as far as classes are learned here: accuracies by the panel's label,
            the treatment's name and the number of classes.

    Raises:
        ValueError: Accuracies that are not (courses, counts).
    """
    drawn = []
    for label, tables in panels.items():
        curves = []
        for name, table in tables.items():
            values = np.asarray(table, np.float64)
            if values.ndim != 2 or values.shape[1] != len(counts[name]):
                raise ValueError(
                    f"{label}: {name}: shape {values.shape}: allowed is (courses, {len(counts[name])})"
                )
            mean = mean_curve(values)
            curves.append(Curve(counts[name], mean.mean, mean.low, mean.high, name, points=True))
            said = (published or {}).get(label, {}).get(name, {})
            known = {count: value for count, value in said.items() if count <= max(counts[name])}
            if known:
                line = list(known.values())
                curves.append(Curve(list(known), line, line, line, name, published=True))
        drawn.append(Panel(curves, label, limits=(0.0, 1.0)))
    return curves_figure(drawn, "Classes learned", beside=True, colours=colours)


def forgetting_figure(
    panels: Mapping[str, Mapping[str, ArrayLike]], colours: Mapping[str, str] | None = None
) -> Figure:
    """Draw the accuracy of each class, after all were learned, against when it was learned.

    Classes that follow each other are averaged, to about twenty points; bands are 95 % intervals over models.

    Args:
        panels: By the panel's label and the treatment's name, accuracies (models, classes) in order of learning.
        colours: Colour of each treatment.
    """
    drawn = []
    for label, tables in panels.items():
        curves = []
        for name, table in tables.items():
            places, values = averaged(table)
            mean = mean_curve(values)
            curves.append(Curve(places, mean.mean, mean.low, mean.high, name))
        drawn.append(Panel(curves, label, limits=(0.0, 1.0)))
    return curves_figure(drawn, "Place in the order of learning", beside=True, colours=colours)


def retention_figure(counts: Sequence[int], panels: Mapping[str, Sequence[ArrayLike]]) -> Figure:
    """Draw what is known of each class while further ones are learned: a column for each examination.

    Args:
        counts: Classes learned before each examination, ascending.
        panels: By the panel's name, at each examination the accuracies (count,) of the classes learned so far, in
            order of learning.

    Raises:
        ValueError: No panels, or accuracies that are not as many as the classes learned.
    """
    from matplotlib.figure import Figure

    tables = {name: _retained(counts, columns) for name, columns in panels.items()}
    if not tables:
        raise ValueError("panels: none: allowed are one or more")
    with style.house_style():
        size = (min(style.DOUBLE_COLUMN, 0.9 + 2.2 * len(tables)), 2.5)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
        places = np.arange(counts[-1] + 1) + 0.5
        for axes, (name, table) in zip(grid, tables.items(), strict=True):
            image = axes.pcolormesh([0, *counts], places, table, cmap="viridis", vmin=0, vmax=1, rasterized=True)
            axes.set(title=name, xlabel="Classes learned")
        grid[0].set_ylabel("Place in the order of learning")
        figure.colorbar(image, ax=list(grid), label="Accuracy", aspect=25)
    return figure


def _retained(counts: Sequence[int], columns: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Accuracies (classes, examinations), NaN of classes that are still to come."""
    table = np.full((counts[-1], len(counts)), np.nan)
    shapes = [np.shape(column) for column in columns]
    if shapes != [(count,) for count in counts]:
        raise ValueError(f"panels: accuracies {shapes}: allowed are as many as classes learned, {list(counts)}")
    for place, (count, column) in enumerate(zip(counts, columns, strict=True)):
        table[:count, place] = column
    return table


def course_figure(
    panels: Mapping[str, Mapping[str, ArrayLike]],
    xlabel: str,
    first: int = 1,
    colours: Mapping[str, str] | None = None,
    scale: Scale = "linear",
) -> Figure:
    """Draw numbers that follow each other: means with 95 % intervals over models.

    Args:
        panels: By the panel's label and the treatment's name, numbers (models, places).
        xlabel: What the places are.
        first: Number of the first place.
        colours: Colour of each treatment.
        scale: Scale of the y axis; on a logarithmic one, of positive numbers, means and intervals are geometric.
    """
    drawn = []
    for label, tables in panels.items():
        curves = []
        for name, table in tables.items():
            values = np.asarray(table, np.float64)
            mean = mean_curve(np.log(values) if scale == "log" else values)
            heights = np.stack([mean.mean, mean.low, mean.high])
            height, low, high = np.exp(heights) if scale == "log" else heights
            curves.append(Curve(first + np.arange(len(height)), height, low, high, name, points=True))
        drawn.append(Panel(curves, label, scale=scale))
    return curves_figure(drawn, xlabel, beside=len(drawn) > 1, colours=colours)


def size_figure(
    panels: Mapping[str, Mapping[str, Mapping[int, ArrayLike]]], colours: Mapping[str, str] | None = None
) -> Figure:
    """Draw scores against the size of a network: means with 95 % intervals over models.

    Args:
        panels: By the panel's label, the kind of network and its number of parameters, a score of each model.
        colours: Colour of each kind.
    """
    from matplotlib.ticker import EngFormatter, LogLocator

    drawn = []
    for label, kinds in panels.items():
        curves = []
        for name, scores in kinds.items():
            own = [mean_curve(np.asarray(scores[size], np.float64)[:, None]) for size in sorted(scores)]
            mean, low, high = (
                np.concatenate([getattr(one, end) for one in own]) for end in ("mean", "low", "high")
            )
            curves.append(Curve(sorted(scores), mean, low, high, name, points=True))
        drawn.append(Panel(curves, label, limits=(0.0, 1.0)))
    figure = curves_figure(drawn, "Parameters", beside=True, colours=colours, xscale="log")
    for axes in figure.axes:
        if axes.get_ylabel() in panels:
            axes.minorticks_off()
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    return figure


def averaged(table: ArrayLike, points: int = POINTS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of groups of columns that follow each other.

    Args:
        table: numbers (rows, columns).
        points: most groups; all are of one size but for the last, which may be smaller.

    Returns:
        Mean place of each group's columns, the first being 1, (groups,); and means (rows, groups).
    """
    values = np.asarray(table, np.float64)
    columns = values.shape[1]
    starts = np.arange(0, columns, -(-columns // points))
    sizes = np.diff(np.append(starts, columns))
    places = np.add.reduceat(np.arange(1.0, columns + 1), starts) / sizes
    return places, np.add.reduceat(values, starts, axis=1) / sizes


def gates_figure(pictures: ArrayLike, gates: ArrayLike) -> Figure:
    """Draw what a neuromodulatory network makes of pictures: each picture above its gates.

    Gates are sorted by their mean over the pictures, so that what differs between pictures is seen.

    Args:
        pictures: Grey pictures (pictures, height, width).
        gates: Between 0, closed, and 1, open, (pictures, gates).

    Raises:
        ValueError: Shapes that do not fit.
    """
    from matplotlib.figure import Figure

    shown, values = np.asarray(pictures), np.asarray(gates, np.float64)
    if shown.ndim != 3 or values.ndim != 2 or len(shown) != len(values) or values.size == 0:
        raise ValueError(
            f"pictures, gates: shapes {shown.shape}, {values.shape}: allowed are (pictures, height, width) and "
            "(pictures, gates)"
        )
    width = min(_WIDTH, math.ceil(math.sqrt(values.shape[1])))  # few gates make a square
    rows = -(-values.shape[1] // width)
    order = np.argsort(-values.mean(0), kind="stable")
    padded = np.full((len(values), rows * width), np.nan)
    padded[:, : values.shape[1]] = values[:, order]
    with style.house_style():
        size = (max(style.SINGLE_COLUMN, 0.5 + 0.75 * len(shown)), 0.95 + 0.7 * rows / width + 0.1)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(2, len(shown), squeeze=False, height_ratios=[1.0, max(rows / width, 0.3)])
        for column, (picture, raster) in enumerate(zip(shown, padded, strict=True)):
            grid[0, column].imshow(picture, cmap="gray")
            image = grid[1, column].imshow(raster.reshape(rows, width), cmap="viridis", vmin=0, vmax=1)
            for axes in grid[:, column]:
                axes.set_xticks([])
                axes.set_yticks([])
        grid[0, 0].set_ylabel("picture")
        grid[1, 0].set_ylabel("gates")
        figure.colorbar(image, ax=list(grid[1]), label="gate", shrink=0.9, aspect=12)
    return figure


#: Most gates in a row of their picture.
_WIDTH = 32
