from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from deap import base, tools
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import same_distribution, seeds
from scipy.stats import binomtest

from evo.population import Population
from evo.selection import crowding_distances, front_ranks, select, select_parents
from networks import Networks, layered

REPEATS = 8_000


def population(
    values: Sequence[Sequence[float]] | np.ndarray, weights: Sequence[float] | None = None
) -> Population:
    """Individuals with these objective values, told apart by column `number`."""
    rows = np.array(values, float)
    topology = layered((1, 1))
    networks = Networks(topology, np.ones((len(rows), 1), np.int8), np.zeros((len(rows), 2), np.int8))
    columns = {"number": np.arange(len(rows))}
    return Population(networks, weights or (1.0,) * rows.shape[1], rows, columns)


def deap_individuals(values: np.ndarray) -> list:
    fitness = type("PlainFitness", (base.Fitness,), {"weights": (1.0,) * values.shape[1]})
    individuals = []
    for number, row in enumerate(values):
        individual = type("Plain", (), {})()
        individual.number, individual.fitness = number, fitness(row.tolist())
        individuals.append(individual)
    return individuals


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(x > y for x, y in zip(a, b, strict=True))


def brute_force_ranks(values: np.ndarray) -> list[int]:
    """Fronts by definition: peel those that nobody left dominates."""
    rows, ranks, rank = values.tolist(), [-1] * len(values), 0
    while -1 in ranks:
        left = [i for i in range(len(rows)) if ranks[i] == -1]
        for i in [i for i in left if not any(dominates(rows[j], rows[i]) for j in left)]:
            ranks[i] = rank
        rank += 1
    return ranks


def coin_ranks(
    values: np.ndarray, probabilities: Sequence[float], seed: int, repeats: int = REPEATS
) -> np.ndarray:
    """Fronts of many peels in which every comparison draws a coin for every objective, (repeats, individuals)."""
    rng, count = np.random.default_rng(seed), len(values)
    better = values[:, None] > values[None]  # [j, i, objective]: j is better than i
    worse = values[:, None] < values[None]
    ranks, rank = np.full((repeats, count), -1), 0
    while (ranks < 0).any():
        left = ranks < 0
        counts = rng.random((repeats, *better.shape)) < probabilities
        j_dominates_i = (counts & better).any(axis=3) & ~(counts & worse).any(axis=3)
        enters = left & ~(j_dominates_i & left[:, :, None]).any(axis=1)
        nobody = ~enters.any(axis=1, keepdims=True)
        ranks[enters | (left & nobody)] = rank
        rank += 1
    return ranks


def drawn_ranks(
    values: np.ndarray, probabilities: Sequence[float], seed: int, repeats: int = REPEATS
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([front_ranks(values, probabilities, rng) for _ in range(repeats)])


def assert_same_ranks(first: np.ndarray, second: np.ndarray) -> None:
    """The two samples of rank vectors come from one distribution, jointly and individual by individual."""
    assert same_distribution(list(map(tuple, first.tolist())), list(map(tuple, second.tolist()))) > 1e-4
    for individual in range(first.shape[1]):
        assert same_distribution(first[:, individual].tolist(), second[:, individual].tolist()) > 1e-4


@st.composite
def value_tables(draw: st.DrawFn, most_objectives: int = 4) -> np.ndarray:
    """Small whole numbers, so that ties and duplicates abound."""
    objectives = draw(st.integers(1, most_objectives))
    row = st.tuples(*[st.integers(0, draw(st.integers(0, 5)))] * objectives)
    return np.array(draw(st.lists(row, min_size=1, max_size=14)), float)


# --- Fronts without chance ----------------------------------------------------------------------------------


@settings(deadline=None)
@given(value_tables())
def test_certain_fronts_are_those_by_definition_and_deaps(values: np.ndarray) -> None:
    found = front_ranks(values, [1.0] * values.shape[1], np.random.default_rng(0))
    assert found.tolist() == brute_force_ranks(values)
    for rank, front in enumerate(tools.sortNondominated(deap_individuals(values), len(values))):
        assert sorted(individual.number for individual in front) == np.flatnonzero(found == rank).tolist()


@settings(deadline=None)
@given(value_tables(), st.data())
def test_objectives_that_never_count_are_as_if_absent(values: np.ndarray, data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.booleans(), min_size=values.shape[1], max_size=values.shape[1]))
    found = front_ranks(values, [float(c) for c in counts], np.random.default_rng(0))
    wanted = brute_force_ranks(values[:, counts]) if any(counts) else [0] * len(values)
    assert found.tolist() == wanted


