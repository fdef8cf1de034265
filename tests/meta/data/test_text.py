from __future__ import annotations

import numpy as np
import pytest

from cluster.errors import UserError
from meta.data import Vocabulary, generate_text, load_text
from meta.data.language import CLASSES


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(" the cat saw the dog \n\nthe dog\tran\n")
    return path


# --- Files --------------------------------------------------------------------------------------------------


def test_every_line_ends_with_a_mark(file):
    text = load_text(file)
    assert text.words() == ["the", "cat", "saw", "the", "dog", "<eos>", "<eos>", "the", "dog", "ran", "<eos>"]
    # By frequency, then by the alphabet.
    assert text.vocabulary.words == ("<eos>", "the", "dog", "cat", "ran", "saw")
    assert text.ids.tolist() == [1, 3, 5, 1, 2, 0, 0, 1, 2, 4, 0]
    assert len(text) == 11
    assert text.ids.dtype == np.int64


def test_the_last_line_needs_no_end(file):
    before = load_text(file).words()
    file.write_text(file.read_text().removesuffix("\n"))
    assert load_text(file).words() == before


def test_files_follow_each_other(file, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("a dog\n")
    assert load_text([file, str(other)]).words() == [*load_text(file).words(), "a", "dog", "<eos>"]


def test_another_text_has_the_numbers_of_the_vocabulary(file, tmp_path):
    vocabulary = load_text(file).vocabulary
    other = tmp_path / "other.txt"
    other.write_text("dog saw cat\n")
    text = load_text(other, vocabulary)
    assert text.vocabulary is vocabulary
    assert text.ids.tolist() == [2, 5, 3, 0]


def test_unknown_words_are_read_as_unk_if_there_is_one(tmp_path):
    path = tmp_path / "test.txt"
    path.write_text("a new word\n")
    assert load_text(path, Vocabulary(("<unk>", "a", "<eos>"))).ids.tolist() == [1, 0, 0, 2]


def test_unknown_words_are_named_if_there_is_none(file, tmp_path):
    path = tmp_path / "test.txt"
    path.write_text("the dog\nthe new dog\n")
    with pytest.raises(UserError, match=r"test\.txt: line 2: 'new': allowed are the 6 words"):
        load_text([file, path], load_text(file).vocabulary)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", "holds no words"),
        (b" \n\n", "holds no words"),
        (b"a \xff b", "byte 2 is not"),
    ],
)
def test_files_that_are_no_text_are_refused(tmp_path, content, message):
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"text\.txt: {message}"):
        load_text(path)


def test_the_penn_treebank_has_as_many_tokens_as_published(real):
    folder = real("ptb/ptb.valid.txt", "ptb/ptb.test.txt") / "ptb"
    valid = load_text(folder / "ptb.valid.txt")
    test = load_text(folder / "ptb.test.txt", valid.vocabulary)
    assert (len(valid), len(test)) == (73_760, 82_430)


# --- Generated text -----------------------------------------------------------------------------------------


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
