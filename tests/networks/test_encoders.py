"""The encoder against torch's convolutions."""

import torch
from plasticity_loops import draw

from networks.encoders import SIDE, ConvEncoder


def test_the_encoder_is_four_convolutions_with_tanh() -> None:
    encoder = ConvEncoder(5)
    pictures = draw(1, 3, 1, SIDE, SIDE).float()
    values, sides = pictures, []
    for layer in encoder.layers:
        values = torch.tanh(torch.nn.functional.conv2d(values, layer.weight, layer.bias, stride=2))
        sides.append(values.shape[-1])
    assert sides == [15, 7, 3, 1]
    features = encoder(pictures)
    assert features.shape == (3, 5)
    torch.testing.assert_close(features, values.flatten(1), rtol=1e-5, atol=1e-6)


def test_gradients_reach_every_layer_and_agree_with_convolutions() -> None:
    encoder = ConvEncoder(4)
    pictures = draw(1, 3, 1, SIDE, SIDE).float()
    values = pictures
    for layer in encoder.layers:
        values = torch.tanh(torch.nn.functional.conv2d(values, layer.weight, layer.bias, stride=2))
    parameters = list(encoder.parameters())
    expected = torch.autograd.grad(values.square().sum(), parameters)
    for one, other in zip(
        torch.autograd.grad(encoder(pictures).square().sum(), parameters), expected, strict=True
    ):
        assert other.abs().max() > 0
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_published_encoder_has_111424_parameters() -> None:
    assert sum(parameter.numel() for parameter in ConvEncoder(64).parameters()) == 111_424


def test_half_precision_gives_single_precision_features_nearby() -> None:
    torch.manual_seed(0)
    encoder, pictures = ConvEncoder(16), draw(1, 3, 1, SIDE, SIDE).float()
    with torch.autocast("cpu", torch.bfloat16):
        half = encoder(pictures)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, encoder(pictures), rtol=0.1, atol=0.02)
