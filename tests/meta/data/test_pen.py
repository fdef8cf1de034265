from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta.data.alphabets import draw_plan
from meta.data.characters import SIDE
from meta.data.pen import MARGIN, NOISE_OF_STROKE, PIECES, STEPS, Hand, Plan, box, on_paper, trace
from meta.data.styles import draw_style

seeds = st.integers(0, 10_000)


def plan_of(*strokes, **columns):
    """Strokes given as lists of (length, heading, turn); one relation a column, all free unless given."""
    pieces = np.zeros((len(strokes), PIECES, 3))
    for row, stroke in enumerate(strokes):
        pieces[row, : len(stroke)] = stroke
    count = len(strokes)
    values = {
        "parents": np.full(count, -1),
        "places": np.zeros(count),
        "offsets": np.zeros((count, 2)),
        "anchors": np.zeros(count),
        "targets": np.full(count, -1),
        "ends": np.zeros(count),
    }
    return Plan(pieces, **{**values, **{name: np.array(value) for name, value in columns.items()}})


def exact(plan):
    return trace(plan, np.zeros((len(plan), NOISE_OF_STROKE)))


def drawn(seed, noise):
    """Points of some alphabet's character, drawn with this much noise."""
    random = np.random.default_rng(seed)
    plan = draw_plan(draw_style(random), random)
    return plan, *trace(plan, noise * random.standard_normal((len(plan), NOISE_OF_STROKE)))


def test_a_straight_piece_ends_where_geometry_says():
    points, counts = exact(plan_of([(30.0, math.pi / 6, 0.0)]))
    assert counts.tolist() == [STEPS + 1]
    assert np.allclose(points[0, STEPS], [30 * math.cos(math.pi / 6), 15.0])


@pytest.mark.parametrize("turn", [math.pi / 2, -math.pi, 2 * math.pi])
def test_an_arc_ends_where_geometry_says(turn):
    points, _ = exact(plan_of([(30.0, 0.0, turn)]))
    radius = 30.0 / turn
    # Ten chords of the arc's length instead of an arc: off by a factor of about 1 + (turn / 10)^2 / 24.
    assert np.allclose(
        points[0, STEPS], [radius * math.sin(turn), radius * (1 - math.cos(turn))], rtol=0.02, atol=1e-9
    )


def test_strokes_begin_cross_and_end_where_the_plan_says():
    right, down = [(40.0, 0.0, 0.0)], [(20.0, math.pi / 2, 0.0)]
    points, counts = exact(
        plan_of(
            right,
            down,
            down,
            right,
            [*right, (30.0, math.pi / 2, 0.0)],
            parents=[-1, 0, 0, 0, 0],
            places=[0, 0.25, 0.5, 1, 0],
            offsets=[[0, 0], [0, 0], [0, 0], [3, 4], [0, 0]],
            anchors=[0, 0, 0.5, 0, 0],
            targets=[-1, -1, -1, 1, 4],
            ends=[0, 0, 0, 1, 0],
        )
    )
    ends = [points[stroke, [0, count - 1]].tolist() for stroke, count in enumerate(counts)]
    expected = [
        [[0, 0], [40, 0]],
        [[10, 0], [10, 20]],  # hangs from a quarter of the first
        [[20, -10], [20, 10]],  # crosses its middle
        [[43, 4], [10, 20]],  # begins beside its end and ends at the second's
        [[0, 0], [0, 0]],  # ends where it began
    ]
    assert np.allclose(ends, expected)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, noise=st.floats(0.0, 2.0))
def test_every_hand_stays_on_the_paper(seed, noise):
    _, points, counts = drawn(seed, noise)
    random = np.random.default_rng(seed)
    hand = Hand(0.3, 0.3, (random.uniform(0.5, 2), random.uniform(0.5, 2)), tuple(random.normal(0, 30, 2)))
    paper = on_paper(points, counts, hand)
    low, high = box(paper, counts)
    assert (low >= MARGIN - 0.5).all() and (high <= SIDE - MARGIN + 0.5).all()
    used = np.concatenate([paper[stroke, :count] for stroke, count in enumerate(counts)])
    assert np.array_equal(low, used.min(axis=0)) and np.array_equal(high, used.max(axis=0))
    assert np.array_equal(used % 1, np.full_like(used, 0.5))


def test_a_hand_slants_turns_and_moves():
    points, counts = exact(plan_of([(20.0, -math.pi / 2, 0.0)]))  # upwards

    def direction(hand):
        paper = on_paper(points, counts, hand)[0]
        return paper[STEPS] - paper[0]

    assert np.allclose(direction(Hand(slant=0.5)), [10, -20], atol=1)
    assert np.allclose(direction(Hand(turn=math.pi / 2)), [20, 0], atol=1)
    assert np.allclose(direction(Hand(scale=(1, 2))), [0, -40], atol=1)
    middle = np.mean(box(on_paper(points, counts, Hand(shift=(7, -3))), counts), axis=0)
    assert np.allclose(middle, [SIDE / 2 + 7, SIDE / 2 - 3], atol=1)
