"""How much features say about classes by themselves: nearest neighbours and least squares, nothing trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from meta.protocols.layers import with_constant


def nearest_neighbours(known: Tensor, labels: Tensor, asked: Tensor, neighbours: int = 5) -> Tensor:
    """The commonest label among the nearest known examples, Euclidean; of equally common ones the nearest's.

    Args:
        known: (known, features).
        labels: of the known, (known,).
        asked: (asked, features).
        neighbours: how many vote.

    Returns:
        Labels (asked,).

    Raises:
        ValueError: more neighbours than examples.
    """
    if not 0 < neighbours <= len(known):
        raise ValueError(f"neighbours: {neighbours}: allowed are 1 to {len(known)}, the known examples")
    nearest = torch.cdist(asked, known).topk(neighbours, largest=False).indices
    voters = labels[nearest]  # (asked, neighbours), the nearest first
    votes = (voters[:, :, None] == voters[:, None, :]).sum(2)
    return voters.gather(1, votes.argmax(1, keepdim=True))[:, 0]


def least_squares(known: Tensor, labels: Tensor, asked: Tensor, ridge: float = 1e-6) -> Tensor:
    """The largest of linear functions of the features, with a constant, fitted to one-hot labels.

    Args:
        known: (known, features).
        labels: of the known, 0 to classes - 1, (known,).
        asked: (asked, features).
        ridge: penalty on the squared weights, as a share of the features' mean square: with fewer examples than
            features the fit would not be one alone.

    Returns:
        Labels (asked,).
    """
    table, targets = with_constant(known.double()), nn.functional.one_hot(labels).double()
    squares = table.T @ table
    squares.diagonal().add_(ridge * squares.diagonal().mean())
    weights = torch.linalg.solve(squares, table.T @ targets)
    return (with_constant(asked.double()) @ weights).argmax(1)
