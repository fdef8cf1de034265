"""Generated text: an invented language, with nothing to download.

What it has of natural text: word frequencies after Zipf's law; classes of words that follow each other by rules
(what a model learns slowly, in its weights); and texts that repeat their own words (what a fast memory can use).
A word is either new, by Zipf's law, or a copy of an earlier one of the same text, as in Simon (1955), On a class
of skew distribution functions. Copies leave the law as it is.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.random import SeedSequence, default_rng
from numpy.typing import NDArray

from meta.data.text import END, Text, Vocabulary

#: Classes of words.
CLASSES = 8

#: Probability that a word copies an earlier one of its class and text.
REPEAT = 0.5

#: Mean number of words of a sentence, and of sentences of a text. Where a text ends is not marked.
WORDS, SENTENCES = 20, 20

_REMEMBERED = 4096  # words of each class of a text that can be copied
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


def generate_text(tokens: int, seed: int, vocabulary: int = 2000, language: int = 0) -> Text:
    """Sentences, ended by `<eos>`, of texts that follow each other.

    Texts of one language and other seeds are for validation and testing. The first n tokens are the same for
    any number of tokens.

    Args:
        tokens: number of tokens, ends of sentences included.
        seed: names the text.
        vocabulary: number of words, `<eos>` included.
        language: names the language: which classes of words follow each other.

    Raises:
        ValueError: a number is out of range.
    """
    least = {"tokens": 1, "seed": 0, "vocabulary": 4 * CLASSES, "language": 0}
    given = {"tokens": tokens, "seed": seed, "vocabulary": vocabulary, "language": language}
    for name, value in given.items():
        if value < least[name]:
            raise ValueError(f"{name}: {value}: allowed is {least[name]} or more")
    zipf = 1.0 / np.arange(1, vocabulary)
    # Row c holds the frequencies of class c's words, which are those of rank c, c + CLASSES, ...
    places = -(-len(zipf) // CLASSES)
    frequencies = np.pad(zipf, (0, places * CLASSES - len(zipf))).reshape(places, CLASSES).T
    rules = _rules(frequencies.sum(axis=1), language)
    numbers = default_rng(SeedSequence((1, seed, language))).random((tokens, 4))
    ids = _write(_cumulative(rules), _cumulative(frequencies), numbers)
    return Text(ids, Vocabulary((END, *(_word(rank) for rank in range(vocabulary - 1)))))


def _rules(frequencies: NDArray[np.float64], language: int) -> NDArray[np.float64]:
    """Probabilities that a class follows another, (CLASSES + 1, CLASSES); the last row begins a sentence.

    On average over languages a class is as frequent as its words.
    """
    random = default_rng(SeedSequence((0, language)))
    return random.dirichlet(8.0 * frequencies / frequencies.sum(), CLASSES + 1)


def _cumulative(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.cumsum(probabilities, axis=1)
    return sums / sums[:, -1:]


def _word(rank: int) -> str:
    """A pronounceable word, another for each rank; frequent words are short."""
    syllables = len(_CONSONANTS) * len(_VOWELS)
    consonant, vowel = divmod(rank % syllables, len(_VOWELS))
    syllable = _CONSONANTS[consonant] + _VOWELS[vowel]
    return (_word(rank // syllables - 1) if rank >= syllables else "") + syllable


@njit(cache=True)
def _write(rules, frequencies, numbers):  # type: ignore[no-untyped-def]
    """One token a row of random numbers; 0 is the end of a sentence, 1 the most frequent word."""
    tokens, classes = len(numbers), len(frequencies)
    ids = np.zeros(tokens, np.int64)
    said = np.zeros((classes, _REMEMBERED), np.int64)
    counts = np.zeros(classes, np.int64)
    before, length = classes, 0
    for token in range(tokens):
        u = numbers[token]
        if length >= 2 and u[0] < 1.0 / (WORDS - 1):  # so that sentences have WORDS words on average
            if u[1] < 1.0 / SENTENCES:
                counts[:] = 0
            before, length = classes, 0
            continue
        kind = np.searchsorted(rules[before], u[1], side="right")
        if counts[kind] > 0 and u[2] < REPEAT:
            word = said[kind, int(u[3] * counts[kind])]
        else:
            word = 1 + kind + classes * np.searchsorted(frequencies[kind], u[3], side="right")
        if counts[kind] < _REMEMBERED:
            said[kind, counts[kind]] = word
            counts[kind] += 1
        ids[token] = word
        before, length = kind, length + 1
    return ids
