from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import seeds
from scipy.spatial.distance import cdist

import evo.novelty
from evo.novelty import FoundPlaces


def brute_force(points: np.ndarray, found: np.ndarray, neighbours: int) -> np.ndarray:
    """Mean distance to the nearest different points, one by one."""
    result = []
    unique = np.array(sorted({tuple(point) for point in found.astype(np.float32).tolist()}))
    for point in points.astype(np.float32).astype(float):
        distances = np.sort(cdist([point], unique)[0]) if len(unique) else np.empty(0)
        nearest = distances[distances > 0][:neighbours]
        result.append(nearest.mean() if len(nearest) else 0.0)
    return np.array(result)


@settings(max_examples=40)
@given(
    seed=seeds,
    neighbours=st.integers(1, 9),
    axes=st.integers(1, 3),
    sizes=st.lists(st.integers(0, 30), max_size=6),
    recent=st.sampled_from([0, 10, 1000]),
)
def test_distances_are_those_of_brute_force_whatever_the_trees(
    seed: int, neighbours: int, axes: int, sizes: list[int], recent: int
) -> None:
    rng = np.random.default_rng(seed)
    found, added = FoundPlaces(axes), np.empty((0, axes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evo.novelty, "_RECENT", recent)
        for size in sizes:
            new = rng.integers(0, 12, (size, axes)) / 10  # many points are found again
            found.add(new)
            added = np.concatenate([added, new])
    points = np.concatenate([rng.random((5, axes)), added[:5]])
    expected = brute_force(points, added, neighbours)
    np.testing.assert_allclose(found.mean_distances(points, neighbours), expected, rtol=1e-6, atol=1e-12)
    again = FoundPlaces(axes)
    again.add(added)
    own = found.mean_distances(points, neighbours)
    np.testing.assert_array_equal(own, again.mean_distances(points, neighbours))
    assert len(found.points) == len(np.unique(added.astype(np.float32), axis=0))
