"""Treatments over generations: medians with confidence bands, and marks where they differ significantly.

After the figures of Clune et al. 2013; a treatment has the same colour everywhere (`treatment_colours`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style
from analysis.references import Reference, draw_references
from analysis.style import treatment_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Scale = Literal["linear", "log"]

#: Of published curves.
DASHES = (0, (3, 2))
#: Letters of a legend that fit into a column of a page.
LEGEND_LETTERS = 60
#: Height of a row of the legend in inches; there is room for two.
LEGEND_ROW = 0.17


@dataclass(frozen=True, eq=False)
class Curve:
    """A treatment over time: a line and the band around it.

    Attributes:
        x: Generations or iterations, shape (points,).
        median: The line, shape (points,); NaN leaves a gap.
        low: Lower end of the band, shape (points,).
        high: Upper end of the band, shape (points,).
        label: Name of the treatment.
        points: Whether every point has a dot, as conditions have that were measured one by one.
        published: Whether it is what a paper says of this treatment, drawn dashed.
    """

    x: ArrayLike
    median: ArrayLike
    low: ArrayLike
    high: ArrayLike
    label: str
    points: bool = False
    published: bool = False

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
        limits: Limits of the y axis; by default those of the data and the references.
        references: Numbers to compare with.
        scale: Scale of the y axis.
    """

    curves: Sequence[Curve]
    ylabel: str
    marks: Sequence[Marks] = ()
    limits: tuple[float, float] | None = None
    references: Sequence[Reference] = ()
    scale: Scale = "linear"


def curves_figure(
    panels: Sequence[Panel],
    xlabel: str = "Generation",
    *,
    beside: bool = False,
    colours: Mapping[str, str] | None = None,
    xscale: Scale = "linear",
) -> Figure:
    """Draw curves with bands in panels that share the x axis, with the legend above all of them.

    Args:
        panels: Quantities, from the top down, or from the left to the right if `beside`.
        xlabel: What the x axis counts.
        beside: Panels side by side over a page's width instead of stacked in a column's.
        colours: Colour of each treatment; by default `treatment_colours` of those in the figure.
        xscale: Scale of the x axis; what lies at 0 or below is not seen on a logarithmic one.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    labels = list(dict.fromkeys(curve.label for panel in panels for curve in panel.curves))
    colours = {**treatment_colours(labels), **(colours or {})}
    handles = [Line2D([], [], color=colours[label], linewidth=1.6, label=label) for label in labels]
    if any(curve.published for panel in panels for curve in panel.curves):
        handles.append(Line2D([], [], color=style.GREY, linewidth=1.2, linestyle=DASHES, label="published"))
    # A column of the legend takes its longest label and about eight letters for line and gaps.
    fitting = LEGEND_LETTERS * (2 if beside else 1) // (max(map(len, labels), default=0) + 8)
    columns = max(min(len(handles), fitting), 1)
    width, height = _curves_size(panels, beside)
    height += LEGEND_ROW * max(math.ceil(len(handles) / columns) - 2, 0)
    with style.house_style():
        figure = Figure(figsize=(width, height), layout="constrained")
        _tighten(figure)
        drawn: list[Axes] = []
        for panel, axes, strip, last in _panel_axes(figure, panels, beside):
            drawn.append(axes)
            axes.set(xscale=xscale, yscale=panel.scale)
            for curve in panel.curves:
                _draw_curve(axes, curve, colours[curve.label])
            _label_panel(axes, panel, panels)
            lines = [(one.x, edge) for one in panel.curves for edge in (one.median, one.low, one.high)]
            draw_references(axes, panel.references, lines)
            style.plain_numbers(axes.yaxis)
            _draw_marks(strip, panel.marks)
            _label_x(axes, strip, bool(panel.marks), xlabel if last else None, ticks=3 if beside else 6)
        figure.align_ylabels(drawn)
        if handles:
            figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return figure


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


def _check_lengths(name: str, **arrays: ArrayLike) -> None:
    shapes = {field: np.shape(array) for field, array in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise ValueError(f"{name}: shapes {shapes}: must be one-dimensional and equal")


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
    look: dict[str, Any] = {"marker": "o", "markersize": 3.0} if curve.points else {}
    look |= {"linestyle": DASHES, "alpha": 0.8} if curve.published else {}
    median = np.asarray(curve.median, dtype=np.float64)
    axes.plot(x, median, color=colour, linewidth=1.3, label=curve.label, **look)


def _label_panel(axes: Axes, panel: Panel, panels: Sequence[Panel]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_ylabel(panel.ylabel)
    if panel.scale == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.margins(x=0.03 if any(curve.points for curve in panel.curves) else 0.0)
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


def _label_x(axes: Axes, strip: Axes, marked: bool, xlabel: str | None, ticks: int) -> None:
    """Put the x ticks' labels and the x label below the strip, or below the panel if it has no marks."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    if axes.get_xscale() == "linear":
        axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks, steps=[1, 2, 2.5, 5, 10], integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    strip.margins(x=axes.get_xmargin())
    strip.tick_params(axis="x", which="both", length=0, labelbottom=marked and xlabel is not None)
    axes.tick_params(axis="x", which="both", labelbottom=not marked and xlabel is not None)
    if xlabel:
        (strip if marked else axes).set_xlabel(xlabel)
