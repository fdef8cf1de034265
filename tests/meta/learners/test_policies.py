"""Policies without training against published tables, simulations and each other."""

from itertools import product

import numpy as np
import pytest

from meta.environments import Bandits
from meta.learners.gittins import best_two_arms, gittins_indices
from meta.learners.policies import bandit_policies, epsilon_greedy, greedy, optimistic_thompson, pull, ucb1


@pytest.mark.parametrize(
    ("discount", "successes", "failures", "published"),
    # Gittins, Glazebrook & Weber (2011), tables of section 8.4, for Beta(1 + successes, 1 + failures).
    [
        (0.5, 0, 0, 0.5590),
        (0.9, 0, 0, 0.7029),
        (0.9, 0, 1, 0.5001),
        (0.9, 1, 0, 0.8001),
        (0.9, 2, 0, 0.8452),
        (0.99, 0, 0, 0.8699),
        (0.99, 1, 0, 0.9102),
        (0.99, 0, 1, 0.7005),
    ],
)
def test_gittins_indices_are_the_published_ones(
    discount: float, successes: int, failures: int, published: float
) -> None:
    assert gittins_indices(3, discount)[successes, failures] == pytest.approx(published, abs=1.5e-4)


def test_gittins_indices_are_the_best_ratio_of_reward_to_time() -> None:
    """The definition by stopping times, over all rules of stopping within three pulls of a myopic discount."""
    discount, index = 0.2, gittins_indices(0, 0.2)[0, 0]
    states = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)]
    best = 0.0
    for goes_on in product((False, True), repeat=6):
        stays = dict(zip(states[1:], goes_on, strict=True))
        reward = time = 0.0
        for luck in product((0, 1), repeat=3):
            chance, seen = 1.0, []
            for outcome in luck:
                p = (1 + sum(seen)) / (2 + len(seen))
                chance *= p if outcome else 1 - p
                seen.append(outcome)
            for step in range(3):
                if step and not all(stays[luck[:k]] for k in range(1, step + 1)):
                    break
                reward += chance * discount**step * luck[step]
                time += chance * discount**step
        best = max(best, reward / time)
    assert best <= index + 1e-4 and index == pytest.approx(best, abs=2e-3)


def test_indices_beyond_the_pulls_are_left_out() -> None:
    table = gittins_indices(4, 0.8)
    outside = np.add.outer(np.arange(5), np.arange(5)) > 4
    assert np.isnan(table[outside]).all() and not np.isnan(table[~outside]).any()
    assert (np.diff(table[:, 0]) > 0).all() and (np.diff(table[0]) < 0).all()


@pytest.mark.parametrize("discount", [1.0, -0.1, 1.5])
def test_impossible_discounts_are_refused(discount: float) -> None:
    with pytest.raises(ValueError, match=r"discount: .*: allowed is from 0 to below 1"):
        gittins_indices(2, discount)


def test_the_best_policy_of_two_arms() -> None:
    assert best_two_arms(1) == 0.5
    # Pull one: after a success (1/2) it pays 2/3 again, after a failure the other still pays 1/2.
    assert best_two_arms(2) == pytest.approx(0.5 + 0.5 * 2 / 3 + 0.5 * 0.5)
    assert 100 * 2 / 3 - best_two_arms(100) == pytest.approx(1.748, abs=0.001)
    with pytest.raises(ValueError, match="pulls: 0"):
        best_two_arms(0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("independent", {"random": 16.6, "Thompson": 2.79, "UCB1": 5.59, "UCB1, c = 0.2": 2.15, "greedy": 2.69}),
        ("medium", {"random": 25.1, "Thompson": 3.01, "UCB1": 7.06, "UCB1, c = 0.2": 1.73, "greedy": 1.90}),
        ("hard", {"random": 10.0, "Thompson": 4.10, "UCB1": 6.01, "UCB1, c = 0.2": 3.85, "greedy": 4.77}),
    ],
)
def test_regrets_after_100_pulls_are_the_known_ones(kind: str, expected: dict[str, float]) -> None:
    bandits, policies = Bandits(2, 100, kind), bandit_policies(100)
    for name, value in expected.items():
        regrets = pull(policies[name], bandits, 1000, np.random.default_rng(1))[0].sum(0)
        assert abs(regrets.mean() - value) < 4.5 * regrets.std() / np.sqrt(1000) + 0.02, name


def test_no_policy_beats_the_best() -> None:
    best = 2 / 3 * 100 - best_two_arms(100)
    regrets = pull(bandit_policies(100)["Gittins"], Bandits(), 2000, np.random.default_rng(1))[0].sum(0)
    error = regrets.std() / np.sqrt(2000)
    assert best - 4 * error < regrets.mean() < 2.1


def test_scores_are_what_they_are_called() -> None:
    rng = np.random.default_rng(1)
    successes, failures = rng.integers(0, 9, (50, 4)), rng.integers(0, 9, (50, 4))
    assert (optimistic_thompson(successes, failures, rng) >= greedy(successes, failures, rng)).all()
    fresh = ucb1()(np.array([[0, 5]]), np.array([[0, 0]]), rng)
    assert np.isinf(fresh[0, 0]) and fresh[0, 1] == pytest.approx(1 + np.sqrt(2 * np.log(5) / 5))
    scores = epsilon_greedy(0.25)(np.ones((4000, 2), int), np.ones((4000, 2), int), rng)
    assert (scores[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.03)


def test_equal_arms_are_pulled_equally_often() -> None:
    bandits = Bandits(5, 1)
    bandits.reset(1, np.random.default_rng(0))
    rewards = pull(bandit_policies(1)["greedy"], bandits, 3000, np.random.default_rng(1))[1]
    assert rewards.shape == (1, 3000) and rewards.mean() == pytest.approx(0.5, abs=0.04)
