"""What a trace holds: against plain loops, and against the closed form for orthogonal patterns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

from analysis.traces import pattern_overlap, pattern_strength

RANDOM = np.random.default_rng(0)


def test_overlap_is_the_cosine_of_each_pair() -> None:
    activity, patterns = RANDOM.normal(size=(5, 7)), RANDOM.normal(size=(3, 7))
    activity[2] = 0.0
    overlap = pattern_overlap(activity, patterns)
    assert overlap.shape == (5, 3)
    for t, state in enumerate(activity):
        for k, pattern in enumerate(patterns):
            product = sum(a * b for a, b in zip(state, pattern, strict=True))
            lengths = math.hypot(*state) * math.hypot(*pattern)
            assert overlap[t, k] == pytest.approx(product / lengths if lengths else 0.0, abs=1e-15)


def test_overlap_is_one_with_the_pattern_and_minus_one_with_its_opposite() -> None:
    patterns = hadamard(8)[:3]
    np.testing.assert_allclose(
        pattern_overlap([0.1 * patterns[1], -2 * patterns[2]], patterns), [[0, 1, 0], [0, 0, -1]], atol=1e-15
    )


def test_strength_is_the_quadratic_form_summed_entry_by_entry() -> None:
    traces, patterns = RANDOM.normal(size=(2, 4, 4)), RANDOM.normal(size=(3, 4))
    strength = pattern_strength(iter(traces), patterns)
    for t in range(2):
        for k, p in enumerate(patterns):
            known = sum(p[i] * traces[t, i, j] * p[j] for i in range(4) for j in range(4)) / 16
            assert strength[t, k] == pytest.approx(known)


@settings(deadline=None)
@given(
    shown=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    steps=st.integers(1, 5),
    rate=st.floats(0.001, 0.5),
)
def test_decaying_trace_of_orthogonal_patterns_has_its_closed_form(
    shown: list[int], steps: int, rate: float
) -> None:
    patterns = hadamard(16)[1:6].astype(float)
    trace, before, traces = np.zeros((16, 16)), np.zeros(16), []
    for k in shown:
        for _ in range(steps):
            trace = (1 - rate) * trace + rate * np.outer(before, patterns[k])
            before = patterns[k]
        traces.append(trace)
    # A showing writes its pattern in every step whose step before had the same pattern; all steps decay.
    known = np.zeros((len(shown), 5))
    strength, previous = np.zeros(5), -1
    for row, k in enumerate(shown):
        writes = steps if k == previous else steps - 1
        strength = strength * (1 - rate) ** steps
        strength[k] += 1 - (1 - rate) ** writes
        known[row], previous = strength, k
    np.testing.assert_allclose(pattern_strength(traces, patterns), known, atol=1e-12)


def test_no_traces_are_no_rows() -> None:
    assert pattern_strength([], np.ones((3, 2))).shape == (0, 3)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="patterns: 3 neurons"):
        pattern_overlap(np.ones((5, 4)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="activity: shape"):
        pattern_overlap(np.ones(4), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"traces: shape \(4, 3\)"):
        pattern_strength([np.ones((4, 3))], np.ones((2, 4)))
