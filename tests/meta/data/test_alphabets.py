from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from meta.data.alphabets import STROKES, draw_plan
from meta.data.ink import ink
from meta.data.pen import NOISE_OF_STROKE, Hand, box, on_paper, trace
from meta.data.styles import draw_style


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_characters_are_legible(seed):
    random = np.random.default_rng(seed)
    plan = draw_plan(draw_style(random), random)
    points, counts = trace(plan, np.zeros((len(plan), NOISE_OF_STROKE)))
    assert 1 <= len(plan) <= STROKES
    assert plan.parents[0] == -1
    assert all(plan.parents[stroke] < stroke for stroke in range(len(plan)))
    assert all(plan.targets[stroke] <= stroke for stroke in range(len(plan)))
    low, high = box(points, counts)
    assert (high - low).min() > 0.3 * (high - low).max()
    black = np.count_nonzero(~ink(on_paper(points, counts, Hand()), counts, 2.5))
    assert 330 <= black <= 1500
