"""Networks of continual learning: published sizes, instance norm as a program that sees one picture at a time."""

import pytest
import torch
from torch import nn

from networks.adaptation import adaptation_mlp, adaptation_network
from networks.prediction import InstanceNorm, Neuromodulation, prediction_network
from networks.representation import representation_mlp, representation_network


def size(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def test_sizes_are_the_published_ones() -> None:
    assert size(prediction_network()) == 6_041_800
    three = prediction_network(inputs=3)
    assert (size(three), size(three[0]), size(three[1:])) == (6_048_424, 2_554_560, 3_493_864)
    assert size(representation_network()) == 6_338_280
    assert size(representation_network(hidden=0)) == 5_257_960


def test_each_picture_is_normalised_as_batch_norm_of_it_alone_does() -> None:
    pictures = torch.randn(4, 3, 5, 5)
    norm = InstanceNorm(3)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    alone = [
        nn.functional.batch_norm(one[None], None, None, norm.weight, norm.bias, training=True) for one in pictures
    ]
    assert torch.allclose(norm(pictures), torch.cat(alone), atol=1e-5)


def test_gates_of_a_batch_are_those_of_each_picture() -> None:
    torch.manual_seed(0)
    network = Neuromodulation(18, 4)
    pictures = torch.rand(5, 1, 28, 28)
    gates = network.gates(pictures)
    assert torch.allclose(gates, torch.cat([network.gates(one[None]) for one in pictures]), atol=1e-6)
    assert ((gates > 0) & (gates < 1)).all()


def test_gates_multiply_the_features() -> None:
    torch.manual_seed(0)
    network = prediction_network(4, 3, outputs=7)
    pictures = torch.rand(5, 1, 28, 28)
    features = network.prediction(pictures) * network.neuromodulation.gates(pictures)
    assert torch.equal(network(pictures), network.head(features))
    ungated = prediction_network(4, 0, outputs=7)
    assert torch.equal(ungated(pictures), ungated.head(ungated.prediction(pictures)))


def test_weights_start_as_published() -> None:
    torch.manual_seed(0)
    network = prediction_network(32, 8)
    assert network.head.weight.std().item() == pytest.approx((2 / 288) ** 0.5, rel=0.02)
    assert not network.head.bias.any()


def test_other_networks_take_what_they_should() -> None:
    assert representation_network(4, 8, 10)(torch.rand(2, 1, 84, 84)).shape == (2, 10)
    assert representation_network(4, 0, 10, inputs=3).representation(torch.rand(2, 3, 84, 84)).shape == (2, 36)
    assert len([layer for layer in representation_mlp().modules() if isinstance(layer, nn.Linear)]) == 9
    assert adaptation_network(20, 8, inputs=3)(torch.rand(2, 3, 28, 28)).shape == (2, 20)
    assert size(adaptation_mlp()) == 1761


@pytest.mark.parametrize("norm", [True, False])
def test_networks_of_maml_start_as_the_authors_program_has_them(norm: bool) -> None:
    torch.manual_seed(0)
    few_shot, mlp = adaptation_network(20), adaptation_mlp(784, (256, 128, 64, 64), 5, norm=norm)
    assert few_shot[-1].weight.std().item() == pytest.approx(1.0, rel=0.1)
    layers = [layer for layer in mlp if isinstance(layer, nn.Linear)]
    assert all(layer.weight.abs().max() <= 0.02 and not layer.bias.any() for layer in layers)
    assert layers[0].weight.std().item() == pytest.approx(0.0088, rel=0.02)  # cut off at two deviations of 0.01
    assert sum(isinstance(layer, nn.BatchNorm1d) for layer in mlp) == (4 if norm else 0)
    spread = mlp(torch.rand(10, 784)).std(0).mean().item()
    assert spread > 1e-3 if norm else spread < 1e-4  # without it small weights leave nothing to learn from


def test_other_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="side: 42: allowed is 43"):
        representation_network(4, side=42)
