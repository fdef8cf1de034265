"""Convolutional encoders of small pictures."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

#: Side of the pictures that four convolutions of stride 2 without padding take to one number a channel.
SIDE = 31


class ConvEncoder(nn.Module):
    """Four 3x3 convolutions of stride 2, tanh after each: 31 -> 15 -> 7 -> 3 -> 1 pixels.

    Miconi, Clune & Stanley 2018, section 4.3.

    Args:
        channels: of every layer, hence the number of features.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.features = channels
        sizes = (1, channels, channels, channels, channels)
        self.layers = nn.ModuleList(nn.Conv2d(one, next, 3, stride=2) for one, next in pairwise(sizes))
        for layer in self.layers:  # channels last is what fast convolutions on CPU and GPU want
            weight = layer.get_parameter("weight")
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (batch, channels) of pictures (batch, 1, 31, 31)."""
        values = torch.tanh(self._first(pictures).float())
        for layer in list(self.layers)[1:]:
            # tanh of bfloat16 takes several times as long as of float32
            values = torch.tanh(layer(values).float())
        return values.flatten(1)

    def _first(self, pictures: Tensor) -> Tensor:
        """The first layer as one matrix product: with one channel in, that is faster than a convolution."""
        layer = self.layers[0]
        weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
        patches = nn.functional.unfold(pictures, 3, stride=2).transpose(1, 2)  # (batch, places, 9)
        side = (pictures.shape[-1] - 3) // 2 + 1
        values = nn.functional.linear(patches, weight.flatten(1), bias)
        return values.unflatten(1, (side, side)).permute(0, 3, 1, 2)
