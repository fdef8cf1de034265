from __future__ import annotations

from functools import partial
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from solvers import PATTERNS, TASK, solver

from analysis.functions import layered_activations, readability
from analysis.lesions import lesions, lesions_figure, module_parts
from analysis.style import save_figure
from networks.gates import sub_problems

ANSWERS = {name: gate.answers(PATTERNS) for name, gate in sub_problems([TASK]).items()}
FIRST, SECOND, _, _, LEFT, RIGHT = ANSWERS
LEFT_HALF, RIGHT_HALF = [8, 9, 12, 13, 16], [10, 11, 14, 15, 17]


def table_of(graph, answers, parts=None):
    return lesions(graph, partial(layered_activations, graph, PATTERNS), answers, parts)


def test_what_a_neuron_solves_falls_when_it_is_silenced():
    table = table_of(solver(), ANSWERS)
    assert list(dict.fromkeys(table["part"])) == [str(node) for node in range(8, 19)]
    assert len(table) == 11 * 6 and (table["before"] == 1.0).all() and (table["nodes"] == 1).all()
    drops = table.set_index(["part", "sub_problem"])["drop"]
    assert set(drops["8"][drops["8"] > 0].index) == {FIRST, LEFT}
    assert set(drops["14"][drops["14"] > 0].index) == {RIGHT}  # needed below neuron 17, which carries it
    assert (drops["18"] == 0).all()  # the output carries none of them


def test_a_silenced_neuron_is_as_if_it_were_not_there():
    table = table_of(solver(), ANSWERS).set_index(["part", "sub_problem"])
    for node in range(8, 18):
        graph = solver()
        graph.remove_node(node)
        expected = readability(graph, layered_activations(graph, PATTERNS), ANSWERS)
        for name, value in expected.items():
            assert table.loc[(str(node), name), "after"] == pytest.approx(value, abs=1e-12)


def test_each_half_carries_its_own_sub_problems():
    whole = {"whole task": TASK.answers(PATTERNS)}
    parts = module_parts([LEFT_HALF, [], RIGHT_HALF])
    assert list(parts) == ["module 1", "module 2"]
    table = table_of(solver(), ANSWERS | whole, parts).set_index(["part", "sub_problem"])
    assert (table["nodes"] == 5).all()
    assert list(table.loc["module 1"]["drop"] > 0) == [True, True, False, False, True, False, True]
    assert list(table.loc["module 2"]["drop"] > 0) == [False, False, True, True, False, True, True]
    # Without its left half, the network still knows the right XOR: no on 160 of the 220 no patterns, on no other.
    assert table.loc[("module 1", "whole task"), "after"] == pytest.approx((1 + 160 / 220) / 2)
    inputs = table_of(solver(), ANSWERS, {"all inputs": range(8)})
    assert (inputs["after"] == 0.5).all()


def test_a_figure_has_a_row_for_each_part(tmp_path: Path):
    graph = solver()
    figure = lesions_figure(table_of(graph, ANSWERS))
    axes = figure.axes[0]
    image = axes.images[0].get_array()
    assert image.shape == (11, 6)
    assert [label.get_text() for label in axes.get_yticklabels()] == [str(node) for node in range(8, 19)]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(ANSWERS)
    assert len(axes.texts) == np.count_nonzero(np.round(image, 2))
    assert all(path.exists() for path in save_figure(figure, tmp_path / "lesions"))
    graph.remove_node(17)
    labels = [label.get_text() for label in lesions_figure(table_of(graph, ANSWERS)).axes[0].get_xticklabels()]
    assert labels[4] == LEFT and labels[5].startswith(f"{RIGHT}  (0.")


def test_bad_input_is_refused():
    for nodes, named in (([99], "99"), ([], "no nodes")):
        with pytest.raises(ValueError, match=f"parts: rest: {named}: allowed are one or more nodes of the graph"):
            table_of(solver(), ANSWERS, {"rest": nodes})
    with pytest.raises(ValueError, match="graph: has cycles and no layers"):
        lesions(nx.DiGraph([(0, 1), (1, 0)]), lambda silenced: np.zeros((2, 256)), ANSWERS)
    with pytest.raises(ValueError, match="table: no rows"):
        lesions_figure(table_of(solver(), ANSWERS).iloc[:0])
