"""Progressive networks against their equation in loops and finite differences; columns that stay as they were."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from meta.baselines import Progressive

CLASSES, FEATURES, UNITS, ADAPTERS = 2, 5, 4, 3


def examples(count: int) -> Tensor:
    """Examples (count, features) in float64."""
    return torch.randn(count, FEATURES, generator=torch.Generator().manual_seed(count)).double()


def taught(tasks: int, **options: Any) -> Progressive:
    """After so many tasks, a class of which is not over in the last."""
    torch.manual_seed(0)
    stage = nn.Linear(FEATURES, 2).double()
    options = {"task_classes": CLASSES, "units": UNITS, "adapters": ADAPTERS, "task_drawn": 2} | options
    learner = Progressive(stage, dict(stage.named_parameters()), 0.05, 1, **options)
    for label, example in enumerate(examples(tasks * CLASSES)):
        if label:
            learner.end_class()
        for step in range(3):
            learner.learn(example[None] + step, torch.tensor([label]))
    return learner


def column_of(learner: Progressive, number: int) -> list[dict[str, Tensor]]:
    """Weights of a column by layer, without those of other columns; links one after another."""
    first = number * (number - 1) // 2
    found = []
    frozen = number < len(learner.frozen[0]["weight"])
    for stack, own in zip(learner.frozen, learner.column or learner.frozen, strict=True):
        if not frozen:
            found.append({name: value.detach() for name, value in own.items()})
            continue
        places = {"adapter": slice(first, first + number), "scale": slice(first, first + number)}
        if not learner.shared:
            places["lateral"] = slice(first, first + number)
        found.append({name: value[places.get(name, slice(number, number + 1))] for name, value in stack.items()})
    return found


def in_loops(learner: Progressive, example: Tensor) -> list[float]:
    """Outputs of all columns, unit by unit."""
    below: list[list[float]] = []
    for number in range(learner.layers + 1):
        current = []
        for k in range(learner.task + 1):
            layer = column_of(learner, k)[number]
            inputs = example.tolist() if number == 0 else below[k]
            values = []
            for unit in range(layer["weight"].shape[1]):
                total = float(layer["bias"][0, unit, 0])
                total += sum(float(w) * x for w, x in zip(layer["weight"][0, unit], inputs, strict=True))
                if number:
                    total += said_by_others(learner, layer, below[:k], unit)
                values.append(total if number == learner.layers else max(0.0, total))
            current.append(values)
        below = current
    return [value for values in below for value in values]


def said_by_others(learner: Progressive, layer: dict[str, Tensor], others: list[list[float]], unit: int) -> float:
    """The sum over earlier columns."""
    adapted = [
        [
            sum(
                float(v) * float(layer["scale"][j, 0, 0]) * h
                for v, h in zip(layer["adapter"][j, m], own, strict=True)
            )
            for m in range(ADAPTERS)
        ]
        for j, own in enumerate(others)
    ]
    if learner.shared:
        adapted = [[sum(column) for column in zip(*adapted, strict=True)]] if adapted else []
    return sum(
        float(layer["lateral"][j, unit, m]) * max(0.0, value)
        for j, values in enumerate(adapted)
        for m, value in enumerate(values)
    )


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("over", [False, True])
def test_all_columns_at_once_are_the_equation_in_loops(shared: bool, over: bool) -> None:
    learner = taught(4, shared=shared)
    if over:
        learner.end_class()
    found = learner.scores(examples(3))
    assert found.shape == (3, 4 * CLASSES)
    for row, example in zip(found.tolist(), examples(3), strict=True):
        assert row == pytest.approx(in_loops(learner, example), rel=1e-10, abs=1e-12)


def test_many_examples_in_turns_are_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = taught(4)
    whole = learner.scores(examples(7))
    monkeypatch.setattr("meta.baselines.progressive.ROOM", 200)
    assert torch.allclose(learner.scores(examples(7)), whole, rtol=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_columns_of_earlier_tasks_stay_what_they_were_to_the_last_bit(shared: bool) -> None:
    learner = taught(2, shared=shared)
    learner.end_class()
    before = [column_of(learner, k) for k in range(2)]
    kept = [[{name: value.clone() for name, value in layer.items()} for layer in column] for column in before]
    scores = learner.scores(examples(3))
    for label in range(2 * CLASSES, 5 * CLASSES):
        learner.learn(examples(1), torch.tensor([label]))
        learner.end_class()
    for k, column in enumerate(kept):
        for layer, now in zip(column, column_of(learner, k), strict=True):
            assert all(torch.equal(value, now[name]) for name, value in layer.items())
    assert torch.allclose(learner.scores(examples(3))[:, : 2 * CLASSES], scores, rtol=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_gradients_along_links_between_columns_are_finite_differences(shared: bool) -> None:
    learner = taught(3, shared=shared)
    shown, labels = examples(6), torch.tensor([4, 5, 4, 5, 4, 5])
    found = dict(zip(learner.parameters, learner.gradients(shown, labels), strict=True))
    step = 1e-6
    links = [name for name in found if name.split(".")[1] in ("adapter", "scale", "lateral")]
    assert len(links) == 6 and all(float(found[name].abs().max()) > 1e-6 for name in links)
    for name in links:
        flat = learner.parameters[name].detach().view(-1)
        wanted = []
        for place in range(len(flat)):
            value = float(flat[place])
            around = []
            for moved in (value + step, value - step):
                flat[place] = moved
                around.append(float(learner.loss(shown, labels).detach()))
            flat[place] = value
            wanted.append((around[0] - around[1]) / (2 * step))
        assert found[name].flatten().tolist() == pytest.approx(wanted, rel=1e-5, abs=1e-8)


def test_a_column_learns_to_tell_the_classes_of_its_task_apart() -> None:
    learner = taught(3)
    shown, labels = examples(4), torch.tensor([4, 5, 4, 5])
    own = torch.tensor([in_loops(learner, example)[4:] for example in shown]).double().log_softmax(1)
    wanted = -own[torch.arange(4), labels - 4].mean()
    assert float(learner.loss(shown, labels).detach()) == pytest.approx(float(wanted), rel=1e-6)
