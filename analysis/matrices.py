"""Matrices of a plastic network: weights, plasticity coefficients and trace, entry by entry.

After figure 4 of Miconi, Stanley and Clune (2018): W and alpha beside each other. What a trained alpha shows there
are lines one entry wide along the diagonals, so every entry is drawn as a whole number of pixels, none smoothed
and none left out: the figure has as many dots per inch as that takes, and its svg holds every entry once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

ALPHA = "\N{GREEK SMALL LETTER ALPHA}"

# Inches.
_SIDE, _LEFT, _TOP, _BOTTOM, _BAR = 2.6, 0.55, 0.3, 0.42, 0.07
_HISTOGRAM = 1.0


def signed_colours() -> LinearSegmentedColormap:
    """Return the house's colour map for signed numbers: negative vermilion, zero white, positive blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [style.PALETTE[5], "#ffffff", style.PALETTE[0]], N=257)


@dataclass(frozen=True)
class _Grid:
    """Places of the matrices in pixels from the top left corner; a whole number of pixels for each entry."""

    dots_per_inch: int
    size: tuple[int, int]  # of a matrix, width and height
    canvas: tuple[int, int]

    def box(self, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
        """Return axes in fractions of the canvas."""
        wide, high = self.canvas
        return left / wide, (high - top - height) / high, width / wide, height / high


def matrices_figure(
    matrices: Mapping[str, ArrayLike],
    parts: Mapping[str, int] | None = None,
    *,
    scale: Literal["own", "shared"] = "own",
    saturation: float = 1.0,
    histograms: Sequence[str] = (),
) -> Figure:
    """Draw matrices of one shape, two in a row, from vermilion (negative) over white (0) to blue.

    Args:
        matrices: Each (senders, receivers), by name, e.g. W and alpha.
        parts: Neurons in each part of square matrices, in order, e.g. the halves of a picture and the bias unit;
            lines separate the parts.
        scale: Whether each matrix has its own limits of colour or all have those of the largest.
        saturation: Share of a matrix' entries within its limits; less than 1 shows small entries better, and
            those beyond look like the limit.
        histograms: Names of matrices whose absolute entries are counted below, beside each other.

    Raises:
        ValueError: No matrices, entries that are not finite, shapes that differ, parts that do not add up, a name
            that is not there, or a saturation out of range.
    """
    from matplotlib.figure import Figure

    tables = {name: np.asarray(matrix, np.float64) for name, matrix in matrices.items()}
    _check(tables, parts, saturation, histograms)
    limits = _limits(tables, scale, saturation)
    grid = _place(next(iter(tables.values())).shape, len(tables), bool(histograms))
    with style.house_style():
        # Half a pixel more than the canvas: rounding must not cost it its last row.
        inches = [(pixels + 0.5) / grid.dots_per_inch for pixels in grid.canvas]
        figure = Figure(figsize=(inches[0], inches[1]), dpi=grid.dots_per_inch)
        for number, (name, table) in enumerate(tables.items()):
            left, top = _corner(grid, number)
            axes = figure.add_axes(grid.box(left, top, *grid.size))
            _draw_matrix(axes, table, limits[name], parts or {}, labelled=number % 2 == 0)
            beyond = "" if saturation == 1.0 else f", ≥ {100 * saturation:g} % within"
            axes.set_title(f"{name}  ±{limits[name]:.2g}{beyond}")
            thick = _BAR * grid.dots_per_inch
            bar = grid.box(left + grid.size[0] + thick, top, thick, grid.size[1])
            _draw_bar(axes, figure.add_axes(bar), saturation < 1.0)
        _draw_histograms(figure, grid, {name: tables[name] for name in histograms}, math.ceil(len(tables) / 2))
    return figure


def plastic_matrices_figure(
    weights: ArrayLike,
    plasticity: ArrayLike,
    trace: ArrayLike | None = None,
    parts: Mapping[str, int] | None = None,
    *,
    scale: Literal["own", "shared"] = "own",
    saturation: float = 1.0,
) -> Figure:
    """Draw W and alpha of a plastic network, with a trace H also that and the effective weights W + alpha H.

    Args:
        weights: W (senders, receivers).
        plasticity: alpha, of the same shape or one that broadcasts to it, e.g. one for each receiver.
        trace: H of one episode, of the same shape.
        parts: As for `matrices_figure`, as `scale` and `saturation`.
        scale: Own or shared limits of colour.
        saturation: Share of entries within the limits.

    Raises:
        ValueError: As `matrices_figure`.
    """
    fixed = np.asarray(weights, np.float64)
    alpha = np.broadcast_to(np.asarray(plasticity, np.float64), fixed.shape)
    matrices = {"W": fixed, ALPHA: alpha}
    if trace is not None:
        held = np.asarray(trace, np.float64)
        matrices |= {"H": held, f"W + {ALPHA}∘H": fixed + alpha * held}
    return matrices_figure(matrices, parts, scale=scale, saturation=saturation, histograms=["W", ALPHA])


def _check(
    tables: Mapping[str, NDArray[np.float64]],
    parts: Mapping[str, int] | None,
    saturation: float,
    histograms: Sequence[str],
) -> None:
    shapes = {name: table.shape for name, table in tables.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 2 or 0 in shape for shape in shapes.values()):
        raise ValueError(f"matrices: shapes {shapes}: allowed are one or more of one shape (senders, receivers)")
    for name, table in tables.items():
        if not np.all(np.isfinite(table)):
            raise ValueError(f"matrices: {name}: allowed are finite numbers")
    shape = next(iter(shapes.values()))
    if parts is not None and (shape[0] != shape[1] or sum(parts.values()) != shape[0] or min(parts.values()) < 1):
        raise ValueError(f"parts: {dict(parts)}: must be 1 or more neurons each and add up to the side of {shape}")
    if not 0.0 < saturation <= 1.0:
        raise ValueError(f"saturation: {saturation}: allowed is above 0, up to 1")
    for name in histograms:
        if name not in tables:
            raise ValueError(f"histograms: {name}: allowed are {', '.join(tables)}")


def _limits(
    tables: Mapping[str, NDArray[np.float64]], scale: Literal["own", "shared"], saturation: float
) -> dict[str, float]:
    own = {name: float(np.quantile(np.abs(table), saturation)) for name, table in tables.items()}
    own = {name: limit or 1.0 for name, limit in own.items()}  # a matrix of zeros is white
    return own if scale == "own" else dict.fromkeys(own, max(own.values()))


def _place(shape: tuple[int, ...], count: int, counted: bool) -> _Grid:
    """Return a grid with two matrices in a row of a page's width, the longer side `_SIDE` or a little less."""
    longest = max(shape)
    each = math.ceil(_SIDE * style.DOTS_PER_INCH / longest)
    dots = math.ceil(each * longest / _SIDE)
    # A side much shorter, as of 5 classes, has wider entries instead of a strip too narrow to read.
    pixels = [max(each, round(0.3 * _SIDE * dots / side)) * side for side in shape]
    rows = math.ceil(count / 2)
    width = _LEFT + min(count, 2) * (min(pixels[1] / dots, _SIDE) + 0.8)
    height = rows * (_TOP + pixels[0] / dots + _BOTTOM) + (_TOP + _HISTOGRAM + _BOTTOM if counted else 0.0)
    return _Grid(dots, (pixels[1], pixels[0]), (round(width * dots), round(height * dots)))


def _corner(grid: _Grid, number: int) -> tuple[int, int]:
    """Return the left upper corner of a matrix in pixels."""
    dots = grid.dots_per_inch
    left = round(_LEFT * dots) + number % 2 * (grid.size[0] + round(0.8 * dots))
    return left, round(_TOP * dots) + number // 2 * (grid.size[1] + round((_TOP + _BOTTOM) * dots))


def _draw_matrix(
    axes: Axes, table: NDArray[np.float64], limit: float, parts: Mapping[str, int], labelled: bool
) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.imshow(table, cmap=signed_colours(), vmin=-limit, vmax=limit, interpolation="none", aspect="auto")
    for spine in axes.spines.values():
        spine.set_visible(False)  # they would lie on the outermost entries
    axes.set_xlabel("receiving neuron")
    if labelled:
        axes.set_ylabel("sending neuron")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if parts:
        _draw_parts(axes, list(parts), np.cumsum(list(parts.values())))


def _draw_parts(axes: Axes, names: Sequence[str], ends: NDArray[np.int64]) -> None:
    """Separate parts by lines, and name them where the numbers of neurons would stand."""
    middles = (np.concatenate([[0], ends[:-1]]) + ends - 1) / 2
    axes.set_xticks(middles, names)
    axes.set_yticks(middles, names, rotation=90, va="center")
    axes.tick_params(length=0)
    for border in ends[:-1]:
        axes.axhline(border - 0.5, color=style.INK, linewidth=0.4, linestyle=(0, (2, 4)))
        axes.axvline(border - 0.5, color=style.INK, linewidth=0.4, linestyle=(0, (2, 4)))


def _draw_bar(axes: Axes, place: Axes, saturated: bool) -> None:
    figure = axes.figure
    bar = figure.colorbar(axes.images[0], cax=place, extend="both" if saturated else "neither")
    bar.outline.set_linewidth(0.4)
    place.tick_params(labelsize=style.TINY_FONT_SIZE)


def _draw_histograms(figure: Figure, grid: _Grid, tables: Mapping[str, NDArray[np.float64]], rows: int) -> None:
    """Draw shares of entries by absolute value, beside each other with the same bins and axes."""
    dots = grid.dots_per_inch
    largest = max((float(np.abs(table).max()) for table in tables.values()), default=0.0) or 1.0
    shared = None
    for number, (name, table) in enumerate(tables.items()):
        left, top = _corner(grid, 2 * rows + number)
        box = grid.box(left, top, grid.size[0], _HISTOGRAM * dots)
        axes = figure.add_axes(box, sharex=shared, sharey=shared)
        shared = shared or axes
        counts, edges = np.histogram(np.abs(table), bins=60, range=(0.0, largest))
        axes.stairs(counts / table.size, edges, fill=True, color=style.PALETTE[number])
        axes.set(yscale="log", xlabel=f"|{name}|", xlim=(0.0, largest), ylim=(0.5 / table.size, 1.0))
        if number == 0:
            axes.set_ylabel("share of entries")
