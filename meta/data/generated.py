"""Generated characters: as many as one likes in Omniglot's format, with nothing to download.

Alphabets of 20 to 40 characters (`meta.data.alphabets`), every character drawn by people with hands of their own
(`meta.data.pen`). Amount of ink, width of lines, sizes and positions are about Omniglot's, and so is the share of
drawings that a nearest neighbour in pixels tells apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from meta.data.alphabets import draw_plan
from meta.data.characters import SIDE, Characters, Resampler, check_resampling, shrink
from meta.data.ink import ink
from meta.data.pen import NOISE_OF_STROKE, Hand, Plan, on_paper, trace
from meta.data.prepared import prepared
from meta.data.styles import draw_style

#: Counts up when the same seed gives other drawings.
VERSION = 1

#: Drawings beyond which they are kept among the prepared arrays: what takes about a second.
KEPT = 5000

# Kinds of random streams; each is a function of (seed, kind, numbers) alone.
_SIZES, _STYLE, _HAND, _PLAN, _DRAWING = range(5)


def generate_characters(
    classes: int,
    drawings: int = 20,
    size: int = 28,
    seed: int = 0,
    first: int = 0,
    resample: Resampler = "area",
) -> Characters:
    """Characters `first` to `first + classes - 1` of an endless list.

    Drawing d of class k is a function of (seed, k, d): the same whatever range is asked for. Alphabets
    0, 2, 4, 5, 7, 9, 10, ... (three of five, as in Omniglot) are the background set, the others the
    evaluation set.

    Args:
        classes: number of classes.
        drawings: drawings of each class, each by another person of the alphabet.
        size: side of the pictures in pixels, 1 to 105.
        seed: names the list of characters.
        first: index of the first class.
        resample: as for Omniglot.

    Raises:
        ValueError: a number is out of range.
    """
    check_resampling(size, resample)
    for name, value, least in (("classes", classes, 1), ("drawings", drawings, 1), ("seed", seed, 0)):
        _check(name, value, least)
    _check("first", first, 0)

    def draw() -> dict[str, NDArray]:
        numbers = range(first, first + classes)
        return {"images": np.stack([shrink(bits, size, resample) for bits in _classes(numbers, drawings, seed)])}

    if classes * drawings > KEPT:
        name = f"generated-{seed}-{first}-{classes}-{drawings}-{size}-{resample}-{VERSION}"
        images = prepared(name, draw)["images"]
    else:
        images = draw()["images"]
    alphabets, places = _alphabets(first, classes, seed)
    names = [f"generated-{seed}-{a:04}/character{p + 1:02}" for a, p in zip(alphabets, places, strict=True)]
    return Characters(images, tuple(names), np.isin(alphabets % 5, (0, 2, 4)))


def _check(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name}: {value}: allowed is {least} or more")


def _random(seed: int, kind: int, *numbers: int) -> Generator:
    return default_rng(SeedSequence((seed, kind, *numbers)))


def _alphabets(first: int, classes: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The alphabet of each class and its place there, both (classes,)."""
    most = (first + classes) // 20 + 1  # no alphabet has fewer than 20 characters
    sizes = 20 + np.floor(21 * _random(seed, _SIZES).random(most)).astype(np.int64)
    ends = np.cumsum(sizes)
    numbers = np.arange(first, first + classes)
    alphabets = np.searchsorted(ends, numbers, side="right")
    return alphabets, numbers - (ends - sizes)[alphabets]


def _classes(numbers: Sequence[int], drawings: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Bits (drawings, 105, 105) of each class, True where the paper is white."""
    alphabets, _ = _alphabets(numbers[0], len(numbers), seed)
    console = Console(stderr=True, quiet=len(numbers) * drawings <= KEPT)
    alphabet = -1
    for number, own in track(
        list(zip(numbers, alphabets.tolist(), strict=True)), "Drawing characters", console=console
    ):
        if own != alphabet:
            alphabet = own
            style = draw_style(_random(seed, _STYLE, alphabet))
            hands = [_hand(_random(seed, _HAND, alphabet, drawing)) for drawing in range(drawings)]
        plan = draw_plan(style, _random(seed, _PLAN, number))
        bits = np.empty((drawings, SIDE, SIDE), np.bool_)
        for drawing, hand in enumerate(hands):
            bits[drawing] = _draw(plan, hand, _random(seed, _DRAWING, number, drawing))
        yield bits


def _hand(random: Generator) -> Hand:
    """How one person draws the characters of an alphabet."""
    size = random.normal(0.0, 0.1)
    return Hand(
        slant=random.normal(0.03, 0.07),
        turn=random.normal(0.0, 0.04),
        scale=(0.88 * math.exp(size + random.normal(0.0, 0.07)), 1.02 * math.exp(size + random.normal(0.0, 0.07))),
        shift=(random.normal(-2.3, 4.0), random.normal(-3.2, 4.0)),
        noise=random.lognormal(0.0, 0.3),
        radius=random.uniform(2.4, 2.9),
    )


def _draw(plan: Plan, hand: Hand, random: Generator) -> NDArray[np.bool_]:
    """One drawing: the hand is a little different each time."""
    wide, high, right, down = random.normal(size=4)
    today = replace(
        hand,
        scale=(hand.scale[0] * math.exp(0.07 * wide), hand.scale[1] * math.exp(0.07 * high)),
        shift=(hand.shift[0] + 3.0 * right, hand.shift[1] + 3.0 * down),
    )
    points, counts = trace(plan, hand.noise * random.standard_normal((len(plan), NOISE_OF_STROKE)))
    return ink(on_paper(points, counts, today), counts, hand.radius)
