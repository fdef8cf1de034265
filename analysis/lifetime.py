"""One lifetime of a plastic network, step by step: what happens, what it recalls, and what its trace holds.

Steps count from 1; the activity and the trace of step t are those after it, and step 0 is the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis import style
from analysis.matrices import signed_colours
from analysis.traces import pattern_overlap, pattern_strength

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Most neurons in a raster or a snapshot; of a larger network every so many-th is drawn.
NEURONS = 100
#: Points that a letter of the smallest size takes.
_LETTER = 0.6 * style.TINY_FONT_SIZE


@dataclass(frozen=True, eq=False)
class Lifetime:
    """What was recorded of one episode.

    Attributes:
        inputs: (steps, neurons).
        activity: (steps, neurons).
        events: What happens in each step, e.g. "pattern 3", "blank", "test"; an event lasts while its name does.
        patterns: What was to be stored, (patterns, neurons), by name; an event of a pattern's name is its showing.
        traces: H (neurons, neurons) at each of `trace_steps`.
        trace_steps: Ascending, from 0 to the number of steps.
    """

    inputs: ArrayLike
    activity: ArrayLike
    events: Sequence[str]
    patterns: Mapping[str, ArrayLike]
    traces: Sequence[ArrayLike]
    trace_steps: Sequence[int]

    def __post_init__(self) -> None:
        steps = len(self.events)
        shapes = {np.shape(self.inputs), np.shape(self.activity)}
        if len(shapes) != 1 or np.ndim(self.activity) != 2 or len(np.asarray(self.activity)) != steps or not steps:
            raise ValueError(
                f"inputs, activity: shapes {shapes}: allowed is one, (steps, neurons), steps as events"
            )
        known = list(self.trace_steps)
        if known != sorted(set(known)) or len(known) != len(self.traces) or not known:
            raise ValueError(f"trace_steps: {known}: must ascend, one for each of {len(self.traces)} traces")
        if not 0 <= known[0] <= known[-1] <= steps:
            raise ValueError(f"trace_steps: {known}: allowed are 0 to {steps}")
        if not self.patterns:
            raise ValueError("patterns: allowed are one or more")


def lifetime_figure(lifetime: Lifetime, snapshots: Sequence[int] | None = None) -> Figure:
    """Draw a lifetime: events, rasters of input and activity, overlap with each pattern, its strength, traces.

    Args:
        lifetime: What was recorded.
        snapshots: Steps at which the trace is drawn, of those recorded; by default up to five, evenly spaced.

    Raises:
        ValueError: A snapshot of a step that was not recorded, or arrays of different numbers of neurons.
    """
    from matplotlib.figure import Figure

    shown = _snapshots(lifetime, snapshots)
    known = np.array(list(lifetime.patterns.values()), np.float64)
    overlap = pattern_overlap(lifetime.activity, known)
    strength = pattern_strength(lifetime.traces, known)
    colours = dict(zip(lifetime.patterns, style.distinct_colours(len(known)), strict=True))
    with style.house_style():
        last = min(6.2 / len(shown), 2.0) + 0.35  # snapshots are squares
        figure = Figure(figsize=(style.DOUBLE_COLUMN, 5.6 + last), layout="constrained")
        halves: Any = figure.subfigures(2, 1, height_ratios=[5.6, last])
        upper, lower = halves
        events, *rows = upper.subplots(5, 1, sharex=True, height_ratios=[0.22, 1.2, 1.2, 1.2, 1.2])
        _draw_events(events, lifetime.events, colours)
        _draw_raster(rows[0], lifetime.inputs, "input")
        _draw_raster(rows[1], lifetime.activity, "activity")
        steps = np.arange(1, len(overlap) + 1)
        _draw_lines(rows[2], steps, overlap, colours, "overlap")
        _draw_lines(rows[3], lifetime.trace_steps, strength, colours, "strength in trace")
        rows[2].set_ylim(min(-0.1, float(overlap.min()) - 0.05), 1.05)
        rows[3].set_xlabel("step")
        rows[3].set_xlim(0.0, len(steps) + 0.5)
        for letter, axes in zip("abcd", rows, strict=True):
            axes.set_title(letter, loc="left", fontweight="bold", pad=2.0)
        upper.align_ylabels(rows)
        upper.legend(*rows[2].get_legend_handles_labels(), loc="outside upper center", ncols=min(len(known), 6))
        _draw_snapshots(lower, lifetime, shown)
    return figure


def _snapshots(lifetime: Lifetime, snapshots: Sequence[int] | None) -> list[int]:
    """Return the places among the recorded steps of the traces to draw."""
    known = list(lifetime.trace_steps)
    if snapshots is None:
        return sorted({round(place) for place in np.linspace(0, len(known) - 1, min(5, len(known)))})
    for step in snapshots:
        if step not in known:
            raise ValueError(f"snapshots: step {step}: allowed are those recorded, {known}")
    return [known.index(step) for step in snapshots]


def _every(neurons: int) -> int:
    return -(-neurons // NEURONS)


def _draw_raster(axes: Axes, values: ArrayLike, label: str) -> None:
    table = np.asarray(values, np.float64).T
    every = _every(len(table))
    limit = float(np.abs(table).max()) or 1.0
    image = axes.imshow(
        table[::every],
        cmap=signed_colours(),
        vmin=-limit,
        vmax=limit,
        interpolation="none",
        aspect="auto",
        extent=(0.5, table.shape[1] + 0.5, len(table) - 0.5, -0.5),
    )
    axes.set_ylabel(f"{label}\nneuron" if every == 1 else f"{label}\n1 in {every} neurons")
    _add_bar(axes, image)


def _draw_lines(
    axes: Axes, steps: ArrayLike, values: NDArray[np.float64], colours: Mapping[str, str], label: str
) -> None:
    axes.axhline(0.0, color=style.GREY, linewidth=0.6)
    dots: dict[str, Any] = {"marker": "o", "markersize": 2.5} if np.size(steps) < 30 else {}
    for column, (name, colour) in zip(values.T, colours.items(), strict=True):
        axes.plot(steps, column, color=colour, linewidth=1.1, label=name, **dots)
    axes.set_ylabel(label)


def _draw_events(axes: Axes, events: Sequence[str], colours: Mapping[str, str]) -> None:
    """Draw a bar for each event, with its name, or the last word of it, where it fits."""
    from matplotlib.colors import to_rgb

    axes.set_axis_off()
    axes.set_ylim(0.0, 1.0)
    wide = 0.8 * style.DOUBLE_COLUMN * 72.0 / len(events)
    for name, start, length in _runs(events):
        colour = colours.get(name, "#dddddd" if name in ("", "blank") else "#bbbbbb")
        axes.broken_barh([(start + 0.5, length)], (0.0, 1.0), color=colour, linewidth=0)
        texts = [text for text in (name, name.split(" ")[-1]) if _LETTER * len(text) < length * wide]
        if texts:
            dark = sum(to_rgb(colour)) < 1.4
            axes.text(
                start + 0.5 + length / 2,
                0.45,
                texts[0],
                ha="center",
                va="center",
                fontsize=style.TINY_FONT_SIZE,
                color="white" if dark else style.INK,
            )


def _runs(events: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each event's name, how many steps are before it, and how many it lasts."""
    start = 0
    for name, members in groupby(events):
        length = sum(1 for _ in members)
        yield name, start, length
        start += length


def _draw_snapshots(figure: Any, lifetime: Lifetime, shown: Sequence[int]) -> None:
    tables = [np.asarray(lifetime.traces[place], np.float64) for place in shown]
    every = _every(len(tables[0]))
    limit = max(float(np.abs(table).max()) for table in tables) or 1.0
    row = figure.subplots(1, len(tables), squeeze=False)[0]
    for axes, table, place in zip(row, tables, shown, strict=True):
        small = table[::every, ::every]
        image = axes.imshow(small, cmap=signed_colours(), vmin=-limit, vmax=limit, interpolation="none")
        axes.set(xticks=[], yticks=[])
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_title(f"step {lifetime.trace_steps[place]}", pad=2.0)
    row[0].set_ylabel("trace\nsending neuron" if every == 1 else f"trace\n1 in {every} neurons")
    row[0].set_title("e", loc="left", fontweight="bold", pad=2.0)
    _add_bar(list(row), image)


def _add_bar(axes: Any, image: Any) -> None:
    bar = image.figure.colorbar(image, ax=axes, pad=0.01, aspect=14)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(labelsize=style.TINY_FONT_SIZE)
