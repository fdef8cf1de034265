"""Convolutions that look at pictures: few channels go in, and processors like that as one matrix product."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PictureConvolution(nn.Conv2d):
    """A 3x3 convolution without padding, of pictures of few channels: the numbers of `nn.Conv2d`, faster on a CPU.

    Args:
        inputs: channels of the pictures.
        channels: of the result.
        stride: of the windows.
        bias: whether to add one.
        last: the result's channels lie next to each other in memory ("channels last"), as other convolutions on a
            CPU like it, instead of the places of a channel.
    """

    def __init__(self, inputs: int, channels: int, stride: int = 1, bias: bool = True, last: bool = False) -> None:
        super().__init__(inputs, channels, 3, stride, bias=bias)
        self.last = last

    def forward(self, pictures: Tensor) -> Tensor:
        """Values (batch, channels, height, width) of pictures (batch, inputs, height, width)."""
        if pictures.device.type != "cpu":
            return super().forward(pictures)
        stride = self.stride[0]
        sides = tuple((side - 3) // stride + 1 for side in pictures.shape[2:])
        patches = nn.functional.unfold(pictures, 3, stride=stride)  # (batch, 9 inputs, places)
        weight = self.weight.flatten(1)
        if self.last:
            values = nn.functional.linear(patches.transpose(1, 2), weight, self.bias)
            return values.unflatten(1, sides).permute(0, 3, 1, 2)
        values = torch.bmm(weight.expand(len(pictures), -1, -1), patches)
        return (values if self.bias is None else values + self.bias[:, None]).unflatten(2, sides)


def channels_last(network: nn.Module) -> None:
    """Have the weights of convolutions lie as fast convolutions on CPU and GPU want them."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
