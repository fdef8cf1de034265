from __future__ import annotations

import numpy as np
import pytest

from meta.data import generated
from meta.data.characters import shrink
from meta.data.generated import generate_characters


def one_shot_accuracy(characters, ways=5, episodes=1000):
    """Share of drawings whose nearest neighbour in pixels, among one of each class, is of their class."""
    random = np.random.default_rng(0)
    pixels = characters.images.reshape(len(characters), characters.drawings, -1).astype(np.float32)
    right = 0
    for _ in range(episodes):
        classes = random.choice(len(characters), ways, replace=False)
        support = pixels[classes, random.integers(0, 10, ways)]
        query = pixels[classes[0], random.integers(10, 20)]
        right += np.argmin(np.square(support - query).sum(axis=1)) == 0
    return right / episodes


@pytest.fixture(scope="module")
def many():
    return generate_characters(200)


def test_the_format_is_omniglots(many):
    assert many.images.shape == (200, 20, 28, 28)
    assert many.images.dtype == np.uint8
    assert len(set(many.names)) == 200
    assert many.names[0] == "generated-0-0000/character01"


def test_a_class_is_the_same_whatever_range_is_asked_for(many):
    part = generate_characters(5, drawings=3, first=38)
    assert np.array_equal(part.images, many.images[38:43, :3])
    assert part.names == many.names[38:43]
    assert part.background.tolist() == many.background[38:43].tolist()


def test_other_seeds_and_other_drawings_are_others():
    one, other = generate_characters(4, seed=1), generate_characters(4, seed=2)
    assert not np.array_equal(one.images, other.images)
    assert not set(one.names) & set(other.names)
    assert len({drawing.tobytes() for drawing in one.images.reshape(80, -1)}) == 80


def test_large_requests_are_kept_and_the_same(monkeypatch):
    here = generate_characters(3, size=14)
    monkeypatch.setattr(generated, "KEPT", 10)
    kept = generate_characters(3, size=14)
    monkeypatch.setattr(generated, "_classes", None)
    assert np.array_equal(generate_characters(3, size=14).images, here.images)
    assert np.array_equal(kept.images, here.images)
    assert kept.names == here.names


@pytest.mark.parametrize("resample", ["area", "lanczos"])
def test_pictures_are_resampled_bits(resample):
    bits = generate_characters(2, 3, 105).images
    assert set(np.unique(bits)) == {0, 255}
    small = generate_characters(2, 3, 21, resample=resample).images
    assert np.array_equal(small[1], shrink(bits[1] > 0, 21, resample))


def test_alphabets_are_whole_and_three_of_five_are_for_meta_training(many):
    names, starts, sizes = np.unique(many.alphabets, return_index=True, return_counts=True)
    assert all(20 <= size <= 40 for size in sizes[:-1])  # the last one is cut
    assert [many.names[start].endswith("/character01") for start in starts] == [True] * len(names)
    assert many.background[starts].tolist() == [number % 5 in (0, 2, 4) for number in range(len(names))]
    for start, size in zip(starts, sizes, strict=True):
        assert len(set(many.background[start : start + size].tolist())) == 1


def test_ink_and_difficulty_are_about_omniglots(many):
    # Of the real data: mean 0.919, standard deviation 0.234, 44 % right (5 ways, chance is 20 %).
    assert many.images.mean() / 255 == pytest.approx(0.92, abs=0.015)
    assert many.images.std() / 255 == pytest.approx(0.234, abs=0.02)
    assert 0.35 < one_shot_accuracy(many) < 0.6


@pytest.mark.parametrize(
    "wrong", [{"classes": 0}, {"drawings": 0}, {"seed": -1}, {"first": -1}, {"size": 200}, {"resample": "cubic"}]
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="allowed is"):
        generate_characters(**{"classes": 1, **wrong})
