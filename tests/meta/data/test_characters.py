from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from meta.data.characters import SIDE, Characters, shrink


def some_characters(classes=6, drawings=2, size=5):
    images = np.random.default_rng(0).integers(0, 256, (classes, drawings, size, size), np.uint8)
    names = tuple(f"{'AB'[index % 2]}/character{index:02}" for index in range(classes))
    return Characters(images, names, np.arange(classes) < 4)


def random_bits(seed, count=2):
    return np.random.default_rng(seed).random((count, SIDE, SIDE)) < 0.9


# --- Resampling ---------------------------------------------------------------------------------------------


def overlap(size, new, old):
    """Length that a new pixel and an old one share, in old pixels."""
    low, high = Fraction(new * SIDE, size), Fraction((new + 1) * SIDE, size)
    return max(Fraction(0), min(high, old + 1) - max(low, old))


@settings(max_examples=8, deadline=None)
@given(size=st.integers(1, 105), seed=st.integers(0, 1000), data=st.data())
def test_area_is_the_exact_mean_over_a_pixel(size, seed, data):
    bits = random_bits(seed, 1)
    row, column = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    rows = [(old, overlap(size, row, old)) for old in range(SIDE) if overlap(size, row, old)]
    columns = [(old, overlap(size, column, old)) for old in range(SIDE) if overlap(size, column, old)]
    share = sum(high * wide for i, high in rows for j, wide in columns if bits[0, i, j])
    mean = 255 * share * Fraction(size * size, SIDE * SIDE)
    assert shrink(bits, size)[0, row, column] == (mean + Fraction(1, 2)).__floor__()


def test_area_is_close_to_pillows_box_filter():
    bits = random_bits(1)
    theirs = [Image.fromarray(one.astype(np.uint8) * 255).resize((28, 28), Image.Resampling.BOX) for one in bits]
    ours = shrink(bits, 28).astype(int)
    # Pillow gives a new pixel every old one whose middle it holds, so it is a little off where pixels straddle.
    assert np.mean(np.abs(ours - np.stack([np.asarray(one) for one in theirs]))) < 8
    exact = [Image.fromarray(one.astype(np.uint8) * 255).resize((35, 35), Image.Resampling.BOX) for one in bits]
    assert np.abs(shrink(bits, 35).astype(int) - np.stack([np.asarray(one) for one in exact])).max() <= 1


@pytest.mark.parametrize("resample", ["area", "lanczos"])
def test_the_original_size_keeps_every_bit(resample):
    bits = random_bits(2)
    assert np.array_equal(shrink(bits, SIDE, resample), bits * np.uint8(255))


def test_lanczos_is_pillows():
    bits = random_bits(3, 1)
    theirs = Image.fromarray(np.where(bits[0], 255, 0).astype(np.uint8)).resize((28, 28), Image.Resampling.LANCZOS)
    assert np.array_equal(shrink(bits, 28, "lanczos")[0], np.asarray(theirs))


def test_thin_lines_turn_grey_and_do_not_vanish():
    bits = np.ones((1, SIDE, SIDE), bool)
    bits[0, 50] = False
    small = shrink(bits, 21)
    assert set(small[0, 10]) == {204}  # one row of five is ink
    assert (small[0, [9, 11]] == 255).all()


@pytest.mark.parametrize(("size", "resample"), [(0, "area"), (106, "area"), (28, "cubic")])
def test_other_sizes_and_resamplers_are_refused(size, resample):
    with pytest.raises(ValueError, match="allowed is"):
        shrink(random_bits(0), size, resample)


# --- Classes ------------------------------------------------------------------------------------------------


def test_take_by_index_and_by_mask():
    characters = some_characters()
    chosen = characters.take([5, 0])
    assert chosen.names == ("B/character05", "A/character00")
    assert chosen.alphabets == ("B", "A")
    assert np.array_equal(chosen.images, characters.images[[5, 0]])
    assert chosen.background.tolist() == [False, True]
    evaluation = characters.take(~characters.background)
    assert evaluation.names == characters.names[4:]
    with pytest.raises(IndexError):
        characters.take([6])


def test_rotations_turn_counterclockwise_and_come_back():
    characters = some_characters()
    turned = characters.rotations()
    assert len(turned) == 4 * len(characters)
    assert turned.names[9] == "A/character02@90"
    assert turned.background.tolist() == [True] * 16 + [False] * 8
    assert np.array_equal(turned.images[::4], characters.images)
    # A quarter turn puts the last column into the first row.
    assert np.array_equal(turned.images[9][:, 0], characters.images[2][:, :, -1])
    for turns in range(1, 4):
        again = turned.images[turns::4]
        for _ in range(4 - turns):
            again = np.rot90(again, axes=(2, 3))
        assert np.array_equal(again, characters.images)


def test_resampling_commutes_with_turning():
    bits = random_bits(4)
    before = shrink(np.rot90(bits, axes=(1, 2)), 28)
    assert np.array_equal(np.rot90(shrink(bits, 28), axes=(1, 2)), before)


def test_arrays_that_do_not_fit_are_refused():
    characters = some_characters()
    with pytest.raises(ValueError, match="allowed is"):
        Characters(characters.images, characters.names[1:], characters.background)
    with pytest.raises(ValueError, match="allowed is"):
        Characters(characters.images[0], characters.names, characters.background)
