from __future__ import annotations

import numpy as np
import pytest

from meta.data import generate_text
from meta.data.language import CLASSES


@pytest.fixture(scope="module")
def generated():
    return generate_text(60_000, seed=1)


def test_a_longer_text_begins_alike(generated):
    assert np.array_equal(generate_text(500, seed=1).ids, generated.ids[:500])
    assert len(generated) == 60_000
    assert not np.array_equal(generate_text(500, seed=2).ids, generated.ids[:500])
    assert not np.array_equal(generate_text(500, seed=1, language=1).ids, generated.ids[:500])


def test_words_are_distinct_and_all_in_the_vocabulary(generated):
    words = generated.vocabulary.words
    assert len(set(words)) == len(words) == 2000
    assert words[0] == "<eos>"
    assert generated.ids.min() == 0
    assert generated.ids.max() < 2000
    assert all(generate_text(3000, seed, 33).ids.max() < 33 for seed in range(5))


def test_frequencies_follow_zipfs_law(generated):
    # The Penn Treebank's validation text by the same fit: -0.98.
    counts = np.sort(np.bincount(generated.ids))[::-1][1:500]
    slope = np.polyfit(np.log(np.arange(2, 501)), np.log(counts), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.15)


def test_sentences_are_twenty_words_on_average(generated):
    lengths = np.diff(np.flatnonzero(generated.ids == 0)) - 1
    assert lengths.mean() == pytest.approx(20, abs=1.5)
    assert lengths.min() >= 2


def test_texts_repeat_their_own_words(generated):
    def repeated(ids):
        """Share of the rarer words that are among the 200 tokens before."""
        rare = [place for place in range(1000, 10_000) if ids[place] > 50]
        return np.mean([ids[place] in ids[place - 200 : place] for place in rare])

    shuffled = np.random.default_rng(0).permutation(generated.ids)
    assert repeated(generated.ids) > 2 * repeated(shuffled)


def test_classes_follow_each_other_by_the_languages_rules(generated):
    def transitions(text):
        kinds = np.where(text.ids == 0, CLASSES, (text.ids - 1) % CLASSES)
        table = np.zeros((CLASSES + 1, CLASSES + 1))
        np.add.at(table, (kinds[:-1], kinds[1:]), 1)
        return table / table.sum(axis=1, keepdims=True)

    def apart(left, right):
        return np.abs(transitions(left) - transitions(right)).sum(axis=1).mean() / 2

    same = apart(generated, generate_text(60_000, seed=2))
    other = apart(generated, generate_text(60_000, seed=1, language=1))
    assert same < 0.03
    assert other > 0.2


@pytest.mark.parametrize("wrong", [{"tokens": 0}, {"seed": -1}, {"vocabulary": 20}, {"language": -1}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="allowed is"):
        generate_text(**{"tokens": 10, "seed": 0, **wrong})
