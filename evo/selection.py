"""Who has children and who survives: NSGA-II and its probabilistic form, PNSGA.

In PNSGA (Clune et al. 2013) every comparison of two individuals includes each objective k with its own
probability p_k, drawn anew for that comparison. Whether individual i enters the current front depends only on
who remains: the comparisons are independent, so i enters with probability prod_j (1 - P(j dominates i)). Drawing
one uniform number against that product gives exactly the distribution of fronts that drawing every coin gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import moocore
import numpy as np
from numba import njit
from numpy.typing import NDArray

from evo.population import Population

Ties = Literal["parents-first", "random"]

# A probability below this is never met by a 53-bit random number above 0.
NEGLIGIBLE = 2.0**-53


def select(
    population: Population,
    k: int,
    probabilities: Sequence[float],
    rng: np.random.Generator,
    ties: Ties = "parents-first",
) -> Population:
    """The k survivors: front by front, the last one by crowding distance.

    Survivors carry their front in column "rank" and their crowding distance, over all objectives, in column
    "crowding".

    Args:
        population: parents followed by offspring.
        k: number of survivors.
        probabilities: chance of each objective to count in a comparison; all 1 is NSGA-II.
        rng: source of chance.
        ties: what stands first among equals; with "parents-first" those earlier in the population, with
            "random" a random order. The original leaves it open, and it matters: drawn at random, a solved
            population of one objective drifts towards sparse networks.
    """
    if ties == "random":
        population = population.take(rng.permutation(len(population)))
    weighted = population.weighted
    ranks = front_ranks(weighted, probabilities, rng, enough=k)
    chosen, crowding = _truncate(weighted, ranks, k)
    survivors = population.take(chosen)
    survivors.columns["rank"] = ranks[chosen]
    survivors.columns["crowding"] = crowding
    return survivors


def select_parents(
    population: Population, k: int, probabilities: Sequence[float], rng: np.random.Generator
) -> Population:
    """K winners of binary tournaments, copied, in the order of the tournaments.

    The population is shuffled once for every len(population) / 2 tournaments and neighbours meet. The winner
    dominates; else has the larger crowding distance; else wins a coin toss.
    """
    winners = _tournaments(
        population.weighted,
        population.columns["crowding"],
        np.asarray(probabilities, np.float64),
        k,
        rng,
    )
    return population.take(winners)


def front_ranks(
    weighted: NDArray[np.float64],
    probabilities: Sequence[float],
    rng: np.random.Generator,
    enough: int | None = None,
) -> NDArray[np.int64]:
    """The front of each individual, 0 the best, shape (individuals,).

    Args:
        weighted: objective values, more is better, (individuals, objectives).
        probabilities: chance of each objective to count in a comparison.
        rng: source of chance; unused where every probability is 0 or 1.
        enough: once the fronts hold this many, the others may all get the next rank together.

    Raises:
        ValueError: a probability for each objective is missing or not between 0 and 1.
    """
    chances = np.asarray(probabilities, np.float64)
    if chances.shape != (weighted.shape[1],) or not ((chances >= 0) & (chances <= 1)).all():
        raise ValueError(
            f"probabilities: {list(probabilities)}: allowed are {weighted.shape[1]} numbers from 0 to 1"
        )
    count = len(weighted)
    enough = count if enough is None else min(enough, count)
    always, sometimes = chances == 1, (chances > 0) & (chances < 1)
    if not sometimes.any():
        return _certain_ranks(weighted[:, always], enough, rng)
    if always.sum() == 1 and sometimes.sum() == 1:
        certain, chancy = weighted[:, always.argmax()].copy(), weighted[:, sometimes.argmax()].copy()
        order = np.lexsort((-chancy, -certain))
        return _ranks_of_two(certain, chancy, order, float(chances[sometimes][0]), enough, rng)
    if always.any() and sometimes.sum() == 1:
        return _ranks_with_one_chance(
            weighted[:, always], weighted[:, sometimes.argmax()], float(chances[sometimes][0]), enough, rng
        )
    counting = np.ascontiguousarray(weighted[:, always | sometimes])
    return _ranks_of_many(counting, chances[always | sometimes], enough, rng)


def crowding_distances(weighted: NDArray[np.float64], ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Crowding distance of each individual within its front (Deb et al. 2002), shape (individuals,).

    An objective in which a whole front is equal adds nothing, not even for the ends.
    """
    order = np.argsort(ranks, kind="stable")
    crowding = np.empty(len(ranks))
    crowding[order] = _crowding(weighted[order], np.unique(ranks[order], return_inverse=True)[1])
    return crowding


