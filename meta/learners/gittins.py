"""What is known to be best: Gittins indices of arms that pay or not, and the best policy of two such arms.

Gittins (1979); the tables of Gittins, Glazebrook & Weber (2011), section 8.4, are reproduced to their last digit.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Rewards a step that an arm is compared with; between them the index is interpolated.
GRID = 200
#: Share of a reward that may be lost by looking no further.
NEGLIGIBLE = 1e-4


@cache
def gittins_indices(pulls: int, discount: float) -> NDArray[np.float64]:
    """Indices of an arm of unknown probability, uniform before the first pull.

    The index is the sure reward a step for which one would just as soon leave the arm for ever. For each of a grid
    of rewards the best moment to leave is found by going backwards from a state far ahead, after which the arm
    is taken to be known; the index is where staying loses its advantage.

    Args:
        pulls: largest number of pulls of the arm that is asked for.
        discount: of later rewards, a step, below 1.

    Returns:
        Indices by successes and failures, (pulls + 1, pulls + 1); NaN beyond so many pulls in all.

    Raises:
        ValueError: a discount that is not within 0..1, or a negative number of pulls.
    """
    if not 0 <= discount < 1:
        raise ValueError(f"discount: {discount}: allowed is from 0 to below 1")
    if pulls < 0:
        raise ValueError(f"pulls: {pulls}: allowed is 0 or more")
    ahead = int(np.ceil(np.log(NEGLIGIBLE) / np.log(discount))) if discount > 0 else 1
    sure = np.linspace(0, 1, GRID + 1)[:, None] / (1 - discount)
    indices = np.full((pulls + 1, pulls + 1), np.nan)
    last = pulls + ahead
    value = np.maximum(_means(last) / (1 - discount), sure)
    for count in range(last - 1, -1, -1):
        chance = _means(count)
        stay = chance * (1 + discount * value[:, 1:]) + (1 - chance) * discount * value[:, :-1]
        if count <= pulls:
            successes = np.arange(count + 1)
            indices[successes, count - successes] = _roots(stay - sure)
        value = np.maximum(stay, sure)
    return indices


def _means(count: int) -> NDArray[np.float64]:
    """Expected probability of an arm after so many pulls, by successes."""
    return (np.arange(count + 1) + 1) / (count + 2)


def _roots(advantage: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where advantages (rewards, states) fall to 0, on 0..1."""
    after = np.maximum((advantage > 0).sum(0), 1)
    above = np.take_along_axis(advantage, after[None] - 1, 0)[0]
    below = np.take_along_axis(advantage, after[None], 0)[0]
    return (after - 1 + above / (above - below)) / (len(advantage) - 1)


@cache
def best_two_arms(pulls: int) -> float:
    """Expected reward of the best policy for two arms whose probabilities are independent and uniform.

    All numbers of successes and failures are gone through backwards (Bellman 1956).

    Args:
        pulls: in all, each counting the same.

    Raises:
        ValueError: no pulls.
    """
    if pulls < 1:
        raise ValueError(f"pulls: {pulls}: allowed is 1 or more")
    value = np.zeros((pulls + 1,) * 3)
    for count in range(pulls - 1, -1, -1):
        won, lost, won_other = np.ogrid[: count + 1, : count + 1, : count + 1]
        first = (won + 1) / (won + lost + 2)
        second = (won_other + 1) / (np.maximum(count - won - lost, won_other) + 2)  # nonsense where not reachable
        inside = (slice(0, count + 1),) * 3
        more = slice(1, count + 2)
        here = value[inside]
        one = first * (1 + value[more, inside[1], inside[2]]) + (1 - first) * value[inside[0], more, inside[2]]
        other = second * (1 + value[inside[0], inside[1], more]) + (1 - second) * here
        value = np.maximum(one, other)
    return float(value[0, 0, 0])
