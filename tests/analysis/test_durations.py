import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from analysis.durations import Durations, log_rank, median_duration, rank_sum, survival, survival_figure

trials = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=12)


def made(pairs: list[tuple[int, bool]]) -> Durations:
    return Durations.of([time for time, _ in pairs], [reached for _, reached in pairs])


def product_limit(pairs: list[tuple[int, bool]], time: float) -> float:
    """Kaplan and Meier's estimate, written out."""
    share = 1.0
    for moment in sorted({t for t, reached in pairs if reached and t <= time}):
        risk = sum(t >= moment for t, _ in pairs)
        events = sum(t == moment and reached for t, reached in pairs)
        share *= 1 - events / risk
    return share


@given(trials)
def test_the_curve_is_the_product_limit(pairs: list[tuple[int, bool]]) -> None:
    curve = survival(made(pairs))
    assert curve.times[0] == 0 and curve.share[0] == 1.0
    for time in np.arange(0, 13, 0.5):
        if time > curve.times[-1]:
            continue
        place = np.searchsorted(curve.times, time, side="right") - 1
        assert curve.share[place] == pytest.approx(product_limit(pairs, time))
    assert (curve.low <= curve.share + 1e-12).all() and (curve.share <= curve.high + 1e-12).all()


@given(trials, trials)
def test_the_log_rank_test_is_observed_less_expected(
    first: list[tuple[int, bool]], second: list[tuple[int, bool]]
) -> None:
    observed = expected = variance = 0.0
    both = first + second
    for moment in sorted({t for t, reached in both if reached}):
        n, n_first = sum(t >= moment for t, _ in both), sum(t >= moment for t, _ in first)
        events = sum(t == moment and reached for t, reached in both)
        observed += sum(t == moment and reached for t, reached in first)
        expected += events * n_first / n
        if n > 1:
            variance += events * n_first / n * (1 - n_first / n) * (n - events) / (n - 1)
    test = log_rank(made(first), made(second))
    if variance < 1e-12:
        assert test.p == pytest.approx(1.0)
    else:
        z = (observed - expected) / np.sqrt(variance)
        assert test.statistic == pytest.approx(z)
        assert test.p == pytest.approx(2 * norm.sf(abs(z)))


def test_who_never_reached_it_ranks_behind_all_who_did_however_early_observation_ended() -> None:
    early = Durations.of([3, 4, 5], [True, True, True])
    never = Durations.of([1, 2, 2], [False, False, False])
    assert rank_sum(early, never).vargha_delaney == 0.0
    assert rank_sum(never, never).p == 1.0


def test_a_median_is_never_where_half_never_came() -> None:
    some = median_duration(Durations.of([2, 4, 9, 9, 9], [True, True, True, False, False]), 0)
    assert (some.median, some.low, some.high) == (9.0, 2.0, None)
    assert median_duration(Durations.of([2, 9], [True, False]), 0).median is None
    assert median_duration(Durations.of([2, 3, 4], [True] * 3), 0).median == 3.0


def test_what_are_no_durations_is_refused() -> None:
    for times, reached in (([1, 2], [True]), ([np.nan], [True]), ([[1]], [[True]])):
        with pytest.raises(ValueError, match="times, reached"):
            Durations.of(times, reached)
    none = Durations.of([], [])
    for call in (lambda: survival(none), lambda: log_rank(none, none), lambda: median_duration(none, 0)):
        with pytest.raises(ValueError):
            call()


def test_a_figure_has_a_line_for_each_treatment_with_trials() -> None:
    groups = {"pa": Durations.of([5, 9, 9], [True, False, False]), "pcc": Durations.of([], [])}
    groups["other"] = Durations.of([1, 2], [True, True])
    axes = survival_figure(groups, "Generations").axes[0]
    labels = [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]
    assert labels == ["pa (1 of 3)", "other (2 of 2)"]
    assert survival_figure({}, "Generations").axes
