"""Treatments side by side: boxes over all of their values, and proportions as bars with their intervals.

After the figures of Clune et al. 2013; a treatment has the same colour everywhere (`treatment_colours`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style
from analysis.brackets import Annotation, Pair, draw_brackets
from analysis.intervals import wilson_interval
from analysis.style import treatment_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def box_figure(
    groups: Mapping[str, ArrayLike],
    ylabel: str,
    pairs: Sequence[Pair] = (),
    *,
    colours: Mapping[str, str] | None = None,
    limits: tuple[float, float] | None = None,
    scale: Literal["linear", "log"] = "linear",
    annotation: Annotation = "stars",
    censored: Mapping[str, ArrayLike] | None = None,
) -> Figure:
    """Draw a box for each group (quartiles, median, whiskers of 1.5 box lengths) over all of its points.

    A single value is a point without a box.

    Args:
        groups: Values of each group, shape (values,); NaN is left out.
        ylabel: Name and unit of the values.
        pairs: Comparisons to draw as brackets above the boxes.
        colours: Colour of each group; by default `treatment_colours`.
        limits: Limits of the y axis; by default those of the data.
        scale: Scale of the y axis.
        annotation: What stands on a bracket: stars (* p < 0.05, ** p < 0.01, *** p < 0.001) or the p-value.
        censored: For each group which of its values are only known to be as large or larger, (values,); they are
            drawn as open triangles.

    Raises:
        ValueError: A pair names a group that is not there.
    """
    arrays = {name: np.asarray(group, np.float64).ravel() for name, group in groups.items()}
    values = {name: group[np.isfinite(group)] for name, group in arrays.items()}
    marks = {name: np.asarray(each, bool).ravel() for name, each in (censored or {}).items()}
    colours = {**treatment_colours(groups), **(colours or {})}
    with style.house_style():
        figure, axes = _groups_figure({name: len(group) for name, group in values.items()}, ylabel)
        axes.set_yscale(scale)
        for place, (name, group) in enumerate(values.items()):
            if len(group):
                larger = marks[name][np.isfinite(arrays[name])] if name in marks else np.zeros(len(group), bool)
                _draw_box(axes, place, group, colours[name], larger)
        if limits:
            axes.set_ylim(*limits)
        style.plain_numbers(axes.yaxis)
        draw_brackets(axes, list(groups), pairs, annotation)
    return figure


def bars_figure(
    groups: Mapping[str, tuple[int, int]],
    ylabel: str,
    pairs: Sequence[Pair] = (),
    *,
    colours: Mapping[str, str] | None = None,
    annotation: Annotation = "stars",
) -> Figure:
    """Draw the proportion of each group as a bar with its 95 % Wilson interval.

    Args:
        groups: Successes and trials of each group.
        ylabel: What was a success, e.g. "decomposed networks (%)"; the axis is in per cent.
        pairs: As in `box_figure`.
        colours: As in `box_figure`.
        annotation: As in `box_figure`.

    Raises:
        ValueError: A pair names a group that is not there, or successes are not within 0..trials.
    """
    intervals = {name: wilson_interval(*counts) for name, counts in groups.items()}
    colours = {**treatment_colours(groups), **(colours or {})}
    with style.house_style():
        figure, axes = _groups_figure({name: trials for name, (_, trials) in groups.items()}, ylabel)
        for place, (name, (successes, trials)) in enumerate(groups.items()):
            share = 100.0 * successes / trials if trials else 0.0
            axes.bar(place, share, width=0.6, color=colours[name], edgecolor=style.INK, linewidth=0.7)
            if trials:
                _draw_interval(axes, place, share, [100.0 * end for end in intervals[name]])
        axes.set_ylim(0.0, 100.0)
        highest = max((high for name, (_, high) in intervals.items() if groups[name][1]), default=0.0)
        draw_brackets(axes, list(groups), pairs, annotation, lowest=18.0 if highest > 0.9 else 8.0)
    return figure


def _groups_figure(sizes: Mapping[str, int], ylabel: str) -> tuple[Figure, Axes]:
    """Return a figure with a place for each group at x = 0, 1, ..., labelled with its name and size."""
    from matplotlib.figure import Figure

    longest = max((len(name) for name in sizes), default=0)
    width, height = max(1.9, 0.75 + len(sizes) * max(0.62, 0.075 * longest + 0.1)), 2.6
    between = "\n"
    look: dict[str, Any] = {}
    if width > style.DOUBLE_COLUMN:  # so many long names do not fit beside each other
        width, height = 0.75 + 0.5 * len(sizes) + 0.05 * longest, 2.6 + 0.05 * longest
        between, look = ", ", {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlim(-0.6, max(len(sizes), 1) - 0.4)
    axes.set_xticks(range(len(sizes)), [f"{name}{between}n = {size}" for name, size in sizes.items()], **look)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(ylabel)
    return figure, axes


def _draw_box(axes: Axes, place: int, values: NDArray[np.float64], colour: str, larger: NDArray[np.bool_]) -> None:
    from matplotlib.colors import to_rgb

    lines: dict[str, Any] = {"color": style.INK, "linewidth": 0.8}
    x = place + _jitter(values)
    size = 6.0 if len(values) > 1 else 24.0  # a single one stands alone, without a box
    axes.scatter(x[~larger], values[~larger], s=size, c=colour, alpha=0.75, linewidths=0, zorder=3)
    if larger.any():
        axes.scatter(
            x[larger], values[larger], s=9.0, marker="^", c="white", edgecolors=colour, linewidths=0.7, zorder=3
        )
    if len(values) == 1:
        return
    axes.boxplot(
        [values],
        positions=[place],
        widths=0.55,
        showfliers=False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": (*to_rgb(colour), 0.15), "edgecolor": style.INK, "linewidth": 0.8},
        whiskerprops=lines,
        capprops=lines,
        medianprops={"color": style.INK, "linewidth": 1.6},
        zorder=2,
    )


def _jitter(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sideways shifts within 0.2 that spread neighbouring values apart and are the same every time."""
    ranks = np.empty(len(values))
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ((ranks * 0.6180339887498949 + 0.5) % 1.0 - 0.5) * 0.4


def _draw_interval(axes: Axes, place: int, share: float, ends: Sequence[float]) -> None:
    reach = [[max(share - ends[0], 0.0)], [max(ends[1] - share, 0.0)]]
    look: dict[str, Any] = {"ecolor": style.INK, "elinewidth": 0.9, "capsize": 3.0, "capthick": 0.9}
    axes.errorbar([place], [share], yerr=reach, fmt="none", clip_on=False, **look)
    axes.annotate(
        f"{share:.0f} %",
        (place, ends[1]),
        xytext=(0.0, 2.0),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=style.SMALL_FONT_SIZE,
    )
