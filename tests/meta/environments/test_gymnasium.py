"""The tasks as Gymnasium environments, and Gymnasium's in the tasks' place."""

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env

from cluster.errors import UserError
from meta.environments.foreign import ForeignEnvironment
from meta.environments.registered import KINDS


class Counting(gymnasium.Env):
    """Ends after a random number of steps, each of which pays its number; observations are dictionaries."""

    def __init__(self, pays: float = 1.0, actions: Any = None) -> None:
        self.pays = pays
        self.observation_space = gymnasium.spaces.Dict(
            {"age": gymnasium.spaces.Box(0, 99, (1,), np.float32), "side": gymnasium.spaces.Discrete(3)}
        )
        self.action_space = actions or gymnasium.spaces.Discrete(2, start=5)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.age, self.end = 0, int(self.np_random.integers(1, 5))
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(np.int64(action))
        self.age += 1
        return self._seen(), self.pays * self.age, self.age == self.end, False, {}

    def _seen(self) -> dict[str, Any]:
        return {"age": np.array([self.age], np.float32), "side": np.int64(self.age % 3)}


@pytest.fixture(autouse=True)
def known() -> Any:
    """The environments above under names of their own."""
    names = {
        "tests/Counting-v0": {},
        "tests/Endless-v0": {"max_episode_steps": None},
        "tests/Nan-v0": {"kwargs": {"pays": float("nan")}},
        "tests/Continuous-v0": {"kwargs": {"actions": gymnasium.spaces.Box(-1, 1, (2,))}},
    }
    for name, options in names.items():
        gymnasium.register(name, Counting, **({"max_episode_steps": 6} | options))
    yield
    for name in names:
        del gymnasium.registry[name]


@pytest.mark.parametrize("name", KINDS)
def test_gymnasium_finds_nothing_wrong(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(name).unwrapped)


@pytest.mark.parametrize("name", KINDS)
def test_one_and_many_are_the_same(name: str) -> None:
    """With one lifetime at once, both draw the same numbers."""
    one = gymnasium.make(name)
    many: Any = gymnasium.make_vec(name, num_envs=1, vectorization_mode="vector_entry_point")
    (seen, _), (several, _) = one.reset(seed=4), many.reset(seed=4)
    rng, over = np.random.default_rng(1), False
    while not over:
        assert np.array_equal(seen, several[0].numpy())
        action = int(rng.integers(one.action_space.n))  # type: ignore[attr-defined]
        seen, reward, over, cut, _ = one.step(action)
        several, rewards, overs, cuts, _ = many.step(torch.tensor([action]))
        assert (reward, over, cut) == (float(rewards[0]), bool(overs[0]), bool(cuts[0]))
    again, rewards, overs, _, _ = many.step(torch.tensor([0]))  # begins anew
    assert not bool(overs.any()) and float(rewards[0]) == 0 and again.shape == several.shape


def test_many_take_options_and_arrays_and_one_seed() -> None:
    many: Any = gymnasium.make_vec(
        "neuromaterials/Maze-v0", num_envs=64, vectorization_mode="vector_entry_point", side=7, steps=5
    )
    seen, _ = many.reset(seed=1)
    assert seen.shape == (64, 9) and many.observation_space.shape == (64, 9)
    for step in range(5):
        over = many.step(many.action_space.sample())[2]
        assert bool(over.all()) == (step == 4)
    with pytest.raises(ValueError, match="seed: 2 of them"):
        many.reset(seed=[1, 2])


def test_a_lifetime_of_a_foreign_environment_has_its_episodes() -> None:
    environment = ForeignEnvironment("tests/Counting-v0", episodes=2)
    assert (environment.steps, environment.actions, environment.observations) == (12, 2, 5)
    seen = environment.reset(30, np.random.default_rng(1))
    assert bool((seen[:, -1] == 1).all())
    alive, rewards, flags = [], [], []
    for _ in range(environment.steps):
        alive.append(environment.alive())
        seen, reward = environment.step(torch.ones(30, dtype=torch.int64))
        rewards.append(reward)
        flags.append(seen[:, -1])
    for row in range(30):
        own = [float(r[row]) for r, lives in zip(rewards, alive, strict=True) if lives[row]]
        begins = [k for k, reward in enumerate(own) if reward == 1]
        assert len(begins) == 2 and own == [*range(1, begins[1] + 1), *range(1, len(own) - begins[1] + 1)]
        assert next(k + 1 for k, flag in enumerate(flags) if flag[row]) == begins[1]
        assert all(float(r[row]) == 0 for r, lives in zip(rewards, alive, strict=True) if not lives[row])
    assert not bool(environment.alive().any())


def test_an_episode_is_cut_where_it_is_longest() -> None:
    environment = ForeignEnvironment("tests/Endless-v0", episodes=1, longest=1)
    environment.reset(5, np.random.default_rng(1))
    environment.step(torch.zeros(5, dtype=torch.int64))
    assert environment.steps == 1 and not bool(environment.alive().any())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tests/Endless-v0", "environment: tests/Endless-v0: its episodes may never end: allowed with --longest"),
        ("tests/Continuous-v0", "environment: tests/Continuous-v0: its actions are Box"),
        ("tests/Missing-v0", "environment: tests/Missing-v0: "),
        ("no_such_module:Thing-v0", "environment: no_such_module:Thing-v0: "),
    ],
)
def test_environments_that_do_not_fit_are_refused(name: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        ForeignEnvironment(name)
    assert str(caught.value).startswith(says) and "\n" not in str(caught.value) and "allowed" in str(caught.value)


def test_rewards_that_are_no_numbers_are_refused() -> None:
    environment = ForeignEnvironment("tests/Nan-v0")
    environment.reset(2, np.random.default_rng(1))
    with pytest.raises(UserError, match=r"--environment tests/Nan-v0: reward nan at step 1: allowed are finite"):
        environment.step(torch.zeros(2, dtype=torch.int64))
