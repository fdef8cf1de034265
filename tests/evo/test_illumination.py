from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from evo.axes import places
from evo.illumination import Landscape, MapElites, Search
from evo.maps import LandscapeSettings, MapElitesSettings, MapSettings
from evo.problems import PROBLEMS
from networks import Networks

MAP = MapElitesSettings(cells=32, starters=60, pairs=25)
DEEP = replace(MAP, axes=("modularity", "hierarchy", "connection-cost"), cells=16)
LANDSCAPE = LandscapeSettings(cells=32, population=40)
SEARCHES = [MAP, DEEP, LANDSCAPE]


def advanced(settings: MapSettings, generations: int, seed: int = 5) -> Search:
    """A search after some generations."""
    search = settings.search(seed)
    search.begin()
    for generation in range(1, generations + 1):
        search.advance(generation)
    return search


def same(a: Search, b: Search) -> bool:
    """Whether two searches stand at the same point, bit for bit."""
    first, second = a.arrays(), b.arrays()
    return list(first) == list(second) and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("settings", SEARCHES)
def test_every_elite_is_what_its_network_gives(settings: MapSettings) -> None:
    archive, problem = advanced(settings, 15).archive, PROBLEMS[settings.problem]()
    assert len(archive) > 20
    elites = archive.elites
    np.testing.assert_array_equal(problem.performance(problem.outputs(archive.networks)), elites["performance"])
    np.testing.assert_array_equal(places(archive.networks, settings.axes, settings.ends), elites["place"])


@pytest.mark.parametrize("settings", SEARCHES)
def test_the_same_seed_gives_the_same_map(settings: MapSettings) -> None:
    assert same(advanced(settings, 8), advanced(settings, 8))
    assert not same(advanced(settings, 8), advanced(settings, 8, seed=6))


@pytest.mark.parametrize("settings", SEARCHES)
@pytest.mark.parametrize("stop", [0, 1, 7])
def test_a_restored_search_goes_on_to_the_same_end(settings: MapSettings, stop: int) -> None:
    arrays = advanced(settings, stop).arrays()
    search = settings.search(5)
    search.restore(arrays)
    for generation in range(stop + 1, 11):
        search.advance(generation)
    assert same(search, advanced(settings, 10))


@pytest.mark.parametrize("settings", SEARCHES)
def test_a_map_only_gets_better(settings: MapSettings) -> None:
    search = settings.search(2)
    search.begin()
    best: dict[int, float] = {}
    for generation in range(1, 9):
        search.advance(generation)
        elites = search.archive.elites
        now = dict(zip(elites["cell"].tolist(), elites["performance"].tolist(), strict=True))
        assert all(now[cell] >= performance for cell, performance in best.items())
        best = now


def test_offspring_come_from_the_elites_before_them_and_keep_their_lineage() -> None:
    search = advanced(MAP, 12)
    history, elites = search.archive.history, search.archive.elites
    starters = history["generation"] == 0
    np.testing.assert_array_equal(history["parent"] == -1, starters)
    parents = history["parent"][~starters]
    assert (history["generation"][parents] < history["generation"][~starters]).all()
    # A parent was its cell's best when it was drawn: nothing better had been taken in there before.
    for child in np.flatnonzero(~starters)[::7]:
        parent = history["parent"][child]
        earlier = history["generation"] < history["generation"][child]
        cell = earlier & (history["cell"] == history["cell"][parent])
        assert history["performance"][parent] == history["performance"][cell].max()
    for entry in elites["entry"]:
        assert starters[search.archive.lineage(int(entry))[0]]


def test_without_mutation_the_starters_stay() -> None:
    still = replace(MAP, weight_changes=0.0, bias_rate=0.0, add_rate=0.0, remove_rate=0.0)
    search = still.search(1)
    search.begin()
    before = search.archive.arrays()
    search.advance(1)
    for name, array in search.archive.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_parents_are_drawn_uniformly_from_the_filled_cells() -> None:
    search = MapElites(replace(MAP, pairs=2000), 3)
    search.begin()
    drawn: list[Networks] = []
    search.toolbox.register("mutate", lambda parents: drawn.append(parents.networks) or parents)
    search.advance(1)
    genomes = np.hstack([search.archive.networks.weights, search.archive.networks.biases])
    parents = np.hstack([drawn[0].weights, drawn[0].biases])
    _, counts = np.unique(np.vstack([genomes, parents]), axis=0, return_counts=True)
    assert len(counts) == len(search.archive) and len(parents) == 4000
    mean = 4000 / len(counts)
    assert ((counts - 1 - mean) ** 2 / mean).sum() < len(counts) + 5 * np.sqrt(2 * len(counts))


def test_the_second_objective_is_the_distance_to_what_was_found_before() -> None:
    search = Landscape(LANDSCAPE, 4)
    search.begin()
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    compare = search.toolbox.compare

    def watched(population) -> None:
        before = np.unique(search.archive.history["place"].astype(np.float32), axis=0).astype(float)
        compare(population)
        seen.append((before, population.values[:, 1].copy()))
        own = population.columns["place"].astype(np.float32).astype(float)
        distances = np.sort(cdist(own, before), axis=1)
        for row, novelty in zip(distances, population.values[:, 1], strict=True):
            np.testing.assert_allclose(novelty, row[row > 0][:8].mean(), rtol=1e-5)

    search.toolbox.register("compare", watched)
    for generation in range(1, 5):
        search.advance(generation)
    assert len(seen) == 4 and len(search.population) == 40


@pytest.mark.parametrize("settings", [MAP, LANDSCAPE])
def test_a_checkpoint_of_another_search_is_refused(settings: MapSettings) -> None:
    arrays = advanced(settings, 1).arrays()
    other = replace(settings, cells=16).search(5)
    with pytest.raises(ValueError, match=r"shape: \(32, 32\): allowed is \(16, 16\)"):
        other.restore(arrays)
    with pytest.raises(ValueError, match="missing"):
        settings.search(5).restore({name: arrays[name] for name in list(arrays)[:-3]})
    if isinstance(settings, LandscapeSettings):
        with pytest.raises(ValueError, match=r"population_weights: int8 \(40, 106\): allowed is int8 \(50, 106\)"):
            replace(settings, population=50).search(5).restore(arrays)


@pytest.mark.parametrize("problem", ["5-xor", "hierarchical-xor"])
def test_problems_with_several_outputs_have_maps_too(problem: str) -> None:
    for settings in (MAP, LANDSCAPE):
        archive = advanced(replace(settings, problem=problem), 3).archive
        assert archive.topology.outputs == PROBLEMS[problem]().topology.outputs and len(archive) > 3
