from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import batches, edge_lengths, optimal_places, random_batch, seeds, simplified_graph

from analysis.hierarchy import hierarchy
from analysis.modularity import modularity, spectral_partition
from evo.axes import AXES, Places, places
from networks import Networks


def expected(networks: Networks, axis: str, index: int) -> float:
    """A value by definition, from the simplified network as a graph."""
    graph, topology = simplified_graph(networks, index), networks.topology
    if axis == "modularity":
        ordered = nx.DiGraph()
        ordered.add_nodes_from(sorted(graph))
        ordered.add_edges_from(graph.edges)
        return modularity(ordered, spectral_partition(ordered)) if graph else 0.0
    if axis == "hierarchy":
        present = [node for node in range(topology.nodes)[-topology.outputs :] if node in graph]
        return sum(hierarchy(graph, [output]) for output in present) / topology.outputs
    if axis == "connection-cost":
        return float((edge_lengths(graph, optimal_places(graph, topology)) ** 2).sum()) if graph else 0.0
    return len(graph) if axis == "nodes" else graph.number_of_edges()


@settings(max_examples=30)
@given(networks=batches(widest=5))
def test_places_are_the_measures_of_the_simplified_networks_over_their_ends(networks: Networks) -> None:
    ends = [AXES[axis].end for axis in AXES]
    found = places(networks, list(AXES), ends)
    for index in range(len(networks)):
        wanted = [expected(networks, axis, index) / end for axis, end in zip(AXES, ends, strict=True)]
        np.testing.assert_allclose(found[index], wanted, atol=1e-9)


@settings(max_examples=30)
@given(seed=seeds, room=st.sampled_from([1, 4, 1024]), layers=st.sampled_from([(3, 2, 1), (9, 8, 3)]))
def test_what_is_remembered_never_changes_what_is_returned(seed: int, room: int, layers: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    pool = random_batch(layers, seed, 20, density=0.4)
    axes, ends = ("modularity", "nodes"), (1.0, 25.0)
    remembered = Places(pool.topology, axes, ends, room)
    for _ in range(5):
        batch = pool.take(rng.integers(len(pool), size=15))
        batch.weights[0] = 0  # no connection at all
        np.testing.assert_array_equal(remembered(batch), places(batch, axes, ends))
    assert remembered.measured <= remembered.asked == 75
    if room == 1024:
        before = remembered.measured
        remembered(pool)
        remembered(pool)
        assert remembered.measured - before <= len(pool)
