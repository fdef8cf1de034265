"""PathNet against its equation in loops: who is active, who is frozen, who wins."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from meta.baselines import PathNet
from meta.baselines.pathnet import Path

CLASSES, FEATURES, UNITS, LAYERS, MODULES, ACTIVE = 2, 5, 4, 2, 6, 3


def examples(count: int) -> Tensor:
    """Examples (count, features) in float64."""
    return torch.randn(count, FEATURES, generator=torch.Generator().manual_seed(count)).double()


def made(**options: Any) -> PathNet:
    """A small one, in float64."""
    torch.manual_seed(0)
    stage = nn.Linear(FEATURES, 2).double()
    sizes = {"units": UNITS, "layers": LAYERS, "modules": MODULES, "active": ACTIVE}
    options = sizes | {"task_classes": CLASSES, "tournaments": 3, "population": 5, "batch": 2} | options
    return PathNet(stage, dict(stage.named_parameters()), 0.05, 1, **options)


def teach(learner: PathNet, labels: range) -> None:
    """Teach classes, all of which are over then."""
    for label in labels:
        for example in examples(4):
            learner.learn(example[None] + label, torch.tensor([label]))
        learner.end_class()


def weights(learner: PathNet) -> dict[tuple[int, int], tuple[Tensor, Tensor]]:
    """All modules as they are now."""
    return {place: (pair[0].detach().clone(), pair[1].detach().clone()) for place, pair in learner.modules.items()}


def ends(learner: PathNet) -> tuple[Tensor, Tensor]:
    """The current task's outputs as they are now."""
    return learner.ends[0].detach().clone(), learner.ends[1].detach().clone()


def in_loops(
    modules: dict[tuple[int, int], tuple[Tensor, Tensor]], path: Path, last: tuple[Tensor, Tensor], example: Tensor
) -> list[float]:
    """Outputs along a pathway, unit by unit."""
    values = example.tolist()
    for layer, row in enumerate(path):
        total = [0.0] * UNITS
        for place in {int(gene) for gene in row}:
            weight, bias = modules[layer, place]
            for unit in range(UNITS):
                said = sum(float(w) * x for w, x in zip(weight[unit], values, strict=True))
                total[unit] += max(0.0, float(bias[unit, 0]) + said)
        values = total
    weight, bias = last
    return [
        float(bias[k, 0]) + sum(float(w) * x for w, x in zip(weight[k], values, strict=True))
        for k in range(CLASSES)
    ]


def test_pathways_of_all_tasks_are_the_equation_in_loops() -> None:
    learner = made()
    paths: list[tuple[Path, tuple[Tensor, Tensor]]] = []
    for task in range(3):
        teach(learner, range(task * CLASSES, (task + 1) * CLASSES))
        paths.append((learner.best.copy(), ends(learner)))
    learner.learn(examples(1), torch.tensor([3 * CLASSES]))
    learner.best[0] = [2, 4, 2]  # named twice, active once
    paths.append((learner.best, ends(learner)))
    found = learner.scores(examples(3))
    assert found.shape == (3, 4 * CLASSES)
    modules = weights(learner)
    for row, example in zip(found.tolist(), examples(3), strict=True):
        wanted = [value for path, last in paths for value in in_loops(modules, path, last, example)]
        assert row == pytest.approx(wanted, rel=1e-10, abs=1e-12)


def test_modules_on_the_pathway_learn_and_no_others_and_never_more_than_allowed() -> None:
    learner = made()
    teach(learner, range(CLASSES))
    for example in examples(3):
        learner.learn(example[None], torch.tensor([CLASSES]))
    for path in learner.population:
        before, first = weights(learner), learner.ends[0].detach().clone()
        learner.train(path, *learner.shown())
        changed = {place for place, pair in weights(learner).items() if not torch.equal(pair[0], before[place][0])}
        allowed = {(layer, int(gene)) for layer, row in enumerate(path) for gene in row}
        assert changed <= {place for place in allowed if not learner.frozen[place]}
        for layer in range(LAYERS):
            assert sum(place[0] == layer for place in allowed) <= ACTIVE
        assert not torch.equal(first, learner.ends[0])
        assert [len(weight) for weight, _ in learner._layers(path)] == [
            UNITS * len(set(row)) for row in path.tolist()
        ]


def test_frozen_modules_stay_what_they_were_to_the_last_bit_and_others_are_drawn_anew() -> None:
    learner = made()
    teach(learner, range(CLASSES))
    frozen, before, scores = learner.frozen.copy(), weights(learner), learner.scores(examples(3))
    expected = np.zeros_like(frozen)
    for layer, row in enumerate(learner.best):
        expected[layer, row] = True
    assert np.array_equal(frozen, expected)
    learner.learn(examples(1), torch.tensor([CLASSES]))
    drawn = weights(learner)
    for place, (weight, _) in before.items():
        assert torch.equal(weight, drawn[place][0]) == bool(frozen[place])
        assert not drawn[place][1].any() or frozen[place]
    learner.end_class()
    teach(learner, range(CLASSES + 1, 6 * CLASSES))
    for place, (weight, bias) in weights(learner).items():
        if frozen[place]:
            assert torch.equal(weight, before[place][0]) and torch.equal(bias, before[place][1])
    assert torch.allclose(learner.scores(examples(3))[:, :CLASSES], scores, rtol=1e-12)


