"""An episode in a grid drawn as a path: from one reward to the next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Panels in a row of a page's width.
COLUMNS = 6


def path_figure(
    walls: ArrayLike, places: ArrayLike, ends: ArrayLike, rewards: ArrayLike, goal: ArrayLike, *, panels: int = 6
) -> Figure:
    """Draw the way to the first reward, then from each place one was put to on to the next reward.

    Args:
        walls: Whether a square is one, (rows, columns).
        places: Row and column before each step, (steps, 2).
        ends: Where each step went, before one was put elsewhere, (steps, 2).
        rewards: Of each step, (steps,); a positive one ends a stretch of the path.
        goal: Row and column of what is rewarded.
        panels: Most stretches to draw, one a panel.

    Raises:
        ValueError: Shapes that do not fit each other, or no steps.
    """
    from matplotlib.figure import Figure

    grid = np.asarray(walls, bool)
    before, after, paid = np.asarray(places), np.asarray(ends), np.asarray(rewards, np.float64)
    if grid.ndim != 2 or before.shape != after.shape or before.shape != (len(paid), 2) or not len(paid):
        raise ValueError(
            f"walls, places, ends, rewards: shapes {grid.shape}, {before.shape}, {after.shape}, {paid.shape}: "
            "allowed are (rows, columns), (steps, 2), (steps, 2), (steps,)"
        )
    cuts = [0, *(np.flatnonzero(paid > 0) + 1).tolist()]
    stretches = [(first, last) for first, last in zip(cuts, [*cuts[1:], len(paid)], strict=True) if last > first]
    shown = stretches[:panels]
    columns = min(len(shown), COLUMNS)
    rows = math.ceil(len(shown) / columns)
    with style.house_style():
        size = (max(1.2 * columns, 1.6), 1.45 * rows + 0.1)
        figure = Figure(figsize=size, layout="constrained")
        cells = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in cells[len(shown) :]:
            axes.set_visible(False)
        for axes, (first, last) in zip(cells, shown, strict=False):
            way = np.concatenate([before[first:last], after[last - 1 : last]])
            _draw_stretch(axes, grid, way, np.asarray(goal))
            reached = paid[last - 1] > 0
            axes.set_title(f"{last - first} steps" if reached else f"{last - first} steps, end", pad=2.0)
    return figure


def _draw_stretch(axes: Axes, walls: NDArray[np.bool_], way: NDArray, goal: NDArray) -> None:
    """Draw walls, the goal as a ring, the start as a dot, and the way, later steps darker."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    axes.imshow(np.where(walls, 0.72, 1.0), cmap="gray", vmin=0, vmax=1)
    points = way[:, ::-1].astype(np.float64)
    if len(points) > 2:  # ways back beside ways there, so that both are seen
        points = points + 0.22 * np.sin(np.arange(len(points)) * 2.399)[:, None]
    segments = np.stack([points[:-1], points[1:]], axis=1)
    shades = LinearSegmentedColormap.from_list("way", ["#b9d6ea", style.PALETTE[0]])
    lines = LineCollection(list(segments), cmap=shades, linewidths=1.0, capstyle="round")
    lines.set_array(np.linspace(0, 1, len(segments)))
    axes.add_collection(lines)
    axes.plot(points[0, 0], points[0, 1], "o", color=style.PALETTE[0], markersize=3)
    axes.plot(
        goal[1], goal[0], "o", color=style.PALETTE[5], markersize=7, markerfacecolor="none", markeredgewidth=1.3
    )
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