@settings(deadline=None)
@given(value_tables())
def test_certain_fronts_draw_nothing(values: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    front_ranks(values, [1.0] * values.shape[1], rng)
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("probabilities", [(1.0,), (1.0, 0.5, 0.5), (1.0, 1.1), (-0.1, 1.0), (1.0, float("nan"))])
def test_a_probability_for_every_objective_is_needed(probabilities: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"^probabilities: .*: allowed are 2 numbers from 0 to 1$"):
        front_ranks(np.zeros((3, 2)), probabilities, np.random.default_rng(0))


# --- Fronts by chance ---------------------------------------------------------------------------------------

TWO = {
    "chain": [[4, 0], [3, 1], [2, 2], [1, 3], [0, 4], [0, 0]],
    "ties": [[3, 1], [3, 1], [3, 2], [2, 2], [2, 5], [2, 5], [1, 6], [1, 0]],
    "one class": [[1, 1], [1, 2], [1, 2], [1, 3], [1, 4], [1, 0]],
    "one cost": [[1, 0], [2, 0], [3, 0], [3, 0], [0, 0], [0, 0]],
    "many": [[5, 1], [5, 3], [4, 3], [4, 9], [4, 9], [3, 2], [3, 8], [2, 9], [2, 7], [1, 9], [1, 1], [0, 10]],
}
THREE = {
    "mixed": [[3, 1, 0], [3, 0, 1], [2, 2, 2], [2, 2, 2], [1, 3, 0], [0, 0, 3]],
    "ties": [[1, 1, 1], [1, 1, 2], [1, 2, 1], [1, 2, 1], [2, 1, 1], [0, 2, 2], [0, 0, 0]],
}


@pytest.mark.parametrize("probability", [0.25, 0.9])
@pytest.mark.parametrize("name", TWO)
def test_performance_and_a_chancy_cost_peel_as_with_a_coin_for_every_comparison(
    name: str, probability: float
) -> None:
    values = np.array(TWO[name], float)
    found = drawn_ranks(values, (1.0, probability), 1)
    assert_same_ranks(found, coin_ranks(values, (1.0, probability), 2))


@pytest.mark.parametrize(("name", "probability"), [("ties", 0.25), ("many", 0.25), ("many", 0.75)])
def test_the_path_for_two_objectives_agrees_with_the_general_one(name: str, probability: float) -> None:
    values = np.array(TWO[name], float)
    idle = np.column_stack([values, np.zeros(len(values))])  # a third objective in which all are equal
    assert_same_ranks(drawn_ranks(values, (1.0, probability), 3), drawn_ranks(idle, (1.0, probability, 0.5), 4))


def test_the_order_of_objectives_does_not_matter() -> None:
    values = np.array(TWO["ties"], float)
    assert_same_ranks(drawn_ranks(values, (1.0, 0.25), 5), drawn_ranks(values[:, ::-1], (0.25, 1.0), 6))


@pytest.mark.parametrize(
    ("name", "probabilities"),
    [
        ("mixed", (1.0, 0.25, 1.0)),
        ("mixed", (1.0, 0.25, 0.5)),
        ("mixed", (0.5, 0.25, 0.75)),
        ("ties", (1.0, 1.0, 0.25)),
        ("ties", (1.0, 0.25, 0.25)),
        ("ties", (0.9, 0.5, 0.3)),
        ("ties", (0.0, 0.5, 1.0)),
    ],
)
def test_three_objectives_peel_as_with_a_coin_for_every_comparison(
    name: str, probabilities: tuple[float, ...]
) -> None:
    values = np.array(THREE[name], float)
    assert_same_ranks(drawn_ranks(values, probabilities, 7), coin_ranks(values, probabilities, 8))


@pytest.mark.parametrize("probabilities", [(0.25, 0.5), (0.9, 0.9)])
@pytest.mark.parametrize("name", ["ties"])
def test_two_chancy_objectives_peel_as_with_a_coin_for_every_comparison(
    name: str, probabilities: tuple[float, float]
) -> None:
    values = np.array(TWO[name], float)
    assert_same_ranks(drawn_ranks(values, probabilities, 9), coin_ranks(values, probabilities, 10))


def ranks_by_products(values: np.ndarray, probabilities: Sequence[float], seed: int) -> list[int]:
    """Fronts into which everyone enters with the product of the probabilities that the others do not dominate him.

    A number is drawn for those of whom that is neither 0 nor 1, best first by what always counts, then the rest.
    """
    rng = np.random.default_rng(seed)
    columns = sorted(range(len(probabilities)), key=lambda m: probabilities[m] < 1)
    order = sorted(range(len(values)), key=lambda i: [-values[i, m] for m in columns])
    ranks, rank = [-1] * len(values), 0
    while -1 in ranks:
        left = [i for i in order if ranks[i] == -1]
        for i in left:
            enters = math.prod(1 - chance_to_dominate(values[j], values[i], probabilities) for j in left)
            if enters >= 2.0**-53 and (enters == 1 or rng.random() < enters):
                ranks[i] = rank
        ranks = [rank if r == rank else r for r in ranks]
        rank += 1
    return ranks


def chance_to_dominate(a: np.ndarray, b: np.ndarray, probabilities: Sequence[float]) -> float:
    """Over all ways in which objectives count or do not (for each, its probability)."""
    total = 0.0
    for counts in product([False, True], repeat=len(a)):
        chance = math.prod(p if c else 1 - p for p, c in zip(probabilities, counts, strict=True))
        chosen = [m for m, c in enumerate(counts) if c]
        total += chance * (bool(chosen) and dominates(a[chosen].tolist(), b[chosen].tolist()))
    return total


@settings(deadline=None)
@given(value_tables(), st.sampled_from([0.25, 0.5]), st.data(), seeds)
def test_objectives_of_which_one_is_chancy_enter_by_the_product_of_chances(
    values: np.ndarray, probability: float, data: st.DataObject, seed: int
) -> None:
    # With halves and quarters all products are exact.
    probabilities = [1.0] * values.shape[1]
    probabilities[data.draw(st.integers(0, values.shape[1] - 1))] = probability
    if values.shape[1] > 1:
        found = front_ranks(values, probabilities, np.random.default_rng(seed))
        assert found.tolist() == ranks_by_products(values, probabilities, seed)


@pytest.mark.parametrize("probability", [0.25, 0.9])
@pytest.mark.parametrize("spread", [4, 10_000])
def test_counting_gives_the_fronts_of_the_path_for_two_objectives(probability: float, spread: int) -> None:
    values = np.random.default_rng(1).integers(0, spread, (600, 2)).astype(float)
    found = front_ranks(values, (1.0, probability), np.random.default_rng(2), enough=300)
    twice = values[:, [0, 0, 1]]  # the same objective again changes nothing
    again = front_ranks(twice, (1.0, 1.0, probability), np.random.default_rng(2), enough=300)
    assert found.tolist() == again.tolist()


def test_one_chancy_objective_peels_as_with_a_coin_for_every_comparison() -> None:
    values = np.array([[3], [2], [2], [1], [0], [0]], float)
    assert_same_ranks(drawn_ranks(values, (0.3,), 11), coin_ranks(values, (0.3,), 12))


def test_a_peel_that_returns_nobody_takes_everybody() -> None:
    # Each beats the other in something: with chancy objectives both may be dominated at once.
    values = np.array([[1, 0], [0, 1]], float)
    found = drawn_ranks(values, (0.5, 0.5), 13)
    assert set(map(tuple, found.tolist())) == {(0, 0), (0, 1), (1, 0)}
    # Dominated with 1/4 each, independently: both or neither 1/16 + 9/16.
    assert binomtest(int((found[:, 0] == found[:, 1]).sum()), REPEATS, 10 / 16).pvalue > 1e-4


@settings(deadline=None)
@given(value_tables(most_objectives=3), st.data(), seeds)
def test_fronts_that_suffice_are_those_of_the_whole_peel(
    values: np.ndarray, data: st.DataObject, seed: int
) -> None:
    chance = st.sampled_from([0.0, 0.25, 0.5, 1.0])
    probabilities = data.draw(st.lists(chance, min_size=values.shape[1], max_size=values.shape[1]))
    enough = data.draw(st.integers(1, len(values)))
    whole = front_ranks(values, probabilities, np.random.default_rng(seed))
    part = front_ranks(values, probabilities, np.random.default_rng(seed), enough=enough)
    last = np.sort(whole)[enough - 1]  # the front that makes it enough
    assert part[whole <= last].tolist() == whole[whole <= last].tolist()
    assert (part[whole > last] > last).all()


def test_chance_ranks_nobody_once_there_are_enough() -> None:
    values = np.arange(10.0)[:, None] * [1, 0.5]
    found = front_ranks(values, (1.0, 0.5), np.random.default_rng(0), enough=3)
    assert found.tolist() == [3, 3, 3, 3, 3, 3, 3, 2, 1, 0]


@pytest.mark.parametrize("worst", ["-inf", "nan"])
def test_the_worst_of_values_does_not_hang_selection(worst: str) -> None:
    # In a process of its own: a compiled loop that does not end can only be killed.
    program = (
        "import numpy as np; from evo.selection import front_ranks; "
        f"values = np.array([[1.0, {worst!r}], [0.0, -1.0], [1.0, {worst!r}]], float); "
        "print(front_ranks(values, (1.0, 0.25), np.random.default_rng(0)).tolist())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=400, check=True
    )
    assert len(answer.stdout.split(",")) == 3


# --- Crowding -----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 4), seeds)
def test_crowding_is_deaps_without_its_division_by_the_number_of_objectives(
    count: int, objectives: int, seed: int
) -> None:
    values = np.random.default_rng(seed).permuted(np.tile(np.arange(count), (objectives, 1)), axis=1).T * 1.0
    individuals = deap_individuals(values)
    tools.emo.assignCrowdingDist(individuals)
    found = crowding_distances(values, np.zeros(count, np.int64))
    if count == 1:  # a front of one is equal in every objective
        assert found.tolist() == [0]
    else:
        wanted = [objectives * individual.fitness.crowding_dist for individual in individuals]
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_an_objective_in_which_a_front_is_equal_adds_nothing_where_deap_has_infinite_ends() -> None:
    values = np.array([[1, 5], [1, 4], [1, 2], [1, 1]], float)
    found = crowding_distances(values, np.zeros(4, np.int64))
    assert found.tolist() == [np.inf, 3 / 4, 3 / 4, np.inf]
    assert crowding_distances(np.ones((4, 2)), np.zeros(4, np.int64)).tolist() == [0] * 4
    individuals = deap_individuals(np.ones((4, 2)))
    tools.emo.assignCrowdingDist(individuals)
    assert [individual.fitness.crowding_dist for individual in individuals] == [np.inf, 0, 0, np.inf]


@settings(deadline=None)
@given(st.integers(1, 60), seeds)
def test_crowding_is_measured_within_fronts(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, ranks = rng.normal(size=(count, 2)), rng.integers(0, 4, count)
    found = crowding_distances(values, ranks)
    for rank in range(4):
        front = ranks == rank
        alone = crowding_distances(values[front], np.zeros(front.sum(), np.int64)) if front.any() else []
        assert found[front].tolist() == list(alone)


# --- Survivors ----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(value_tables(), st.data())
def test_survivors_are_the_best_by_front_then_crowding(values: np.ndarray, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    survivors = select(population(values), k, [1.0] * values.shape[1], np.random.default_rng(0))
    ranks = np.array(brute_force_ranks(values))
    crowding = crowding_distances(values, ranks)
    kept = survivors.columns["number"]
    assert len(survivors) == len(set(kept.tolist())) == k
    key = [(rank, -distance) for rank, distance in zip(ranks.tolist(), crowding.tolist(), strict=True)]
    assert sorted(key[number] for number in kept) == sorted(key)[:k]
    for number in set(range(len(values))) - set(kept.tolist()):  # among equals, those earlier in the population
        assert all(other < number for other in kept if key[other] == key[number])


@settings(deadline=None)
@given(value_tables(), st.data())
def test_survivors_carry_their_front_their_crowding_and_all_that_was_theirs(
    values: np.ndarray, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(values)))
    ties = data.draw(st.sampled_from(["parents-first", "random"]))
    survivors = select(population(values), k, [1.0] * values.shape[1], np.random.default_rng(1), ties)
    kept = survivors.columns["number"]
    ranks = np.array(brute_force_ranks(values))
    assert survivors.columns["rank"].tolist() == ranks[kept].tolist()
    assert survivors.values.tolist() == values[kept].tolist()
    if ties == "parents-first":
        assert survivors.columns["crowding"].tolist() == crowding_distances(values, ranks)[kept].tolist()


def test_objectives_to_minimise_are_turned_round() -> None:
    values = [[1, 9], [1, 3], [0, 3]]
    survivors = select(population(values, (1.0, -1.0)), 3, (1.0, 1.0), np.random.default_rng(0))
    assert survivors.columns["number"].tolist() == [1, 0, 2] or survivors.columns["rank"].tolist() == [0, 1, 1]
    assert survivors.columns["number"][0] == 1


def test_parents_stand_first_among_equals() -> None:
    survivors = select(population([[1]] * 8), 4, (1.0,), np.random.default_rng(0))
    assert survivors.columns["number"].tolist() == [0, 1, 2, 3]


def test_random_ties_give_every_equal_the_same_chance() -> None:
    rng, kept = np.random.default_rng(1), np.zeros(8, int)
    for _ in range(4000):
        survivors = select(population([[1]] * 7 + [[2]]), 4, (1.0,), rng, "random")
        kept[survivors.columns["number"]] += 1
    assert kept[7] == 4000
    assert all(binomtest(int(times), 4000, 3 / 7).pvalue > 1e-4 for times in kept[:7])


def test_selection_leaves_the_population_as_it_was() -> None:
    before = population([[1, 2], [2, 1], [0, 0]])
    survivors = select(before, 2, (1.0, 1.0), np.random.default_rng(0))
    survivors.values[:] = 9
    survivors.networks.weights[:] = 9
    survivors.columns["number"][:] = 9
    assert before.values.tolist() == [[1, 2], [2, 1], [0, 0]]
    assert before.networks.weights.ravel().tolist() == [1, 1, 1]
    assert before.columns["number"].tolist() == [0, 1, 2]
    assert before.columns["crowding"].tolist() == before.columns["rank"].tolist() == [0, 0, 0]


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_the_seed_decides(seed: int) -> None:
    values = np.random.default_rng(3).integers(0, 5, (40, 2))

    def chosen(seed: int) -> list[int]:
        rng = np.random.default_rng(seed)
        survivors = select(population(values), 20, (1.0, 0.25), rng, "random")
        return select_parents(survivors, 20, (1.0, 0.25), rng).columns["number"].tolist()

    assert chosen(seed) == chosen(seed)


# --- Tournaments --------------------------------------------------------------------------------------------


def winners(
    values: Sequence[Sequence[float]], k: int, crowding: Sequence[float], *p: float, seed: int = 1
) -> list[int]:
    individuals = population(values)
    individuals.columns["crowding"][:] = crowding
    return select_parents(individuals, k, p, np.random.default_rng(seed)).columns["number"].tolist()


@settings(deadline=None)
@given(st.integers(1, 20), seeds)
def test_everyone_meets_once_a_shuffle(half: int, seed: int) -> None:
    count = 2 * half
    won = winners(np.arange(count)[:, None], count, np.zeros(count), 1.0, seed=seed)
    for shuffle in (won[:half], won[half:]):
        assert len(set(shuffle)) == half
        assert count - 1 in shuffle
        assert 0 not in shuffle


@settings(deadline=None)
@given(st.integers(2, 21), st.integers(1, 50), seeds)
def test_any_number_of_winners_is_drawn(count: int, k: int, seed: int) -> None:
    won = winners(np.arange(count)[:, None], k, np.zeros(count), 1.0, seed=seed)
    assert len(won) == k
    assert set(won) <= set(range(1, count))


def test_opponents_are_drawn_uniformly() -> None:
    # Of four, 3 beats whomever it meets; 2 wins the other tournament unless it met 3, in one case of three.
    won = winners([[0], [1], [2], [3]], 40_000, np.zeros(4), 1.0)
    assert won.count(3) == 20_000
    assert won.count(0) == 0
    assert binomtest(won.count(2), 20_000, 2 / 3).pvalue > 1e-4
    firsts = np.array(won).reshape(-1, 2)
    assert binomtest(int((firsts[:, 0] == 3).sum()), 20_000, 0.5).pvalue > 1e-4


@pytest.mark.parametrize(
    ("a", "b", "crowding", "probabilities", "first_wins"),
    [
        ([1, 0], [0, 0], [0, 9], (1.0, 1.0), 1.0),  # dominance before crowding
        ([1, 0], [0, 1], [0, 9], (1.0, 1.0), 0.0),  # neither dominates: crowding
        ([1, 0], [0, 1], [5, 5], (1.0, 1.0), 0.5),  # nor that: a coin
        ([1, 1], [1, 1], [3, 2], (1.0, 1.0), 1.0),
        ([1, 1], [1, 1], [np.inf, np.inf], (1.0, 1.0), 0.5),
        ([1, 0], [0, 1], [0, 9], (1.0, 0.25), 0.75),  # the cost does not count: dominance; else crowding
        ([1, 0], [0, 1], [5, 5], (1.0, 0.25), 0.75 + 0.25 / 2),
        ([1, 1], [1, 0], [0, 9], (1.0, 0.25), 0.25),  # the cost decides if it counts
        ([1, 1], [1, 0], [5, 5], (1.0, 0.25), 0.25 + 0.75 / 2),
        ([1, 0], [0, 0], [0, 9], (0.0, 0.5), 0.0),  # nothing to tell them apart but crowding
        ([1, 0], [0, 1], [0, 9], (0.5, 0.5), 0.25),  # only the first counts
        ([1, 0], [0, 1], [5, 5], (0.5, 0.5), 0.5),
    ],
)
def test_the_winner_dominates_or_is_less_crowded_or_lucky(
    a: list[int], b: list[int], crowding: list[float], probabilities: tuple[float, float], first_wins: float
) -> None:
    for values, distances, winner in (([a, b], crowding, 0), ([b, a], crowding[::-1], 1)):
        won = winners(values, REPEATS, distances, *probabilities)
        assert binomtest(won.count(winner), REPEATS, first_wins).pvalue > 1e-4


def test_parents_are_copies() -> None:
    before = population([[1], [2]])
    parents = select_parents(before, 4, (1.0,), np.random.default_rng(0))
    parents.values[:] = 9
    parents.networks.weights[:] = 9
    assert before.values.tolist() == [[1], [2]]
    assert before.networks.weights.ravel().tolist() == [1, 1]
