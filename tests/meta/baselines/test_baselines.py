"""Methods made by hand against their equations, summed up example by example and task by task."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from meta.baselines import ElasticWeights, Replay, SynapticIntelligence
from meta.protocols.online import Online

TASKS, EXAMPLES = 3, 4


def stage() -> nn.Linear:
    """A layer in float64."""
    torch.manual_seed(0)
    return nn.Linear(3, TASKS).double()


def examples() -> Tensor:
    """Examples (tasks, examples, 1, 3)."""
    return torch.randn(TASKS, EXAMPLES, 1, 3, generator=torch.Generator().manual_seed(1)).double()


def teach(learner: Online) -> list[dict[str, Tensor]]:
    """Teach all tasks; returns the parameters after each."""
    after = []
    for task, own in enumerate(examples()):
        for example in own:
            learner.learn(example, torch.tensor([task]))
        learner.end_class()
        after.append({name: value.detach().clone() for name, value in learner.parameters.items()})
    return after


def loss(parameters: dict[str, Tensor], example: Tensor, task: int) -> Tensor:
    """Cross-entropy of one example."""
    scores = example @ parameters["weight"].T + parameters["bias"]
    return cross_entropy(scores, torch.tensor([task]))


@pytest.mark.parametrize("decay", [None, 0.7])
def test_elastic_weights_pull_as_their_equation_says(decay: float | None) -> None:
    module = stage()
    learner = ElasticWeights(module, dict(module.named_parameters()), 0.05, strength=3.0, decay=decay)
    after = teach(learner)
    point = {name: value.detach().clone().requires_grad_() for name, value in learner.parameters.items()}
    importance = []
    for task, own in enumerate(examples()):
        at = {name: value.clone().requires_grad_() for name, value in after[task].items()}
        squares = []
        for example in own:
            gradients = torch.autograd.grad(loss(at, example, task), list(at.values()))
            squares.append([gradient.square() for gradient in gradients])
        importance.append([torch.stack(column).mean(0) for column in zip(*squares, strict=True)])
    example = torch.randn(1, 3).double()
    wanted = loss(point, example, 1)
    if decay is None:
        pairs = list(zip(importance, after, strict=True))
    else:
        faded = [decay ** (TASKS - 1 - task) for task in range(TASKS)]
        total = [
            sum(factor * own[place] for factor, own in zip(faded, importance, strict=True)) for place in range(2)
        ]
        pairs = [(total, after[-1])]
    for weights, anchor in pairs:
        for weight, value, old in zip(weights, point.values(), anchor.values(), strict=True):
            wanted = wanted + 3.0 / 2 * (weight * (value - old).square()).sum()
    found = learner.gradients(example, torch.tensor([1]))
    for one, other in zip(found, torch.autograd.grad(wanted, list(point.values())), strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-12)


def test_synapses_count_what_their_changes_did_for_the_loss() -> None:
    module = stage()
    learner = SynapticIntelligence(module, dict(module.named_parameters()), 0.05, strength=2.0, damping=0.01)
    total = {name: torch.zeros_like(value) for name, value in learner.parameters.items()}
    for task, own in enumerate(examples()):
        start = {name: value.detach().clone() for name, value in learner.parameters.items()}
        path = {name: torch.zeros_like(value) for name, value in start.items()}
        for example in own:
            before = {name: value.detach().clone().requires_grad_() for name, value in learner.parameters.items()}
            gradients = torch.autograd.grad(loss(before, example, task), list(before.values()))
            learner.learn(example, torch.tensor([task]))
            for name, gradient in zip(before, gradients, strict=True):
                path[name] -= gradient * (learner.parameters[name].detach() - before[name].detach())
        learner.end_class()
        for name, value in learner.parameters.items():
            total[name] += path[name] / ((value.detach() - start[name]).square() + 0.01)
    for name, value in total.items():
        assert torch.allclose(learner.importance[name], value, rtol=1e-9, atol=1e-12)
    with torch.no_grad():
        learner.parameters["bias"] += 1.0
    example = torch.randn(1, 3).double()
    penalised, plain = (
        learner.gradients(example, torch.tensor([1])),
        Online.gradients(learner, example, torch.tensor([1])),
    )
    assert torch.allclose(penalised[1] - plain[1], 2 * 2.0 * total["bias"])
    assert torch.allclose(penalised[0], plain[0])


def test_every_example_is_as_likely_to_be_in_the_reservoir() -> None:
    room, shown, repeats = 5, 20, 100
    module = nn.Linear(1, 1)
    kept = np.zeros(shown)
    for seed in range(repeats):
        learner = Replay(module, dict(module.named_parameters()), 0.0, seed, memory=room, drawn=0)
        for number in range(shown):
            learner.learn(torch.tensor([[float(number)]]), torch.tensor([0]))
        assert len(learner.memory) == room
        kept[[int(example) for example, _ in learner.memory]] += 1
    expected = repeats * room / shown
    deviation = ((kept - expected) ** 2 / (expected * (1 - room / shown))).sum()
    assert deviation < 45  # 99.9 % of chi-squared with 19 degrees of freedom


def test_a_step_of_replay_is_on_the_new_example_and_on_remembered_ones() -> None:
    module = stage()
    learner = Replay(module, dict(module.named_parameters()), 0.05, memory=3, drawn=2)
    seen: list[int] = []
    original = learner.gradients

    def watched(prepared: Tensor, labels: Tensor) -> list[Tensor]:
        seen.append(len(labels))
        return original(prepared, labels)

    learner.gradients = watched  # type: ignore[method-assign]
    teach(learner)
    assert seen == [1, 2] + [3] * (TASKS * EXAMPLES - 2)
