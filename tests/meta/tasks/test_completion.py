"""Schedules of lifetimes, and what is shown when."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from meta.tasks.completion import Lifetimes, Schedule, show

small = st.integers(1, 4)


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        (Schedule(5, 2, 6, 4, 6), 106),  # 1000-bit patterns
        (Schedule(3, 3, 20, 2, 3), 201),  # pictures
        (Schedule(2, 1, 3, 1, 3), 11),  # 50-bit patterns
    ],
)
def test_published_lifetimes_have_their_published_length(schedule: Schedule, steps: int) -> None:
    assert schedule.steps == steps == len(schedule.slots())


def test_slots_say_what_each_step_is() -> None:
    assert Schedule(2, 1, 3, 1, 2).slots().tolist() == [0, 0, 0, -1, 1, 1, 1, -1, -2, -2]


@given(small, small, small, st.integers(0, 3), small, st.integers(0, 2**31))
def test_every_step_shows_what_it_should(
    count: int, cycles: int, shown: int, blank: int, test: int, seed: int
) -> None:
    schedule, batch, size = Schedule(count, cycles, shown, blank, test), 3, 4
    stream = np.random.default_rng(seed)
    vectors = stream.normal(size=(batch, count, size)).astype(np.float32)
    visible = stream.random((batch, size)) < 0.5
    lifetimes = show(vectors, visible, schedule, stream)
    assert lifetimes.inputs.shape == (schedule.steps, batch, size)
    for b in range(batch):
        orders = lifetimes.order[b].reshape(cycles, count)
        assert all(sorted(order) == list(range(count)) for order in orders.tolist())
        step = 0
        for showing in lifetimes.order[b]:
            for _ in range(shown):
                np.testing.assert_array_equal(lifetimes.inputs[step, b], vectors[b, showing])
                step += 1
            for _ in range(blank):
                assert not lifetimes.inputs[step, b].any()
                step += 1
        wanted = vectors[b, lifetimes.asked[b]]
        np.testing.assert_array_equal(lifetimes.targets[b], wanted)
        for _ in range(test):
            np.testing.assert_array_equal(lifetimes.inputs[step, b], np.where(visible[b], wanted, 0))
            step += 1
        assert step == schedule.steps
        last = max(k for k, showing in enumerate(lifetimes.order[b]) if showing == lifetimes.asked[b])
        assert lifetimes.lags[b] == len(lifetimes.order[b]) - last


def test_lags_count_showings_back_from_the_test() -> None:
    def lag(order: list[int], asked: int) -> NDArray[np.int64]:
        nothing = np.zeros((1, 1), np.float32)
        return Lifetimes(nothing, nothing, np.array([order]), np.array([asked])).lags

    assert lag([0, 1, 2, 1, 0, 2], 2).tolist() == [1] and lag([0, 1, 2, 2, 0, 1], 2).tolist() == [3]


def test_orders_and_questions_are_drawn_evenly() -> None:
    vectors, stream = np.zeros((6000, 3, 1), np.float32), np.random.default_rng(1)
    lifetimes = show(vectors, np.ones((6000, 1), bool), Schedule(3, 2, 1, 0, 1), stream)
    for drawn in (lifetimes.order[:, 0], lifetimes.order[:, 3], lifetimes.asked):
        assert np.abs(np.bincount(drawn) / 6000 - 1 / 3).max() < 0.03
    same = (lifetimes.order[:, :3] == lifetimes.order[:, 3:]).all(1).mean()
    assert same == pytest.approx(1 / 6, abs=0.03)  # a fresh order in every cycle
