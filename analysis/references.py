"""Horizontal lines to compare curves with, each with its label where the curves leave most room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Reference:
    """A number to compare with, e.g. a published figure or the chance level: a labelled horizontal line."""

    y: float
    label: str


class _Box(NamedTuple):
    """Where a label stands, in fractions of the axes."""

    left: float
    right: float
    bottom: float
    top: float

    def overlaps(self, other: _Box) -> bool:
        beside = self.left < other.right and other.left < self.right
        return beside and self.bottom < other.top and other.bottom < self.top


def draw_references(
    axes: Axes, references: Sequence[Reference], lines: Iterable[tuple[ArrayLike, ArrayLike]]
) -> None:
    """Draw references behind what is already in the axes, whose limits are then those of both.

    Args:
        axes: Where to draw, with their scales set.
        references: Numbers to compare with.
        lines: x and y (points,) of what the labels should not cover.
    """
    from matplotlib.patheffects import withStroke

    for reference in references:
        axes.axhline(reference.y, color=style.GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    axes.autoscale_view()
    to_axes = axes.transScale + axes.transLimits
    curves = [to_axes.transform(np.column_stack([x, y]).astype(np.float64)) for x, y in lines]
    taken: list[_Box] = []
    for reference in references:
        height = float(to_axes.transform((axes.get_xlim()[1], reference.y))[1])
        box = min(_places(axes, reference.label, height), key=lambda place: _cover(place, curves, taken))
        taken.append(box)
        left, above = box.left < 0.1, box.bottom >= height
        axes.annotate(
            reference.label,
            (0.0 if left else 1.0, reference.y),
            xycoords=("axes fraction", "data"),
            xytext=(3.0 if left else -3.0, 1.5 if above else -2.0),
            textcoords="offset points",
            ha="left" if left else "right",
            va="bottom" if above else "top",
            fontsize=style.TINY_FONT_SIZE,
            color=style.INK,
            path_effects=[withStroke(linewidth=2.0, foreground="white", alpha=0.8)],
        )
    lowest = min((place.bottom for place in taken), default=0.0)
    if lowest < 0:  # room for a label that would lie on the axis
        axes.set_ylim(bottom=float(to_axes.inverted().transform((0.0, lowest - 0.03))[1]))


def _places(axes: Axes, label: str, height: float) -> list[_Box]:
    """Return where a label may stand, best first: at the right or left end, above or below the line."""
    box, figure = axes.get_position(), axes.get_figure(root=True)
    inches = figure.get_size_inches() if figure is not None else (style.SINGLE_COLUMN, 2.0)
    wide = (0.6 * len(label) * style.TINY_FONT_SIZE + 3.0) / (72.0 * box.width * inches[0])
    high = (1.3 * style.TINY_FONT_SIZE + 2.0) / (72.0 * box.height * inches[1])
    places = [
        _Box(left, left + wide, bottom, bottom + high)
        for left in (1.0 - wide, 0.0)
        for bottom in (height, height - high)
    ]
    return [place for place in places if place.bottom >= -0.05 and place.top <= 1.1] or places


def _cover(place: _Box, curves: Sequence[NDArray[np.float64]], taken: Sequence[_Box]) -> float:
    """Return how much of a label curves would cross, and far more where another label stands."""
    across = np.linspace(place.left, place.right, 30)
    covered = float(sum(100 for other in taken if place.overlaps(other)))
    for curve in curves:
        y = np.interp(across, curve[:, 0], curve[:, 1], left=np.nan, right=np.nan)
        covered += np.count_nonzero((y > place.bottom) & (y < place.top)) / len(across)
    return covered
