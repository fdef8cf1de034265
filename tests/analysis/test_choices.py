"""Repeated choices: counts against a loop, effects against a fitted regression, the figure's content."""

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from analysis.choices import stay_counts, stay_effects, stay_figure
from analysis.style import save_figure


def test_counts_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(1)
    choices, rewarded, rare = (rng.random((40, 7)) < p for p in (0.5, 0.6, 0.2))
    stays, totals = stay_counts(choices.astype(int), rewarded, rare)
    for (row, reward), (column, unusual) in product(enumerate((True, False)), enumerate((False, True))):
        here = [
            choices[trial, life] == choices[trial - 1, life]
            for trial, life in product(range(1, 40), range(7))
            if rewarded[trial - 1, life] == reward and rare[trial - 1, life] == unusual
        ]
        assert (stays[row, column], totals[row, column]) == (sum(here), len(here))


def test_effects_are_those_of_a_fitted_logistic_regression() -> None:
    stays, totals = np.array([[90, 31], [25, 70]]), np.array([[120, 60], [80, 75]])
    yes, no = stays + 0.5, totals - stays + 0.5
    factors = np.array([[1, r, t, r * t] for r in (0.5, -0.5) for t in (0.5, -0.5)])

    def loss(weights: np.ndarray) -> float:
        odds = factors @ weights
        return float((yes.ravel() * np.logaddexp(0, -odds) + no.ravel() * np.logaddexp(0, odds)).sum())

    fitted = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    chances = 1 / (1 + np.exp(-factors @ fitted))
    information = factors.T @ (factors * ((yes + no).ravel() * chances * (1 - chances))[:, None])
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    effects = stay_effects(stays, totals)
    for index, name in enumerate(("reward", "transition", "interaction"), 1):
        assert effects[name].estimate == pytest.approx(fitted[index], abs=1e-5)
        assert effects[name].error == pytest.approx(errors[index], rel=1e-5)
        z = abs(fitted[index]) / errors[index]
        assert effects[name].p == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)


def test_habit_and_planning_leave_their_marks() -> None:
    habit = stay_effects([[95, 95], [50, 50]], [[100, 100], [100, 100]])
    planning = stay_effects([[95, 50], [50, 95]], [[100, 100], [100, 100]])
    assert habit["reward"].estimate > 2 and abs(habit["interaction"].estimate) < 1e-9
    assert planning["interaction"].estimate > 4 and abs(planning["reward"].estimate) < 1e-9
    assert habit["reward"].p < 1e-6 and planning["reward"].p == pytest.approx(1)
    always = stay_effects([[100, 100], [100, 100]], [[100, 100], [100, 100]])
    assert all(math.isfinite(effect.estimate) for effect in always.values())


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="choices, rewarded, rare: shapes"):
        stay_counts(np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="choices, rewarded, rare: shapes"):
        stay_counts(*[np.zeros((1, 2))] * 3)
    for stays, totals in (([[1, 1], [1, 1]], [[1, 1], [1, 0]]), ([[3, 1], [1, 1]], [[2, 2], [2, 2]])):
        with pytest.raises(ValueError, match="stays, totals"):
            stay_effects(stays, totals)


def test_the_figure_shows_means_and_every_seed(tmp_path: Path) -> None:
    shares = np.array([[[0.9, 0.5], [0.4, 0.8]], [[0.8, 0.6], [0.6, 0.9]], [[1.0, 0.4], [0.5, 1.0]]])
    figure = stay_figure({"agent": shares, "single": shares[:1]}, [("published", [[0.99, 0.63], [0.62, 0.99]])])
    panel = figure.axes[0]
    assert sorted(bar.get_height() for bar in panel.patches) == pytest.approx([0.5, 0.5, 0.9, 0.9], abs=1e-9)
    points = sorted(y for line in panel.lines if line.get_marker() == "." for y in line.get_ydata())
    assert points == pytest.approx(sorted(shares.ravel()))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["published", "common", "rare"]
    save_figure(figure, tmp_path / "stays")
    with pytest.raises(ValueError, match="shares of agent"):
        stay_figure({"agent": shares[0]})
