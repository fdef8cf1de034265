from __future__ import annotations

from dataclasses import replace
from itertools import islice

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import edge_lengths, node_values, optimal_places, random_batch, seeds, simplified_graph
from scipy.spatial.distance import cdist

from analysis.modularity import spectral_partition
from evo import objectives
from evo.engine import begin, generations, make_toolbox
from evo.objectives import OBJECTIVES, behavioural_diversity, compare, evaluate, modularity, weights_of
from evo.population import Population
from evo.problems import Problem, hierarchical_xor, retina
from evo.settings import Settings
from networks import Networks

EVERY = tuple(OBJECTIVES)
FROM_CONNECTIONS = (
    "connection-cost",
    "connections",
    "thresholded-cost",
    "longest-connection",
    "modularity",
    "hierarchy",
)


def random_population(problem: Problem, names: tuple[str, ...], seed: int, count: int = 12) -> Population:
    batch = random_batch(problem.topology.layers, seed, count)
    networks = Networks(problem.topology, batch.weights, batch.biases)
    gene = np.random.default_rng(seed).random(count)
    return Population(networks, weights_of(names), columns={"gene": gene})


def reaching_centrality(graph: nx.DiGraph, output: int) -> float:
    """Global reaching centrality of an output's ancestors, edges reversed, by networkx."""
    if output not in graph or not graph.in_degree(output):
        return 0.0
    below = graph.subgraph(nx.ancestors(graph, output) | {output}).reverse()
    return float(nx.global_reaching_centrality(below))


def expected(networks: Networks, problem: Problem, gene: np.ndarray) -> dict[str, list[float]]:
    """Every objective by definition, from graphs and plain numpy."""
    outputs = node_values(networks, problem.patterns)[:, -problem.topology.outputs :]
    says_yes = outputs > 0
    right = says_yes == problem.targets.T
    if problem.zero_is_wrong:
        right &= outputs != 0
    graphs = [simplified_graph(networks, index) for index in range(len(networks))]
    lengths = [edge_lengths(graph, optimal_places(graph, problem.topology)) for graph in graphs]
    behaviours = says_yes.reshape(len(networks), -1)
    first_output = problem.topology.nodes - problem.topology.outputs
    outputs_of = range(first_output, problem.topology.nodes)
    hierarchies = [np.mean([reaching_centrality(graph, node) for node in outputs_of]) for graph in graphs]
    modularities = [
        nx.community.modularity(graph, spectral_partition(graph), weight=None) if graph.edges else 0.0
        for graph in graphs
    ]
    return {
        "performance": right.mean(axis=(1, 2)).tolist(),
        "connection-cost": [(row**2).sum() for row in lengths],
        "connections": [graph.number_of_edges() for graph in graphs],
        "thresholded-cost": [(row[row > 1.5] ** 2).sum() for row in lengths],
        "longest-connection": [row.max(initial=0.0) for row in lengths],
        "modularity": modularities,
        "low-modularity": modularities,
        "hierarchy": hierarchies,
        "low-hierarchy": hierarchies,
        "diversity": cdist(behaviours, behaviours, "hamming").mean(axis=1).tolist(),
        "random": gene.tolist(),
    }


@pytest.mark.parametrize("problem", [retina("and"), retina("or"), hierarchical_xor()], ids=lambda p: p.name)
@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_by_definition(problem: Problem, seed: int) -> None:
    population = random_population(problem, EVERY, seed)
    evaluate(population, problem, EVERY)
    wanted = expected(population.networks, problem, population.columns["gene"])
    for column, name in enumerate(EVERY):
        np.testing.assert_allclose(population.values[:, column], wanted[name], atol=1e-9, err_msg=name)


def test_values_stand_in_the_order_of_the_names() -> None:
    problem, names = retina(), ("performance", "modularity", "connections")
    population = random_population(problem, names, 1)
    evaluate(population, problem, names)
    wanted = expected(population.networks, problem, population.columns["gene"])
    np.testing.assert_allclose(population.values, np.stack([wanted[name] for name in names], axis=1), atol=1e-9)


def test_costs_and_what_is_selected_against_are_minimised_and_all_else_is_maximised() -> None:
    low = {name for name in EVERY if name.startswith("low-")}
    low |= {"connection-cost", "connections", "thresholded-cost", "longest-connection"}
    assert weights_of(EVERY) == tuple(-1.0 if name in low else 1.0 for name in EVERY)


