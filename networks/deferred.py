"""A matrix that many steps multiply by, with its gradient taken once.

Under plain autograd each step of a recurrent network adds an outer product to the weights' gradient: a pass over
the whole matrix for every step. Here senders and gradients are kept, and their one product comes with the first
step's turn on the way back, which is the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class DeferredProduct:
    """`x @ weight` for the steps of one window, in order; used once.

    Args:
        weight: (senders, receivers).
    """

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight
        self.steps = Steps()
        # Ties each step to the one before, so that a gradient goes through all of them, in order.
        self._turn: Tensor | None = None

    def __call__(self, sender: Tensor) -> Tensor:
        """Receivers (batch, receivers) from senders (batch, senders)."""
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return sender @ self.weight
        received: Tensor
        received, self._turn = _Product.apply(self.steps, self._turn, sender, self.weight)
        return received


@dataclass
class Steps:
    """What the steps of a window leave for the gradient of the weights.

    The graph refers to it. It must not refer back, as a `DeferredProduct` does by its turn: such circles go
    through the graph where Python cannot see them, and would never be freed.

    Attributes:
        senders: of each step.
        gradients: from the last step that counts back to the one in turn.
        back: the step in turn on the way back.
    """

    senders: list[Tensor] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)
    back: int = 0


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, steps, turn, sender, weight):  # type: ignore[no-untyped-def]
        ctx.steps, ctx.step, ctx.kind = steps, len(steps.senders), sender.dtype
        steps.senders.append(sender.detach())
        ctx.save_for_backward(weight)
        return sender @ weight, sender.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, turn):  # type: ignore[no-untyped-def]
        (weight,) = ctx.saved_tensors
        steps, kind = ctx.steps, gradient.dtype  # bfloat16 under autocast, which does not reach here
        if ctx.step != steps.back - 1:  # a way back begins
            steps.gradients = []
        steps.back = ctx.step
        steps.gradients.append(gradient)
        d_sender = (gradient @ weight.T.to(kind)).to(ctx.kind) if ctx.needs_input_grad[2] else None
        d_weight = None
        if ctx.step == 0:
            used = torch.cat(steps.senders[: len(steps.gradients)])
            d_weight = (used.T.to(kind) @ torch.cat(steps.gradients[::-1])).to(weight.dtype)
        return None, turn if ctx.needs_input_grad[1] else None, d_sender, d_weight
