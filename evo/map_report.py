"""Figures of maps: the best performance at each place, lineages, networks from all over the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.gallery import gallery
from analysis.lineage import Ancestor, lineage_figure
from analysis.maps import map_figure
from analysis.modularity import spectral_partition
from analysis.reports import Result, Subject, subject
from cluster.errors import UserError
from evo.archive import NO_PARENT, Archive
from evo.axes import AXES, places
from evo.experiments import EXPERIMENTS
from evo.map_trial import read_map
from evo.problems import PROBLEMS, Problem
from evo.results import check_result
from networks import Networks, concatenate, from_graph, to_graph

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Networks in the gallery, lineages on the map, and networks drawn of one.
NETWORKS, LINEAGES, DRAWN = 16, 4, 12


def map_figures(about: Subject, results: Sequence[Result], overlay: Sequence[Path]) -> dict[str, Figure]:
    """All figures of the maps of a run, by the names of their files.

    Args:
        about: the run, with the folders of its finished trials.
        results: of those, which have been checked.
        overlay: further runs, of networks evolved for the same problem, whose best networks are marked on the map.

    Raises:
        UserError: a map that its networks do not bear out, or a run that cannot be laid over.
    """
    problem = PROBLEMS[results[0]["problem"]]()
    archives = [read_map(folder, result, problem) for folder, result in zip(about.folders, results, strict=True)]
    ends = _end_points(overlay, problem) if overlay else {}
    figures: dict[str, Figure] = {}
    for treatment in about.groups(results):
        chosen = [k for k, result in enumerate(results) if result["treatment"] == treatment]
        own = [archives[k] for k in chosen]
        axes, scale = results[chosen[0]]["axes"], np.array(results[chosen[0]]["ends"])
        marked = {name: places(networks, axes[:2], (1.0, 1.0))[:, ::-1] for name, networks in ends.items()}
        figures[f"map-{treatment}"] = _heat_map(own, axes, scale, marked, [])
        fullest = max(own, key=lambda archive: (_best(archive).sum(), len(archive)))
        spread = _spread(fullest, NETWORKS)
        if (fullest.history["parent"] != NO_PARENT).any():
            entries = fullest.elites["entry"][spread[:LINEAGES]]
            ways = [fullest.history["place"][fullest.lineage(int(entry))] for entry in entries]
            paths = [(way * scale)[:, 1::-1] for way in ways]
            figures[f"lineages-{treatment}"] = _heat_map([fullest], axes, scale, {}, paths)
        if fullest.ancestors is not None:
            figures[f"ancestors-{treatment}"] = _ancestors(fullest, int(spread[0]), axes, scale)
        figures[f"places-{treatment}"] = _gallery(fullest, spread, axes, scale, problem)
    return figures


def best_of(archives: Sequence[Archive]) -> NDArray[np.float64]:
    """Best performance in each cell of the first two axes over all archives, NaN where there is none.

    Returns:
        Shape (cells of the first axis, cells of the second).
    """
    shape = archives[0].shape
    table = np.full(shape[:2], np.nan)
    for archive in archives:
        cells = np.unravel_index(archive.elites["cell"], shape)
        np.fmax.at(table, cells[:2], archive.elites["performance"])
    return table


def _heat_map(
    archives: Sequence[Archive],
    axes: Sequence[str],
    scale: NDArray[np.float64],
    points: Mapping[str, NDArray[np.float64]],
    paths: Sequence[NDArray[np.float64]],
) -> Figure:
    """The first axis upwards, the second one to the right."""
    shape = np.array(archives[0].shape)
    # A cell is what lies nearest to its number, so the outermost reach half a cell beyond the axis.
    ranges = [(-0.5 / cells * end, (1 - 0.5 / cells) * end) for cells, end in zip(shape, scale, strict=True)]
    labels = (AXES[axes[1]].title, AXES[axes[0]].title, "Best performance")
    return map_figure(best_of(archives), (ranges[1], ranges[0]), labels, top=1.0, points=points, paths=paths)


def _best(archive: Archive) -> NDArray[np.bool_]:
    """Which elites perform best."""
    performance = archive.elites["performance"]
    return performance == performance.max()


def _spread(archive: Archive, most: int) -> NDArray[np.int64]:
    """Rows of best elites that lie far from each other: each is the farthest from those before it."""
    rows = np.flatnonzero(_best(archive))
    place = archive.elites["place"][rows, :2]
    chosen = [int(np.argmax(place[:, 0]))]
    distance = np.full(len(rows), np.inf)
    while len(chosen) < min(most, len(rows)):
        distance = np.minimum(distance, np.linalg.norm(place - place[chosen[-1]], axis=1))
        if distance.max() == 0.0:
            break
        chosen.append(int(np.argmax(distance)))
    return rows[chosen]


def _ancestors(archive: Archive, row: int, axes: Sequence[str], scale: NDArray[np.float64]) -> Figure:
    """An elite's measures and some of its networks through time."""
    history, networks = archive.history, archive.ancestors
    assert networks is not None
    lineage = []
    for entry in archive.lineage(int(archive.elites["entry"][row])):
        values = (history["place"][entry] * scale).tolist()
        measures = {AXES[axis].title: value for axis, value in zip(axes, values, strict=True)}
        measures["Performance"] = float(history["performance"][entry])
        graph = to_graph(networks, int(entry))
        lineage.append(Ancestor(int(history["generation"][entry]), graph, measures))
    return lineage_figure(lineage, count=DRAWN)


def _gallery(
    archive: Archive, rows: NDArray[np.int64], axes: Sequence[str], scale: NDArray[np.float64], problem: Problem
) -> Figure:
    values = archive.elites["place"][rows] * scale
    order = np.lexsort((values[:, 1], -values[:, 0]))
    networks = archive.networks.take(rows[order])
    graphs = [to_graph(networks, index) for index in range(len(networks))]
    performance = archive.elites["performance"][rows[0]]
    return gallery(
        graphs,
        [
            f"{performance:.3f}  " + "  ".join(f"{AXES[a].symbol} {v:.3g}" for a, v in zip(axes, row, strict=True))
            for row in values[order]
        ],
        [spectral_partition(graph) for graph in graphs],
        left_inputs=problem.left or None,
        right_inputs=problem.right or None,
    )


def _end_points(runs: Sequence[Path], problem: Problem) -> dict[str, Networks]:
    """The best networks of runs by treatment, each borne out by its result."""
    about = subject(runs, runs[0], EXPERIMENTS)
    found: dict[str, list[Networks]] = {}
    for folder in about.folders:
        result, file = folder.result, folder.path / "result.json"
        graph, own = check_result(result, file)
        if own.name != problem.name:
            raise UserError(f"--overlay: {file} is of problem {own.name}: allowed on this map is {problem.name}")
        found.setdefault(result["treatment"], []).append(from_graph(graph, problem.topology))
    return {treatment: concatenate(batches) for treatment, batches in found.items()}