@settings(deadline=None)
@given(seeds, st.integers(1, 30), st.integers(1, 40))
def test_diversity_is_the_mean_hamming_distance_to_all(seed: int, count: int, answers: int) -> None:
    behaviours = np.random.default_rng(seed).random((count, answers)) < 0.4
    wanted = cdist(behaviours, behaviours, "hamming").mean(axis=1)
    np.testing.assert_allclose(behavioural_diversity(behaviours), wanted, atol=1e-12)


def test_diversity_is_compared_with_everyone_together() -> None:
    problem, names = retina(), ("performance", "diversity")
    parents, offspring = random_population(problem, names, 1), random_population(problem, names, 2)
    evaluate(parents, problem, names)
    evaluate(offspring, problem, names)
    together = parents + offspring
    compare(together, names)
    wanted = expected(together.networks, problem, together.columns["gene"])
    np.testing.assert_allclose(together.values[:, 1], wanted["diversity"], atol=1e-12)


@pytest.mark.parametrize(
    "treatment", [{"crossover_rate": 0.0}, {"crossover_rate": 0.5}, {"add_rate": 1.0, "remove_rate": 1.0}]
)
def test_inherited_values_equal_recomputed_ones_in_a_real_run(treatment: dict) -> None:
    names = ("performance", *FROM_CONNECTIONS)
    toolbox = make_toolbox(replace(Settings(population=40, objectives=names), **treatment))
    inherited = 0
    for population in islice(generations(toolbox, begin(toolbox, 1), 1), 12):
        inherited += int((~population.columns["rewired"]).sum())
        fresh = Population(population.networks, population.weights)
        evaluate(fresh, toolbox.problem, names)
        assert np.array_equal(population.values, fresh.values)
    assert (inherited > 0) == (treatment == {"crossover_rate": 0.0})


def test_only_rewired_or_unknown_values_are_measured_again() -> None:
    problem, names = retina(), ("performance", "connections")
    population = random_population(problem, names, 1, 4)
    evaluate(population, problem, names)
    right = population.values.copy()
    population.values[:] = [[0, -1], [0, -1], [np.nan, np.nan], [0, -1]]
    population.columns["rewired"] = np.array([False, True, False, False])
    evaluate(population, problem, names)
    assert population.values[:, 0].tolist() == right[:, 0].tolist()
    assert population.values[:, 1].tolist() == [-1, right[1, 1], right[2, 1], -1]


def test_modularity_ignores_what_cannot_reach_an_output() -> None:
    networks = random_batch((4, 4, 4, 2), 1, count=30, density=0.25)
    for index, found in enumerate(modularity(networks)):
        graph = simplified_graph(networks, index)
        modules = spectral_partition(graph)
        wanted = nx.community.modularity(graph, modules, weight=None) if graph.edges else 0.0
        assert found == pytest.approx(wanted, abs=1e-12)


def test_modularity_is_remembered_by_connections_of_the_same_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [random_batch(layers, seed, 20) for layers in ((4, 3, 1), (4, 1, 3)) for seed in range(3)]
    batches += [Networks(b.topology, -b.weights, b.biases) for b in batches]  # the same connections
    wanted = []
    for batch in batches:
        monkeypatch.setattr(objectives, "_known_modularities", {})
        wanted.append(modularity(batch).tolist())
    for most in (10_000, 30):
        monkeypatch.setattr(objectives, "_known_modularities", {})
        monkeypatch.setattr(objectives, "MOST_REMEMBERED", most)
        assert [modularity(batch).tolist() for batch in batches] == wanted
        assert all(len(known) <= max(most, 20) for known in objectives._known_modularities.values())
    assert modularity(batches[0].take([])).shape == (0,)


def test_unknown_objectives_and_none_for_performance_are_errors() -> None:
    with pytest.raises(ValueError, match=r"^objectives: 'beauty': allowed are performance, connection-cost"):
        weights_of(("performance", "beauty"))
    with pytest.raises(
        ValueError, match=r"^objectives: connections: allowed are lists that begin with performance$"
    ):
        weights_of(("connections",))
    with pytest.raises(ValueError, match=r"^objectives: : allowed are lists that begin with performance$"):
        weights_of(())
