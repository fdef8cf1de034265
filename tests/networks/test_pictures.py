"""Convolutions of pictures are torch's, in any layout, with the same gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from networks.pictures import PictureConvolution, channels_last


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("inputs", "stride", "bias"), [(1, 1, True), (3, 2, True), (1, 2, False)])
def test_values_and_gradients_are_those_of_a_convolution(last: bool, inputs: int, stride: int, bias: bool) -> None:
    torch.manual_seed(0)
    ours = PictureConvolution(inputs, 5, stride, bias, last).double()
    theirs = nn.Conv2d(inputs, 5, 3, stride, bias=bias).double()
    theirs.load_state_dict(ours.state_dict())
    pictures = torch.rand(4, inputs, 12, 9, dtype=torch.float64)
    values = [layer(pictures) for layer in (ours, theirs)]
    assert torch.allclose(*values)
    assert values[0].is_contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
    gradients = [
        torch.autograd.grad(layer(pictures).pow(3).sum(), list(layer.parameters())) for layer in (ours, theirs)
    ]
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other)


def test_weights_are_laid_out_without_being_changed() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(2, 2))
    before = [value.clone() for value in network.parameters()]
    channels_last(network)
    assert all(torch.equal(one, other) for one, other in zip(before, network.parameters(), strict=True))
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
