"""`evo show`: one network, drawn, with all its measures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from analysis.modularity import modularity, refined_partition
from analysis.significance import Significance, significance
from cluster.errors import UserError
from cluster.files import read_json
from cluster.storage import is_remote
from evo.ancestry import FILE, read_lineage
from evo.results import check_result, completed

#: Most networks drawn of a lineage.
ANCESTORS = 12


def show(trial: Path, nulls: int, out: Path | None) -> None:
    """Print the measures of a trial's best network and draw it.

    Args:
        trial: folder of a finished trial, or its result.json.
        nulls: number of random networks to compare its modularity with.
        out: figure without suffix; default in the run's report folder.

    Raises:
        UserError: no finished trial there, or a result that its network does not bear out.
    """
    from analysis.drawing import draw_network_figure
    from analysis.lineage import lineage_figure
    from analysis.style import save_figure

    if out is None and is_remote(trial):
        raise UserError(f"--out: missing: allowed for {trial} is a file on this machine for its figure")
    path = trial if trial.suffix == ".json" else trial / "result.json"
    if not path.exists():
        raise UserError(f"{trial}: holds no result.json: allowed is the folder of a finished trial")
    result = read_json(path)
    graph, problem = check_result(result, path)
    result = completed(result, graph, problem)
    refined = modularity(graph, refined_partition(graph))
    table = Table("measure", "value", box=None, padding=(0, 2), show_header=False)
    for name in ("experiment", "problem", "treatment", "trial", "generation", "solved_generation"):
        table.add_row(name.replace("_", " "), str(result.get(name, "-")))
    table.add_row("performance", f"{result['performance']:.4f}")
    for name, value in result.get("performances", {}).items():
        table.add_row(f"performance for {name}", f"{value:.4f}")
    for name in ("base_problem", "base_generation", "adaptation_generations"):
        if name in result:
            table.add_row(name.replace("_", " "), "never" if result[name] is None else str(result[name]))
    table.add_row("nodes, connections", f"{len(graph)}, {graph.number_of_edges()}")
    table.add_row("connection cost", f"{result['connection_cost']:.2f}")
    table.add_row("modularity Q (spectral)", f"{result['modularity']:.4f} in {len(result['partition'])} modules")
    table.add_row("modularity Q (refined)", f"{refined:.4f}")
    if graph.number_of_edges():
        found = significance(graph, nulls=nulls)
        table.add_row(f"against {nulls} random networks", _chance("Q", found["modularity"]))
    table.add_row("hierarchy H", f"{result['hierarchy']:.4f}")
    if graph.number_of_edges():
        table.add_row(f"against {nulls} random networks", _chance("H", found["hierarchy"]))
    if result["sub_problems"] is not None:
        carriers = result["sub_problem_carriers"]
        solved = sum(carrier is not None for carrier in carriers.values())
        table.add_row("sub-problems solved", f"{solved} of {len(carriers)}")
        for name, carrier in carriers.items():
            table.add_row(name, _carrier(carrier))
    if result["decomposed"] is not None:
        table.add_row("left and right decomposed", "yes" if result["decomposed"] else "no")
    for name, part in (result["sub_solutions"] or {}).items():
        table.add_row(f"best neuron for {name}", f"node {part['node']}, {part['score']:.1%} of patterns")
    Console(highlight=False).print(table)
    target = out.with_suffix("") if out else _default(path)
    figure = draw_network_figure(
        graph,
        result["partition"],
        f"performance {result['performance']:.3f}, Q = {result['modularity']:.2f}",
        problem.left or None,
        problem.right or None,
    )
    figures = {target: figure}
    lineage = path.parent / FILE
    if lineage.exists():
        ancestors = read_lineage(lineage, problem.topology)
        figures[target.with_name(target.name + "-lineage")] = lineage_figure(ancestors, count=ANCESTORS)
    for place, drawn in figures.items():
        for file in save_figure(drawn, place):
            print(file)


def _chance(symbol: str, found: Significance) -> str:
    return f"{symbol} {found.null_mean:.4f} +- {found.null_std:.4f}, z = {found.z:.2f}, p = {found.p:.3g}"


def _carrier(carrier: Mapping[str, Any] | None) -> str:
    """Who solves a sub-problem."""
    if carrier is None:
        return "nobody"
    nodes = " and ".join(map(str, carrier["nodes"]))
    return f"node {nodes}" if carrier["target"] is None else f"nodes {nodes} together, for {carrier['target']}"


def _default(result: Path) -> Path:
    trial = result.resolve().parent
    return trial.parent.parent / "report" / "networks" / f"{trial.parent.name}-{trial.name}"
