from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from adjacencies import graph_of, layered_adjacency, random_adjacency
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.flow import flow_hierarchy, random_walk_hierarchy, trophic_incoherence, trophic_levels

FADE = math.exp(-1 / 4)
CYCLE = nx.cycle_graph(7, create_using=nx.DiGraph)


def chain(size):
    return nx.path_graph(size, create_using=nx.DiGraph)


def star(size):
    return nx.DiGraph((node, 0) for node in range(1, size))


def tree(branching, height):
    return nx.balanced_tree(branching, height, create_using=nx.DiGraph).reverse()


def spread(values):
    return np.std(values) / np.mean(values)


def test_flow_hierarchy_is_the_share_of_edges_outside_cycles():
    graph = nx.DiGraph([(0, 1), (1, 2), (2, 0), (2, 3), (4, 3), (3, 3)])
    assert flow_hierarchy(graph) == pytest.approx(2 / 6)
    assert flow_hierarchy(CYCLE) == 0.0
    assert flow_hierarchy(graph_of(layered_adjacency(40, 1))) == 1.0


@given(seed=st.integers(0, 2**32 - 1), edges=st.integers(1, 60))
@settings(max_examples=40)
def test_flow_hierarchy_by_trying_every_edge(seed, edges):
    graph = graph_of(random_adjacency(12, edges, seed, loops=True))
    in_cycle = [s == t or nx.has_path(graph, t, s) for s, t in graph.edges]
    assert flow_hierarchy(graph) == pytest.approx(1 - np.mean(in_cycle), abs=1e-12)


@given(seed=st.integers(0, 2**32 - 1), edges=st.integers(0, 60))
@settings(max_examples=40)
def test_trophic_levels_fulfil_their_equation(seed, edges):
    graph = graph_of(random_adjacency(12, edges, seed))
    graph.add_edges_from((0, node) for node in range(1, 12))
    graph.remove_edges_from(list(graph.in_edges(0)))  # node 0 leads everywhere, nothing leads to it
    levels = trophic_levels(graph)
    assert list(levels) == list(graph)
    for node in graph:
        below = [levels[source] for source in graph.predecessors(node)]
        assert levels[node] == pytest.approx(1 + (np.mean(below) if below else 0))
    differences = [levels[target] - levels[source] for source, target in graph.edges]
    assert trophic_incoherence(graph) == pytest.approx(np.std(differences), abs=1e-9)


def test_layered_networks_are_coherent():
    full = nx.complete_multipartite_graph(8, 4, 2, 1).to_directed()
    up = [(s, t) for s, t in full.edges if full.nodes[s]["subset"] + 1 == full.nodes[t]["subset"]]
    graph = nx.DiGraph(up)
    assert trophic_incoherence(graph) == pytest.approx(0.0, abs=1e-12)
    assert {level for node, level in trophic_levels(graph).items() if node < 8} == {1.0}
    graph.add_edge(0, 14)  # an input straight to the output
    graph.add_edge(3, 3)
    graph.add_node("lonely")
    assert trophic_incoherence(graph) > 0.1
    assert trophic_levels(graph)["lonely"] == 1.0


def test_weights_do_not_matter():
    plain = nx.DiGraph([(0, 1), (1, 2), (0, 2)])
    heavy = plain.copy()
    nx.set_edge_attributes(heavy, {(0, 1): -2, (1, 2): "x", (0, 2): 0}, "weight")
    for measure in (flow_hierarchy, trophic_levels, trophic_incoherence, random_walk_hierarchy):
        assert measure(heavy) == measure(plain)


@pytest.mark.parametrize("size", [2, 5, 40])
def test_random_walks_in_closed_form(size):
    hub = [1 + FADE] + [1.0] * (size - 1)
    assert random_walk_hierarchy(star(size)) == pytest.approx(spread(hub))
    below = np.arange(1, size + 1)
    assert random_walk_hierarchy(chain(size)) == pytest.approx(spread((1 - FADE**below) / (1 - FADE)))
    nothing = [1.0] + [1 + FADE] * (size - 1)
    assert random_walk_hierarchy(star(size).reverse()) == pytest.approx(spread(nothing))
    assert random_walk_hierarchy(nx.cycle_graph(size, create_using=nx.DiGraph)) == 0.0
    assert random_walk_hierarchy(nx.complete_graph(size, create_using=nx.DiGraph)) == 0.0


