"""A step of many mazes in one compiled pass, for CPUs, where a handful of operations on tensors costs more."""

from __future__ import annotations

from numba import njit
from numpy.typing import NDArray


@njit(cache=True, error_model="numpy")
def maze_step(
    actions: NDArray,
    cell: NDArray,
    goal: NDArray,
    landing: NDArray,
    following: NDArray,
    views: NDArray,
    paid: float,
    bumped: float,
    moved: bool,
    seen: NDArray,
    rewards: NDArray,
) -> None:
    """What `Maze` does in a step; changes cell, seen and rewards.

    Args:
        actions: (batch,).
        cell: (batch,).
        goal: (batch,).
        landing: where one is put from the rewarded cell, (batch,).
        following: (4 cells,).
        views: (cells, 9).
        paid: reward for coming to the rewarded cell.
        bumped: reward for staying where one is.
        moved: whether who stays in the rewarded cell is not paid.
        seen: (batch, 9).
        rewards: (batch,).
    """
    for b in range(cell.shape[0]):
        here = cell[b]
        ahead = following[4 * here + actions[b]]
        stayed = ahead == here
        reward = bumped if stayed else 0.0
        if ahead == goal[b] and not (moved and stayed):
            reward = paid
            ahead = landing[b]
        rewards[b] = reward
        cell[b] = ahead
        for k in range(9):
            seen[b, k] = views[ahead, k]
