"""Does a network's structure split along its task, and which nodes compute the parts of the task.

Structure: whether the first spectral bisection separates the left inputs from the right ones. Function: nodes
whose activation alone answers a sub-problem (both after Clune, Mouret and Lipson 2013, Proc. R. Soc. B
280:20122863), or whose incoming edges, or some of them, carry a sum that does (after Huizinga, Mouret and
Clune 2014, GECCO, "HyperNEAT plus the connection cost technique").
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from numbers import Real

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.modularity import first_split

MOST_INCOMING = 16  # in-degree up to which all subsets of edges are tried: 65,535 of them

Answers = Mapping[str, NDArray[np.bool_]]


def left_right_split(graph: nx.DiGraph, left: Collection[Hashable], right: Collection[Hashable]) -> bool:
    """Whether the first bisection puts all left inputs in one half and all right inputs in the other.

    Args:
        graph: any directed graph.
        left: left inputs; one that is not in the graph, or has no edge, makes the answer no.
        right: right inputs, likewise.

    Raises:
        ValueError: not a directed simple graph, a side without inputs, or an input given twice.
    """
    return left_right_score(graph, left, right) == 1.0


def left_right_score(graph: nx.DiGraph, left: Collection[Hashable], right: Collection[Hashable]) -> float:
    """How far the first bisection separates left from right inputs, from 0 to 1.

    (|L0 - R0| + |L1 - R1|) / number of inputs, with L0 connected left inputs in half 0 and so on. It is 1
    only where all inputs are connected and the two sides are apart (Clune et al. 2013).

    Args:
        graph: any directed graph.
        left: left inputs; those without an edge or not in the graph count as inputs that are in neither half.
        right: right inputs, likewise.

    Raises:
        ValueError: not a directed simple graph, a side without inputs, or an input given twice.
    """
    inputs = [*left, *right]
    if not left or not right or len(set(inputs)) < len(inputs):
        raise ValueError(f"left, right: {list(left)}, {list(right)}: allowed are two sides with no input twice")
    halves = [{node for node in half if graph.degree(node) > 0} for half in first_split(graph)]
    surplus = (abs(len(half & set(left)) - len(half & set(right))) for half in halves)
    return sum(surplus) / len(inputs)


def one_sided_share(
    activations: ArrayLike, patterns: ArrayLike, left: Collection[int], right: Collection[int]
) -> float:
    """Share of nodes that one side of the inputs moves and the other does not (dynamic modularity).

    A side moves a node if two patterns that differ on that side only have different activations. Nodes that
    nothing moves are not one-sided, but count (after the program of Clune et al. 2013).

    Args:
        activations: numbers (nodes, patterns), a row for each node that counts.
        patterns: input values (patterns, inputs); to tell anything, all combinations of the two sides.
        left: columns of the left inputs.
        right: columns of the right inputs.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: activations without nodes, patterns that do not fit them, a side without inputs or with some
            that the patterns do not have, or an input given twice.
    """
    values, given = np.asarray(activations), np.asarray(patterns)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"activations: shape {values.shape}: allowed is (nodes, patterns), not empty")
    if given.ndim != 2 or len(given) != values.shape[1]:
        raise ValueError(f"patterns: shape {given.shape}: allowed is ({values.shape[1]}, inputs)")
    inputs = [*left, *right]
    if not left or not right or len(set(inputs)) < len(inputs) or not set(inputs) <= set(range(given.shape[1])):
        raise ValueError(
            f"left, right: {list(left)}, {list(right)}: allowed are two sides of columns up to "
            f"{given.shape[1] - 1}, none twice"
        )
    moved = [_moved(values, np.delete(given, list(side), axis=1)) for side in (left, right)]
    return float(np.mean(moved[0] != moved[1]))


@dataclass(frozen=True)
class SubSolution:
    """The node that answers a sub-problem best.

    Attributes:
        node: row of the node in the activations.
        convention: which activations mean yes: `>0`, `>=0`, `<0` or `<=0`.
        score: fraction of patterns answered correctly.
    """

    node: int
    convention: str
    score: float

    @property
    def solved(self) -> bool:
        """Whether every pattern is answered correctly."""
        return self.score == 1.0


def sub_solutions(activations: ArrayLike, answers: Answers) -> dict[str, SubSolution]:
    """For each sub-problem the node whose sign agrees with its answer on most patterns (Clune et al. 2013).

    Args:
        activations: numbers (nodes, patterns), a row for each node that may be the solution.
        answers: for each sub-problem its correct answers, bool (patterns,).

    Returns:
        For each sub-problem the best node; the first one, and its first convention, where several are equal.

    Raises:
        ValueError: activations without nodes or patterns, or answers that are not bool (patterns,).
    """
    values = np.asarray(activations)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"activations: shape {values.shape}: allowed is (nodes, patterns), not empty")
    check_answers(answers, values.shape[1])
    says_yes = {">0": values > 0, ">=0": values >= 0, "<0": values < 0, "<=0": values <= 0}
    signs = np.stack(list(says_yes.values()), axis=1)
    result = {}
    for name, answer in answers.items():
        scores = np.mean(signs == answer, axis=-1)
        node, convention = np.unravel_index(np.argmax(scores), scores.shape)
        result[name] = SubSolution(int(node), list(says_yes)[convention], float(scores[node, convention]))
    return result


@dataclass(frozen=True)
class SeparableSubSolution:
    """A node at which a sub-problem can be read off some of the incoming edges.

    Attributes:
        node: the node.
        sources: where the edges come from.
    """

    node: Hashable
    sources: tuple[Hashable, ...]


def separable_sub_solutions(
    graph: nx.DiGraph, activations: Mapping[Hashable, ArrayLike] | NDArray, answers: Answers
) -> dict[str, SeparableSubSolution | None]:
    """For each sub-problem the fewest incoming edges of one node whose weighted sum solves it.

    A sum solves a sub-problem if one threshold lies between its values on yes and on no patterns, whichever
    are the greater (Huizinga et al. 2014).

    Args:
        graph: any directed graph with an edge attribute `weight`.
        activations: activation of each node on each pattern, (patterns,) under the name of the node: a
            mapping, or an array (nodes, patterns) if the nodes are numbers of its rows.
        answers: for each sub-problem its correct answers, bool (patterns,).

    Returns:
        For each sub-problem the first such node in the order of the graph, None where there is none.

    Raises:
        ValueError: an edge without weight, a node with too many incoming edges, or answers that are not bool
            (patterns,) or always the same.
    """
    for node in graph:
        if graph.in_degree(node) > MOST_INCOMING:
            raise ValueError(
                f"graph: {graph.in_degree(node)} edges into node {node!r}: allowed are up to {MOST_INCOMING}"
            )
    arrivals = {node: arriving(graph, node, activations) for node in graph}
    check_two_answers(answers)
    for sources in arrivals.values():
        for values in sources.values():
            check_answers(answers, len(values))
    return {name: _fewest_edges(arrivals, np.asarray(answer)) for name, answer in answers.items()}


def _moved(values: NDArray, fixed: NDArray) -> NDArray[np.bool_]:
    """Whether a node's activation varies among patterns with the same fixed inputs, shape (nodes,)."""
    groups = np.unique(fixed, axis=0, return_inverse=True)[1].ravel()
    first = np.unique(groups, return_index=True)[1]
    return np.any(values != values[:, first[groups]], axis=1)


