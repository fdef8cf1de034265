from __future__ import annotations

import numpy as np
import pytest

from cluster.errors import UserError
from meta.data import Vocabulary, load_text


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(" the cat saw the dog \n\nthe dog\tran\n")
    return path


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
