"""Characters composed in the style of an invented alphabet.

After the idea of Lake, Salakhutdinov and Tenenbaum (2015) that a character is composed of strokes, strokes of
primitive pieces shared by an alphabet, and that strokes are related (begin, end or cross on each other).
The distributions are our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from meta.data.ink import ink
from meta.data.pen import NOISE_OF_STROKE, PIECES, Hand, Plan, box, on_paper, trace
from meta.data.styles import STARTS, Style

#: Most strokes of a character.
STROKES = 6

#: Pixels of ink that a character has at least and at most.
_INK = (330, 1500)


@dataclass(frozen=True, eq=False)
class _Stroke:
    """A row of a plan."""

    pieces: NDArray[np.float64]
    parent: int = -1
    place: float = 0.0
    offset: tuple[float, float] = (0.0, 0.0)
    anchor: float = 0.0
    target: int = -1
    end: float = 0.0


def draw_plan(style: Style, random: Generator) -> Plan:
    """A character of an alphabet, 1 to 6 strokes; one too faint, too black or too long is drawn anew."""
    while True:
        plan = _fit(_compose(style, random), style.size * random.lognormal(0.0, 0.12))
        if _legible(plan) and (_richness(plan) >= 3 or random.random() < 0.1):
            return plan


def _legible(plan: Plan) -> bool:
    """Whether it is neither flat nor too faint, too black or drawn over itself."""
    points, counts = _exact(plan)
    black = np.count_nonzero(~ink(on_paper(points, counts, Hand()), counts, Hand().radius))
    low, high = box(points, counts)
    flat = (high - low).min() < 0.35 * (high - low).max()
    # Lines that lie over each other leave less ink than their length says.
    over = black < 0.8 * 2.0 * Hand().radius * plan.pieces[:, :, 0].sum()
    return bool(_INK[0] <= black <= _INK[1] and not over and not flat)


def _richness(plan: Plan) -> int:
    """Number of pieces, dots apart, those that bend counted twice: a line has 1, an L 2, a P 3."""
    lengths, turns = plan.pieces[:, :, 0], plan.pieces[:, :, 2]
    lines = lengths > 5.0
    return int(np.count_nonzero(lines) + np.count_nonzero(lines & (np.abs(turns) > math.pi / 2)))


def _exact(plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points and their numbers, as no hand draws them."""
    return trace(plan, np.zeros((len(plan), NOISE_OF_STROKE)))


def _fit(plan: Plan, size: float) -> Plan:
    """The plan with its larger side this long."""
    low, high = box(*_exact(plan))
    scale = size / (high - low).max()
    return replace(plan, pieces=plan.pieces * np.array([scale, 1.0, 1.0]), offsets=plan.offsets * scale)


def _compose(style: Style, random: Generator) -> Plan:
    strokes: list[_Stroke] = []
    if style.bar:
        strokes.append(_Stroke(_straight(random.uniform(35.0, 55.0))))
    for _ in range(1 + min(random.poisson(style.strokes), 3)):
        strokes.append(_next_stroke(style, strokes, random))
    if random.random() < style.dots:
        strokes += _dots(len(strokes), random)
    rows = strokes[:STROKES]
    return Plan(
        pieces=np.stack([row.pieces for row in rows]),
        parents=np.array([row.parent for row in rows]),
        places=np.array([row.place for row in rows]),
        offsets=np.array([row.offset for row in rows]),
        anchors=np.array([row.anchor for row in rows]),
        targets=np.array([row.target for row in rows]),
        ends=np.array([row.end for row in rows]),
    )


def _straight(length: float, heading: float = 0.0) -> NDArray[np.float64]:
    pieces = np.zeros((PIECES, 3))
    pieces[0] = length, heading, 0.0
    return pieces


def _dots(strokes: int, random: Generator) -> list[_Stroke]:
    """One to three dots in a row, beside a stroke."""
    angle = random.choice([-0.5, -0.5, 0.5, 0.0, 1.0]) * math.pi
    offset = (14.0 * math.cos(angle), 14.0 * math.sin(angle))
    first = _Stroke(_straight(1.0), int(random.integers(strokes)), float(random.choice([0.0, 0.5, 1.0])), offset)
    step = tuple(random.permutation([13.0, 0.0]))
    others = [
        _Stroke(_straight(1.0), strokes + index, 0.0, (float(step[0]), float(step[1])))
        for index in range(int(random.choice([0, 0, 1, 2])))
    ]
    return [first, *others]


def _next_stroke(style: Style, strokes: list[_Stroke], random: Generator) -> _Stroke:
    if strokes and random.random() < style.repeat:
        model = strokes[-1]
        return _Stroke(model.pieces, len(strokes) - 1, 0.0, _beside(model.pieces, random.uniform(13.0, 22.0)))
    if strokes and random.random() < style.mirror:
        return _Stroke(strokes[-1].pieces * np.array([1.0, -1.0, -1.0]) + [0.0, math.pi, 0.0], len(strokes) - 1)
    stroke = _Stroke(_pieces(style, random))
    if strokes:
        stroke = _attach(stroke, style, len(strokes), random)
    if random.random() < style.close and not (len(strokes) == 0 and np.count_nonzero(stroke.pieces[:, 0]) == 1):
        target = int(random.integers(len(strokes) + 1))
        end = 0.0 if target == len(strokes) else float(random.choice([0.0, 0.5, 1.0]))
        stroke = replace(stroke, target=target, end=end)
    return stroke


def _beside(pieces: NDArray[np.float64], distance: float) -> tuple[float, float]:
    """A step to the right or downwards, whichever leads away from a stroke's first piece."""
    heading = pieces[0, 1] + pieces[0, 2] / 2
    return (distance, 0.0) if abs(math.sin(heading)) > abs(math.cos(heading)) else (0.0, distance)


def _attach(stroke: _Stroke, style: Style, strokes: int, random: Generator) -> _Stroke:
    """Begin on an earlier stroke, cross it, or stand apart."""
    place = float(random.choice([0.0, 0.0, 1.0, 0.5, random.random()]))
    attached = replace(stroke, parent=int(random.integers(strokes)), place=place)
    if random.random() < style.apart:
        angle = random.uniform(0.0, 2.0 * math.pi)
        return replace(attached, offset=(18.0 * math.cos(angle), 18.0 * math.sin(angle)))
    if random.random() < style.cross:
        return replace(attached, place=float(random.uniform(0.25, 0.75)), anchor=float(random.uniform(0.3, 0.7)))
    return attached


def _pieces(style: Style, random: Generator) -> NDArray[np.float64]:
    """A chain of pieces from the stock."""
    pieces = np.zeros((PIECES, 3))
    heading = float(random.choice(STARTS, p=style.starts))
    for index in range(1 + min(random.poisson(style.pieces), PIECES - 1)):
        length, turn = style.stock[random.integers(len(style.stock))]
        if index > 0 and random.random() >= style.smooth:
            heading += random.choice([-1.0, 1.0]) * random.choice([0.25, 0.5, 0.5, 0.5, 0.75]) * math.pi
        if random.random() < style.snap:
            heading = round(heading / (math.pi / 4)) * (math.pi / 4)
        else:
            heading += random.normal(0.0, 0.25)
        pieces[index] = length, heading, turn
        heading += turn
    return pieces
