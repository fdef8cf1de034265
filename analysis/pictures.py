"""Pictures that a network was to complete, with what it saw and what it made of it.

After figure 4 of Miconi, Clune and Stanley (2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from analysis import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def completions_figure(targets: ArrayLike, seen: ArrayLike, answers: ArrayLike) -> Figure:
    """Draw a column for each picture: the full one, the degraded one, the network's completion; one grey scale.

    Args:
        targets: Full pictures (pictures, height, width).
        seen: What was shown of them, of the same shape.
        answers: What the network completed, of the same shape.

    Raises:
        ValueError: Shapes that differ, or no pictures.
    """
    from matplotlib.figure import Figure

    rows = {"picture": np.asarray(targets), "seen": np.asarray(seen), "completed": np.asarray(answers)}
    shapes = {row.shape for row in rows.values()}
    shape = shapes.pop()
    if shapes or len(shape) != 3 or 0 in shape:
        raise ValueError(
            f"targets, seen, answers: shapes {shape}, {shapes}: allowed is one, (pictures, height, width)"
        )
    limit = float(np.abs(rows["picture"]).max()) or 1.0
    with style.house_style():
        figure = Figure(figsize=(0.3 + 0.8 * shape[0], 2.5), layout="constrained")
        grid = figure.subplots(3, shape[0], squeeze=False)
        for line, (name, pictures) in zip(grid, rows.items(), strict=True):
            for axes, picture in zip(line, pictures, strict=True):
                axes.imshow(picture, cmap="gray", vmin=-limit, vmax=limit)
                axes.set_xticks([])
                axes.set_yticks([])
            line[0].set_ylabel(name)
    return figure
