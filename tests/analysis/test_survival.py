"""Censored solving times against published figures of a textbook's data, and against counting."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.style import save_figure
from analysis.survival import log_rank_tests, solving_curve, solving_figure, solving_table

# Weeks in remission of leukaemia patients (Freireich et al. 1963; the standard example, e.g. of Cox 1972):
# those on 6-mercaptopurine, some of them censored, and those on placebo.
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [True] * 9 + [False] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def frame(**groups):
    rows = [(name, t, s) for name, (times, solved) in groups.items() for t, s in zip(times, solved, strict=True)]
    return pd.DataFrame(rows, columns=["treatment", "generation", "solved"])


LEUKAEMIA = frame(treated=(TREATED, RELAPSED), placebo=(PLACEBO, [True] * 21))


def test_the_published_curve():
    curve = solving_curve(TREATED, RELAPSED)
    left = dict(zip(curve.times, 1 - curve.solved, strict=True))
    published = {0: 1.0, 6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448, 35: 0.448}
    assert {time: round(left[time], 3) for time in published} == published
    assert curve.median == 23
    assert curve.censored.tolist() == [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    # R: survfit(..., conf.type = "log-log") has a median of 23 (13, Inf) and S(10) in (0.503, 0.889).
    assert (curve.median_low, curve.median_high) == (13, math.inf)
    at_ten = np.flatnonzero(curve.times == 10)[0]
    assert 1 - curve.high[at_ten] == pytest.approx(0.503, abs=5e-4)
    assert 1 - curve.low[at_ten] == pytest.approx(0.889, abs=5e-4)
    assert np.isnan(curve.low[0]) and np.isnan(curve.high[0])


def test_the_published_test_and_means():
    test = log_rank_tests(LEUKAEMIA).iloc[0]
    assert (test["a"], test["against"]) == ("placebo", "treated")
    assert test["z"] ** 2 == pytest.approx(16.79, abs=5e-3) and test["z"] > 0
    assert test["p"] == test["p_holm"] == pytest.approx(4.17e-5, rel=2e-3)
    table = solving_table(LEUKAEMIA, horizon=None).set_index("treatment")
    assert table["horizon"].tolist() == [23.0, 23.0]
    assert table["trials"].tolist() == [21, 21] and table["solved"].tolist() == [9, 21]
    assert table["median"].tolist() == [23.0, 8.0]
    whole = solving_curve(TREATED, RELAPSED)  # R: print(survfit(...), rmean = 35)
    assert (whole.restricted_mean, whole.restricted_error) == pytest.approx((23.29, 2.83), abs=5e-3)


trials = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=30)


@given(trials)
def test_the_curve_by_its_definition(drawn):
    times, solved = np.array([t for t, _ in drawn]), np.array([s for _, s in drawn])
    curve = solving_curve(times, solved)
    left = 1.0
    for time in range(21):
        at_risk = (times >= time).sum()
        if at_risk:
            left *= 1 - (solved & (times == time)).sum() / at_risk
        place = np.searchsorted(curve.times, time, side="right") - 1
        assert 1 - curve.solved[place] == pytest.approx(left, abs=1e-12)
    steps = np.interp(np.arange(0, times.max()) + 0.5, curve.times, np.arange(len(curve.times))).astype(int)
    assert curve.restricted_mean == pytest.approx((1 - curve.solved)[steps].sum())
    inside = ~np.isnan(curve.low)
    assert np.all(curve.low[inside] <= curve.solved[inside]) and np.all(curve.solved[inside] <= curve.high[inside])


def test_without_censoring_it_is_the_sample_itself():
    curve = solving_curve(PLACEBO, [True] * 21)
    assert curve.restricted_mean == pytest.approx(np.mean(PLACEBO))
    assert curve.restricted_error == pytest.approx(np.std(PLACEBO) / math.sqrt(21))
    assert curve.median == np.median(PLACEBO)
    assert curve.solved == pytest.approx([np.mean(np.array(PLACEBO) <= time) for time in curve.times])
    for size in range(2, 60, 2):  # a product of many fractions may miss a half by its rounding
        assert solving_curve(np.arange(size), [True] * size).median == size / 2 - 1


def test_trials_that_never_solved_are_not_dropped():
    never = solving_curve([50] * 5, [False] * 5)
    assert never.solved.tolist() == [0.0, 0.0] and never.restricted_mean == 50.0
    assert (never.median, never.median_low, never.median_high) == (math.inf, math.inf, math.inf)
    slow, fast = ([3] * 4 + [50] * 8, [True] * 4 + [False] * 8), ([3] * 4 + [9] * 8, [True] * 12)
    table = solving_table(frame(slow=slow, fast=fast)).set_index("treatment")
    assert table.loc["slow", "median"] == math.inf and table.loc["fast", "median"] == 9.0
    assert table["horizon"].tolist() == [9.0, 9.0]
    assert log_rank_tests(frame(slow=slow, fast=fast))["p"].iloc[0] < 0.02


def test_groups_that_tell_nothing_apart():
    for group in (([50, 40], [False, False]), ([7, 7], [True, True])):
        test = log_rank_tests(frame(a=group, b=group)).iloc[0]
        assert (test["z"], test["p"]) == (0.0, 1.0)


def test_many_groups_are_corrected_for_their_number():
    shifted = {"a": 0, "b": 5, "c": 20}
    groups = {name: (np.arange(8) + k, [True] * 7 + [False]) for name, k in shifted.items()}
    every, some = log_rank_tests(frame(**groups)), log_rank_tests(frame(**groups), base="a")
    assert every[["a", "against"]].to_numpy().tolist() == [["b", "a"], ["c", "a"], ["c", "b"]]
    assert some[["a", "against"]].to_numpy().tolist() == [["b", "a"], ["c", "a"]]
    assert every["p_holm"].max() <= 1.0 and (every["p_holm"] >= every["p"]).all()
    assert some["p_holm"].min() == pytest.approx(2 * some["p"].min())
    assert every["p_holm"].min() == pytest.approx(3 * every["p"].min())


def test_the_figure_shows_stairs_and_censored_trials(tmp_path: Path):
    figure = solving_figure(LEUKAEMIA, xlabel="Week")
    axes = figure.axes[0]
    stairs, _, censored = axes.lines
    x, y = stairs.get_data()
    assert np.all(np.diff(x) >= 0) and x[-1] == 35 and y[-1] == pytest.approx(100 * (1 - 0.448), abs=0.05)
    assert censored.get_xdata().tolist() == sorted(t for t, s in zip(TREATED, RELAPSED, strict=True) if not s)
    assert [text.get_text() for text in axes.texts] == [r"log-rank p = 4.2$\times$10$^{-5}$"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "treated (9 of 21)",
        "placebo (21 of 21)",
    ]
    assert all(path.exists() for path in save_figure(figure, tmp_path / "solving"))
    assert not solving_figure(LEUKAEMIA.iloc[:3], xscale="log").axes[0].texts


def test_bad_input_is_refused():
    for times in ([], [[1.0]], [math.nan], [-1.0], [math.inf]):
        with pytest.raises(ValueError, match="times: shape"):
            solving_curve(times, [True])
    with pytest.raises(ValueError, match=r"solved: int64 \(2,\): allowed is bool \(2,\)"):
        solving_curve([1, 2], [1, 0])
    with pytest.raises(ValueError, match=r"level: 1\.0"):
        solving_curve([1, 2], [True, False], level=1.0)
    for horizon in (0.0, 36.0):
        with pytest.raises(ValueError, match=f"horizon: {horizon}: allowed is above 0, up to 35"):
            solving_curve(TREATED, RELAPSED, horizon=horizon)
    with pytest.raises(ValueError, match="table: column solved: missing"):
        solving_table(LEUKAEMIA.drop(columns="solved"))
    with pytest.raises(ValueError, match="table: no rows"):
        solving_figure(LEUKAEMIA.iloc[:0])
    with pytest.raises(ValueError, match="groups: treated: allowed are two or more"):
        log_rank_tests(LEUKAEMIA.iloc[:3])
    with pytest.raises(ValueError, match="base: 'x': allowed are treated, placebo"):
        log_rank_tests(LEUKAEMIA, base="x")


def test_the_median_of_trials_that_all_solved_it_at_once_has_an_interval() -> None:
    curve = solving_curve([3.0] * 5, [True] * 5)
    assert (curve.median, curve.median_low, curve.median_high) == (3.0, 3.0, 3.0)
