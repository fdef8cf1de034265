"""A representation and what predicts from it: the networks of online-aware meta-learning.

Javed and White (2019), Meta-learning representations for continual learning (arXiv 1905.12588), Omniglot and
incremental sine. Stages `representation`, `hidden` (where there is one) and `head`.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from networks.pictures import PictureConvolution, channels_last
from networks.prediction import initialise

#: Strides of the six convolutions: 84 -> 41 -> 39 -> 19 -> 17 -> 8 -> 3 pixels.
STRIDES = (2, 1, 2, 1, 2, 2)


def representation_network(
    channels: int = 256, hidden: int = 1024, outputs: int = 1000, inputs: int = 1, side: int = 84
) -> nn.Sequential:
    """Six 3x3 convolutions without padding or norms, then linear layers: pictures to class scores.

    The defaults have 6,338,280 parameters; without a hidden layer, as in the corrected program, 5,257,960.

    Args:
        channels: of every convolution.
        hidden: neurons between representation and output; 0 leaves them out.
        outputs: classes.
        inputs: channels of the pictures.
        side: of the pictures, 84 as published.

    Raises:
        ValueError: pictures too small for the convolutions.
    """
    width = side
    layers: list[nn.Module] = []
    for number, stride in enumerate(STRIDES):
        width = (width - 3) // stride + 1
        if number:
            layers += [nn.Conv2d(channels, channels, 3, stride), nn.ReLU()]
        else:
            layers += [PictureConvolution(inputs, channels, stride, last=True), nn.ReLU()]
    if width < 1:
        raise ValueError(f"side: {side}: allowed is 43 or more pixels")
    features = channels * width**2
    network = _with_head(nn.Sequential(*layers, nn.Flatten()), (features, hidden), outputs)
    channels_last(network)
    return network


def representation_mlp(
    inputs: int = 11, width: int = 300, layers: int = 6, hidden: tuple[int, ...] = (300, 300), outputs: int = 1
) -> nn.Sequential:
    """Linear layers with ReLU, of which the first ones are the representation: numbers to numbers.

    The defaults are the nine layers of the paper's table: six, two and the output.

    Args:
        inputs: numbers that come in.
        width: of the representation's layers.
        layers: of the representation.
        hidden: widths of the layers between representation and output.
        outputs: numbers that come out.
    """
    sizes = (inputs, *(width for _ in range(layers)))
    return _with_head(_perceptron(sizes), (width, *hidden), outputs)


def _perceptron(sizes: tuple[int, ...]) -> nn.Sequential:
    pairs = [(nn.Linear(one, other), nn.ReLU()) for one, other in pairwise(sizes)]
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


def _with_head(representation: nn.Sequential, widths: tuple[int, ...], outputs: int) -> nn.Sequential:
    """The stages from the representation and the widths that follow it, its own first; 0 stands for no layer."""
    sizes = tuple(width for width in widths if width)
    stages: OrderedDict[str, nn.Module] = OrderedDict(representation=representation)
    if len(sizes) > 1:
        stages["hidden"] = _perceptron(sizes)
    stages["head"] = nn.Linear(sizes[-1], outputs)
    return initialise(nn.Sequential(stages))
