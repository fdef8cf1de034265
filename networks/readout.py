"""A plastic layer from features to classes that learns an episode's labels at one sight.

Miconi, Clune & Stanley 2018, section 4.3: out = softmax(f (W + alpha * H) + 1000 label). A label is so strong that
the output *is* the label, exactly, in float32. So what the trace holds after the labelled pictures needs no loop:

    Oja       H[:, c] = sum_k rate (1 - rate)^(later pictures of class c) f_k       over the pictures k of class c
    decaying  H[:, c] = sum_k rate (1 - rate)^(later pictures of any class) f_k
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from networks.plastic import Lifetime, PlasticConnections

#: Factor on a label inside the softmax.
LABEL = 1000.0
#: Rules with a closed form.
CLOSED_FORMS = ("oja", "decaying")


class PlasticReadout(nn.Module):
    """Features to classes through plastic connections.

    Args:
        features: size of the features.
        classes: number of classes of an episode.
        connections: options of `PlasticConnections`; modulation is not supported.
    """

    def __init__(self, features: int, classes: int, **connections: Any) -> None:
        super().__init__()
        self.connections = PlasticConnections(features, classes, **connections)
        self.classes = classes

    def forward(self, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
        """Class scores of a query after an episode's labelled pictures, (batch, classes).

        Args:
            support: features of the labelled pictures in the order shown, (batch, shown, features).
            labels: their classes, (batch, shown).
            query: features of the picture without a label, (batch, features).
        """
        trace = self.stored(support, labels)
        connections = self.connections
        return query @ connections.weight + (query.unsqueeze(1) @ (connections.alpha * trace)).squeeze(1)

    def stored(self, support: Tensor, labels: Tensor) -> Tensor:
        """The trace after the labelled pictures, (batch, features, classes): in closed form where there is one."""
        connections = self.connections
        if connections.rule_name not in CLOSED_FORMS or connections.rate.ndim:
            return self.shown(support, labels)
        classes = nn.functional.one_hot(labels, self.classes).to(support.dtype)
        counted = classes if connections.rule_name == "oja" else torch.ones_like(classes)
        later = counted.flip(1).cumsum(1).flip(1) - counted
        strength = connections.rate * (1 - connections.rate) ** later * classes
        return support.transpose(1, 2) @ strength

    def shown(self, support: Tensor, labels: Tensor) -> Tensor:
        """The same by showing one picture after the other."""
        lifetime = self.connections.initial(len(support))
        for features, label in zip(support.unbind(1), labels.unbind(1), strict=True):
            given = LABEL * nn.functional.one_hot(label, self.classes).to(features.dtype)
            out = torch.softmax(self.connections(features, lifetime) + given, -1)
            after = self.connections.learn(lifetime, features, out)
            assert isinstance(after, Lifetime)
            lifetime = after
        return lifetime.trace
