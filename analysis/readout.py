"""An episode of one-shot classification as a strip: support images, query, and what the network answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Most support images in a row.
ROW = 10


def readout_figure(
    support: ArrayLike,
    labels: Sequence[int],
    query: ArrayLike,
    scores: ArrayLike,
    truth: int | None = None,
    *,
    score: str = "probability",
) -> Figure:
    """Draw one episode; the bar of the true class is blue, that of a wrong answer red, the others grey.

    Args:
        support: Images in the order shown (images, height, width), or (images, height, width, 3) in colour.
        labels: Class of each, 0 to classes - 1.
        query: Image to classify, as one of the support.
        scores: What the network answers, e.g. logits or probabilities, (classes,).
        truth: Class of the query, if known.
        score: What the scores are.

    Raises:
        ValueError: Shapes that do not fit each other, or a class out of range.
    """
    from matplotlib.figure import Figure

    images, image, answers = np.asarray(support), np.asarray(query), np.asarray(scores, np.float64)
    _check(images, labels, image, answers, truth)
    columns = min(len(images), ROW)
    rows = -(-len(images) // columns)
    widths = [0.62 * columns, 0.9, max(1.0, 0.22 * len(answers) + 0.5)]
    with style.house_style():
        figure = Figure(figsize=(sum(widths) + 0.5, max(1.25, 0.8 * rows + 0.3)), layout="constrained")
        parts: Any = figure.subfigures(1, 3, width_ratios=widths, wspace=0.05)
        strip, middle, right = parts
        strip.suptitle("support", fontsize=style.FONT_SIZE)
        grid = strip.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, picture, label in zip(grid, images, labels, strict=False):
            _draw_image(axes, picture, images, str(label))
        middle.suptitle("query", fontsize=style.FONT_SIZE)
        _draw_image(middle.subplots(), image, images, "?" if truth is None else str(truth))
        right.suptitle("answer", fontsize=style.FONT_SIZE)
        _draw_answers(right.subplots(), answers, truth, score)
    return figure


def _check(images: Any, labels: Sequence[int], image: Any, answers: Any, truth: int | None) -> None:
    if images.ndim not in (3, 4) or not len(images) or images.shape[1:] != image.shape:
        raise ValueError(f"support: shape {images.shape}: allowed is (images, *{image.shape}), the query's")
    if len(labels) != len(images) or answers.ndim != 1:
        raise ValueError(
            f"labels: {len(labels)}, scores {answers.shape}: allowed are {len(images)} and (classes,)"
        )
    for label in (*labels, *(() if truth is None else (truth,))):
        if not 0 <= label < len(answers):
            raise ValueError(f"labels: class {label}: allowed are 0 to {len(answers) - 1}")


def _draw_image(axes: Axes, picture: Any, scale: Any, label: str) -> None:
    axes.set_axis_off()
    grey: dict[str, Any] = {"cmap": "gray", "vmin": float(scale.min()), "vmax": float(scale.max())}
    axes.imshow(picture, interpolation="none", **(grey if picture.ndim == 2 else {}))
    axes.set_title(label, fontsize=style.SMALL_FONT_SIZE, pad=2.0)


def _draw_answers(axes: Axes, answers: Any, truth: int | None, score: str) -> None:
    colours = [style.GREY] * len(answers)
    chosen = int(np.argmax(answers))
    if truth is not None:
        colours[chosen] = style.NEGATIVE
        colours[truth] = style.POSITIVE
    axes.bar(range(len(answers)), answers, color=colours, width=0.7)
    axes.axhline(0.0, color=style.INK, linewidth=0.6)
    axes.set_xticks(range(len(answers)))
    axes.set(xlabel="class", ylabel=score)
    if answers.min() >= 0.0 and answers.max() <= 1.0:
        axes.set_ylim(0.0, 1.0)
