"""One trial: evolve, log, checkpoint, and describe the best network."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from deap import base
from numpy.typing import NDArray

from analysis.decomposition import left_right_score, left_right_split, sub_solutions
from analysis.functions import sub_problems_solved
from analysis.modularity import modularity, spectral_partition
from cluster.errors import UserError
from cluster.folder import RunFolder, TrialFolder
from cluster.seeds import trial_seed
from cluster.trials import Progress, Trial
from evo.engine import begin, best, generations, make_toolbox
from evo.experiments import Settings
from evo.objectives import hierarchy as batch_hierarchy
from evo.objectives import modularity as batch_modularity
from evo.objectives import weights_of
from evo.population import Population
from evo.problems import Problem
from networks import Networks, connection_cost, connection_count, to_graph, to_json

#: Columns of metrics.csv.
COLUMNS = (
    "generation",
    "performance",
    "tied",
    "modularity",
    "modularity_median",
    "connection_cost",
    "connection_cost_median",
    "connections",
    "hierarchy",
)


def prepare(settings: Settings) -> None:
    """Compile the kernels of a trial by going through one generation of a few individuals."""
    toolbox = make_toolbox(dataclasses.replace(settings, population=4))
    measure(next(generations(toolbox, begin(toolbox, 0), 0)), 0, None)


def run_trial(trial: Trial, progress: Progress, path: Path, settings: Settings, seed: int) -> None:
    """Run or continue one trial of an experiment in its folder.

    Args:
        trial: treatment and number.
        progress: called with every row of the metrics.
        path: run folder.
        settings: of the trial's treatment.
        seed: of the run.
    """
    experiment = RunFolder(path).description["experiment"]
    folder = RunFolder(path).trial(trial.treatment, trial.number)
    with folder.locked():
        if folder.finished:
            return
        own_seed = trial_seed(seed, trial.treatment, trial.number)
        toolbox = make_toolbox(settings)
        population, state = _evolve(toolbox, settings, own_seed, folder, progress)
        identity = {
            "experiment": experiment,
            "problem": settings.problem,
            "treatment": trial.treatment,
            "trial": trial.number,
            "seed": own_seed,
        }
        folder.finish(identity | state | describe_best(population, toolbox.problem, own_seed))


def _evolve(
    toolbox: base.Toolbox, settings: Settings, seed: int, folder: TrialFolder, progress: Progress
) -> tuple[Population, dict[str, Any]]:
    """The final population, and the generation it ended at and solved the problem at."""
    restored = folder.restore()
    if restored is None:
        population, generation, solved = begin(toolbox, seed), 0, -1
    else:
        population, generation, solved = _unpack(restored, toolbox, settings, folder)
    begun = -1 if restored is None else generation
    further = generations(toolbox, population, seed, generation + 1)
    while True:
        performance = float(population.values[:, 0].max())
        if solved < 0 and performance == 1.0:
            solved = generation
        ends = generation == settings.generations or (settings.stop_when_perfect and solved >= 0)
        fresh = generation > begun  # the checkpoint's own generation is logged already
        if fresh and (ends or generation % settings.log_every == 0):
            row = measure(population, generation, None if ends else settings.measured_networks)
            folder.record(row)
            progress(row)
        if fresh and (ends or generation % settings.checkpoint_every == 0):
            folder.checkpoint(_pack(population, generation, solved))
        if ends:
            return population, {"generation": generation, "solved_generation": None if solved < 0 else solved}
        population = next(further)
        generation += 1


def measure(population: Population, generation: int, most: int | None) -> dict[str, Any]:
    """A row of metrics: means and medians over the tied best networks (Clune et al. 2013).

    Args:
        population: ranked individuals.
        generation: its number.
        most: measure modularity and hierarchy of at most this many of them, evenly spaced; None measures all.
    """
    tied = best(population)
    networks = population.networks.take(tied)
    costs, counts = connection_cost(networks), connection_count(networks)
    chosen = np.arange(len(tied))
    if most is not None and len(tied) > most:
        chosen = np.arange(most) * len(tied) // most
    measured = networks.take(chosen)
    modularities = batch_modularity(measured)
    values = (
        generation,
        float(population.values[tied[0], 0]),
        len(tied),
        float(modularities.mean()),
        float(np.median(modularities)),
        float(costs.mean()),
        float(np.median(costs)),
        float(counts.mean()),
        float(batch_hierarchy(measured).mean()),
    )
    return dict(zip(COLUMNS, values, strict=True))


def describe_best(population: Population, problem: Problem, seed: int) -> dict[str, Any]:
    """The best network with all its measures, and how its equals compare.

    Of the tied best networks, one is drawn uniformly from a stream of its own; its equals appear as
    `tied` (their number), `modularity_mean`, `modularity_median`, `hierarchy_mean` and `decomposed_share`.
    """
    tied = best(population)
    chosen = tied[int(np.random.default_rng((seed, zlib.crc32(b"best"))).integers(len(tied)))]
    equals = population.networks.take(tied)
    modularities = batch_modularity(equals)
    graph = to_graph(population.networks, int(chosen))
    result = describe_network(graph, population.networks.take([chosen]), problem)
    result |= {
        "tied": len(tied),
        "modularity_mean": float(modularities.mean()),
        "modularity_median": float(np.median(modularities)),
        "hierarchy_mean": float(batch_hierarchy(equals).mean()),
    }
    if problem.left:
        split = [
            left_right_split(to_graph(equals, index), problem.left, problem.right) for index in range(len(equals))
        ]
        result["decomposed_share"] = float(np.mean(split))
    return result | {"network": to_json(graph)}


def describe_network(graph: nx.DiGraph, networks: Networks, problem: Problem) -> dict[str, Any]:
    """Every measure of one network.

    Args:
        graph: the simplified network.
        networks: a batch that holds it alone.
        problem: what it should answer.
    """
    partition = spectral_partition(graph)
    result: dict[str, Any] = {
        "performance": float(problem.performance(problem.outputs(networks))[0]),
        "connection_cost": float(connection_cost(networks)[0]),
        "connections": int(connection_count(networks)[0]),
        "modularity": modularity(graph, partition),
        "partition": partition,
        "hierarchy": float(batch_hierarchy(networks)[0]),
        "decomposed": None,
        "decomposition": None,
        "sub_solutions": None,
        "sub_problems": None,
        "sub_problem_carriers": None,
    }
    if problem.left:
        result["decomposed"] = left_right_split(graph, problem.left, problem.right)
        result["decomposition"] = left_right_score(graph, problem.left, problem.right)
    if problem.parts:
        hidden = [node for node in graph if node >= problem.topology.inputs]
        result["sub_solutions"] = {}
        if hidden:
            activations = problem.evaluator.activations(networks, hidden)[0]
            found = sub_solutions(activations, problem.parts)
            result["sub_solutions"] = {
                name: {"node": hidden[part.node], "score": part.score} for name, part in found.items()
            }
    if problem.gates:
        activations = problem.evaluator.activations(networks, range(problem.topology.nodes))[0]
        solved = sub_problems_solved(graph, problem.gates, problem.patterns, activations)
        result["sub_problems"] = solved.score
        result["sub_problem_carriers"] = {
            name: carrier and {"nodes": list(carrier.nodes), "target": carrier.target}
            for name, carrier in solved.carriers.items()
        }
    return result


def _pack(population: Population, generation: int, solved: int) -> dict[str, NDArray]:
    arrays = {
        "generation": np.array(generation),
        "solved": np.array(solved),
        "weights": population.networks.weights,
        "biases": population.networks.biases,
        "values": population.values,
    }
    return arrays | {f"column_{name}": column for name, column in population.columns.items()}


def _unpack(
    arrays: Mapping[str, NDArray], toolbox: base.Toolbox, settings: Settings, folder: TrialFolder
) -> tuple[Population, int, int]:
    topology = toolbox.problem.topology
    try:
        networks = Networks(topology, arrays["weights"], arrays["biases"])
        columns = {
            name.removeprefix("column_"): array for name, array in arrays.items() if name.startswith("column_")
        }
        population = Population(networks, weights_of(settings.objectives), arrays["values"], columns)
        if len(population) != settings.population or population.values.shape[1] != len(settings.objectives):
            raise ValueError(f"{len(population)} individuals of {population.values.shape[1]} objectives")
        return population, int(arrays["generation"]), int(arrays["solved"])
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{folder.path / 'checkpoint.npz'}: not a checkpoint of this trial ({error}); "
            "remove it to start this trial over"
        ) from None
