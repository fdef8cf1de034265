"""Figures of treatments compared: curves over generations, box plots, and proportions.

After the figures of Clune et al. 2013: medians with confidence bands, marks below a panel where treatments
differ significantly, and every treatment in the same colour everywhere (`treatment_colours`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style
from analysis.style import treatment_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pair = tuple[str, str, float]
"""Two groups and the p-value of their difference."""

_STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_BRACKET_STEP = 13.0  # points from one bracket to the next


@dataclass(frozen=True, eq=False)
class Curve:
    """A treatment over time: a line and the band around it.

    Attributes:
        x: Generations or iterations, shape (points,).
        median: The line, shape (points,); NaN leaves a gap.
        low: Lower end of the band, shape (points,).
        high: Upper end of the band, shape (points,).
        label: Name of the treatment.
    """

    x: ArrayLike
    median: ArrayLike
    low: ArrayLike
    high: ArrayLike
    label: str

    def __post_init__(self) -> None:
        _check_lengths(f"curve {self.label!r}", x=self.x, median=self.median, low=self.low, high=self.high)


@dataclass(frozen=True, eq=False)
class Marks:
    """Where treatments differ significantly: one row of marks below a panel.

    Attributes:
        x: Generations or iterations in ascending order, shape (points,).
        significant: Whether they differ there, shape (points,).
        label: What was compared, shown left of the row, e.g. "p < 0.05".
        colour: Colour of the marks.
    """

    x: ArrayLike
    significant: ArrayLike
    label: str = ""
    colour: str = style.INK

    def __post_init__(self) -> None:
        _check_lengths(f"marks {self.label!r}", x=self.x, significant=self.significant)


@dataclass(frozen=True, eq=False)
class Panel:
    """One quantity over time.

    Attributes:
        curves: One for each treatment.
        ylabel: Name and unit of the quantity.
        marks: Rows of marks below the panel.
        limits: Limits of the y axis; by default those of the data.
    """

    curves: Sequence[Curve]
    ylabel: str
    marks: Sequence[Marks] = ()
    limits: tuple[float, float] | None = None


def curves_figure(
    panels: Sequence[Panel],
    xlabel: str = "Generation",
    *,
    beside: bool = False,
    colours: Mapping[str, str] | None = None,
) -> Figure:
    """Draw curves with bands in panels that share the x axis, with the legend above all of them.

    Args:
        panels: Quantities, from the top down, or from the left to the right if `beside`.
        xlabel: What the x axis counts.
        beside: Panels side by side over a page's width instead of stacked in a column's.
        colours: Colour of each treatment; by default `treatment_colours` of those in the figure.
    """
    from matplotlib.figure import Figure

    labels = list(dict.fromkeys(curve.label for panel in panels for curve in panel.curves))
    colours = {**treatment_colours(labels), **(colours or {})}
    with style.house_style():
        figure = Figure(figsize=_curves_size(panels, beside), layout="constrained")
        _tighten(figure)
        drawn: list[Axes] = []
        for panel, axes, strip, last in _panel_axes(figure, panels, beside):
            drawn.append(axes)
            for curve in panel.curves:
                _draw_curve(axes, curve, colours[curve.label])
            _label_panel(axes, panel, panels)
            _draw_marks(strip, panel.marks)
            _label_x(axes, strip, bool(panel.marks), xlabel if last else None, ticks=3 if beside else 6)
        figure.align_ylabels(drawn)
        handles = [_line_handle(label, colours[label]) for label in labels]
        if handles:
            figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 4))
    return figure


def box_figure(
    groups: Mapping[str, ArrayLike],
    ylabel: str,
    pairs: Sequence[Pair] = (),
    *,
    colours: Mapping[str, str] | None = None,
    limits: tuple[float, float] | None = None,
    scale: Literal["linear", "log"] = "linear",
    annotation: Literal["stars", "p"] = "stars",
) -> Figure:
    """Draw a box for each group (quartiles, median, whiskers of 1.5 box lengths) over all of its points.

    Args:
        groups: Values of each group, shape (values,); NaN is left out.
        ylabel: Name and unit of the values.
        pairs: Comparisons to draw as brackets above the boxes.
        colours: Colour of each group; by default `treatment_colours`.
        limits: Limits of the y axis; by default those of the data.
        scale: Scale of the y axis.
        annotation: What stands on a bracket: stars (* p < 0.05, ** p < 0.01, *** p < 0.001) or the p-value.

    Raises:
        ValueError: A pair names a group that is not there.
    """
    values = {name: _finite(group) for name, group in groups.items()}
    colours = {**treatment_colours(groups), **(colours or {})}
    with style.house_style():
        figure, axes = _groups_figure({name: len(group) for name, group in values.items()}, ylabel)
        axes.set_yscale(scale)
        for place, (name, group) in enumerate(values.items()):
            if len(group):
                _draw_box(axes, place, group, colours[name])
        if limits:
            axes.set_ylim(*limits)
        _draw_brackets(axes, list(groups), pairs, annotation)
    return figure


def bars_figure(
    groups: Mapping[str, tuple[int, int]],
    ylabel: str,
    pairs: Sequence[Pair] = (),
    *,
    colours: Mapping[str, str] | None = None,
    annotation: Literal["stars", "p"] = "stars",
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
        _draw_brackets(axes, list(groups), pairs, annotation, lowest=18.0 if highest > 0.9 else 8.0)
    return figure


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of a proportion after Wilson (1927), doi 10.1080/01621459.1927.10502953.

    Args:
        successes: Number of successes.
        trials: Number of trials; none gives (0, 1).
        confidence: Probability that the interval holds the true proportion.

    Raises:
        ValueError: Successes are not within 0..trials, or `confidence` not within (0, 1).
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes: {successes}: allowed are 0 to {trials}, the number of trials")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: {confidence}: must lie between 0 and 1")
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    share, weight = successes / trials, z * z / trials
    centre = (share + weight / 2.0) / (1.0 + weight)
    reach = z * math.sqrt(share * (1.0 - share) / trials + weight / (4.0 * trials)) / (1.0 + weight)
    return (0.0 if successes == 0 else centre - reach), (1.0 if successes == trials else centre + reach)


def stars(p: float) -> str:
    """Return *** for p < 0.001, ** for p < 0.01, * for p < 0.05, else n.s. (not significant)."""
    return next((text for bound, text in _STARS if p < bound), "n.s.")


def p_text(p: float) -> str:
    """Return a p-value as text, with two digits and a power of ten where it is small."""
    if math.isnan(p):
        return "p = n/a"
    if p == 0.0:
        return "p ≈ 0"
    if p >= 0.001:
        return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
    digits, power = f"{p:.1e}".split("e")
    return rf"p = {digits}$\times$10$^{{{int(power)}}}$"


def _check_lengths(name: str, **arrays: ArrayLike) -> None:
    shapes = {field: np.shape(array) for field, array in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise ValueError(f"{name}: shapes {shapes}: must be one-dimensional and equal")


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]


# Curves


def _curves_size(panels: Sequence[Panel], beside: bool) -> tuple[float, float]:
    rows = [0.1 * len(panel.marks) for panel in panels] or [0.0]
    if beside:
        return style.DOUBLE_COLUMN, 2.2 + max(rows)
    return style.SINGLE_COLUMN, 0.65 + 1.35 * max(len(panels), 1) + sum(rows)


def _tighten(figure: Figure) -> None:
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=0.03, w_pad=0.03, hspace=0.0, wspace=0.04)


def _panel_axes(figure: Figure, panels: Sequence[Panel], beside: bool) -> Iterator[tuple[Panel, Axes, Axes, bool]]:
    """Yield each panel, its axes, the strip below them for marks, and whether the x label belongs there."""
    heights = [0.001 + 0.1 * len(panel.marks) for panel in panels]
    if not panels:
        return
    if beside:
        grid = figure.add_gridspec(2, len(panels), height_ratios=[1.6, max(heights)])
        cells = [(grid[0, column], grid[1, column]) for column in range(len(panels))]
    else:
        ratios = [ratio for height in heights for ratio in (1.35, height)]
        grid = figure.add_gridspec(2 * len(panels), 1, height_ratios=ratios)
        cells = [(grid[2 * row, 0], grid[2 * row + 1, 0]) for row in range(len(panels))]
    shared = None
    for number, (panel, (above, below)) in enumerate(zip(panels, cells, strict=True)):
        axes = figure.add_subplot(above, sharex=shared)
        shared = shared or axes
        yield panel, axes, figure.add_subplot(below, sharex=shared), beside or number == len(panels) - 1


def _draw_curve(axes: Axes, curve: Curve, colour: str) -> None:
    x = np.asarray(curve.x, dtype=np.float64)
    low, high = (np.asarray(edge, dtype=np.float64) for edge in (curve.low, curve.high))
    axes.fill_between(x, low, high, color=colour, alpha=0.22, linewidth=0)
    axes.plot(x, np.asarray(curve.median, dtype=np.float64), color=colour, linewidth=1.3, label=curve.label)


def _label_panel(axes: Axes, panel: Panel, panels: Sequence[Panel]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_ylabel(panel.ylabel)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.margins(x=0.0)
    if panel.limits:
        axes.set_ylim(*panel.limits)
    if len(panels) > 1:
        letter = "abcdefghijklmnopqrstuvwxyz"[list(panels).index(panel) % 26]
        axes.set_title(letter, loc="left", fontweight="bold", pad=2.0)


def _draw_marks(strip: Axes, rows: Sequence[Marks]) -> None:
    """Draw each row as bars that cover the points where treatments differ."""
    for spine in strip.spines.values():
        spine.set_visible(False)
    strip.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    strip.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=style.TINY_FONT_SIZE)
    strip.tick_params(axis="y", length=0)
    for place, row in enumerate(rows):
        bars = significant_ranges(np.asarray(row.x, dtype=np.float64), np.asarray(row.significant, dtype=bool))
        spans = [(start, end - start) for start, end in bars]
        strip.broken_barh(spans, (place - 0.3, 0.6), color=row.colour, linewidth=0.3)


def significant_ranges(x: NDArray[np.float64], significant: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return the ranges of x around runs of significant points, half a step wider on both sides but within x.

    Args:
        x: Ascending, shape (points,).
        significant: Shape (points,).

    Returns:
        Start and end of each run.
    """
    if len(x) == 0:
        return []
    middles = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2.0, x[-1:]])
    padded = np.concatenate([[False], significant, [False]]).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    return [(float(middles[start]), float(middles[end])) for start, end in zip(starts, ends, strict=True)]


