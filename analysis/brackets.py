"""Brackets over pairs of treatments, with the significance of their difference on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Pair = tuple[str, str, float]
"""Two groups and the p-value of their difference."""
Annotation = Literal["stars", "p"]

_STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_BRACKET_STEP = 13.0  # points from one bracket to the next


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


def draw_brackets(
    axes: Axes, names: list[str], pairs: Sequence[Pair], annotation: Annotation, lowest: float = 8.0
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
        if level == len(taken):
            taken.append([])
        taken[level].append((start, end))
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
