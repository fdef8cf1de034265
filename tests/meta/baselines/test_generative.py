"""Generative replay: its generator against torch's distributions, its loss against the equation written out."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import cross_entropy

from meta.baselines import GenerativeReplay
from meta.baselines.autoencoder import Autoencoder, divergence
from meta.protocols.online import Online

CLUSTERS, FEATURES, EXAMPLES = 3, 6, 12


def clusters(examples: int = EXAMPLES) -> Tensor:
    """Points of classes that have much in common, (classes, examples, features)."""
    torch.manual_seed(1)
    points = 1 + 0.1 * torch.randn(CLUSTERS, examples, FEATURES)
    points[range(CLUSTERS), :, range(CLUSTERS)] += 1
    return points


def teach(learner: Online, points: Tensor) -> None:
    """One class after another."""
    for label, own in enumerate(points):
        for point in own:
            learner.learn(point[None], torch.tensor([label]))
        learner.end_class()


def taught(points: Tensor, **options: float) -> GenerativeReplay:
    """A linear layer that has learned them."""
    torch.manual_seed(0)
    module = nn.Linear(points.shape[2], CLUSTERS).to(points)
    learner = GenerativeReplay(module, dict(module.named_parameters()), 0.03, 7, **options)  # type: ignore[arg-type]
    teach(learner, points)
    return learner


def test_the_divergence_is_that_of_normal_distributions() -> None:
    torch.manual_seed(0)
    means, deviations = torch.randn(5, 3).double(), torch.rand(5, 3).double() + 0.1
    expected = kl_divergence(Normal(means, deviations), Normal(torch.zeros(3).double(), 1.0)).sum(1)
    assert torch.allclose(divergence(means, deviations), expected, rtol=1e-12)


def test_the_bound_is_of_a_likelihood_with_learned_noise() -> None:
    model = Autoencoder(FEATURES, 5, 2).double()
    with torch.no_grad():
        model.spread.fill_(-0.7)
    values, noise = torch.randn(4, FEATURES).double(), torch.randn(4, 2).double()
    means, deviations = model.encode(values)
    codes = Normal(means, deviations)
    drawn = means + deviations * noise
    likelihood = Normal(model.decode(drawn), model.noise).log_prob(values).sum(1)
    bound = likelihood - kl_divergence(codes, Normal(torch.zeros(2).double(), 1.0)).sum(1)
    assert torch.allclose(model.loss(values, noise), -bound.mean(), rtol=1e-12)


def test_a_generator_dreams_up_what_it_was_shown() -> None:
    points = clusters()[:1]
    learner = taught(points, generator_steps=300, drawn=200)
    assert learner.old_generator is not None
    dreamed = learner.dream(learner.old_generator)
    assert torch.allclose(dreamed.mean(0), points[0].mean(0), atol=0.15)


@pytest.mark.parametrize("task_classes", [1, 2])
def test_the_new_counts_by_the_number_of_tasks(task_classes: int) -> None:
    points = clusters()
    learner = GenerativeReplay(nn.Linear(1, 1), {"bias": torch.zeros(1)}, 0.1, task_classes=task_classes)
    shares = []
    learner.learned = lambda values: shares.append((learner.share, len(values)))  # type: ignore
    learner.loss = lambda prepared, labels: learner.parameters["bias"].sum()  # type: ignore
    teach(learner, torch.cat([points, points[:1]]))
    tasks = (CLUSTERS + 1) // task_classes
    assert shares == [(1 / (k + 1), task_classes * EXAMPLES) for k in range(tasks)]


def test_a_step_goes_down_both_losses_weighted() -> None:
    learner = taught(clusters().double())
    old = {name: value.detach().clone() for name, value in learner.parameters.items()}
    with torch.no_grad():
        for value in learner.parameters.values():
            value += 0.3 * torch.randn_like(value)
    stream = torch.Generator()
    stream.set_state(learner._stream.get_state())
    assert learner.old_generator is not None
    codes = torch.randn(learner.drawn, 16, generator=stream, dtype=torch.float64)
    first, _, second = learner.old_generator.decoder
    values = torch.relu(codes @ first.weight.T + first.bias) @ second.weight.T + second.bias
    told = torch.exp(values @ old["weight"].T + old["bias"])
    told = (told / told.sum(1, keepdim=True)).detach()
    weight, bias = (value.detach().clone().requires_grad_() for value in learner.parameters.values())
    said = torch.log_softmax(values.detach() @ weight.T + bias, 1)
    example, label = torch.randn(1, FEATURES).double(), torch.tensor([2])
    share = 1 / (CLUSTERS + 1)
    loss = share * cross_entropy(example @ weight.T + bias, label) - (1 - share) * (told * said).sum(1).mean()
    expected = torch.autograd.grad(loss, [weight, bias])
    for one, other in zip(learner.gradients(example, label), expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-14)


def test_the_generator_goes_down_both_losses_weighted() -> None:
    learner, values = taught(clusters().double()), torch.randn(5, FEATURES).double()
    learner.old_generator, new = Autoencoder(FEATURES, seed=3).double(), Autoencoder(FEATURES, seed=4).double()
    stream = torch.Generator()
    stream.set_state(learner._stream.get_state())

    def normal(rows: int) -> Tensor:
        return torch.randn(rows, 16, generator=stream, dtype=torch.float64)

    first = new.loss(values, normal(5))
    dreamed = learner.old_generator.decode(normal(learner.drawn))
    second = new.loss(dreamed, normal(learner.drawn))
    share = 1 / (CLUSTERS + 1)
    expected = share * first + (1 - share) * second
    assert torch.allclose(learner.generator_loss(new, values), expected, rtol=1e-12)


def test_what_plain_learning_forgets_is_dreamed_up() -> None:
    points = clusters(60)
    torch.manual_seed(0)
    module = nn.Linear(FEATURES, CLUSTERS)
    plain = Online(module, dict(module.named_parameters()), 0.03)
    teach(plain, points)
    right = [
        [float((learner.scores(own).argmax(1) == label).float().mean()) for label, own in enumerate(points)]
        for learner in (plain, taught(points))
    ]
    assert right[0] == [0.0, 0.0, 1.0]
    assert min(right[1]) > 0.8


def test_pictures_are_dreamed_up_in_their_shape_and_torch_is_left_alone() -> None:
    torch.manual_seed(0)
    stage = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    state = torch.random.get_rng_state()
    ends = []
    for _ in range(2):
        learner = GenerativeReplay(stage, dict(stage.named_parameters()), 0.01, generator_steps=3)
        pictures = torch.rand(2, 3, 1, 4, 4, generator=torch.Generator().manual_seed(1))
        teach(learner, pictures)
        assert learner.old_generator is not None
        assert learner.replay(learner.old_generator, pictures[0])[0].shape == (30, 1, 4, 4)
        ends.append([value.detach() for value in learner.parameters.values()])
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(*pair) for ends in pairwise(ends) for pair in zip(*ends, strict=True))


def test_pictures_with_gates_are_refused() -> None:
    module = nn.Linear(2, 2)
    learner = GenerativeReplay(module, dict(module.named_parameters()), 0.1)
    with pytest.raises(ValueError, match="prepared: 2 tensors, such as pictures and their gates: allowed is one"):
        learner.learn((torch.zeros(1, 2), torch.zeros(1, 2)), torch.tensor([0]))  # type: ignore[arg-type]
