"""Conv nets that learn in sequence: a prediction network and the neuromodulatory network that gates it.

Beaulieu, Frati, Miconi, Lehman, Stanley, Clune and Cheney (2020), Learning to continually learn, arXiv 2002.09571.
Each is an `nn.Sequential` of named stages, so that what does not learn in a lifetime can be computed ahead.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from networks.compiled import compiles
from networks.pictures import PictureConvolution

#: Side of the pictures.
SIDE = 28
#: Places that three unpadded convolutions, two of them pooled, leave of 28 x 28.
PLACES = 9
#: Numbers that compiled passes take.
COMPILED = (torch.float32, torch.float64)


class InstanceNorm(nn.GroupNorm):
    """Each channel of each picture by itself to mean 0 and variance 1, then a learned scale and shift.

    Group normalisation with a channel a group: the numbers of `nn.InstanceNorm2d`, computed faster. The published
    program has batch normalisation there, but of one picture at a time and of its own statistics, also in tests.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, eps=1e-5)


class NormedPool(InstanceNorm):
    """Instance normalisation, ReLU and max pooling: compiled into one pass on a CPU, else torch's operations.

    Args:
        channels: of the pictures.
        pool: side of the windows that are pooled, without overlap: 1 (no pooling) or 2.
    """

    def __init__(self, channels: int, pool: int = 1) -> None:
        super().__init__(channels)
        self.pool = pool

    def forward(self, values: Tensor) -> Tensor:
        """Features (batch, channels, height // pool, width // pool) of values (batch, channels, height, width)."""
        kind = values.dtype
        if values.device.type == "cpu" and kind == self.weight.dtype and kind in COMPILED and compiles():
            from networks.normed import normed_pool

            return normed_pool(values, self.weight, self.bias, self.pool)
        values = torch.relu(super().forward(values))
        return nn.functional.max_pool2d(values, 2) if self.pool == 2 else values


def convolutions(inputs: int, channels: int, biases: bool = True, norm: bool = True) -> nn.Sequential:
    """Three 3x3 convolutions without padding, 28 -> 26 -> 13 -> 11 -> 5 -> 3 pixels; flat, 9 a channel.

    Args:
        inputs: channels of the pictures.
        channels: of every layer.
        biases: of the convolutions; before a norm they have no effect, but the published networks have them.
        norm: normalise each channel of each picture.
    """
    layers: list[nn.Module] = []
    for number, pool in enumerate((2, 2, 1)):
        if number:
            layers.append(nn.Conv2d(channels, channels, 3, bias=biases))
        else:
            layers.append(PictureConvolution(inputs, channels, bias=biases))
        if norm:
            layers.append(NormedPool(channels, pool))
        else:
            layers.append(nn.ReLU())
            if pool == 2:
                layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten())


class Neuromodulation(nn.Module):
    """A network that looks at a picture and says how far each feature of another network counts.

    Args:
        features: number of gates.
        channels: of its convolutions.
        inputs: channels of the pictures.
        biases: of its convolutions.
        norm: normalise each channel of each picture.
    """

    def __init__(
        self, features: int, channels: int = 112, inputs: int = 1, biases: bool = True, norm: bool = True
    ) -> None:
        super().__init__()
        self.convolutions = convolutions(inputs, channels, biases, norm)
        self.output = nn.Linear(PLACES * channels, features)

    def gates(self, pictures: Tensor) -> Tensor:
        """Gates between 0 and 1, (batch, features), of pictures (batch, inputs, 28, 28)."""
        return torch.sigmoid(self.output(self.convolutions(pictures)))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures as they came, and their gates."""
        return pictures, self.gates(pictures)


class Prediction(nn.Module):
    """Features of pictures, gated where gates come with them.

    Args:
        channels: of its convolutions; it has 9 features a channel.
        inputs: channels of the pictures.
        biases: of its convolutions.
        norm: normalise each channel of each picture.
    """

    def __init__(self, channels: int = 256, inputs: int = 1, biases: bool = True, norm: bool = True) -> None:
        super().__init__()
        self.features = PLACES * channels
        self.convolutions = convolutions(inputs, channels, biases, norm)

    def forward(self, shown: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        """Features (batch, features) of pictures (batch, inputs, 28, 28), or of pictures and gates."""
        if isinstance(shown, Tensor):
            return self.convolutions(shown)
        pictures, gates = shown
        return self.convolutions(pictures) * gates


def prediction_network(
    channels: int = 256,
    neuromodulatory: int = 112,
    outputs: int = 1000,
    inputs: int = 1,
    biases: bool = True,
    norm: bool = True,
) -> nn.Sequential:
    """Stages `neuromodulation` (if it has channels), `prediction` and `head`: pictures to class scores.

    The defaults have 6,041,800 parameters, with three input channels 6,048,424: the published network.

    Args:
        channels: of the prediction network.
        neuromodulatory: channels of the neuromodulatory network; 0 leaves it out.
        outputs: classes.
        inputs: channels of the pictures, 1 or 3.
        biases: of the convolutions.
        norm: normalise each channel of each picture.
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    prediction = Prediction(channels, inputs, biases, norm)
    if neuromodulatory:
        stages["neuromodulation"] = Neuromodulation(prediction.features, neuromodulatory, inputs, biases, norm)
    stages["prediction"] = prediction
    stages["head"] = nn.Linear(prediction.features, outputs)
    return initialise(nn.Sequential(stages))


def initialise(network: nn.Sequential) -> nn.Sequential:
    """Kaiming normal weights (fan in, gain of ReLU) and zero biases in all convolutions and linear layers."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
