"""Text as numbers, word by word, as in the Penn Treebank experiments.

Tokens are what white space separates; the end of every line is a token of its own, `<eos>` (Mikolov et al. 2010;
Zaremba, Sutskever and Vinyals 2014). The Penn Treebank itself is not free to download: name its files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.errors import UserError

#: The token at the end of every line.
END = "<eos>"

#: What a word that the vocabulary lacks is read as, if the vocabulary has it.
UNKNOWN = "<unk>"


@dataclass(frozen=True)
class Vocabulary:
    """Distinct words; a word's number is its place.

    Attributes:
        words: the words, the frequent ones first.
    """

    words: tuple[str, ...]

    def __len__(self) -> int:
        """Number of words."""
        return len(self.words)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}


@dataclass(frozen=True, eq=False)
class Text:
    """A text as the numbers of its words.

    Attributes:
        ids: number of each token, int64 (tokens,).
        vocabulary: what the numbers mean.
    """

    ids: NDArray[np.int64]
    vocabulary: Vocabulary

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.ids)

    def words(self) -> list[str]:
        """The tokens themselves."""
        return [self.vocabulary.words[number] for number in self.ids.tolist()]


def load_text(paths: str | Path | Sequence[str | Path], vocabulary: Vocabulary | None = None) -> Text:
    """Read one or more files as one text.

    Args:
        paths: a file, or files that follow each other; UTF-8.
        vocabulary: of the text that a model was trained with; without one it is made from this text, the most
            frequent word first, words of one frequency in alphabetical order.

    Raises:
        UserError: a file that is missing, empty or not UTF-8, or a word that the vocabulary lacks while it
            lacks `<unk>` too.
    """
    files = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    lines = [(file, *line) for file in files for line in _lines(file)]
    if vocabulary is None:
        counts = Counter(word for _, _, words in lines for word in words)
        vocabulary = Vocabulary(tuple(sorted(counts, key=lambda word: (-counts[word], word))))
    numbers = vocabulary.numbers
    unknown = numbers.get(UNKNOWN)
    ids: list[int] = []
    for file, line, words in lines:
        for word in words:
            number = numbers.get(word, unknown)
            if number is None:
                raise UserError(
                    f"{file}: line {line}: {word!r}: allowed are the {len(vocabulary)} words of the vocabulary, "
                    f"which has no {UNKNOWN} to stand for others"
                )
            ids.append(number)
    return Text(np.array(ids, np.int64), vocabulary)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number, from 1, and tokens of each line."""
    try:
        content = path.read_text(encoding="utf-8-sig")  # some editors begin files with a byte order mark
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8: allowed is plain text in UTF-8") from None
    if not content.strip():
        raise UserError(f"{path}: holds no words: allowed is a text with one sentence a line")
    for number, line in enumerate(content.removesuffix("\n").split("\n"), start=1):
        yield number, [*line.split(), END]
