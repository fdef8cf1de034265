from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import random_batch, seeds

from evo.archive import NO_PARENT, Archive, Table
from networks import Networks

LAYERS = (3, 2, 1)


def random_batches(seed: int, count: int, axes: int) -> list[tuple[Networks, np.ndarray, np.ndarray]]:
    """Batches of networks with few levels of performance and places a little out of range too."""
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        size = int(rng.integers(0, 30))
        performance = rng.integers(0, 5, size) / 4
        result.append((random_batch(LAYERS, seed, size), performance, rng.uniform(-0.1, 1.1, (size, axes))))
    return result


def filled(seed: int, shape: tuple[int, ...], count: int = 6, ancestors: bool = False) -> Archive:
    """An archive whose networks have parents drawn from the elites of the moment."""
    rng = np.random.default_rng(seed + 1)
    archive: Archive | None = None
    for generation, (networks, performance, places) in enumerate(random_batches(seed, count, len(shape))):
        archive = archive or Archive(networks.topology, shape, ancestors)
        parents = None
        if len(archive):
            parents = archive.elites["entry"][rng.integers(len(archive), size=len(networks))]
        archive.add(networks, performance, places, generation, parents)
    assert archive is not None
    return archive


@given(seed=seeds, shape=st.lists(st.integers(2, 7), min_size=1, max_size=3))
def test_the_archive_is_a_dictionary_that_keeps_the_better_network(seed: int, shape: list[int]) -> None:
    archive, expected = Archive(random_batch(LAYERS, 0, 0).topology, shape), {}
    taken_in = []
    for generation, (networks, performance, places) in enumerate(random_batches(seed, 5, len(shape))):
        mask = archive.add(networks, performance, places, generation)
        for k in range(len(networks)):
            cell = tuple(
                min(max(int(np.floor(place * cells + 0.5)), 0), cells - 1)
                for place, cells in zip(places[k], shape, strict=True)
            )
            better = cell not in expected or performance[k] > expected[cell][0]
            assert mask[k] == better
            if better:
                expected[cell] = (performance[k], networks.weights[k], networks.biases[k], places[k], generation)
                taken_in.append((cell, performance[k], generation))
    found = [tuple(int(i) for i in np.unravel_index(cell, shape)) for cell in archive.elites["cell"]]
    assert found == list(expected)
    for row, values in enumerate(expected.values()):
        names = ("performance", "weights", "biases", "place")
        for name, value in zip(names, values, strict=False):
            np.testing.assert_array_equal(archive.elites[name][row], value)
        assert archive.history["generation"][archive.elites["entry"][row]] == values[-1]
    for row, (cell, value, generation) in enumerate(taken_in):
        assert np.unravel_index(archive.history["cell"][row], shape) == cell
        assert archive.history["performance"][row] == value
        assert archive.history["generation"][row] == generation


@given(seed=seeds)
def test_a_lineage_leads_from_a_network_without_parent_to_the_elite(seed: int) -> None:
    archive = filled(seed, (5, 5))
    for row in range(len(archive)):
        rows = archive.lineage(int(archive.elites["entry"][row]))
        parents, generations = archive.history["parent"], archive.history["generation"]
        assert parents[rows[0]] == NO_PARENT and rows[-1] == archive.elites["entry"][row]
        for parent, child in pairwise(rows):
            assert parents[child] == parent and generations[parent] < generations[child]
        np.testing.assert_array_equal(archive.history["place"][rows[-1]], archive.elites["place"][row])


@given(seed=seeds, shape=st.sampled_from([(4,), (4, 5), (3, 4, 5)]), ancestors=st.booleans())
def test_an_archive_comes_back_from_its_arrays_and_goes_on_alike(
    seed: int, shape: tuple[int, ...], ancestors: bool
) -> None:
    archive = filled(seed, shape, ancestors=ancestors)
    copy = Archive.from_arrays(archive.topology, archive.arrays())
    for networks, performance, places in random_batches(seed + 7, 3, len(shape)):
        for each in (archive, copy):
            each.add(networks, performance, places, 9)
    for name, array in archive.arrays().items():
        np.testing.assert_array_equal(copy.arrays()[name], array)


@given(seed=seeds)
def test_the_networks_of_ancestors_are_kept_where_wanted(seed: int) -> None:
    archive, taken_in = Archive(random_batch(LAYERS, 0, 0).topology, (4, 4), ancestors=True), []
    for generation, (networks, performance, places) in enumerate(random_batches(seed, 4, 2)):
        taken = archive.add(networks, performance, places, generation)
        taken_in += [(networks.weights[k], networks.biases[k]) for k in np.flatnonzero(taken)]
    kept = archive.ancestors
    assert kept is not None and len(kept) == len(taken_in)
    for row, (weights, biases) in enumerate(taken_in):
        np.testing.assert_array_equal(kept.weights[row], weights)
        np.testing.assert_array_equal(kept.biases[row], biases)
    np.testing.assert_array_equal(kept.weights[archive.elites["entry"]], archive.networks.weights)
    assert filled(seed, (4, 4)).ancestors is None


def test_a_table_keeps_its_rows_while_it_grows() -> None:
    table, expected = Table({"a": (np.int32, ()), "b": (np.float64, (2,))}), []
    for size in (1, 0, 3, 50, 7):
        table.grow(size)
        table["a"][len(expected) :] = np.arange(size)
        expected += range(size)
        np.testing.assert_array_equal(table["a"], expected)
        assert table["b"].shape == (len(expected), 2)


@pytest.mark.parametrize("shape", [(), (1, 5), (2, 0), (2**16, 2**15, 2)])
def test_a_grid_that_cannot_be_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape: .*: allowed are 2 or more cells an axis"):
        Archive(random_batch(LAYERS, 0, 0).topology, shape)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("shape", lambda array: None, "shape: missing"),
        ("weights", lambda array: None, "weights: missing"),
        ("history_parent", lambda array: None, "parent: missing"),
        ("weights", lambda array: array[:, :-1], "weights: int8 .*: allowed is int8"),
        ("biases", lambda array: array.astype(float), "biases: float64 .*: allowed is int8"),
        ("performance", lambda array: array[:-1], "performance: float64 .*: allowed is float64"),
        ("cell", lambda array: array[::-1].copy(), "cell: allowed are the cells of the places"),
        ("place", lambda array: array * np.nan, "cell: allowed are the cells of the places"),
        ("entry", lambda array: array + 10**6, "entry: allowed are rows of the history"),
        ("history_parent", lambda array: array + 10**6, "parent: allowed are earlier rows"),
        ("history_parent", lambda array: array - 5, "parent: allowed are earlier rows"),
    ],
)
def test_arrays_that_are_no_archive_are_refused(name: str, change, says: str) -> None:
    archive = filled(3, (6, 6))
    arrays = archive.arrays()
    changed = change(arrays[name])
    arrays = {key: array for key, array in arrays.items() if key != name}
    if changed is not None:
        arrays[name] = changed
    with pytest.raises(ValueError, match=says):
        Archive.from_arrays(archive.topology, arrays)
