"""Environments against their definitions: probabilities within binomial bounds, tables against loops, ceilings."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from meta.environments import Bandits, CueReward, Environment, InformativeArm, Maze, TwoStep
from meta.environments.cue_reward import best_expected_reward, draw_cues
from meta.environments.maze import distances, make_grid
from meta.learners.policies import known_location_reward, random_reward

ALL: dict[str, Any] = {
    "bandits": lambda: Bandits(3, 20),
    "restless": lambda: Bandits(2, 20, "restless"),
    "informative": lambda: InformativeArm(),
    "two-step": lambda: TwoStep(10),
    "maze of 2018": lambda: Maze(7, 40, 10.0, -0.1, True, True),
    "maze of 2019": lambda: Maze(9, 40),
    "cue-reward": lambda: CueReward(50, 6),
}


def stream(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def played(environment: Environment, actions: torch.Tensor, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Observations and rewards of a batch, (steps + 1, batch, ...) and (steps, batch)."""
    seen, rewards = [environment.reset(actions.shape[1], stream(seed)).clone()], []
    for row in actions:
        observation, reward = environment.step(row)
        seen.append(observation.clone())
        rewards.append(reward)
    return torch.stack(seen), torch.stack(rewards)


def any_actions(environment: Environment, batch: int, seed: int = 5) -> torch.Tensor:
    return torch.from_numpy(stream(seed).integers(0, environment.actions, (environment.steps, batch)))


def near(count: float, trials: int, p: float) -> bool:
    """Whether a count is within five standard deviations of a binomial's mean."""
    return abs(count - trials * p) <= 5 * math.sqrt(trials * p * (1 - p)) + 1e-9


@pytest.mark.parametrize("name", ALL)
def test_the_same_stream_gives_the_same_lifetimes_of_the_declared_shapes(name: str) -> None:
    environment = ALL[name]()
    actions = any_actions(environment, 6)
    seen, rewards = played(environment, actions)
    again, same = played(ALL[name](), actions)
    assert torch.equal(seen, again) and torch.equal(rewards, same)
    assert seen.shape == (environment.steps + 1, 6, environment.observations)
    assert rewards.shape == (environment.steps, 6) and rewards.dtype == seen.dtype == torch.float32
    other = played(environment, actions, 2)
    assert not (torch.equal(seen, other[0]) and torch.equal(rewards, other[1]))


@pytest.mark.parametrize("name", ALL)
def test_a_lifetime_does_not_feel_what_others_do(name: str) -> None:
    environment = ALL[name]()
    actions = any_actions(environment, 6)
    changed = any_actions(environment, 6, 9)
    changed[:, 2] = actions[:, 2]
    (seen, rewards), (others, paid) = played(environment, actions), played(environment, changed)
    assert torch.equal(seen[:, 2], others[:, 2]) and torch.equal(rewards[:, 2], paid[:, 2])


@pytest.mark.parametrize("name", ALL)
def test_a_lifetime_ends(name: str) -> None:
    environment = ALL[name]()
    played(environment, any_actions(environment, 2))
    with pytest.raises(ValueError, match=f"step: {environment.steps + 1}: allowed are {environment.steps}"):
        environment.step(torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="batch: 0"):
        environment.reset(0, stream())


@pytest.mark.parametrize(
    ("kind", "better"), [("easy", 0.9), ("medium", 0.75), ("hard", 0.6), ("uniform", None), ("independent", None)]
)
def test_arms_pay_with_their_probabilities(kind: str, better: float | None) -> None:
    bandits, batch = Bandits(2, 50, kind), 2000
    bandits.reset(batch, stream())
    means = bandits.means[0]
    if better is not None:
        assert torch.allclose(means.amax(1), torch.tensor(better)) and near(
            float((means[:, 0] > means[:, 1]).sum()), batch, 0.5
        )
    if kind != "independent":
        assert torch.allclose(means.sum(1), torch.tensor(1.0))
    else:
        assert abs(np.corrcoef(means.numpy().T)[0, 1]) < 0.12
    if better is None:
        counts = np.histogram(means[:, 0].numpy(), 10, (0, 1))[0]
        assert all(near(count, batch, 0.1) for count in counts)
    for arm in (0, 1):
        _, rewards = played(bandits, torch.full((50, batch), arm))
        expected = bandits.means[0, :, arm].double()
        spread = math.sqrt(float((expected * (1 - expected)).sum() * 50))
        assert set(rewards.unique().tolist()) <= {0.0, 1.0}
        assert abs(float(rewards.sum()) - 50 * float(expected.sum())) < 5 * spread