def _label_x(axes: Axes, strip: Axes, marked: bool, xlabel: str | None, ticks: int) -> None:
    """Put the x ticks' labels and the x label below the strip, or below the panel if it has no marks."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    strip.tick_params(axis="x", length=0, labelbottom=marked and xlabel is not None)
    axes.tick_params(axis="x", labelbottom=not marked and xlabel is not None)
    if xlabel:
        (strip if marked else axes).set_xlabel(xlabel)


def _line_handle(label: str, colour: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linewidth=1.6, label=label)


# Groups


def _groups_figure(sizes: Mapping[str, int], ylabel: str) -> tuple[Figure, Axes]:
    """Return a figure with a place for each group at x = 0, 1, ..., labelled with its name and size."""
    from matplotlib.figure import Figure

    longest = max((len(name) for name in sizes), default=0)
    width = max(1.9, 0.75 + len(sizes) * max(0.62, 0.075 * longest + 0.1))
    figure = Figure(figsize=(width, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlim(-0.6, max(len(sizes), 1) - 0.4)
    axes.set_xticks(range(len(sizes)), [f"{name}\nn = {size}" for name, size in sizes.items()])
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(ylabel)
    return figure, axes


def _draw_box(axes: Axes, place: int, values: NDArray[np.float64], colour: str) -> None:
    from matplotlib.colors import to_rgb

    lines: dict[str, Any] = {"color": style.INK, "linewidth": 0.8}
    axes.scatter(place + _jitter(values), values, s=6.0, c=colour, alpha=0.75, linewidths=0, zorder=3)
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


def _draw_brackets(
    axes: Axes, names: list[str], pairs: Sequence[Pair], annotation: str, lowest: float = 8.0
) -> None:
    """Draw comparisons from `lowest` points above the axes, short ones first, none across another."""
    unknown = [name for one, other, _ in pairs for name in (one, other) if name not in names]
    if unknown:
        raise ValueError(f"pairs: no group {unknown[0]!r}; there are {', '.join(map(repr, names))}")
    taken: list[list[tuple[float, float]]] = []
    spans = [(*sorted((names.index(one), names.index(other))), p) for one, other, p in pairs]
    for low, high, p in sorted(spans, key=lambda span: (span[1] - span[0], span[0])):
        start, end = low + 0.06, high - 0.06
        level = next(
            (level for level, row in enumerate(taken) if all(end < a or start > b for a, b in row)),
            len(taken),
        )
        taken[level : level + 1] = [[*(taken[level] if level < len(taken) else []), (start, end)]]
        text = stars(p) if annotation == "stars" else p_text(p)
        _draw_bracket(axes, start, end, lowest + _BRACKET_STEP * level, text)


def _draw_bracket(axes: Axes, start: float, end: float, points: float, text: str) -> None:
    """Draw a bracket so many points above the axes with a text on it."""
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure: Any = axes.get_figure(root=True)
    above = blended_transform_factory(axes.transData, axes.transAxes)
    foot, top, label = (
        above + ScaledTranslation(0.0, height / 72.0, figure.dpi_scale_trans)
        for height in (points - 3.0, points, points + (2.2 if not text.startswith("*") else 0.4))
    )
    look: dict[str, Any] = {"color": style.INK, "linewidth": 0.8, "clip_on": False}
    axes.plot([start, end], [1.0, 1.0], transform=top, **look)
    for x in (start, end):
        axes.plot([x], [1.0], transform=foot, marker=2, markersize=3.0, markeredgewidth=0.8, **look)
    axes.text(
        (start + end) / 2.0,
        1.0,
        text,
        transform=label,
        ha="center",
        va="baseline",
        fontsize=style.SMALL_FONT_SIZE,
    )
