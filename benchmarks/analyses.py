"""Measuring networks and reading runs is fast: claims about `analysis`, against a user's own networkx program.

    python benchmarks/analyses.py            all tables, under a minute
    python benchmarks/analyses.py --quick    fewer networks and trials, under half a minute

The claims: hierarchy H of a population of 1000 networks costs less than a fifth of its modularity Q, so that it
can be selected for in every generation; 200 random networks of the same degrees and layers, with Q and H of each,
take less than a second for one network; 100 trials of 25,000 logged generations are one table in less than five.

How to read it: a claim's line ends in "holds" or "FAILS". Times are seconds of the processor that the process
used, the best of several repeats. Both programs see the same networks and must give the same numbers. Where the
other one is too slow for all of it, it does a part, and its time is scaled up.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import networkx as nx
import numpy as np
from evolution import in_turns, seconds, title, verdict, warmed_up
from numpy.typing import NDArray

from analysis.hierarchy import batch_hierarchy
from analysis.modularity import batch_modularity
from analysis.significance import ATTEMPTS, significance
from analysis.tables import metrics_of
from evo.trial import COLUMNS
from networks import Networks, adjacency_matrices, connected_nodes, simplify, to_graph

NULLS = 200
TRIALS, ROWS = 100, 25_000
TREATMENTS = ("pa", "pcc")


# --- What one would write with networkx ----------------------------------------------------------------------


def plain_hierarchy(graph: nx.DiGraph) -> float:
    """H of a network with one output."""
    return nx.global_reaching_centrality(graph.reverse(copy=False), weight=None)


def plain_modularity(graph: nx.DiGraph) -> float:
    """Q by recursive spectral bisection, as in Clune et al. (2013)."""
    matrix = np.asarray(nx.directed_modularity_matrix(graph))
    matrix = matrix + matrix.T
    nodes, edges = list(graph), graph.number_of_edges()
    waiting, modules = [np.arange(len(nodes))], []
    while waiting:
        group = waiting.pop()
        own = matrix[np.ix_(group, group)]
        own = own - np.diag(own.sum(axis=1))
        values, vectors = np.linalg.eigh(own)
        sign = np.where(vectors[:, -1] > 0, 1.0, -1.0)
        first = len(group) == len(nodes)
        splits = values[-1] > 1e-9 and abs(sign.sum()) < len(group)
        if splits and (first or sign @ own @ sign / (4 * edges) > 1e-5):
            waiting += [group[sign > 0], group[sign < 0]]
        else:
            modules.append({nodes[i] for i in group})
    return nx.community.modularity(graph, modules, weight=None)


def plain_nulls(graph: nx.DiGraph, rng: np.random.Generator) -> Iterator[nx.DiGraph]:
    """Random networks with the same degrees and layers."""
    layer = nx.get_node_attributes(graph, "layer")
    while True:
        null = nx.DiGraph(graph)
        edges = list(null.edges)
        for _ in range(ATTEMPTS * len(edges)):
            i, j = (int(k) for k in rng.integers(len(edges), size=2))
            (a, b), (c, d) = edges[i], edges[j]
            if layer[a] == layer[c] and layer[b] == layer[d] and not null.has_edge(a, d) | null.has_edge(c, b):
                null.remove_edges_from([(a, b), (c, d)])
                null.add_edges_from([(a, d), (c, b)])
                edges[i], edges[j] = (a, d), (c, b)
        yield null


def plain_table(paths: Iterable[Path]) -> dict[str, list[float]]:
    """All metrics by the csv module."""
    table: dict[str, list[float]] = {}
    for path in paths:
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                for name, value in row.items():
                    table.setdefault(name, []).append(float(value))
    return table


# --- 1: populations ------------------------------------------------------------------------------------------


def hierarchy_of(networks: Networks) -> NDArray[np.float64]:
    simplified = simplify(networks)
    topology = networks.topology
    outputs = np.arange(topology.nodes - topology.outputs, topology.nodes)
    present = connected_nodes(topology, simplified.weights)
    return batch_hierarchy(adjacency_matrices(simplified), present, outputs)


def modularity_of(networks: Networks) -> NDArray[np.float64]:
    simplified = simplify(networks)
    return batch_modularity(adjacency_matrices(simplified), connected_nodes(networks.topology, simplified.weights))


def populations(quick: bool) -> None:
    title("1. Measures of a population of 1000 evolved networks (milliseconds, and the ratio to ours)")
    some = 50 if quick else 200
    print(f"{'':28}{'ours':>10}{'networkx':>12}{'ratio':>9}")
    for treatment in TREATMENTS:
        networks = warmed_up(treatment).networks
        graphs = [to_graph(networks, index) for index in range(some)]
        h = measured("H", treatment, networks, graphs, hierarchy_of, plain_hierarchy)
        q = measured("Q", treatment, networks, graphs, modularity_of, plain_modularity)
        verdict(f"H of {treatment} costs {h / q:.1%} of Q", h < 0.2 * q)


def measured(
    name: str,
    treatment: str,
    networks: Networks,
    graphs: list[nx.DiGraph],
    ours: Callable[[Networks], NDArray[np.float64]],
    plain: Callable[[nx.DiGraph], float],
) -> float:
    """Compare one measure of a population; the seconds that ours takes."""
    theirs: list[float] = []
    slow = seconds(lambda: theirs.extend(plain(graph) for graph in graphs)) * len(networks) / len(graphs)
    (fast,) = in_turns((lambda: ours(networks),), 5)
    print(f"{name + ', ' + treatment:28}{1e3 * fast:10.2f}{1e3 * slow:12.0f}{slow / fast:9.0f}")
    difference = np.abs(ours(networks)[: len(graphs)] - theirs)
    # Halves by an eigenvector are not unique where its eigenvalue is double.
    aim = 1.0 if plain is plain_hierarchy else 0.9
    equal = float(np.mean(difference < 1e-9))
    verdict(f"equal in {equal:.0%} of the networks", equal >= aim)
    return fast


# --- 2: significance -----------------------------------------------------------------------------------------


def nulls(quick: bool) -> None:
    title(f"2. Q and H of one network against {NULLS} random ones of its degrees and layers (seconds)")
    print(f"{'':28}{'ours':>10}{'networkx':>12}{'ratio':>9}")
    for treatment in TREATMENTS:
        population = warmed_up(treatment)
        compare_nulls(
            treatment, to_graph(population.networks, int(np.argmax(population.values[:, 0]))), 2 if quick else 5
        )


def compare_nulls(treatment: str, graph: nx.DiGraph, few: int) -> None:
    significance(graph, nulls=2)  # compiled before it is timed
    (fast,) = in_turns((lambda: significance(graph, nulls=NULLS),), 3)
    made = islice(plain_nulls(graph, np.random.default_rng(0)), few)
    slow = seconds(lambda: [(plain_modularity(null), plain_hierarchy(null)) for null in made]) * NULLS / few
    print(f"{f'{treatment}, {graph.number_of_edges()} connections':28}{fast:10.3f}{slow:12.1f}{slow / fast:9.0f}")
    verdict(f"{NULLS} nulls of {treatment} with Q and H in less than a second", fast < 1.0)


# --- 3: tables -----------------------------------------------------------------------------------------------


def written_run(folder: Path, trials: int) -> list[Path]:
    """A run whose trials have logged every generation: its metrics files."""
    folder.mkdir()
    description = {
        "format": 1,
        "experiment": "benchmark",
        "question": "How fast is it read?",
        "command": "none",
        "scale": "paper",
        "treatments": ["pa", "pcc"],
        "trials": trials // 2,
        "seed": 1,
        "settings": {},
    }
    (folder / "run.json").write_text(json.dumps(description))
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(4):  # enough for the reader to have nothing to remember
        numbers = rng.random((ROWS, len(COLUMNS) - 1))
        rows = (f"{row}," + ",".join(map(repr, values)) for row, values in enumerate(numbers.tolist()))
        texts.append(",".join(COLUMNS) + "\n" + "\n".join(rows) + "\n")
    files = []
    for number in range(trials):
        path = folder / TREATMENTS[number % 2] / f"trial-{number // 2:03d}"
        path.mkdir(parents=True)
        files.append(path / "metrics.csv")
        files[-1].write_text(texts[number % len(texts)])
    return sorted(files)


def tables(quick: bool) -> None:
    trials = TRIALS // 5 if quick else TRIALS
    title(f"3. The metrics of {trials} trials of {ROWS:,} generations as one table (seconds)")
    with tempfile.TemporaryDirectory() as folder:
        files = written_run(Path(folder) / "run", trials)
        megabytes = sum(file.stat().st_size for file in files) / 1e6
        path = files[0].parents[2]
        table = metrics_of([path])
        first = plain_table(files[:2])
        equal = all(table[name].tolist()[: 2 * ROWS] == first[name] for name in COLUMNS)
        verdict(f"{len(table):,} rows, {megabytes:.0f} MB; the csv module reads the same numbers", equal)
        (fast,) = in_turns((lambda: metrics_of([path]),), 2)
        slow = seconds(lambda: plain_table(files[:2])) * trials / 2
        print(f"{'ours':>10}{'csv module':>12}{'ratio':>9}")
        print(f"{fast:10.2f}{slow:12.1f}{slow / fast:9.0f}")
        share = trials / TRIALS
        verdict(f"{trials} trials in less than {5 * share:g} s", fast < 5.0 * share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer networks and trials")
    options = parser.parse_args()
    start = time.perf_counter()
    populations(options.quick)
    nulls(options.quick)
    tables(options.quick)
    print(f"\n{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
