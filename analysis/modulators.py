"""What an agent tells its own plasticity while it lives: the modulator beside cues, answers and rewards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from analysis import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def modulator_figure(
    modulator: ArrayLike, cues: ArrayLike, target: int, asked: ArrayLike, rewards: ArrayLike
) -> Figure:
    """Draw a modulator's output over a lifetime, below it which cue is shown when and what answers earned.

    Args:
        modulator: Output at each step, (steps,), from -1 to 1.
        cues: Number of the cue shown at each step, -1 for none, (steps,).
        target: The cue that an answer is about.
        asked: Whether each step is one to answer in, (steps,).
        rewards: Of each step, (steps,).

    Raises:
        ValueError: Shapes that differ.
    """
    from matplotlib.figure import Figure

    trace, shown, go, paid = (np.asarray(array) for array in (modulator, cues, asked, rewards))
    if trace.ndim != 1 or not trace.shape == shown.shape == go.shape == paid.shape:
        raise ValueError(
            f"modulator, cues, asked, rewards: shapes {trace.shape}, {shown.shape}, {go.shape}, {paid.shape}: "
            "allowed are equal ones (steps,)"
        )
    steps = np.arange(len(trace))
    with style.house_style():
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 2.5), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.7, 1])
        above.axhline(0, color=style.GREY, linewidth=0.6)
        for sign, colour in ((1, style.PALETTE[2]), (-1, style.PALETTE[5])):
            # A reward is felt one step after the answer that earned it.
            for step in steps[(paid * sign > 0) & go.astype(bool)] + 1:
                above.axvline(step, color=colour, linewidth=1.6, alpha=0.35)
        above.plot(steps, trace, color=style.INK, linewidth=1.0)
        above.set(ylabel="Modulator", ylim=(-1.05, 1.05))
        others = [cue for cue in range(int(max(shown.max(), target)) + 1) if cue != target]
        for row, cue in enumerate([target, *others]):
            colour = style.PALETTE[0] if cue == target else style.GREY
            below.plot(steps[shown == cue], np.full((shown == cue).sum(), row), "s", color=colour, markersize=3.2)
        answer_row = len(others) + 1
        for sign, colour in ((1, style.PALETTE[2]), (-1, style.PALETTE[5])):
            right = steps[(paid * sign > 0) & go.astype(bool)]
            below.plot(
                right, np.full(len(right), answer_row), "^" if sign > 0 else "v", color=colour, markersize=4
            )
        labels = ["target", *["other cue"] * len(others), "answer"]
        below.set_yticks(range(answer_row + 1), labels, fontsize=style.TINY_FONT_SIZE)
        below.set(xlabel="Step", ylim=(answer_row + 0.6, -0.6), xlim=(-1, len(steps)))
        below.tick_params(axis="y", length=0)
    return figure
