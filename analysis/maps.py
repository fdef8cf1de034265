"""Heat maps of the best found at each place of a plane, with points and paths on them.

After the performance landscapes of Clune et al. (2013) and the maps with lineages of Mengistu et al. (2016). The
colours are those of viridis: lightness grows with the value, also in grey and for colour-blind people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Range = tuple[float, float]

_EMPTY = "#f4f4f4"
# How far the colours go below a top that has the last one to itself.
_BELOW_TOP = 0.85
# The colours begin at the value below which this share of the cells lies.
_LOWEST_SHARE = 0.02
# How much of what is shown lies around it, as a share of its size.
_MARGIN = 0.04
# Of the heat map under paths, so that they stand out.
_FAINT = 0.35


def map_figure(
    values: ArrayLike,
    ranges: tuple[Range, Range],
    labels: tuple[str, str, str],
    *,
    top: float | None = None,
    points: Mapping[str, ArrayLike] | None = None,
    colours: Mapping[str, str] | None = None,
    paths: Sequence[ArrayLike] = (),
) -> Figure:
    """Draw a heat map, as wide as a journal's column; only the part with values, points and paths is shown.

    Args:
        values: Of each cell, from low to high on both axes, shape (rows, columns); NaN where it is empty.
        ranges: Outer borders of the cells on the horizontal and on the vertical axis.
        labels: Of the horizontal axis, of the vertical one, and of the values.
        top: The value that cannot be beaten, which has a colour of its own.
        points: Points (points, 2) to mark, by what they are; horizontal coordinate first.
        colours: Of each kind of point; by default `style.treatment_colours`.
        paths: Ways (steps, 2) from an open circle to a filled one; the heat map is then faint.

    Raises:
        ValueError: Values that are no table or all empty, points or paths of another shape.
    """
    from matplotlib.figure import Figure

    table = np.asarray(values, np.float64)
    if table.ndim != 2 or not np.isfinite(table).any():
        raise ValueError(f"values: shape {table.shape}: allowed is a table with at least one finite value")
    marked = {name: _places("points", places) for name, places in (points or {}).items()}
    ways = [_places("paths", way) for way in paths]
    chosen = {**style.treatment_colours(marked), **(colours or {})}
    with style.house_style():
        figure = Figure(figsize=(style.SINGLE_COLUMN, 2.9))
        axes = figure.add_axes((0.14, 0.14, 0.66, 0.79))
        _draw_cells(axes, table, ranges, top, _FAINT if ways else 1.0)
        _draw_bar(axes, figure.add_axes((0.83, 0.14, 0.03, 0.79)), table, labels[2], top)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        for name, places in marked.items():
            _draw_points(axes, places, name, chosen[name])
        for number, way in enumerate(ways):
            _draw_path(axes, way, style.distinct_colours(len(ways))[number])
        if marked:
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(marked), borderpad=0.1)
        _show_used(axes, table, ranges, [*marked.values(), *ways])
    return figure


def _places(name: str, places: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(places, np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name}: shape {array.shape}: allowed is (number, 2)")
    return array


def _draw_cells(
    axes: Axes, table: NDArray[np.float64], ranges: tuple[Range, Range], top: float | None, alpha: float
) -> None:
    import matplotlib
    from matplotlib.colors import ListedColormap

    whole = matplotlib.colormaps["viridis"]
    shades = whole(np.linspace(0.0, 1.0 if top is None else _BELOW_TOP, 256))
    colours = ListedColormap(shades).with_extremes(over=whole(1.0))
    lowest, highest = _limits(table, top)
    axes.set_facecolor(_EMPTY)
    axes.imshow(
        table,
        cmap=colours,
        vmin=lowest,
        vmax=highest,
        extent=(*ranges[0], *ranges[1]),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        alpha=alpha,
    )


def _limits(table: NDArray[np.float64], top: float | None) -> Range:
    """Values at the ends of the colours; a few very low ones look like the lowest."""
    values = table[np.isfinite(table)]
    below = values if top is None else values[values < top]
    if not below.size:
        return float(values.min()) - 1.0, float(values.min()) - 0.5
    lowest, highest = float(np.quantile(below, _LOWEST_SHARE)), float(below.max())
    return (lowest, highest) if highest > lowest else (highest - 0.5, highest)


def _draw_bar(axes: Axes, place: Axes, table: NDArray[np.float64], label: str, top: float | None) -> None:
    """The colours with their values, with tips for what lies beyond them."""
    image = axes.images[0]
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    lowest, _ = _limits(table, top)
    bar = axes.figure.colorbar(image, cax=place, extend=ends[bool(np.nanmin(table) < lowest), top is not None])
    bar.outline.set_linewidth(0.4)
    bar.set_label(label)
    if top is not None:
        place.text(1.6, 1.0, f"{top:g}", transform=place.transAxes, va="bottom", fontsize=style.SMALL_FONT_SIZE)


def _draw_points(axes: Axes, places: NDArray[np.float64], name: str, colour: str) -> None:
    axes.plot(
        places[:, 0],
        places[:, 1],
        "o",
        markersize=4.0,
        markerfacecolor=colour,
        markeredgecolor="white",
        markeredgewidth=0.5,
        label=name,
        zorder=3,
    )


def _draw_path(axes: Axes, way: NDArray[np.float64], colour: str) -> None:
    across, up = way.T
    axes.plot(across, up, color="white", linewidth=2.0, zorder=3)
    axes.plot(across, up, ".-", color=colour, linewidth=0.9, markersize=2.0, zorder=4)
    for end, face in ((0, "white"), (-1, colour)):
        axes.plot(
            across[end],
            up[end],
            "o",
            markersize=4.5,
            markerfacecolor=face,
            markeredgecolor=colour,
            zorder=5,
        )


def _show_used(
    axes: Axes, table: NDArray[np.float64], ranges: tuple[Range, Range], places: Sequence[NDArray[np.float64]]
) -> None:
    """Set the limits to the rows and columns with values and to the points, with a margin."""
    for axis, (low, high) in enumerate(ranges):
        used = np.flatnonzero(np.isfinite(table).any(axis=axis))
        cell = (high - low) / table.shape[1 - axis]
        ends = [low + cell * used[0], low + cell * (used[-1] + 1)]
        ends += [value for array in places for value in array[:, axis]]
        margin = _MARGIN * (max(ends) - min(ends))
        set_limits = axes.set_xlim if axis == 0 else axes.set_ylim
        set_limits(min(ends) - margin, max(ends) + margin)
