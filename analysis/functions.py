"""Which sub-problems a network solves on the way to its answer, and where: its functional hierarchy.

After Mengistu, Huizinga, Mouret and Clune (2016, PLoS Comput Biol 12:e1004829): a sub-problem is solved where one
threshold on the output of a neuron, or on what two neurons of a layer send to a common target, tells its yes from
its no patterns. `analysis.decomposition` has the earlier, coarser and finer, definitions.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, product

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.decomposition import Answers, arriving, check_answers, check_two_answers, separates
from analysis.layout import node_layers
from networks import Evaluator, Networks, Topology, from_graph
from networks.gates import Gate, sub_problems

Activations = Mapping[Hashable, ArrayLike] | NDArray


@dataclass(frozen=True)
class Carrier:
    """Who solves a sub-problem.

    Attributes:
        nodes: a neuron, or two of one layer.
        target: the node into which the two send the weighted sum that solves it; None for a single neuron.
    """

    nodes: tuple[Hashable, ...]
    target: Hashable | None = None


@dataclass(frozen=True)
class SubProblems:
    """What became of the sub-problems of a task.

    Attributes:
        carriers: who solves each sub-problem; None where nobody does.
    """

    carriers: dict[str, Carrier | None]

    @property
    def solved(self) -> int:
        """Number of sub-problems solved."""
        return sum(carrier is not None for carrier in self.carriers.values())

    @property
    def score(self) -> float:
        """Share of the sub-problems that are solved, from 0 to 1."""
        return self.solved / len(self.carriers)


def sub_problems_solved(
    graph: nx.DiGraph,
    gates: Sequence[Gate],
    patterns: NDArray | None = None,
    activations: Activations | None = None,
) -> SubProblems:
    """Which gates below those of the outputs a network solves (Mengistu et al. 2016).

    Args:
        graph: a network as `networks.to_graph` makes it, or any with its own activations, with a weight on every
            edge and layers as `sub_problem_carriers` wants them.
        gates: the task, a gate for each output; the outermost ones do not count.
        patterns: input values (patterns, inputs), the columns numbered as in the gates; by default all patterns
            of -1 and 1 for the topology stored in the graph.
        activations: as in `sub_problem_carriers`; by default those of `layered_activations`.

    Raises:
        ValueError: gates without sub-problems, activations without patterns, or what `layered_activations` and
            `sub_problem_carriers` refuse.
    """
    answers = sub_problems(list(gates))
    if not answers:
        raise ValueError(f"gates: {', '.join(map(str, gates))}: allowed are gates made of others")
    if patterns is None:
        if activations is not None:
            raise ValueError("patterns: missing: allowed with activations are the patterns they belong to")
        patterns = all_patterns(len(graph.graph.get("input_x", ())))
    if activations is None:
        activations = layered_activations(graph, patterns)
    return sub_problem_carriers(
        graph, activations, {name: gate.answers(patterns) for name, gate in answers.items()}
    )


def sub_problem_carriers(graph: nx.DiGraph, activations: Activations, answers: Answers) -> SubProblems:
    """Who solves each sub-problem: the lowest single neuron that does, else the lowest pair of neurons.

    A neuron is a node above the lowest layer, which is that of the inputs. It solves a sub-problem if one
    threshold lies between its outputs on yes and on no patterns, whichever are the greater; two neurons of one
    layer with an edge to the same node do if it lies between the weighted sums of both.

    Args:
        graph: any directed graph with an edge attribute `weight`. Its layers are the node attribute `layer`, or
            else the longest path to a node.
        activations: activation of each node on each pattern, (patterns,) under the name of the node: a mapping,
            or an array (nodes, patterns) if the nodes are numbers of its rows.
        answers: for each sub-problem its correct answers, bool (patterns,).

    Returns:
        The carriers, the first in the order of layers and of the graph.

    Raises:
        ValueError: a graph with cycles and without layers, an edge without a weight that is a finite number, a
            node without activations, no sub-problems, or answers that are not bool (patterns,) or always the same.
    """
    _check(graph, activations, answers)
    carriers: dict[str, Carrier | None] = dict.fromkeys(answers)
    for carrier, values in read_outs(graph, activations):
        for name, answer in answers.items():
            if carriers[name] is None and separates(values, np.asarray(answer)):
                carriers[name] = carrier
        if None not in carriers.values():
            break
    return SubProblems(carriers)


def readability(
    graph: nx.DiGraph, activations: Activations, answers: Answers, silenced: Collection[Hashable] = ()
) -> dict[str, float]:
    """How well each sub-problem can be read off the neurons, or pairs of neurons, of `sub_problem_carriers`.

    The best, over all of them, of the accuracy of a threshold, as the mean of the shares of yes and of no patterns
    it gets right: 1 if and only if the sub-problem is solved, 0.5 if nothing says anything about it.

    Args:
        graph: as in `sub_problem_carriers`.
        activations: as there.
        answers: as there.
        silenced: nodes that nothing is read off.

    Raises:
        ValueError: as `sub_problem_carriers`.
    """
    _check(graph, activations, answers)
    values = [array for _, array in read_outs(graph, activations, silenced)]
    if not values:
        return dict.fromkeys(answers, 0.5)
    # Sorted once for all sub-problems; a threshold fits between two different values only.
    stacked = np.stack(values)
    order = np.argsort(stacked, axis=1, kind="stable")
    gaps = np.diff(np.take_along_axis(stacked, order, axis=1), axis=1) > 0
    return {name: _best_threshold(np.asarray(answer)[order], gaps) for name, answer in answers.items()}


def read_outs(
    graph: nx.DiGraph, activations: Activations, silenced: Collection[Hashable] = ()
) -> Iterator[tuple[Carrier, NDArray[np.float64]]]:
    """What can be read off a network: each neuron's output, then each weighted sum of a pair, the lowest first.

    Args:
        graph: as in `sub_problem_carriers`.
        activations: as there.
        silenced: nodes that are left out.

    Yields:
        The neuron or the pair, and the values on all patterns, float64 (patterns,).

    Raises:
        ValueError: as `sub_problem_carriers`.
    """
    layers = _layers(graph)
    inputs = min(layers.values(), default=0.0)
    ordered = sorted(graph, key=layers.__getitem__)  # nodes of a layer stay in the order of the graph
    neurons = [node for node in ordered if layers[node] > inputs and node not in silenced]
    sent = {target: arriving(graph, target, activations) for target in ordered if target not in silenced}
    for node in neurons:
        yield Carrier((node,)), np.asarray(activations[node], np.float64)
    for _, members in groupby(neurons, key=layers.__getitem__):
        row = list(members)
        for target, values in sent.items():
            for first, second in combinations([node for node in row if node in values], 2):
                yield Carrier((first, second), target), values[first] + values[second]


def layered_activations(
    graph: nx.DiGraph,
    patterns: NDArray,
    silenced: Collection[Hashable] = (),
    *,
    slope: float = 20.0,
    activation: str = "tanh",
    topology: Topology | None = None,
) -> dict[Hashable, NDArray]:
    """What each node of a layered network does on each pattern, when some nodes are silent.

    Args:
        graph: a network as `networks.to_graph` makes it.
        patterns: input values (patterns, inputs).
        silenced: nodes, inputs among them or not, that send nothing: as if their outgoing edges were cut.
        slope: as in `networks.Evaluator`, as `activation`.
        activation: of the nodes.
        topology: layers and places; by default those stored in the graph.

    Returns:
        Activations (patterns,) of every node of the graph.

    Raises:
        ValueError: not a layered network, a weight or bias that is not a number, patterns of another width, or a
            silenced node that is not in the graph.
    """
    for node in silenced:
        if node not in graph:
            raise ValueError(f"silenced: {node!r}: allowed are nodes of the graph")
    networks = from_graph(graph, topology)
    cut = np.isin(networks.topology.sources, np.array(list(silenced), np.int64))
    networks = Networks(
        networks.topology, np.where(cut, 0, networks.weights).astype(networks.weights.dtype), networks.biases
    )
    nodes = list(graph)
    return dict(zip(nodes, Evaluator(patterns, slope, activation).activations(networks, nodes)[0], strict=True))


def all_patterns(inputs: int) -> NDArray[np.int8]:
    """All patterns of -1 and 1, (2^inputs, inputs).

    Raises:
        ValueError: no inputs, or more than 20 (a million patterns).
    """
    if not 1 <= inputs <= 20:
        raise ValueError(f"inputs: {inputs}: allowed are 1 to 20; give patterns")
    return np.array(list(product((-1, 1), repeat=inputs)), np.int8)


def _layers(graph: nx.DiGraph) -> dict[Hashable, float]:
    layers = node_layers(graph)
    if layers is None:
        raise ValueError("graph: has cycles and no layers: allowed are graphs with a layer on every node")
    return layers


def _check(graph: nx.DiGraph, activations: Activations, answers: Answers) -> None:
    if not answers:
        raise ValueError("answers: none: allowed are those of one or more sub-problems")
    for node in graph:
        try:
            patterns = np.shape(activations[node])
        except (LookupError, TypeError):
            raise ValueError(f"activations: node {node!r}: missing: allowed are those of every node") from None
        check_answers(answers, patterns[0] if len(patterns) == 1 else 0)
    check_two_answers(answers)


def _best_threshold(yes: NDArray[np.bool_], gaps: NDArray[np.bool_]) -> float:
    """Balanced accuracy of the best threshold on the best of several read-outs.

    Args:
        yes: correct answers in ascending order of the values, (read-outs, patterns).
        gaps: whether a value differs from the next, (read-outs, patterns - 1).

    Half of 1 + the greatest distance between the distributions of both kinds of pattern (Kolmogorov-Smirnov).
    """
    below = np.cumsum(yes, axis=1)
    total, patterns = below[0, -1], yes.shape[1]
    others = np.arange(1, patterns) - below[:, :-1]
    distance = np.abs(below[:, :-1] / total - others / (patterns - total))
    return float(1.0 + np.max(distance, where=gaps, initial=0.0)) / 2.0
