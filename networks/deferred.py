"""A matrix that many steps multiply by, with its gradient taken once.

Under plain autograd each step of a recurrent network adds an outer product to the weights' gradient: a pass over
the whole matrix for every step. Here senders and gradients are kept, and their one product comes with the first
step's turn on the way back, which is the last one.
"""

from __future__ import annotations

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
        self.senders: list[Tensor] = []
        self.gradients: list[Tensor] = []  # from the last step that counts back to the one in turn
        self.back = 0  # the step in turn on the way back
        self.turn: Tensor | None = None  # ties each step to the one before: a gradient goes through all, in order

    def __call__(self, sender: Tensor) -> Tensor:
        """Receivers (batch, receivers) from senders (batch, senders)."""
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return sender @ self.weight
        received: Tensor
        received, self.turn = _Product.apply(self, self.turn, sender, self.weight)
        return received


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, product, turn, sender, weight):  # type: ignore[no-untyped-def]
        ctx.product, ctx.step, ctx.kind = product, len(product.senders), sender.dtype
        product.senders.append(sender.detach())
        ctx.save_for_backward(weight)
        return sender @ weight, sender.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, turn):  # type: ignore[no-untyped-def]
        (weight,) = ctx.saved_tensors
        product, kind = ctx.product, gradient.dtype  # bfloat16 under autocast, which does not reach here
        if ctx.step != product.back - 1:  # a way back begins
            product.gradients = []
        product.back = ctx.step
        product.gradients.append(gradient)
        d_sender = (gradient @ weight.T.to(kind)).to(ctx.kind) if ctx.needs_input_grad[2] else None
        d_weight = None
        if ctx.step == 0:
            used = torch.cat(product.senders[: len(product.gradients)])
            d_weight = (used.T.to(kind) @ torch.cat(product.gradients[::-1])).to(weight.dtype)
        return None, turn if ctx.needs_input_grad[1] else None, d_sender, d_weight
