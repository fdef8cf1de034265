"""Policies that need no training, to compare agents with: algorithms of bandits, and a guide through mazes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from meta.environments import Bandits, Environment, Maze
from meta.environments.maze import distances
from meta.learners.gittins import gittins_indices

#: Scores of arms (batch, arms) from successes and failures (batch, arms); the largest is pulled.
Policy = Callable[[NDArray[np.int64], NDArray[np.int64], np.random.Generator], NDArray[np.float64]]


def uniform(successes: NDArray, failures: NDArray, stream: np.random.Generator) -> NDArray[np.float64]:
    """Any arm."""
    return np.zeros(successes.shape)


def thompson(successes: NDArray, failures: NDArray, stream: np.random.Generator) -> NDArray[np.float64]:
    """Thompson sampling: a probability drawn from what is known of each arm (Thompson 1933)."""
    return stream.beta(successes + 1, failures + 1)


def optimistic_thompson(successes: NDArray, failures: NDArray, stream: np.random.Generator) -> NDArray[np.float64]:
    """Thompson sampling with no draw below the expected probability (May et al. 2012)."""
    return np.maximum(thompson(successes, failures, stream), greedy(successes, failures, stream))


def greedy(successes: NDArray, failures: NDArray, stream: np.random.Generator) -> NDArray[np.float64]:
    """The arm of the largest expected probability."""
    return (successes + 1) / (successes + failures + 2)


def epsilon_greedy(epsilon: float) -> Policy:
    """Any arm with probability epsilon, else the greedy one."""

    def policy(successes: NDArray, failures: NDArray, stream: np.random.Generator) -> NDArray[np.float64]:
        explores = stream.random((len(successes), 1)) < epsilon
        return np.where(explores, 0.0, greedy(successes, failures, stream))

    return policy


def ucb1(width: float = 1.0) -> Policy:
    """UCB1: mean + width sqrt(2 ln t / n), each arm once at first (Auer et al. 2002)."""

    def policy(successes: NDArray, failures: NDArray, stream: np.random.Generator) -> NDArray[np.float64]:
        pulls = successes + failures
        total = pulls.sum(1, keepdims=True)
        known = np.maximum(pulls, 1)
        bound = successes / known + width * np.sqrt(2 * np.log(np.maximum(total, 1)) / known)
        return np.where(pulls == 0, np.inf, bound)

    return policy


def gittins(pulls: int, discount: float = 0.99) -> Policy:
    """The arm of the largest Gittins index.

    Args:
        pulls: of a lifetime.
        discount: that the indices are for.
    """
    indices = gittins_indices(pulls, discount)

    def policy(successes: NDArray, failures: NDArray, stream: np.random.Generator) -> NDArray[np.float64]:
        return indices[successes, failures]

    return policy


def bandit_policies(pulls: int) -> Mapping[str, Policy]:
    """The policies that agents of bandits are compared with, by name."""
    return {
        "random": uniform,
        "Thompson": thompson,
        "UCB1": ucb1(),
        "UCB1, c = 0.2": ucb1(0.2),
        "greedy": greedy,
        "ε-greedy": epsilon_greedy(0.05),
        "Gittins": gittins(pulls),
    }


def pull(policy: Policy, bandits: Bandits, batch: int, stream: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Lifetimes of a policy; arms of equal scores are chosen between at random.

    Args:
        policy: who chooses.
        bandits: whose arms pay 1 or nothing.
        batch: lifetimes.
        stream: draws what happens and the choices.

    Returns:
        Regret and reward of each pull, (pulls, batch) each.
    """
    bandits.reset(batch, stream)
    rows = np.arange(batch)
    successes, failures = (np.zeros((batch, bandits.actions), np.int64) for _ in range(2))
    actions, rewards = [], []
    for _ in range(bandits.steps):
        scores = policy(successes, failures, stream)
        best = scores == scores.max(1, keepdims=True)
        chosen = (best * (1 - stream.random(best.shape))).argmax(1)
        actions.append(torch.from_numpy(chosen))
        reward = bandits.step(actions[-1].to(bandits.device))[1].cpu().numpy()
        successes[rows, chosen] += reward > 0
        failures[rows, chosen] += reward <= 0
        rewards.append(reward)
    regrets = bandits.regret(torch.stack(actions).to(bandits.device))
    return regrets.cpu().numpy(), np.array(rewards)


def random_reward(environment: Environment, batch: int, stream: np.random.Generator) -> NDArray[np.float64]:
    """Reward of lifetimes of random actions, (batch,)."""
    environment.reset(batch, stream)
    total = torch.zeros(batch, device=environment.device)
    for actions in environment.tensor(stream.integers(0, environment.actions, (environment.steps, batch))):
        total += environment.step(actions)[1]
    return total.cpu().numpy()


def known_location_reward(maze: Maze, batch: int, stream: np.random.Generator) -> NDArray[np.float64]:
    """Reward of lifetimes that know where the rewarded cell is from the first step on, (batch,): the ceiling."""
    maze.reset(batch, stream)
    away = distances(maze.grid)
    left = away[maze.grid.following]  # (cells, actions, goals)
    left[maze.grid.following == np.arange(len(away))[:, None]] = len(away)  # staying leads nowhere, nor pays
    best = maze.tensor(left.argmin(1))
    total = torch.zeros(batch, device=maze.device)
    for _ in range(maze.steps):
        total += maze.step(best[maze.cell, maze.goal])[1]
    return total.cpu().numpy()
