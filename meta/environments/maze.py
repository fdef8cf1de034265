"""A grid of pillars with an invisible reward in it, to be found and visited again and again.

Miconi, Clune & Stanley 2018, section 4.4; Miconi, Rawal, Clune & Stanley 2019, section 4.2, and their programs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meta.environments.environment import Environment, check_number

#: Row and column change of the actions: up, down, left, right.
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))


class Grid(NamedTuple):
    """A maze's tables; cells are numbered row by row, without walls.

    Attributes:
        walls: whether a square is one, (side, side).
        places: row and column of each cell, (cells, 2).
        following: cell that an action leads to, the same one behind a wall, (cells, 4).
        views: which of the 3x3 squares around a cell are walls, row by row, (cells, 9).
        centre: number of the cell in the middle.
    """

    walls: NDArray[np.bool_]
    places: NDArray[np.int64]
    following: NDArray[np.int64]
    views: NDArray[np.float32]
    centre: int


def make_grid(side: int) -> Grid:
    """A maze of some side, its border of walls counted: every other inner square is a pillar, but for the centre.

    Raises:
        ValueError: an even side, or one too small for a pillar.
    """
    if side < 5 or side % 2 == 0:
        raise ValueError(f"side: {side}: allowed are odd numbers of 5 or more")
    walls = np.ones((side, side), bool)
    walls[1:-1, 1:-1] = False
    walls[2:-1:2, 2:-1:2] = True
    walls[side // 2, side // 2] = False
    places = np.argwhere(~walls)
    number = np.full((side, side), -1)
    number[~walls] = np.arange(len(places))
    ahead = number[tuple((places[:, None] + np.array(MOVES)).transpose(2, 0, 1))]
    following = np.where(ahead < 0, np.arange(len(places))[:, None], ahead)
    around = np.array([(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)])
    views = walls[tuple((places[:, None] + around).transpose(2, 0, 1))].astype(np.float32)
    return Grid(walls, places, following, views, int(number[side // 2, side // 2]))


def distances(grid: Grid) -> NDArray[np.int64]:
    """Steps of the shortest way between all cells, (cells, cells)."""
    cells = len(grid.places)
    found = np.full((cells, cells), -1)
    for start in range(cells):
        found[start, start] = 0
        waiting = deque([start])
        while waiting:
            cell = waiting.popleft()
            for next_cell in grid.following[cell]:
                if found[start, next_cell] < 0:
                    found[start, next_cell] = found[start, cell] + 1
                    waiting.append(int(next_cell))
    return found


class Maze(Environment):
    """The reward is in the same cell throughout a lifetime; who comes there is paid and put somewhere else.

    What is seen is which of the 3x3 squares around are walls. Lifetimes start in the centre.

    Args:
        side: of the maze in squares, with the walls around it; odd.
        steps: of a lifetime.
        reward: for coming to the rewarded cell.
        bump: reward for running into a wall, which does not move.
        centre: whether the reward may be in the centre.
        onto: whether one may be put onto the rewarded cell, which pays once one comes there by a move.
        device: where the tensors live.

    Attributes:
        grid: the maze's tables.
        goal: the rewarded cell, (batch,).
        cell: where one is, (batch,).

    Raises:
        ValueError: a side that is not odd or too small, or no steps.
    """

    observations, actions = 9, 4

    def __init__(
        self,
        side: int = 11,
        steps: int = 200,
        reward: float = 10.0,
        bump: float = 0.0,
        centre: bool = False,
        onto: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device)
        check_number("steps", steps, 1)
        self.grid = make_grid(side)
        self.steps, self.reward, self.bump, self.centre, self.onto = (
            steps,
            float(reward),
            float(bump),
            centre,
            onto,
        )
        self.following, self.views = self.tensor(self.grid.following.reshape(-1)), self.tensor(self.grid.views)
        self.compiled = compiled_step() if self.device.type == "cpu" else None
        self.zero, self.paid, self.bumped = (torch.tensor(x, device=self.device) for x in (0.0, reward, bump))

    def _begin(self, batch: int, stream: np.random.Generator) -> Tensor:
        cells = len(self.grid.places)
        goal = stream.integers(0, cells - (not self.centre), batch)
        if not self.centre:
            goal += goal >= self.grid.centre
        landings = stream.integers(0, cells - (not self.onto), (self.steps, batch), dtype=np.int32)
        if not self.onto:
            landings += landings >= goal
        self.goal, self.landings = self.tensor(goal), self.tensor(landings.astype(np.int64))
        self.landing = self.landings.unbind()
        self.cell = torch.full((batch,), self.grid.centre, device=self.device)
        return self.views.index_select(0, self.cell)

    def _act(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        if self.compiled is None:
            return self._act_by_tensors(actions)
        seen, rewards = torch.empty(len(actions), 9), torch.empty(len(actions))
        self.compiled(
            actions.numpy(),
            self.cell.numpy(),
            self.goal.numpy(),
            self.landing[self.now].numpy(),
            self.grid.following.reshape(-1),
            self.grid.views,
            self.reward,
            self.bump,
            self.onto,
            seen.numpy(),
            rewards.numpy(),
        )
        return seen, rewards

    def _act_by_tensors(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        ahead = self.following.index_select(0, torch.add(actions, self.cell, alpha=4))
        arrived, missed = ahead == self.goal, self.zero
        if self.onto or self.bump:
            stayed = ahead == self.cell
            arrived &= ~stayed
            missed = torch.where(stayed, self.bumped, self.zero)
        rewards = torch.where(arrived, self.paid, missed)
        self.cell = torch.where(arrived, self.landing[self.now], ahead)
        return self.views.index_select(0, self.cell), rewards


def compiled_step() -> Callable[..., None] | None:
    """The step of a CPU; None where numba is not installed, as it need not be beside a GPU."""
    try:
        from meta.environments.steps import maze_step
    except ImportError:
        return None
    return maze_step