def _certain_ranks(weighted: NDArray[np.float64], enough: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if weighted.shape[1] == 0:
        return np.zeros(len(weighted), np.int64)
    if weighted.shape[1] == 1:
        best_first = np.unique(-weighted[:, 0])
        return np.searchsorted(best_first, -weighted[:, 0])
    if weighted.shape[1] > 3:  # counting is faster than moocore there, and can stop when there are enough
        return _ranks_with_one_chance(weighted, np.zeros(len(weighted)), 1.0, enough, rng)
    # Negated here: asked to maximise, moocore 0.3.2 negates some arrays, such as unpickled ones, in place.
    return moocore.pareto_rank(-weighted).astype(np.int64)


def _truncate(
    weighted: NDArray[np.float64], ranks: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Indices and crowding distances of the k best by (rank, crowding, position)."""
    order = _by_rank(ranks)
    sorted_ranks = ranks[order]
    end = int(np.searchsorted(sorted_ranks, sorted_ranks[min(k, len(ranks)) - 1], side="right"))
    order = order[:end]
    crowding = _crowding(weighted[order], sorted_ranks[:end])
    last = int(np.searchsorted(sorted_ranks[:end], sorted_ranks[end - 1]))
    if end > k:
        tail = last + np.argsort(-crowding[last:], kind="stable")[: k - last]
        keep = np.concatenate([np.arange(last), tail])
        return order[keep], crowding[keep]
    return order, crowding


@njit(cache=True)
def _by_rank(ranks: NDArray) -> NDArray:
    """Stable order of ranks, which are numbers from 0 on without large gaps: a counting sort."""
    place = np.zeros(ranks.max() + 2, np.int64)
    for rank in ranks:
        place[rank + 1] += 1
    place = np.cumsum(place)
    order = np.empty(len(ranks), np.int64)
    for i, rank in enumerate(ranks):
        order[place[rank]] = i
        place[rank] += 1
    return order


def _crowding(weighted: NDArray[np.float64], ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Crowding distances of rows that are sorted by rank; ranks are numbers from 0 on without large gaps."""
    crowding = np.zeros(len(ranks))
    for column in weighted.T:
        values = np.ascontiguousarray(column)
        places = np.empty(len(values), np.int16 if len(values) <= np.iinfo(np.int16).max else np.int32)
        _fill_places(places, values, np.argsort(values))
        # A stable order of narrow numbers takes one pass over each of their bytes.
        _add_crowding(crowding, values, ranks, np.argsort(places, kind="stable"))
    return crowding


@njit(cache=True)
def _add_crowding(crowding: NDArray, values: NDArray, ranks: NDArray, order: NDArray) -> None:
    """Add the crowding distance in one objective, whose values ascend in `order`, to that in others."""
    fronts = ranks[-1] + 1
    low, high, before = np.empty(fronts), np.empty(fronts), np.empty(fronts)
    last = np.full(fronts, -1, np.int64)  # of each front, so far
    for i in order:
        front = ranks[i]
        if last[front] < 0:
            low[front] = values[i]
        high[front] = values[i]
        last[front] = i
    last[:] = -1
    for i in order:
        front = ranks[i]
        span = high[front] - low[front]
        if span > 0.0:
            neighbour = last[front]
            if neighbour < 0:
                crowding[i] = np.inf
                before[front] = values[i]
            else:
                crowding[neighbour] += (values[i] - before[front]) / span
                before[front] = values[neighbour]
            last[front] = i
    for i in last:
        if i >= 0:
            crowding[i] = np.inf


@njit(cache=True)
def _ranks_of_two(
    certain: NDArray, chancy: NDArray, order: NDArray, probability: float, enough: int, rng: np.random.Generator
) -> NDArray:
    """Fronts of one objective that always counts and one that counts with `probability`.

    A remaining j dominates i surely if it is better on the former and no worse on the latter; with 1 - p if
    better on the former, worse on the latter; with p if equal on the former, better on the latter. In `order`,
    best first by the former and then the latter, i enters with probability p**a (1 - p)**b, where a counts the
    remaining ones that are better on the former and b those equal there and better on the latter, unless one of
    the first kind is no worse on the latter. Once a is so large that p**a is negligible, so it is for everyone
    further down.
    """
    count = len(certain)
    # Equals on the former objective are one class, a linked list of those that remain; -1 is its end.
    following = np.arange(1, count + 1)
    heads = np.empty(count, np.int64)
    left = np.zeros(count, np.int64)
    classes = 0
    for position in range(count):
        if position == 0 or certain[order[position]] != certain[order[position - 1]]:
            heads[classes] = position
            classes += 1
            following[position - 1] = -1
        left[classes - 1] += 1
    following[count - 1] = -1
    ranks = np.full(count, -1, np.int64)
    power_better = np.empty(count + 1)
    power_equal = np.empty(count + 1)
    power_better[0] = power_equal[0] = 1.0
    for k in range(count):
        power_better[k + 1] = power_better[k] * probability
        power_equal[k + 1] = power_equal[k] * (1.0 - probability)
    placed = 0
    rank = 0
    while placed < enough:
        best_chancy = -np.inf  # best second value among those better on the first
        better = 0  # remaining ones better on the first objective
        for c in range(classes):
            if left[c] == 0:
                continue
            if power_better[better] < NEGLIGIBLE:
                break
            top = chancy[order[heads[c]]]
            group_value = np.nan  # second value of the current group of equals on both
            seen = 0  # remaining ones of this class so far
            ahead = 0  # those of them better on the second objective
            entered = 0
            previous = -1
            position = heads[c]
            while position >= 0:
                i = order[position]
                if chancy[i] != group_value:
                    group_value = chancy[i]
                    ahead = seen
                chance = power_better[better] * power_equal[ahead]
                if chance < NEGLIGIBLE or (better > 0 and not chancy[i] > best_chancy):
                    break  # and so it is for the rest of the class
                seen += 1
                after = following[position]
                if chance >= 1.0 or rng.random() < chance:
                    ranks[i] = rank
                    entered += 1
                    if previous < 0:
                        heads[c] = after
                    else:
                        following[previous] = after
                else:
                    previous = position
                position = after
            better += left[c]
            left[c] -= entered
            placed += entered
            best_chancy = max(best_chancy, top)
        rank += 1
    for i in range(count):
        if ranks[i] < 0:
            ranks[i] = rank
    return ranks


def _ranks_with_one_chance(
    certain: NDArray, chancy: NDArray, probability: float, enough: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Fronts of objectives that always count, in columns, and one that counts with `probability`.

    Draws nothing if all are equal in that one.
    """
    count, objectives = certain.shape
    # Narrow numbers, so that one instruction compares many of them.
    narrow = np.int16 if count <= np.iinfo(np.int16).max else np.int32
    places = np.empty((objectives + 1, count), narrow)
    for row, column in zip(places, (*certain.T, chancy), strict=True):
        _fill_places(row, column, np.argsort(-column))
    order = np.lexsort(places[::-1])
    ranks = np.empty(count, np.int64)
    ranks[order] = _peel_counted(places[:, order], probability, enough, rng)
    return ranks


@njit(cache=True)
def _fill_places(places: NDArray, values: NDArray, order: NDArray) -> None:
    """The place of each value among the different ones, 0 the first in `order`; NaNs are equal."""
    place = 0
    for k in range(len(order)):
        if k > 0 and values[order[k]] != values[order[k - 1]] and not np.isnan(values[order[k - 1]]):
            place += 1
        places[order[k]] = place


@njit(cache=True)
def _peel_counted(places: NDArray, probability: float, enough: int, rng: np.random.Generator) -> NDArray:
    """Fronts from places (0 the best) of individuals, who stand in lexicographic order.

    Only those who stand before someone can dominate him. Of those who remain, it is counted how many are better
    than he is on what always counts, how many of them are no worse on the last objective, and how many are equal
    on what always counts but better on the last. With none of the second kind, who surely dominate, he enters
    with probability p**(first kind) (1 - p)**(third kind).

    Args:
        places: place in each objective, (objectives, individuals).
        probability: that the last objective counts, p; the others always do.
        enough: once the fronts hold this many, the others get the next rank together.
        rng: source of chance.
    """
    last, count = len(places) - 1, places.shape[1]
    power_better = np.ones(count + 1)
    power_equal = np.ones(count + 1)
    for k in range(count):
        power_better[k + 1] = power_better[k] * probability
        power_equal[k + 1] = power_equal[k] * (1.0 - probability)
    groups = _equal_groups(places[:last])
    # Who stands before someone is no worse in the first objective: it is looked at only where it is the only one.
    certain, chancy = places[min(1, last - 1) : last].copy(), places[last].copy()
    counts = np.zeros((3, count), places.dtype)  # better, sure, equal
    possible = np.ones(count, places.dtype)
    begin = 0  # of his group
    for i in range(count):
        if groups[i] != groups[begin]:
            begin = i
        for j in range(begin, i):
            counts[2, i] += chancy[j] < chancy[i]
        _count_dominators(certain, chancy, i, begin, possible, counts)
    number = np.arange(count)
    chosen = np.empty(count, np.int64)
    ranks = np.full(count, -1, np.int64)
    left = count
    placed = packed = rank = 0
    while placed < enough:
        entering = 0
        for i in range(left):
            if counts[1, i] == 0:
                chance = power_better[counts[0, i]] * power_equal[counts[2, i]]
                if chance >= 1.0 or (chance >= NEGLIGIBLE and rng.random() < chance):
                    ranks[number[i]] = rank
                    chosen[entering] = i
                    entering += 1
        for j in chosen[:entering]:
            counts[1, j] = 1  # so that he does not enter again
            _leave(certain, groups, chancy, j, left, possible, counts)
        placed += entering
        rank += 1
        if 4 * (placed - packed) > left:
            kept = 0
            for i in range(left):
                # Whoever sure dominators keep out until there are enough is no longer looked at.
                if ranks[number[i]] < 0 and counts[1, i] < enough - placed:
                    chosen[kept] = i
                    kept += 1
            for k in range(kept):
                number[k], groups[k], chancy[k] = number[chosen[k]], groups[chosen[k]], chancy[chosen[k]]
            for rows in (certain, counts):
                for m in range(len(rows)):
                    for k in range(kept):
                        rows[m, k] = rows[m, chosen[k]]
            left, packed = kept, placed
    ranks[ranks < 0] = rank
    return ranks


@njit(cache=True)
def _equal_groups(places: NDArray) -> NDArray:
    """The number of each group of neighbours with the same places."""
    groups = np.zeros(places.shape[1], places.dtype)
    for i in range(1, len(groups)):
        same = True
        for m in range(len(places)):
            same &= places[m, i] == places[m, i - 1]
        groups[i] = groups[i - 1] + (not same)
    return groups


# In the two kernels below indices are unsigned, numbers narrow and branches absent, so that one instruction
# compares many individuals. `possible` is 1 where those in all rows of `certain` but the first are no worse.


@njit(cache=True)
def _count_dominators(
    certain: NDArray, chancy: NDArray, i: int, end: int, possible: NDArray, counts: NDArray
) -> None:
    """Count who of the first `end`, all better on what always counts or not comparable, is better than i."""
    zero, one = chancy.dtype.type(0), chancy.dtype.type(1)
    for m in range(1, len(certain)):
        row = certain[m]
        for j in range(np.uintp(end)):
            possible[j] = (possible[j] if m > 1 else one) if row[j] <= row[i] else zero
    row, own, place = certain[0], certain[0, i], chancy[i]
    better, sure = zero, zero
    for j in range(np.uintp(end)):
        found = possible[j] if row[j] <= own else zero
        better = chancy.dtype.type(better + found)
        sure = chancy.dtype.type(sure + (found if chancy[j] <= place else zero))
    counts[0, i], counts[1, i] = better, sure


@njit(cache=True)
def _leave(
    certain: NDArray, groups: NDArray, chancy: NDArray, j: int, end: int, possible: NDArray, counts: NDArray
) -> None:
    """Take individual j out of the counts of all up to `end` whom it could dominate."""
    zero, one = chancy.dtype.type(0), chancy.dtype.type(1)
    place = chancy[j]
    begin = j + 1
    while begin < end and groups[begin] == groups[j]:
        counts[2, begin] -= one if place < chancy[begin] else zero
        begin += 1
    first, last = np.uintp(begin), np.uintp(end)
    for m in range(1, len(certain)):
        row = certain[m]
        for i in range(first, last):
            possible[i] = (possible[i] if m > 1 else one) if row[j] <= row[i] else zero
    row, own, better, sure = certain[0], certain[0, j], counts[0], counts[1]
    for i in range(first, last):
        found = possible[i] if own <= row[i] else zero
        better[i] -= found
        sure[i] -= found if place <= chancy[i] else zero


@njit(cache=True)
def _domination(a: NDArray, b: NDArray, probabilities: NDArray) -> float:
    """Probability that a dominates b when each objective counts with its own probability.

    No counting objective may be worse, and one that counts must be better.
    """
    none_worse = 1.0
    none_better = 1.0
    for m in range(len(a)):
        if a[m] < b[m]:
            none_worse *= 1.0 - probabilities[m]
        elif a[m] > b[m]:
            none_better *= 1.0 - probabilities[m]
    return none_worse * (1.0 - none_better)


@njit(cache=True)
def _ranks_of_many(weighted: NDArray, probabilities: NDArray, enough: int, rng: np.random.Generator) -> NDArray:
    """Fronts for any number of objectives, each with its own probability."""
    count = len(weighted)
    # Who is good in much stands first and soon makes the product negligible for those further down.
    order = np.argsort(-_scores(weighted, probabilities), kind="mergesort")
    sorted_values = weighted[order]
    remaining = np.arange(count)
    blocker = np.full(count, -1, np.int64)  # one who surely dominates, as long as it remains
    gone = np.zeros(count, np.bool_)
    ranks = np.full(count, -1, np.int64)
    left = count
    rank = 0
    while count - left < enough:
        entering = 0
        for position in range(left):
            i = remaining[position]
            if blocker[i] >= 0 and not gone[blocker[i]]:
                continue
            chance = 1.0
            for other in range(left):
                j = remaining[other]
                if j != i:
                    dominates = _domination(sorted_values[j], sorted_values[i], probabilities)
                    chance *= 1.0 - dominates
                    if chance < NEGLIGIBLE:
                        if dominates == 1.0:
                            blocker[i] = j
                        break
            if chance >= 1.0 or (chance >= NEGLIGIBLE and rng.random() < chance):
                ranks[i] = rank
                entering += 1
        if entering == 0:
            break
        kept = 0
        for position in range(left):
            i = remaining[position]
            if ranks[i] == rank:
                gone[i] = True
            else:
                remaining[kept] = i
                kept += 1
        left = kept
        rank += 1
    result = np.empty(count, np.int64)
    for i in range(count):
        result[order[i]] = ranks[i] if ranks[i] >= 0 else rank
    return result


@njit(cache=True)
def _scores(weighted: NDArray, probabilities: NDArray) -> NDArray:
    """Sum over objectives of the standardised value times its probability."""
    scores = np.zeros(len(weighted))
    for m in range(weighted.shape[1]):
        spread = weighted[:, m].std()
        if spread > 0.0:
            scores += probabilities[m] * (weighted[:, m] - weighted[:, m].mean()) / spread
    return scores


@njit(cache=True)
def _tournaments(
    weighted: NDArray, crowding: NDArray, probabilities: NDArray, k: int, rng: np.random.Generator
) -> NDArray:
    count, objectives = weighted.shape
    winners = np.empty(k, np.int64)
    order = np.arange(count)
    position = count
    for t in range(k):
        if position + 1 >= count:
            for i in range(count - 1, 0, -1):  # Fisher-Yates
                j = int(rng.random() * (i + 1))
                order[i], order[j] = order[j], order[i]
            position = 0
        a, b = order[position], order[position + 1]
        position += 2
        a_better = b_better = False
        for m in range(objectives):
            if probabilities[m] >= 1.0 or rng.random() < probabilities[m]:
                a_better |= weighted[a, m] > weighted[b, m]
                b_better |= weighted[a, m] < weighted[b, m]
        if a_better != b_better:
            winners[t] = a if a_better else b
        elif crowding[a] != crowding[b]:
            winners[t] = a if crowding[a] > crowding[b] else b
        else:
            winners[t] = a if rng.random() < 0.5 else b
    return winners
