"""Progress and compress against its equations: links, distillation, consolidation; who changes when."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from meta.baselines import ProgressAndCompress

CLASSES, FEATURES, UNITS, LAYERS = 2, 5, 4, 2


def examples(label: int) -> Tensor:
    """Examples (3, features) of a class in float64."""
    return torch.randn(3, FEATURES, generator=torch.Generator().manual_seed(label)).double()


def made(**options: Any) -> ProgressAndCompress:
    """A small one."""
    torch.manual_seed(0)
    stage = nn.Linear(FEATURES, 2).double()
    options = {"task_classes": CLASSES, "units": UNITS, "layers": LAYERS, "passes": 3, "batch": 4} | options
    return ProgressAndCompress(stage, dict(stage.named_parameters()), 0.05, 1, **options)


def teach(learner: ProgressAndCompress, labels: range, over: bool = True) -> None:
    """Teach classes; the last one is over, or not."""
    for label in labels:
        for example in examples(label):
            learner.learn(example[None], torch.tensor([label]))
        if over or label < labels[-1]:
            learner.end_class()


def values(parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    """As they are now."""
    return {name: value.detach().clone() for name, value in parameters.items()}


def perceptron(base: dict[str, Tensor], example: Tensor) -> list[Tensor]:
    """Layers of the knowledge base for one example, the outputs last."""
    layers = [example]
    for number in range(LAYERS + 1):
        total = torch.stack(
            [
                row @ layers[-1] + bias
                for row, bias in zip(base[f"{number}.weight"], base[f"{number}.bias"], strict=True)
            ]
        )
        layers.append(total if number == LAYERS else total * (total > 0))
    return layers


@pytest.mark.parametrize("done", [1, 2])
def test_the_active_column_listens_to_the_knowledge_base_as_the_equation_says(done: int) -> None:
    learner = made()
    teach(learner, range(done * CLASSES + 1), over=False)
    own, base = values(learner.parameters), values(learner.base.parameters)
    found = learner.scores(examples(0))
    assert found.shape == (3, (done + 1) * CLASSES)
    for row, example in zip(found, examples(0), strict=True):
        known, below = perceptron(base, example), example
        for number in range(LAYERS + 1):
            weight, bias = own[f"{number}.weight"], own[f"{number}.bias"]
            units = []
            for unit in range(len(bias)):
                total = (weight[unit] * below).sum() + bias[unit]
                if number:
                    adapter, offset = own[f"{number}.adapter"], own[f"{number}.offset"]
                    said = [max(0.0, float(adapter[m] @ known[number] + offset[m])) for m in range(UNITS)]
                    lateral = own[f"{number}.lateral"][unit]
                    total += own[f"{number}.scale"][unit] * sum(
                        float(u) * s for u, s in zip(lateral, said, strict=True)
                    )
                units.append(total if number == LAYERS else total.clamp(min=0))
            below = torch.stack(units)
        assert torch.allclose(row, torch.cat([known[-1], below]), rtol=1e-10)


def test_distillation_goes_down_the_divergence_written_out() -> None:
    learner = made()
    teach(learner, range(2 * CLASSES))
    shown = torch.cat([examples(label) for label in range(4)])
    answers = torch.randn(len(shown), 2, generator=torch.Generator().manual_seed(9)).double().log_softmax(1)
    found = learner.base.divergence(shown, answers)
    total = 0.0
    for example, logs in zip(shown, answers, strict=True):
        scores = perceptron(values(learner.base.parameters), example)[-1][CLASSES:]
        own = scores - scores.exp().sum().log()
        total += float((logs.exp() * (logs - own)).sum())
    assert float(found.detach()) == pytest.approx(total / len(shown), rel=1e-10)
    assert float(learner.base.divergence(shown, learner.base.scores(shown)[:, 2:].log_softmax(1)).detach()) < 1e-12


def test_consolidation_is_online_ewc_of_examples_of_each_task() -> None:
    """F is decay F + F of the new task at the parameters that it ended with; the penalty counts decay F."""
    learner, decay, strength = made(importance_decay=0.7, strength=3.0), 0.7, 3.0
    importance: dict[str, Tensor] = {}
    for task in range(3):
        teach(learner, range(task * CLASSES, (task + 1) * CLASSES))
        point = {name: value.requires_grad_() for name, value in values(learner.base.parameters).items()}
        squares = {name: torch.zeros_like(value) for name, value in point.items()}
        for label in range(task * CLASSES, (task + 1) * CLASSES):
            for example in examples(label):
                scores = perceptron(point, example)[-1]
                loss = cross_entropy(scores[task * CLASSES :], torch.tensor(label - task * CLASSES))
                gradients = torch.autograd.grad(loss, list(point.values()))
                for name, gradient in zip(point, gradients, strict=True):
                    squares[name] += gradient.square() / (3 * CLASSES)
        for name, own in squares.items():
            old = importance.get(name, torch.zeros(0))
            padded = torch.zeros_like(own)
            padded[: len(old)] = old if len(old) else padded[:0]
            importance[name] = decay * padded + own
    anchor = values(learner.base.parameters)
    with torch.no_grad():
        for value in learner.base.parameters.values():
            value += 0.5
    found = learner.base.penalised([torch.zeros_like(value) for value in anchor.values()])
    for (name, old), pull in zip(anchor.items(), found, strict=True):
        assert torch.allclose(learner.base.importance[name], importance[name], rtol=1e-9)
        moved = learner.base.parameters[name].detach() - old
        assert torch.allclose(pull, strength * decay * importance[name] * moved, rtol=1e-9, atol=1e-14)


def test_new_outputs_are_not_held_back() -> None:
    learner = made()
    teach(learner, range(CLASSES))
    grown = {"weight": torch.ones(CLASSES, UNITS).double(), "bias": torch.zeros(CLASSES).double()}
    learner.base.grow(grown)
    with torch.no_grad():
        for value in learner.base.parameters.values():
            value += 1.0
    pulls = learner.base.penalised([torch.zeros_like(value) for value in learner.base.parameters.values()])
    for pull in pulls[-2:]:
        assert not pull[CLASSES:].any() and pull[:CLASSES].any()


def test_the_knowledge_base_does_not_change_while_the_active_column_learns() -> None:
    learner = made()
    teach(learner, range(CLASSES))
    before = values(learner.base.parameters)
    teach(learner, range(CLASSES, 2 * CLASSES), over=False)
    assert all(torch.equal(value, learner.base.parameters[name]) for name, value in before.items())
    active = values(learner.parameters)
    learner.end_class()
    assert all(torch.equal(value, learner.parameters[name]) for name, value in active.items())
    assert not torch.equal(before["0.weight"], learner.base.parameters["0.weight"])


def test_compression_brings_the_knowledge_base_to_what_the_active_column_says() -> None:
    learner = made(units=16, passes=200, strength=0.0)
    teach(learner, range(2 * CLASSES), over=False)
    shown = torch.cat([examples(label) for label in (2, 3)])
    wanted = learner.scores(shown)[:, CLASSES:].softmax(1).detach()
    learner.end_class()
    found = learner.scores(shown)[:, CLASSES:].softmax(1).detach()
    assert found.shape == wanted.shape and float((found - wanted).abs().max()) < 0.1


@pytest.mark.parametrize("reset", [False, True])
def test_the_active_column_starts_a_task_anew_or_with_what_it_knew(reset: bool) -> None:
    learner = made(reset_active=reset)
    teach(learner, range(CLASSES))
    before = values(learner.parameters)
    learner.enter(examples(2)[:1], torch.tensor([2]))
    for name, value in learner.parameters.items():
        output = name.startswith(f"{LAYERS}.")
        assert torch.equal(value, before[name]) == (not reset and not output), name