def test_regret_is_what_the_best_arm_would_have_paid_more() -> None:
    bandits = Bandits(4, 30)
    actions = any_actions(bandits, 7)
    bandits.reset(7, stream())
    means = bandits.means[0].numpy()
    for row in range(7):
        expected = [means[row].max() - means[row, int(action)] for action in actions[:, row]]
        np.testing.assert_allclose(bandits.regret(actions)[:, row], expected, rtol=1e-6)


def test_restless_arms_wander_from_end_to_end() -> None:
    bandits = Bandits(2, 100, "restless")
    bandits.reset(500, stream())
    first = bandits.means[..., 0]
    assert bandits.means.shape == (100, 500, 2) and torch.allclose(bandits.means.sum(2), torch.tensor(1.0))
    assert torch.allclose(first.amin(0), torch.tensor(0.0)) and torch.allclose(first.amax(0), torch.tensor(1.0))
    best = bandits.means.argmax(2)
    assert float(bandits.regret(best).sum()) == 0.0
    assert float((best[1:] != best[:-1]).float().mean()) > 0.01


def test_arms_pay_with_probabilities_of_ones_own() -> None:
    """A function gets what it needs and its numbers are taken as they are, the same in all pulls or not."""

    def climbing(batch: int, arms: int, pulls: int, random: np.random.Generator) -> Any:
        return np.linspace(0, 1, pulls)[:, None, None] * random.integers(0, 2, (1, batch, arms))

    bandits = Bandits(3, 11, climbing)
    assert bandits.reset(400, stream()).shape == (400, 0)
    expected = np.linspace(0, 1, 11)[:, None, None] * stream().integers(0, 2, (1, 400, 3))
    np.testing.assert_allclose(bandits.means.numpy(), expected, rtol=1e-6)
    _, rewards = played(bandits, torch.zeros(11, 400, dtype=torch.int64))
    climbs = expected[-1, :, 0] == 1
    assert not rewards[:, ~climbs].any() and rewards[-1, climbs].all()
    for step in range(11):
        assert near(int(rewards[step, climbs].sum()), int(climbs.sum()), step / 10)


def test_the_informative_arm_tells_the_target() -> None:
    bandits = InformativeArm()
    _, told = played(bandits, torch.full((5, 400), 10))
    target = (told[0] * 10).round().long() - 1
    assert set(target.tolist()) == set(range(10))
    _, paid = played(bandits, target.expand(5, -1))
    assert bool((paid == 5).all()) and float(bandits.regret(target.expand(5, -1)).sum()) == 0
    _, others = played(bandits, ((target + 1) % 10).expand(5, -1))
    assert bool((others == 1).all())


@pytest.mark.parametrize("common", [0.8, 0.75, 1.0])
def test_two_steps_lead_and_pay_as_told(common: float) -> None:
    task, batch = TwoStep(60, common, 0.9, 0.1, 0.05), 400
    actions = any_actions(task, batch)
    seen, rewards = played(task, actions)
    assert bool((seen[::2, :, 0] == 1).all()) and bool((seen.sum(2) == 1).all())
    assert bool((rewards[::2] == 0).all())
    third, first = seen[1::2, :, 2] == 1, actions[::2]
    rare = third != (first == 1)
    assert torch.equal(rare, task.rare) and near(float((~rare).sum()), rare.numel(), common)
    paid = rewards[1::2]
    for better, p in ((True, 0.9), (False, 0.1)):
        here = (third == task.better) == better
        assert near(float(paid[here].sum()), int(here.sum()), p)
    swapped = task.better[1:] != task.better[:-1]
    assert near(float(swapped.sum()), swapped.numel(), 0.05) and near(float(task.better[0].sum()), batch, 0.5)


def test_without_swaps_the_better_state_stays() -> None:
    task = TwoStep(10, 0.75, swap=0.0)
    task.reset(300, stream())
    assert torch.equal(task.better, task.better[:1].expand(10, -1))


def test_second_actions_are_told_or_not() -> None:
    assert [TwoStep(2).tells(step) for step in range(4)] == [True] * 4
    assert [TwoStep(2, tell_second=False).tells(step) for step in range(4)] == [True, False, True, False]


