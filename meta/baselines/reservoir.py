"""A memory of fixed size in which each example so far is with the same probability.

Vitter (1985), Random sampling with a reservoir, algorithm R.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

#: What a stage gets (1, ...) and its label (1,).
Example = tuple[Any, Tensor]


class Reservoir:
    """Examples that are kept of a stream.

    Attributes:
        room: examples that are kept at most.
        seen: examples so far.

    Args:
        room: see above.
        seed: of which examples are kept and drawn.
    """

    def __init__(self, room: int, seed: int = 0) -> None:
        self.room, self.seen = room, 0
        self._kept: list[Example] = []
        self._stream = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Example]:
        return iter(self._kept)

    def draw(self, count: int) -> list[Example]:
        """So many examples, each at most once; fewer as long as there are not as many."""
        return [self._kept[place] for place in self._stream.permutation(len(self._kept))[:count]]

    def add(self, example: Example) -> None:
        """Keep the example number n with probability room/n, in place of any other."""
        self.seen += 1
        if len(self._kept) < self.room:
            self._kept.append(example)
            return
        place = int(self._stream.integers(self.seen))
        if place < self.room:
            self._kept[place] = example
