"""Ancestors of the living: an unbroken line of parents, whoever is forgotten, and the same run as without."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from one_trial import run, trial

from cluster.errors import UserError
from cluster.files import read_arrays, write_arrays
from evo.ancestry import EVERY, FILE, NO_PARENT, Ancestry, read_lineage
from evo.engine import begin, generations, make_toolbox
from evo.problems import PROBLEMS
from evo.settings import Settings
from networks import from_graph, from_json, to_graph, to_json

SETTINGS = Settings(
    population=40, generations=2 * EVERY + 50, lineage=True, insertions_max=20, log_every=50, checkpoint_every=70
)
TOPOLOGY = PROBLEMS[SETTINGS.problem]().topology


def test_everybody_alive_descends_from_a_first_network_by_single_births() -> None:
    toolbox, ancestry = make_toolbox(SETTINGS), Ancestry(TOPOLOGY)
    population = begin(toolbox, 5)
    ancestry.notice(population, 0)
    further = generations(toolbox, population, 5)
    born: dict[bytes, int] = {one.tobytes(): 0 for one in population.networks.weights}
    for generation in range(1, EVERY + 30):
        population = next(further)
        ancestry.notice(population, generation)
        for one in population.networks.weights:
            born.setdefault(one.tobytes(), generation)
        rows, entry = ancestry.rows, population.columns["entry"]
        assert (rows["weights"][entry] == population.networks.weights).all()
        assert (rows["biases"][entry] == population.networks.biases).all()
        assert (rows["performance"][entry] == population.values[:, 0]).all()
    for one in population.columns["entry"]:
        line = ancestry.lineage(int(one))
        assert line["generation"][0] == 0
        assert (np.diff(line["generation"]) > 0).all()
        # Nobody is an ancestor before the first individual like it lived.
        assert all(born[w.tobytes()] <= g for w, g in zip(line["weights"], line["generation"], strict=True))
        # One mutation moves few weights: a stranger as a parent would differ in more.
        assert (line["weights"][1:] != line["weights"][:-1]).sum(1).max(initial=0) <= 16


def test_only_those_are_kept_whom_somebody_descends_from() -> None:
    ancestry = Ancestry(TOPOLOGY)
    toolbox = make_toolbox(SETTINGS)
    population = begin(toolbox, 1)
    ancestry.notice(population, 0)
    further = generations(toolbox, population, 1)
    for generation in range(1, EVERY + 1):
        population = next(further)
        ancestry.notice(population, generation)
    parents, entry = ancestry.rows["parent"], population.columns["entry"]
    used = set(entry.tolist()) | set(parents.tolist())
    assert used - {NO_PARENT} == set(range(len(parents)))
    assert (parents < np.arange(len(parents))).all()


def test_a_trial_is_the_same_with_its_lineage_and_without(tmp_path: Path) -> None:
    own = run(tmp_path / "with", SETTINGS)
    plain = run(tmp_path / "without", dataclasses.replace(SETTINGS, lineage=False))
    assert own == plain
    files = [trial(tmp_path / name).path / "metrics.csv" for name in ("with", "without")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not (files[1].parent / FILE).exists()


def test_killed_and_resumed_it_has_the_same_lineage_which_ends_in_the_best_network(tmp_path: Path) -> None:
    result = run(tmp_path / "whole", SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", SETTINGS, stop=150)
    run(tmp_path / "cut", SETTINGS)
    files = [trial(tmp_path / name).path / FILE for name in ("whole", "cut")]
    assert files[0].read_bytes() == files[1].read_bytes()
    ancestors = read_lineage(files[0], TOPOLOGY)
    best = from_graph(from_json(result["network"]), TOPOLOGY)
    assert to_json(ancestors[-1].graph) == to_json(to_graph(best))
    assert ancestors[-1].measures["Performance"] == result["performance"]
    assert ancestors[-1].measures["Modularity Q"] == pytest.approx(result["modularity"])
    assert len(ancestors) <= len(read_arrays(files[0])["generation"])


def test_a_file_that_is_no_lineage_is_refused_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / FILE
    write_arrays(file, {"generation": np.arange(3)})
    with pytest.raises(UserError, match="not a lineage of networks of"):
        read_lineage(file, TOPOLOGY)
