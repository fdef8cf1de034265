"""A matrix that many steps multiply by, with its gradient taken once.

Under plain autograd each step of a recurrent network adds an outer product to the weights' gradient: a pass over
the whole matrix for every step. Here senders and gradients are kept, and their one product comes with the first
step's turn on the way back, which is the last one.
"""

from __future__ import annotations

import torch
from torch import Tensor


class DeferredProduct:
    """`x @ weight` for the steps of one window, in order; used once.

    Every step's result must lead to the next step's x, as in a recurrent network, or its gradient is lost.

    Args:
        weight: (senders, receivers).
    """

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight
        self.senders: list[Tensor] = []
        self.gradients: list[Tensor] = []

    def __call__(self, sender: Tensor) -> Tensor:
        """Receivers (batch, receivers) from senders (batch, senders)."""
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return sender @ self.weight
        product: Tensor = _Product.apply(self, sender, self.weight)
        return product


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, product, sender, weight):  # type: ignore[no-untyped-def]
        ctx.product, ctx.step = product, len(product.senders)
        product.senders.append(sender.detach())
        ctx.save_for_backward(weight)
        return sender @ weight

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        (weight,) = ctx.saved_tensors
        product = ctx.product
        product.gradients.append(gradient)
        d_sender = gradient @ weight.T if ctx.needs_input_grad[1] else None
        d_weight = None
        if ctx.step == 0:
            used = product.senders[: len(product.gradients)]
            d_weight = torch.cat(used).T @ torch.cat(product.gradients[::-1])
        return None, d_sender, d_weight
