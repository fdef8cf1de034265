"""Networks of model-agnostic meta-learning: Finn, Abbeel and Levine (2017), arXiv 1703.03400, appendix A.

Every parameter is both meta-learned and adapted. Batch normalisation knows the current batch alone, in tests too.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn


class SpatialMean(nn.Module):
    """Mean over the places of each channel: (batch, channels, height, width) to (batch, channels)."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Means."""
        return pictures.mean((2, 3))


def adaptation_network(ways: int = 5, channels: int = 64, inputs: int = 1, blocks: int = 4) -> nn.Sequential:
    """Blocks of a 3x3 convolution of stride 2, batch norm and ReLU; spatial mean; linear: pictures to scores.

    Args:
        ways: classes.
        channels: of every convolution.
        inputs: channels of the pictures.
        blocks: convolutions.
    """
    layers: list[nn.Module] = []
    for number in range(blocks):
        layers += [
            nn.Conv2d(channels if number else inputs, channels, 3, 2, padding=1),
            nn.BatchNorm2d(channels, track_running_stats=False),
            nn.ReLU(),
        ]
    network = nn.Sequential(*layers, SpatialMean(), nn.Linear(channels, ways))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.get_parameter("bias"))
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight)  # of deviation 1, as in the authors' program
            nn.init.zeros_(layer.get_parameter("bias"))
    return network


def adaptation_mlp(
    inputs: int = 1, hidden: tuple[int, ...] = (40, 40), outputs: int = 1, norm: bool = False
) -> nn.Sequential:
    """Linear layers with ReLU between them: numbers to numbers, of sines or of flattened pictures.

    Weights start from a normal of deviation 0.01 cut off at two deviations, biases at 0.

    Args:
        inputs: numbers that come in.
        hidden: widths of the hidden layers.
        outputs: numbers that come out.
        norm: batch normalisation before each ReLU, as with pictures.
    """
    layers: list[nn.Module] = []
    for one, other in pairwise((inputs, *hidden)):
        layers += [nn.Linear(one, other)]
        layers += [nn.BatchNorm1d(other, track_running_stats=False)] if norm else []
        layers += [nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear((inputs, *hidden)[-1], outputs))
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.02, b=0.02)
            nn.init.zeros_(layer.get_parameter("bias"))
    return network