def arriving(
    graph: nx.DiGraph, node: Hashable, activations: Mapping[Hashable, ArrayLike] | NDArray
) -> dict[Hashable, NDArray[np.float64]]:
    """What arrives at a node over each incoming edge on each pattern, (patterns,) by source.

    Raises:
        ValueError: an edge without a weight, or one that is not a finite number.
    """
    result = {}
    for source, _, weight in graph.in_edges(node, data="weight"):
        if weight is None:
            raise ValueError(f"graph: edge {source!r} to {node!r} has no weight: allowed is one on every edge")
        if isinstance(weight, bool) or not isinstance(weight, Real) or not math.isfinite(weight):
            raise ValueError(
                f"graph: edge {source!r} to {node!r} has weight {weight!r}: allowed are finite numbers"
            )
        result[source] = float(weight) * np.asarray(activations[source], np.float64)
    return result


def _fewest_edges(
    arrivals: dict[Hashable, dict[Hashable, NDArray[np.float64]]], answer: NDArray[np.bool_]
) -> SeparableSubSolution | None:
    for node, sources in _subsets(arrivals):
        if separates(np.sum([arrivals[node][source] for source in sources], axis=0), answer):
            return SeparableSubSolution(node, sources)
    return None


def separates(values: NDArray, answer: NDArray[np.bool_]) -> bool:
    """Whether one threshold lies between the values on yes and on no patterns, each (patterns,)."""
    yes, no = values[answer], values[~answer]
    return bool(yes.min() > no.max() or yes.max() < no.min())


def _subsets(
    arrivals: dict[Hashable, dict[Hashable, NDArray[np.float64]]],
) -> Iterator[tuple[Hashable, tuple[Hashable, ...]]]:
    """All sets of edges into one node, the smallest first."""
    for size in range(1, MOST_INCOMING + 1):
        for node, arriving in arrivals.items():
            for sources in combinations(arriving, size):
                yield node, sources


def check_two_answers(answers: Answers) -> None:
    """Refuse sub-problems whose answer is the same on every pattern: anything would separate them.

    Raises:
        ValueError: there is one.
    """
    for name, answer in answers.items():
        if np.all(answer) or not np.any(answer):
            raise ValueError(f"answers: {name}: the same on every pattern: allowed are both answers")


def check_answers(answers: Answers, patterns: int) -> None:
    """Refuse answers that are not bool (patterns,).

    Raises:
        ValueError: some are not.
    """
    for name, answer in answers.items():
        given = np.asarray(answer)
        if given.dtype != np.bool_ or given.shape != (patterns,):
            raise ValueError(f"answers: {name}: {given.dtype} {given.shape}: allowed is bool ({patterns},)")
