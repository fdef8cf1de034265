"""Checking a stored result against its own network, from the file alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx as nx

from analysis.modularity import modularity
from cluster.errors import UserError
from evo.environments import BASE
from evo.problems import PROBLEMS, Problem
from evo.trial import describe_network
from networks import Networks, from_graph, from_json

#: What a result must hold.
REQUIRED = (
    "experiment",
    "problem",
    "treatment",
    "trial",
    "generation",
    "solved_generation",
    "performance",
    "connection_cost",
    "connections",
    "modularity",
    "modularity_mean",
    "partition",
    "decomposed",
    "sub_solutions",
    "network",
)

#: Measures of the network that results of earlier versions lack.
LATER = ("hierarchy", "sub_problems", "sub_problem_carriers")

#: What kind those are that the network cannot tell.
TYPES: dict[str, tuple[type, ...]] = {
    "problem": (str,),
    "treatment": (str,),
    "trial": (int,),
    "generation": (int,),
    "solved_generation": (type(None), int),
    "modularity_mean": (int, float),
}

#: How far a stored number may lie from the recomputed one.
TOLERANCE = 1e-9


def check_result(result: Mapping[str, Any], path: Path) -> tuple[nx.DiGraph, Problem]:
    """The network and the problem of a result, after recomputing every measure from them.

    Args:
        result: content of a result.json.
        path: where it came from, for messages.

    Raises:
        UserError: something is missing, malformed, or is not what its network gives.
    """
    missing = [name for name in REQUIRED if name not in result]
    if missing:
        raise UserError(f"{path}: {missing[0]}: missing")
    for name, kinds in TYPES.items():
        if not isinstance(result[name], kinds) or isinstance(result[name], bool):
            raise UserError(f"{path}: {name} {result[name]!r}: allowed is a {kinds[-1].__name__}")
    if result["problem"] not in PROBLEMS:
        raise UserError(f"{path}: problem {result['problem']!r}: allowed are {', '.join(PROBLEMS)}")
    problem = PROBLEMS[result["problem"]]()
    try:
        graph = from_json(result["network"])
        networks = from_graph(graph, problem.topology)
        stored_modularity = modularity(graph, result["partition"])
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: {error}") from None
    expected = describe_network(graph, networks, problem)
    expected["modularity"] = stored_modularity
    expected["connection_cost"] = _length_squared(graph, path)
    measures = ("performance", "connection_cost", "connections", "modularity", "decomposed", "sub_solutions")
    for name in (*measures, *(name for name in LATER if name in result)):
        stored, own = result.get(name), expected[name]
        if not _equal(stored, own):
            raise _changed(path, name, stored, own)
    _check_performances(result, networks, path)
    _check_base(result, path)
    return graph, problem


def _changed(path: Path, name: str, stored: object, own: object) -> UserError:
    return UserError(f"{path}: {name} is {stored}, but its network gives {own}; the file was changed")


def _check_performances(result: Mapping[str, Any], networks: Networks, path: Path) -> None:
    """What the network of a result is worth for goals that alternate."""
    for name, stored in (result.get("performances") or {}).items():
        if name not in PROBLEMS:
            raise UserError(f"{path}: performances of {name!r}: allowed are those of {', '.join(PROBLEMS)}")
        problem = PROBLEMS[name]()
        own = float(problem.performance(problem.outputs(networks))[0])
        if not _equal(stored, own):
            raise _changed(path, f"performance for {name}", stored, own)


def _check_base(result: Mapping[str, Any], path: Path) -> None:
    """The network whose clones took up another problem: that it solved the first, and what it measures."""
    if result.get("base_network") is None:
        return
    if result.get("base_problem") not in PROBLEMS:
        raise UserError(f"{path}: base_problem {result.get('base_problem')!r}: allowed are {', '.join(PROBLEMS)}")
    problem = PROBLEMS[result["base_problem"]]()
    try:
        graph = from_json(result["base_network"])
        networks = from_graph(graph, problem.topology)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: base_network: {error}") from None
    expected = describe_network(graph, networks, problem)
    stored = {name: result.get(f"base_{name}") for name in BASE} | {"performance": 1.0}
    for name, value in stored.items():
        if not _equal(value, expected[name]):
            raise _changed(path, f"base_{name}", value, expected[name])


def completed(result: Mapping[str, Any], graph: nx.DiGraph, problem: Problem) -> dict[str, Any]:
    """A checked result with all measures of its network, also those that its version did not have."""
    if all(name in result for name in LATER):
        return dict(result)
    own = describe_network(graph, from_graph(graph, problem.topology), problem)
    return {name: own[name] for name in LATER} | dict(result)


def _length_squared(graph: nx.DiGraph, path: Path) -> float:
    """Connection cost from the stored positions."""
    try:
        place = {node: (float(x), float(y)) for node, (x, y) in graph.nodes(data="position")}
        return sum((place[s][0] - place[t][0]) ** 2 + (place[s][1] - place[t][1]) ** 2 for s, t in graph.edges)
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}: position of a node: allowed is [x, y]") from None


def _equal(stored: object, own: object) -> bool:
    if isinstance(stored, bool) or not isinstance(stored, int | float) or not isinstance(own, int | float):
        return stored == own
    return math.isclose(stored, own, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
