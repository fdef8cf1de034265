"""Graphs that nobody drew with care: every measure gives a number that holds, or one line that says why not."""

from __future__ import annotations

import math
from functools import partial

import networkx as nx
import numpy as np
import pytest

from analysis.decomposition import left_right_score, separable_sub_solutions
from analysis.flow import flow_hierarchy, random_walk_hierarchy, trophic_incoherence
from analysis.functions import layered_activations, readability, sub_problem_carriers
from analysis.hierarchy import global_reaching_centrality, hierarchy
from analysis.lesions import lesions
from analysis.modularity import modularity, refined_partition, spectral_partition
from analysis.significance import significance

PLAIN = [(0, 3), (1, 3), (1, 4), (2, 4), (3, 5), (4, 5)]
ANSWERS = {"first": np.array([True, False, True, False])}
RESPONSES = np.random.default_rng(0).normal(size=(6, 4))

STRUCTURE = {
    "modularity": lambda graph: modularity(graph, spectral_partition(graph)),
    "refined": lambda graph: modularity(graph, refined_partition(graph)),
    "hierarchy": hierarchy,
    "centrality": global_reaching_centrality,
    "flow": flow_hierarchy,
    "incoherence": trophic_incoherence,
    "walks": random_walk_hierarchy,
    "split": lambda graph: left_right_score(graph, [0, 1], [2]),
    "significance": lambda graph: significance(graph, nulls=2)["hierarchy"].p,
}
FUNCTION = {
    "carriers": lambda graph: sub_problem_carriers(graph, RESPONSES, ANSWERS).score,
    "readability": lambda graph: readability(graph, RESPONSES, ANSWERS)["first"],
    "lesions": lambda graph: lesions(graph, lambda silenced: RESPONSES, ANSWERS)["drop"].sum(),
    "separable": lambda graph: len(separable_sub_solutions(graph, RESPONSES, ANSWERS)),
}


def weighted(graph, weight=1.0):
    nx.set_edge_attributes(graph, weight, "weight")
    return graph


def alone(kind=nx.DiGraph):
    return nx.empty_graph(6, create_using=kind)


def looped():
    return weighted(nx.DiGraph([*PLAIN, (0, 0), (4, 4)]))


def apart():
    return weighted(nx.DiGraph([(0, 1), (2, 3), (4, 5)]))


def value_of(measure, graph):
    """The value, or the line that says why there is none."""
    try:
        value = measure(graph)
    except ValueError as error:
        assert "\n" not in str(error)
        return str(error)
    assert math.isfinite(value)
    return value


@pytest.mark.parametrize("measure", STRUCTURE.values(), ids=STRUCTURE)
def test_structure_of_odd_graphs(measure):
    assert not isinstance(value_of(measure, nx.DiGraph(PLAIN)), str)
    for graph in (apart(), weighted(nx.DiGraph(PLAIN), "heavy"), weighted(nx.DiGraph(PLAIN), -1j)):
        assert not isinstance(value_of(measure, graph), str)  # pieces are fine, weights are not looked at
    assert measure(weighted(nx.DiGraph(PLAIN), "heavy")) == measure(nx.DiGraph(PLAIN))
    for kind in (nx.Graph, nx.MultiDiGraph, nx.MultiGraph):
        assert "allowed is a networkx.DiGraph" in value_of(measure, kind(PLAIN))
    assert value_of(measure, looped()) is not None
    empty = value_of(measure, alone())
    assert empty in (0.0, 1.0) or "no edges: allowed are one or more" in empty


def test_self_loops_count_where_they_mean_something():
    plain, graph = nx.DiGraph(PLAIN), looped()
    for measure in (hierarchy, global_reaching_centrality, trophic_incoherence, random_walk_hierarchy):
        assert measure(graph) == measure(plain)
    assert flow_hierarchy(graph) == pytest.approx(6 / 8)  # a loop is a cycle
    assert modularity(graph, [list(graph)]) == 0.0
    assert modularity(nx.DiGraph([(0, 0), (1, 1)]), [[0], [1]]) == 0.5  # a loop is an edge within its module


def test_pieces_are_measured_together():
    assert hierarchy(apart()) == 1.0  # each output draws on one node
    assert global_reaching_centrality(apart()) == pytest.approx(3 * 0.2 / 5)
    assert modularity(apart(), [[0, 1], [2, 3], [4, 5]]) == pytest.approx(2 / 3)
    assert flow_hierarchy(apart()) == 1.0 and trophic_incoherence(apart()) == 0.0


@pytest.mark.parametrize("measure", FUNCTION.values(), ids=FUNCTION)
def test_function_of_odd_graphs(measure):
    for graph in (weighted(nx.DiGraph(PLAIN)), apart(), alone()):
        assert not isinstance(value_of(measure, graph), str)
    for weight in ("heavy", None, math.nan, math.inf, True, 1j):
        assert "weight" in value_of(measure, weighted(nx.DiGraph(PLAIN), weight))


def test_a_layered_network_says_what_does_not_fit_it():
    graph = nx.DiGraph(PLAIN, layers=[3, 2, 1], input_x=[-1, 0, 1], output_x=[0], output_y=2)
    patterns = np.array([[1, 1, 1], [-1, 1, 1], [1, -1, 1]])
    responses = partial(layered_activations, graph, patterns)
    assert [len(values) for values in responses().values()] == [3] * 6
    graph.add_edge(3, 3)
    with pytest.raises(ValueError, match="edge 3 -> 3: allowed are edges between adjacent layers, upwards"):
        responses()
    graph.remove_edge(3, 3)
    graph.edges[0, 3]["weight"] = "heavy"
    with pytest.raises(ValueError, match="weight of edge 0 -> 3: 'heavy': allowed is a finite number"):
        responses()
