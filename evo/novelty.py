"""How far a place is from the places already found: mean distance to the nearest (Lehman and Stanley 2011)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

# A tree of all points is made anew when this many, and this share of them, are not in it yet.
_RECENT, _SHARE = 1000, 0.2


class FoundPlaces:
    """Points to measure distances to, each there once, to which more are added.

    They are kept in single precision, as the original program does: places that differ by rounding errors, as of
    networks that are the same but for the order of their nodes, are one.
    """

    def __init__(self, axes: int) -> None:
        self.points = np.empty((0, axes), np.float32)
        self._tree: KDTree | None = None
        self._in_tree = 0

    def add(self, points: NDArray[np.float64]) -> None:
        """Add points (points, axes); those already there are left out."""
        new = np.unique(points.astype(np.float32), axis=0)
        if len(self.points) and len(new):
            new = new[self._nearest(new, 1)[:, 0] > 0]
        self.points = np.concatenate([self.points, new])
        if len(self.points) - self._in_tree > max(_RECENT, _SHARE * len(self.points)):
            self._tree, self._in_tree = KDTree(self.points), len(self.points)

    def mean_distances(self, points: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
        """Mean Euclidean distance of each point to the nearest ones that are elsewhere, shape (points,).

        Args:
            points: shape (points, axes).
            neighbours: how many, or as many as there are; 0 is the distance where there are none.
        """
        if len(self.points) == 0:
            return np.zeros(len(points))
        nearest = self._nearest(points.astype(np.float32), neighbours + 1)
        here = nearest[:, :1] == 0
        chosen = np.where(here, nearest[:, 1:], nearest[:, :-1])
        there = np.isfinite(chosen)
        return np.where(there, chosen, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)

    def _nearest(self, points: NDArray[np.float32], count: int) -> NDArray[np.float64]:
        """Distances to the nearest points, ascending, infinite where there are not so many, (points, count).

        They do not depend on which points are in which tree.
        """
        ranks = range(1, count + 1)
        recent = self.points[self._in_tree :]
        parts = [self._tree.query(points, ranks)[0]] if self._tree is not None else []
        if len(recent):
            parts.append(KDTree(recent).query(points, ranks)[0])
        return np.sort(np.concatenate(parts, axis=1), axis=1)[:, :count]
