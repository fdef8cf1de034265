"""A variational autoencoder of vectors: dreams up values like those it was shown.

Kingma and Welling (2014), Auto-encoding variational Bayes, equation 10.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

#: Smallest standard deviation of values around what is decoded, so that what never varies has a finite likelihood.
LEAST = 1e-2
#: What it starts with beside that: with more, values of the size of features would first seem to be noise alone.
BEGUN = 0.3


class Autoencoder(nn.Module):
    """Normal codes z, values decoded from them with normal noise whose size is learned.

    Args:
        features: numbers of a value.
        hidden: neurons of the encoder and of the decoder.
        codes: numbers of a code.
        seed: of the initial weights.
    """

    def __init__(self, features: int, hidden: int = 128, codes: int = 16, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 2 * codes))
            self.decoder = nn.Sequential(nn.Linear(codes, hidden), nn.ReLU(), nn.Linear(hidden, features))
        self.codes = codes
        self.spread = nn.Parameter(torch.tensor(math.log(BEGUN)))

    @property
    def noise(self) -> Tensor:
        """Standard deviation of values around what is decoded."""
        return LEAST + self.spread.exp()

    def encode(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Means and standard deviations of the codes of values (batch, features), both (batch, codes)."""
        means, logarithms = self.encoder(values).chunk(2, 1)
        return means, logarithms.exp()

    def loss(self, values: Tensor, noise: Tensor) -> Tensor:
        """Minus the lower bound of the values' log-likelihood, with one code for each; a mean over values.

        -log N(x; decoder(z), noise^2) + KL(N(m, s^2) || N(0, 1)), where z = m + s e.

        Args:
            values: x, (batch, features).
            noise: e, (batch, codes).
        """
        means, deviations = self.encode(values)
        wrong = (values - self.decoder(means + deviations * noise)) / self.noise
        missed = (wrong.square() / 2 + self.noise.log() + math.log(2 * math.pi) / 2).sum(1)
        return (missed + divergence(means, deviations)).mean()

    def decode(self, codes: Tensor) -> Tensor:
        """Values (batch, features) that codes (batch, codes) stand for, without noise."""
        return self.decoder(codes)


def divergence(means: Tensor, deviations: Tensor) -> Tensor:
    """Kullback-Leibler divergence of normal distributions (batch, codes) from the standard one, (batch,)."""
    return ((means.square() + deviations.square() - 1) / 2 - deviations.log()).sum(1)
