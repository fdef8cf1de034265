"""Convolutional encoders of small pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from networks.pictures import PictureConvolution, channels_last

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
        layers = [nn.Conv2d(channels, channels, 3, stride=2) for _ in range(3)]
        self.layers = nn.ModuleList([PictureConvolution(1, channels, 2, last=True), *layers])
        channels_last(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (batch, channels) of pictures (batch, 1, 31, 31)."""
        if self._compiled(pictures):
            from networks.pixels import FirstLayer  # compiles with numba, which GPU machines may lack

            first = self.layers[0]
            values = FirstLayer.apply(pictures, first.get_parameter("weight"), first.get_parameter("bias"))
        else:
            values = torch.tanh(self.layers[0](pictures).float())
        for layer in list(self.layers)[1:]:
            # tanh of bfloat16 takes several times as long as of float32
            values = torch.tanh(self._convolve(layer, values).float())
        return values.flatten(1)

    def _compiled(self, pictures: Tensor) -> bool:
        """Whether the compiled first layer computes what is wanted: bfloat16 on a CPU, no gradient of pictures."""
        return (
            pictures.device.type == "cpu"
            and pictures.dtype == torch.float32
            and not pictures.requires_grad
            and torch.is_autocast_enabled("cpu")
            and torch.get_autocast_dtype("cpu") == torch.bfloat16
        )

    @staticmethod
    def _convolve(layer: nn.Module, values: Tensor) -> Tensor:
        """A layer; where one place is left, as one matrix product."""
        if values.shape[-2:] != (3, 3):
            return layer(values)
        weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
        flat = values.permute(0, 2, 3, 1).flatten(1)
        return nn.functional.linear(flat, weight.permute(0, 2, 3, 1).flatten(1), bias)[..., None, None]