def regular_tree_limit(branching):
    """Heights have probability (1 - 1/b) / b^h; a walk from height h visits (1 - fade^(h+1)) / (1 - fade)."""
    share = 1 - 1 / branching
    first, second = share / (1 - FADE / branching), share / (1 - FADE**2 / branching)
    mean = (1 - FADE * first) / (1 - FADE)
    return FADE * math.sqrt(second - first**2) / (1 - FADE) / mean


@pytest.mark.parametrize(("branching", "height"), [(2, 8), (3, 5), (6, 3)])
def test_trees_have_a_limit_and_come_before_chains_and_stars(branching, height):
    graph = tree(branching, height)
    assert random_walk_hierarchy(graph) == pytest.approx(regular_tree_limit(branching), abs=0.03)
    size = len(graph)
    assert random_walk_hierarchy(graph) > 2 * max(
        random_walk_hierarchy(chain(size)), random_walk_hierarchy(star(size))
    )


@given(seed=st.integers(0, 2**32 - 1), edges=st.integers(0, 60), length=st.floats(0.2, 8))
@settings(max_examples=20)
def test_random_walks_step_by_step(seed, edges, length):
    graph = graph_of(random_adjacency(12, edges, seed))
    fade, visited, alive = math.exp(-1 / length), np.zeros(12), {n: {n: 1.0} for n in graph}
    for start in graph:
        for _ in range(int(40 * length) + 2):
            visited[start] += sum(alive[start].values())
            later = dict.fromkeys(graph, 0.0)
            for node, chance in alive[start].items():
                for source in graph.predecessors(node):
                    later[source] += fade * chance / graph.in_degree(node)
            alive[start] = {node: chance for node, chance in later.items() if chance > 1e-14}
            if not alive[start]:
                break
    assert random_walk_hierarchy(graph, length) == pytest.approx(spread(visited), abs=1e-6)


def test_graphs_without_edges():
    for graph in (nx.DiGraph(), nx.empty_graph(3, create_using=nx.DiGraph)):
        assert random_walk_hierarchy(graph) == 0.0
        assert set(trophic_levels(graph).values()) <= {1.0}
        for measure in (flow_hierarchy, trophic_incoherence):
            with pytest.raises(ValueError, match="graph: no edges: allowed are one or more"):
                measure(graph)
    with pytest.raises(ValueError, match="graph: no edges"):
        trophic_incoherence(nx.DiGraph([(0, 0)]))
    assert random_walk_hierarchy(nx.DiGraph([(0, 0), (0, 1)])) == random_walk_hierarchy(chain(2))


def test_what_has_no_levels_is_refused():
    for graph, node in ((CYCLE, 0), (nx.DiGraph([(0, 1), (2, 3), (3, 2)]), 2)):
        for measure in (trophic_levels, trophic_incoherence):
            with pytest.raises(ValueError, match=f"graph: no path leads to node {node} from a node without"):
                measure(graph)


@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiDiGraph, nx.MultiGraph])
@pytest.mark.parametrize("measure", [flow_hierarchy, trophic_levels, trophic_incoherence, random_walk_hierarchy])
def test_other_kinds_of_graph_are_refused(kind, measure):
    with pytest.raises(ValueError, match=f"graph: {kind.__name__}: allowed is a networkx.DiGraph"):
        measure(kind([(0, 1)]))


@pytest.mark.parametrize("length", [0.0, -1.0, math.nan, math.inf])
def test_bad_lengths_are_refused(length):
    with pytest.raises(ValueError, match=f"length: {length}: allowed are finite numbers above 0"):
        random_walk_hierarchy(CYCLE, length)
