from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from meta.data.characters import SIDE
from meta.data.ink import ink


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), radius=st.floats(0.6, 6.0))
def test_ink_is_where_a_line_is_near(seed, radius):
    random = np.random.default_rng(seed)
    points = random.uniform(-5, SIDE + 5, (2, 3, 2))
    points[1, 1] = points[1, 0]  # a dot
    counts = np.array([3, 2])
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    nearest = np.full((SIDE, SIDE), np.inf)
    for start, end in ((points[0, 0], points[0, 1]), (points[0, 1], points[0, 2]), (points[1, 0], points[1, 1])):
        # The oracle: the nearest of many points along the line.
        for share in np.linspace(0, 1, 250):
            px, py = start + share * (end - start)
            nearest = np.minimum(nearest, np.hypot(x - px, y - py))
    paper = ink(points, counts, radius)
    sure = np.abs(nearest - radius) > 0.1
    assert np.array_equal(paper[sure], (nearest > radius)[sure])
