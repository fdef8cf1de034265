"""One trial: evolve, log, checkpoint, and describe the best network."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from analysis.decomposition import left_right_score, left_right_split, sub_solutions
from analysis.functions import sub_problems_solved
from analysis.modularity import modularity, spectral_partition
from cluster.errors import UserError
from cluster.files import write_arrays
from cluster.folder import RunFolder, TrialFolder
from cluster.trials import Progress, Trial
from evo.ancestry import FILE, Ancestry
from evo.engine import begin, best, generations, make_toolbox
from evo.objectives import hierarchy as batch_hierarchy
from evo.objectives import modularity as batch_modularity
from evo.objectives import weights_of
from evo.population import Population
from evo.problems import Problem
from evo.settings import Settings
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


def run_trial(
    trial: Trial, progress: Progress, path: Path, settings: Settings, seed: int, course: type[Course] | None = None
) -> None:
    """Run or continue one trial of an experiment in its folder.

    Args:
        trial: treatment and number.
        progress: called with every row of the metrics.
        path: run folder.
        settings: of the trial's treatment.
        seed: of the run.
        course: how the trial goes on from generation to generation, if not as `Course`.
    """

    def work(folder: TrialFolder, own_seed: int) -> dict[str, Any]:
        own = (course or Course)(settings, own_seed)
        population, generation = _evolve(own, folder, progress)
        described = describe_best(population, own.toolbox.problem, own_seed)
        if own.ancestry is not None:
            entry = population.columns["entry"][drawn_best(population, own_seed)]
            write_arrays(folder.path / FILE, own.ancestry.lineage(int(entry)))
        reached = {
            "problem": own.problem,
            "generation": generation,
            "solved_generation": None if own.solved < 0 else own.solved,
        }
        return reached | described | own.outcome(generation, described["network"])

    RunFolder(path).complete(trial, seed, work)


class Course:
    """How a trial goes on from generation to generation, and what it keeps in mind.

    Experiments whose task changes on the way derive theirs.

    Args:
        settings: of the trial's treatment.
        seed: of the trial.

    Attributes:
        problem: name of the one that is current.
        toolbox: the current operators.
        solved: generation at which a network was first perfect; -1 while none was.
        ancestry: of the living, if the settings ask for it.
    """

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self.problem = settings.problem
        self.toolbox = make_toolbox(settings)
        self.solved = -1
        self.ancestry = Ancestry(self.toolbox.problem.topology) if settings.lineage else None

    def step(self, population: Population, generation: int) -> Population:
        """The population after a generation, from the one before it."""
        return next(generations(self.toolbox, population, self.seed, generation))

    def notice(self, population: Population, generation: int) -> None:
        """Keep in mind what came about in a generation; called once for each."""
        if self.solved < 0 and population.values[:, 0].max() == 1.0:
            self.solved = generation

    def ends(self, generation: int) -> bool:
        """Whether a generation is the trial's last."""
        return generation == self.settings.generations or (self.settings.stop_when_perfect and self.solved >= 0)

    def logs(self, generation: int) -> bool:
        """Whether a generation has a row in the metrics."""
        return generation % self.settings.log_every == 0

    def row(self, population: Population, generation: int, most: int | None) -> dict[str, Any]:
        """That row, as `measure`."""
        return measure(population, generation, most)

    def memory(self) -> dict[str, NDArray]:
        """What it keeps in mind, for the checkpoint."""
        rows = {} if self.ancestry is None else self.ancestry.rows.arrays()
        return {"solved": np.array(self.solved)} | {f"ancestry_{name}": array for name, array in rows.items()}

    def recall(self, arrays: Mapping[str, NDArray], generation: int) -> None:
        """Go on from the memory of a generation."""
        self.solved = int(arrays["solved"])
        if self.ancestry is not None:
            prefix = "ancestry_"
            rows = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            self.ancestry.rows.fill(rows)

    def outcome(self, generation: int, network: Mapping[str, Any]) -> dict[str, Any]:
        """What the result holds beyond the best network, which is given as in the result."""
        return {}


def _evolve(course: Course, folder: TrialFolder, progress: Progress) -> tuple[Population, int]:
    """The final population and the generation it ended at."""
    settings = course.settings
    restored = folder.restore()
    if restored is None:
        population, generation = begin(course.toolbox, course.seed), 0
    else:
        population, generation = _unpack(restored, course, folder)
    fresh = restored is None  # the checkpoint's own generation is noticed and logged already
    while True:
        if fresh:
            course.notice(population, generation)
            if course.ancestry is not None:
                course.ancestry.notice(population, generation)
        ends = course.ends(generation)
        if fresh and (ends or course.logs(generation)):
            row = course.row(population, generation, None if ends else settings.measured_networks)
            folder.record(row)
            progress(row)
        if fresh and (ends or generation % settings.checkpoint_every == 0):
            folder.checkpoint(_pack(population, generation) | course.memory())
        if ends:
            return population, generation
        generation += 1
        population = course.step(population, generation)
        fresh = True


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


def drawn_best(population: Population, seed: int) -> int:
    """One of the tied best networks, drawn uniformly from a stream of its own."""
    tied = best(population)
    return int(tied[int(np.random.default_rng((seed, zlib.crc32(b"best"))).integers(len(tied)))])


def describe_best(population: Population, problem: Problem, seed: int) -> dict[str, Any]:
    """The best network with all its measures, and how its equals compare.

    The network is that of `drawn_best`; its equals appear as
    `tied` (their number), `modularity_mean`, `modularity_median`, `hierarchy_mean` and `decomposed_share`.
    """
    chosen = drawn_best(population, seed)
    equals = population.networks.take(best(population))
    modularities = batch_modularity(equals)
    graph = to_graph(population.networks, chosen)
    result = describe_network(graph, population.networks.take([chosen]), problem)
    result |= {
        "tied": len(equals),
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


def _pack(population: Population, generation: int) -> dict[str, NDArray]:
    arrays = {
        "generation": np.array(generation),
        "weights": population.networks.weights,
        "biases": population.networks.biases,
        "values": population.values,
    }
    return arrays | {f"column_{name}": column for name, column in population.columns.items()}


def _unpack(arrays: Mapping[str, NDArray], course: Course, folder: TrialFolder) -> tuple[Population, int]:
    settings, topology = course.settings, course.toolbox.problem.topology
    try:
        networks = Networks(topology, arrays["weights"], arrays["biases"])
        columns = {
            name.removeprefix("column_"): array for name, array in arrays.items() if name.startswith("column_")
        }
        population = Population(networks, weights_of(settings.objectives), arrays["values"], columns)
        if len(population) != settings.population or population.values.shape[1] != len(settings.objectives):
            raise ValueError(f"{len(population)} individuals of {population.values.shape[1]} objectives")
        generation = int(arrays["generation"])
        course.recall(arrays, generation)
        return population, generation
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{folder.path / 'checkpoint.npz'}: not a checkpoint of this trial ({error}); "
            "remove it to start this trial over"
        ) from None
