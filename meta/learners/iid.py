"""Training on batches of all classes: pretraining, with and without a penalty that makes features sparse."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def sparse_scores(model: nn.Sequential, inputs: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Scores (batch, outputs), and the Set-KL penalty of the features that the head gets.

    SR-NN, as in the comparisons of Javed and White (2019): the mean over units of b/a - ln(b/a) - 1 where the mean
    activation a of a unit is above b, else 0; the divergence of exponential distributions with these means.

    Args:
        model: whose last stage is the head.
        inputs: of the model.
        share: b.
    """
    features = model[:-1](inputs)
    means = features.mean(0) + 1e-4
    ratio = share / means
    penalty = torch.where(means > share, ratio - ratio.log() - 1, torch.zeros_like(means)).mean()
    return model[-1](features), penalty