@pytest.mark.parametrize(("side", "cells", "pillars"), [(9, 41, 8), (11, 65, 16), (13, 97, 24)])
def test_mazes_have_the_published_pillars(side: int, cells: int, pillars: int) -> None:
    grid = make_grid(side)
    assert len(grid.places) == cells and int(grid.walls[1:-1, 1:-1].sum()) == pillars
    assert grid.walls[[0, -1]].all() and grid.walls[:, [0, -1]].all()
    assert grid.places[grid.centre].tolist() == [side // 2, side // 2]


@pytest.mark.parametrize(("side", "mean"), [(11, 6.27), (13, 7.56)])
def test_mean_distances_are_the_published_ones(side: int, mean: float) -> None:
    away = distances(make_grid(side))
    assert away[~np.eye(len(away), dtype=bool)].mean() == pytest.approx(mean, abs=0.005)
    assert (away == away.T).all() and (away >= 0).all()


def maze_lifetime(environment: Any, row: int, actions: list[int]) -> tuple[list[list[int]], list[float]]:
    """Views and rewards of a lifetime of `Maze`, walked square by square."""
    walls = environment.grid.walls
    place = list(environment.grid.places[environment.grid.centre])
    goal = list(environment.grid.places[int(environment.goal[row])])
    views, rewards = [look(walls, place)], []
    for step, action in enumerate(actions):
        down, right = ((-1, 0), (1, 0), (0, -1), (0, 1))[action]
        ahead = [place[0] + down, place[1] + right]
        reward = 0.0
        if walls[ahead[0]][ahead[1]]:
            reward += environment.bump
        else:
            place = ahead
            if place == goal:
                reward += environment.reward
                place = list(environment.grid.places[int(environment.landings[step, row])])
        views.append(look(walls, place))
        rewards.append(reward)
    return views, rewards


def look(walls: Any, place: list[int]) -> list[int]:
    """The 3x3 squares around a place, row by row."""
    return [int(walls[place[0] + down][place[1] + right]) for down in (-1, 0, 1) for right in (-1, 0, 1)]


@pytest.mark.parametrize("name", ["maze of 2018", "maze of 2019"])
@pytest.mark.parametrize("form", ["compiled", "tensors"])
def test_mazes_are_those_walked_square_by_square(name: str, form: str) -> None:
    environment = ALL[name]()
    assert environment.compiled is not None
    if form == "tensors":
        environment.compiled = None
    actions = any_actions(environment, 40)
    seen, rewards = played(environment, actions)
    assert float(rewards.max()) == 10
    for row in range(40):
        views, paid = maze_lifetime(environment, row, actions[:, row].tolist())
        assert seen[:, row].int().tolist() == views
        np.testing.assert_allclose(rewards[:, row], paid, rtol=1e-6)


def test_rewards_and_landings_are_where_they_may_be() -> None:
    for centre, onto in ((True, True), (False, False)):
        maze = Maze(7, 30, 10.0, 0.0, centre, onto)
        maze.reset(3000, stream())
        cells = len(maze.grid.places)
        counts = np.bincount(maze.goal.numpy(), minlength=cells)
        assert (counts[maze.grid.centre] > 0) == centre
        assert all(near(count, 3000, 1 / (cells - (not centre))) for count in counts[counts > 0])
        assert bool((maze.landings == maze.goal).any()) == onto


@pytest.mark.parametrize(
    ("maze", "ceiling", "floor"),
    [
        (Maze(13, 200), 269, 5.5),
        (Maze(11, 200), 324, 8.0),
        (Maze(11, 250), 404, 9.3),
    ],
)
def test_ceilings_and_random_walks_earn_what_they_should(maze: Maze, ceiling: float, floor: float) -> None:
    known, walked = known_location_reward(maze, 2000, stream()), random_reward(maze, 4000, stream())
    for rewards, value in ((known, ceiling), (walked, floor)):
        assert abs(rewards.mean() - value) < 4 * rewards.std() / math.sqrt(len(rewards)) + 0.6


def test_trials_of_cues_are_built_as_told() -> None:
    task = CueReward(60, 8)
    task.reset(200, stream())
    inputs, asked, answer = (array.numpy() for array in (task.inputs, task.asked, task.answer))
    lengths = []
    for row in range(200):
        start = 0
        while (goes := np.flatnonzero(asked[start:, row])).size:
            end = start + int(goes[0]) + 2  # one blank step follows the answer
            block = inputs[start + 1 : end - 2, row, :-1]
            shown = [step for step in block if step.any()]
            which = [int((task.cues[row] == cue).all(1).argmax()) for cue in shown]
            assert len(shown) == 2 and which[0] != which[1]
            assert not inputs[start, row].any() and (end > 60 or not inputs[end - 1, row].any())
            assert inputs[end - 2, row, -1] == 1 and not inputs[end - 2, row, :-1].any()
            assert answer[end - 2, row] == (task.target[row] in which)
            lengths.append(end - start)
            start = end
    assert set(lengths) == {5, 6, 7, 8}


def test_answers_alone_are_paid() -> None:
    task = CueReward(60, 8)
    task.reset(100, stream())
    right = task.answer.clone()
    _, rewards = played(task, right)
    assert torch.equal(rewards, task.asked.float())
    _, lost = played(task, 1 - right)
    assert torch.equal(lost, -task.asked.float())


def test_trials_come_as_often_as_published_and_half_of_the_answers_are_yes() -> None:
    task = CueReward()
    task.reset(3000, stream())
    assert float(task.asked.sum(0).float().mean()) == pytest.approx(18.2, abs=0.03)
    assert near(float(task.answer[task.asked].sum()), int(task.asked.sum()), 0.5)


def test_cues_of_a_lifetime_differ() -> None:
    cues = draw_cues(5000, 2, stream())
    assert all(len({tuple(cue) for cue in row}) == 4 for row in cues.tolist())
    assert set(np.unique(cues)) == {-1, 1}


@pytest.mark.parametrize(("steps", "best"), [(120, 16.2), (200, 28.5)])
def test_the_best_expected_reward_of_cues(steps: int, best: float) -> None:
    assert best_expected_reward(steps) == pytest.approx(best, abs=0.02)


def test_an_agent_that_concludes_all_it_can_earns_the_best_expected_reward() -> None:
    task, rng, totals = CueReward(40, 8), stream(3), []
    task.reset(600, stream())
    inputs = task.inputs[..., :-1].numpy()
    for row in range(600):
        left, total, seen = {0, 1, 2, 3}, 0, []
        for step in range(40):
            cue = inputs[step, row]
            if cue.any():
                seen.append(int((task.cues[row] == cue).all(1).argmax()))
            if task.asked[step, row]:
                inside = len(left & set(seen)) / len(left)
                said = inside > 0.5 or (inside == 0.5 and rng.random() < 0.5)
                truth = bool(task.answer[step, row])
                total += 1 if said == truth else -1
                left = left & set(seen) if truth else left - set(seen)
                seen = []
        totals.append(total)
    assert abs(np.mean(totals) - best_expected_reward(40)) < 4 * np.std(totals) / math.sqrt(600)


def _begun(means: Any) -> None:
    """Lifetimes of four with three arms whose probabilities are given."""
    Bandits(3, 10, lambda *_: means).reset(4, stream())


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Bandits(1), "arms: 1: allowed is 2 or more"),
        (lambda: Bandits(2, 0), "pulls: 0: allowed is 1 or more"),
        (lambda: Bandits(3, 10, "easy"), "arms: 3: allowed with kind 'easy' are 2"),
        (lambda: Bandits(2, 10, "strange"), "kind: 'strange': allowed are independent, uniform"),
        (lambda: _begun(np.zeros((5, 4, 3))), "kind: probabilities (5, 4, 3): allowed are (1 or 10, 4, 3)"),
        (lambda: _begun(np.full((1, 4, 3), 1.5)), "kind: probabilities from 1.5 to 1.5: allowed are 0 to 1"),
        (lambda: _begun(np.full((1, 4, 3), np.nan)), "kind: probabilities from nan to nan: allowed are 0 to 1"),
        (lambda: TwoStep(10, common=1.2), "common: 1.2: allowed is 0 to 1"),
        (lambda: TwoStep(10, low=-0.1), "low: -0.1: allowed is 0 to 1"),
        (lambda: TwoStep(10, swap=float("nan")), "swap: nan: allowed is 0 to 1"),
        (lambda: TwoStep(0), "trials: 0: allowed is 1 or more"),
        (lambda: Maze(10), "side: 10: allowed are odd numbers of 5 or more"),
        (lambda: Maze(3), "side: 3: allowed are odd numbers of 5 or more"),
        (lambda: Maze(11, 0), "steps: 0: allowed is 1 or more"),
        (lambda: CueReward(0), "steps: 0"),
        (lambda: CueReward(10, 1), "bits: 1: allowed is 2 or more"),
        (lambda: CueReward(10, 3, fixed=True), "bits: 3: allowed is 4 or more"),
    ],
)
def test_impossible_environments_are_refused(make: Any, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value).startswith(says)
