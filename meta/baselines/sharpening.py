"""Activation sharpening: few hidden units stand for an example, so that examples share few weights.

French (1991), Using semi-distributed representations to overcome catastrophic forgetting in connectionist
networks.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from meta.learners.parameters import Parameters
from meta.protocols.online import Online


class Sharpening(Online):
    """Before each ordinary step, the most active hidden units are made more active and the others less.

    After a forward pass the k most active units of the layer before the head are to become a + sharpness (1 - a),
    the others a - sharpness a. The difference, as an error of that layer, is propagated back through what comes
    before the head: a step of gradient descent on half its square. A forward pass and the ordinary step follow.

    French's units are sigmoids between 0 and 1. Those of rectifiers have no upper end: 1 stands for the largest
    activity of the example's units, so that winners approach the most active one. His step has the rate of the
    ordinary one, and so has this, without Adam, whose steps would be as long for small differences as for large.

    Args:
        stage: as `Online`; an `nn.Sequential` whose last stage is the head.
        parameters: as `Online`; some of them before the head.
        rate: as `Online`, and of the step that sharpens.
        seed: as `Online`.
        sharpened: k as a share of the layer's units, rounded up.
        sharpness: how far units are to move, 0 to 1.

    Raises:
        ValueError: nothing before the head learns.
    """

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        sharpened: float = 0.05,
        sharpness: float = 0.2,
    ) -> None:
        super().__init__(stage, parameters, rate, seed)
        self.sharpened, self.sharpness = sharpened, sharpness
        self._before = stage[:-1] if isinstance(stage, nn.Sequential) else nn.Sequential()
        known = dict(self._before.named_parameters())
        self._weights = {name: value for name, value in self.parameters.items() if name in known}
        if not self._weights:
            raise ValueError(
                f"parameters: {', '.join(parameters)}: allowed are also those of a layer before the head, "
                "whose units are sharpened"
            )

    def learn(self, prepared: Any, labels: Tensor) -> None:
        """Sharpen examples (batch, ...), then take the ordinary step on them."""
        activity = functional_call(self._before, self._weights, (prepared,))
        error = (activity - self.target(activity.detach())).square().sum(1).mean() / 2
        gradients = torch.autograd.grad(error, list(self._weights.values()), materialize_grads=True)
        with torch.no_grad():
            for value, gradient in zip(self._weights.values(), gradients, strict=True):
                value.sub_(gradient, alpha=self.rate)
        super().learn(prepared, labels)

    def target(self, activity: Tensor) -> Tensor:
        """What hidden units of some activity (batch, units) are to become."""
        winners = activity.topk(math.ceil(self.sharpened * activity.shape[1]), dim=1).indices
        lowered = activity - self.sharpness * activity
        largest = activity.amax(1, keepdim=True)
        raised = activity + self.sharpness * (largest - activity)
        return lowered.scatter(1, winners, raised.gather(1, winners))