def test_when_all_modules_are_frozen_outputs_learn_alone() -> None:
    learner = made(modules=ACTIVE, active=ACTIVE)
    learner.frozen[:] = True
    learner.modules = {
        (layer, place): (torch.ones(UNITS, UNITS if layer else FEATURES).double(), torch.zeros(UNITS, 1).double())
        for layer in range(LAYERS)
        for place in range(ACTIVE)
    }
    teach(learner, range(CLASSES))
    assert set(learner.parameters) == {"outputs.0", "outputs.1"}
    assert all(bool((weight == 1).all()) for weight, _ in learner.modules.values())


def test_the_fitter_of_two_overwrites_the_other_with_a_mutated_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = made(population=8)
    learner.learn(examples(1), torch.tensor([0]))
    monkeypatch.setattr(
        learner, "train", lambda path, values, labels: 3 - abs(int(path[0, 0]) - 3)
    )  # 3 is the fittest
    monkeypatch.setattr(learner, "mutated", lambda path: path + 100)
    overwritten = set()
    for _ in range(40):
        learner.population = np.arange(8)[:, None, None] * np.ones((1, LAYERS, ACTIVE), np.int64)
        learner.tournament(*learner.shown())
        (loser,) = np.flatnonzero((learner.population >= 100).any((1, 2)))
        (winner,) = np.unique(learner.population[loser] - 100)
        assert winner != loser and 3 - abs(winner - 3) >= 3 - abs(loser - 3)
        assert (np.delete(learner.population, loser, 0)[:, 0, 0] == np.delete(np.arange(8), loser)).all()
        overwritten.add(int(loser))
    assert 3 not in overwritten and len(overwritten) > 4


def test_fitness_is_how_many_were_right_as_they_came() -> None:
    """One example a step, so that what a pathway says of the next is known before it learns from it."""
    learner = made(batch=1)
    for label in (0, 1):
        for example in examples(6):
            learner.enter(example[None], torch.tensor([label]))
            learner.kept.append((example[None] * (1 - 2 * label), torch.tensor([label])))
    path, original = learner.population[0], learner.answers
    came: list[tuple[Tensor, int]] = []

    def watched(own: Path, values: Tensor) -> Tensor:
        answer = int(np.argmax(in_loops(weights(learner), own, ends(learner), values[0])))
        came.append((values[0], answer))
        return original(own, values)

    learner.answers = watched  # type: ignore[method-assign]
    truth = {tuple(value.tolist()): label for value, label in zip(*learner.shown(), strict=True)}
    found = []
    for _ in range(4):
        came.clear()
        found.append(learner.train(path, *learner.shown()))
        assert len({tuple(value.tolist()) for value, _ in came}) == 12  # each once
        assert found[-1] == sum(truth[tuple(value.tolist())] == answer for value, answer in came)
    assert found[-1] > found[0]  # it learns


def test_the_pathway_that_answers_is_right_most_often() -> None:
    learner = made(population=12)
    for label in range(CLASSES):
        for example in examples(5):
            learner.learn(example[None] + label, torch.tensor([label]))
        values, labels = learner.shown()
        learner.end_class()
        right = [right_in_loops(learner, path, values, labels) for path in learner.population]
        best = next(k for k, path in enumerate(learner.population) if np.array_equal(path, learner.best))
        assert right[best] == max(right)


def right_in_loops(learner: PathNet, path: Path, values: Tensor, labels: Tensor) -> int:
    """How many answers along a pathway are right."""
    answers = [np.argmax(in_loops(weights(learner), path, ends(learner), value)) for value in values]
    return sum(int(answer == label) for answer, label in zip(answers, labels.tolist(), strict=True))


def test_genes_move_a_little_now_and_then() -> None:
    learner = made()
    learner.learn(examples(1), torch.tensor([0]))
    path = np.array([[0, 3, 5], [1, 1, 2]])
    moves = np.array([(learner.mutated(path) - path) % MODULES for _ in range(3000)])
    values, counts = np.unique(moves, return_counts=True)
    assert values.tolist() == [0, 1, 2, MODULES - 2, MODULES - 1]
    expected = moves.size / path.size / 5  # one gene a pathway on average, a fifth of these each way
    assert (abs(counts[1:] - expected) < 5 * np.sqrt(expected)).all()


@pytest.fixture(autouse=True)
def quietly() -> Iterator[None]:
    """Single thread: networks this small take longer with more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
