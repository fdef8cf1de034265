"""Meta-experience replay against its algorithm written out with the closed-form gradient of softmax regression."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meta.baselines import MetaExperienceReplay
from meta.baselines.reservoir import Reservoir
from meta.protocols.online import Online

OUTPUTS, FEATURES, SHOWN = 3, 4, 15
RATE, SEED, MEMORY = 0.3, 5, 6


def stage() -> nn.Linear:
    """A layer in float64."""
    torch.manual_seed(0)
    return nn.Linear(FEATURES, OUTPUTS).double()


def stream() -> list[tuple[Tensor, Tensor]]:
    """Examples (1, features) and labels (1,)."""
    torch.manual_seed(1)
    return [(torch.randn(1, FEATURES).double(), torch.randint(0, OUTPUTS, (1,))) for _ in range(SHOWN)]


def teach(learner: Online) -> NDArray[np.float64]:
    """Parameters after the stream, a matrix with the biases as its last column."""
    for example, label in stream():
        learner.learn(example, label)
    weight, bias = (value.detach().numpy() for value in learner.parameters.values())
    return np.c_[weight, bias]


def descended(matrix: NDArray[np.float64], example: Tensor, label: Tensor) -> NDArray[np.float64]:
    """Softmax regression after one step on one example."""
    row = np.append(example.numpy(), 1.0)
    powers = np.exp(matrix @ row)
    error = powers / powers.sum() - np.eye(OUTPUTS)[int(label)]
    return matrix - RATE * np.outer(error, row)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(("batches", "size", "within", "across"), [(3, 4, 0.3, 0.7), (1, 2, 0.5, 1.0)])
def test_it_learns_as_its_algorithm_says(
    first: bool, batches: int, size: int, within: float, across: float
) -> None:
    module = stage()
    learner = MetaExperienceReplay(
        module, dict(module.named_parameters()), RATE, SEED, MEMORY, batches, size, within, across, first
    )
    found = teach(learner)
    memory = Reservoir(MEMORY, SEED)
    matrix = np.c_[module.weight.detach().numpy(), module.bias.detach().numpy()]
    for new in stream():
        begun = matrix
        for _ in range(batches):
            start, remembered = matrix, memory.draw(size - 1)
            for example in [new, *remembered] if first else [*remembered, new]:
                matrix = descended(matrix, *example)
            matrix = start + within * (matrix - start)
        matrix = begun + across * (matrix - begun)
        memory.add(new)
    np.testing.assert_allclose(found, matrix, rtol=1e-10, atol=1e-12)


def test_without_memory_and_interpolation_it_is_gradient_descent() -> None:
    module, plain = stage(), stage()
    learner = MetaExperienceReplay(
        module, dict(module.named_parameters()), RATE, batches=1, size=1, within=1.0, across=1.0
    )
    optimizer = torch.optim.SGD(plain.parameters(), RATE)
    for example, label in stream():
        optimizer.zero_grad()
        nn.functional.cross_entropy(plain(example), label).backward()
        optimizer.step()
    found = teach(learner)
    assert np.array_equal(found, np.c_[plain.weight.detach().numpy(), plain.bias.detach().numpy()])


def test_what_was_learned_first_is_remembered() -> None:
    """Two clusters with much in common, one after another: plain steps forget the first."""
    torch.manual_seed(3)
    points = 1 + 0.1 * torch.randn(2, 40, 4)
    points[0, :, 0] += 1
    points[1, :, 1] += 1
    torch.manual_seed(0)
    module = nn.Linear(4, 2)
    right = []
    for memory in (1, 20):
        learner = MetaExperienceReplay(module, dict(module.named_parameters()), RATE, SEED, memory)
        if memory == 1:
            learner.size = 1  # nothing but the new example
        for label, own in enumerate(points):
            for point in own:
                learner.learn(point[None], torch.tensor([label]))
        right.append(float((learner.scores(points[0]).argmax(1) == 0).float().mean()))
    assert right[0] < 0.1 and right[1] > 0.9
