from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from meta.data import generate_pictures, leaves, load_pictures, normalise


def spectral_slope(pictures):
    """Power of the frequency with which the mean power spectrum falls, by least squares on logarithms."""
    side = pictures.shape[1]
    window = np.hanning(side)[:, np.newaxis] * np.hanning(side)
    power = np.mean(np.abs(np.fft.fft2(normalise(pictures).astype(float) * window)) ** 2, axis=0)
    frequency = np.fft.fftfreq(side) * side
    radius = np.hypot(frequency[:, np.newaxis], frequency)
    rings = np.arange(2, side // 2 - 1)
    means = [power[np.abs(radius - ring) < 0.5].mean() for ring in rings]
    return np.polyfit(np.log(rings), np.log(means), 1)[0]


def test_a_picture_is_the_same_whatever_range_is_asked_for():
    many = generate_pictures(12, seed=3)
    assert many.shape == (12, 32, 32)
    assert many.dtype == np.uint8
    assert np.array_equal(generate_pictures(4, seed=3, first=7), many[7:11])
    assert len({picture.tobytes() for picture in many}) == 12
    assert not np.array_equal(generate_pictures(12, seed=4), many)


def top_leaf(numbers, side, row, column):
    """Brightness of the first leaf that covers the middle of a pixel; None if there is none."""
    least, greatest = 2 * leaves._RADII[0], leaves._RADII[1] * side
    for u in numbers:
        # Share u[0] of the leaves is smaller: the integral of 1 / r^3 from least to radius.
        radius = (1 / least**2 * (1 - u[0]) + u[0] / greatest**2) ** -0.5
        middle = u[1:3] * (side + 2 * radius) - radius  # x, y
        across = np.array([column, row]) + 0.5 - middle
        if np.hypot(*across) > radius:
            continue
        if u[3] >= 0.5:  # a rectangle, turned
            angle = 2 * np.pi * u[4]
            along = across @ [np.cos(angle), np.sin(angle)]
            aside = across @ [-np.sin(angle), np.cos(angle)]
            if abs(along) > 0.8 * radius or abs(aside) > 0.8 * radius * (0.3 + 1.4 * (u[3] - 0.5)):
                continue
        direction = [np.cos(2 * np.pi * u[5]), np.sin(2 * np.pi * u[5])]
        return np.clip((u[7] + u[8]) / 2 + 0.35 * (u[6] - 0.5) / radius * (across @ direction), 0, 1)
    return None


def test_each_pixel_shows_the_topmost_leaf():
    numbers = np.random.default_rng(0).random((25, leaves._NUMBERS))
    picture = np.full((32, 32), np.nan)
    leaves._fall(numbers, picture)
    for row, column in product(range(32), range(32)):
        expected = top_leaf(numbers, 32, row, column)
        assert picture[row, column] == pytest.approx(np.nan if expected is None else expected, nan_ok=True)


def test_large_requests_are_kept_and_the_same(monkeypatch):
    here = generate_pictures(3, seed=0)
    monkeypatch.setattr(leaves, "KEPT", 2)
    assert np.array_equal(generate_pictures(3, seed=0), here)
    monkeypatch.setattr(leaves, "_draw", None)
    assert np.array_equal(generate_pictures(3, seed=0), here)


def test_generated_pictures_have_natural_statistics():
    pictures = generate_pictures(300, seed=0)
    assert -3.0 < spectral_slope(pictures) < -1.5
    assert pictures.mean() == pytest.approx(127, abs=15)
    # Of CIFAR-10: 50 grey levels within a picture.
    assert 35 < pictures.std(axis=(1, 2)).mean() < 70
    # Occlusion: neighbours are mostly much alike, and sometimes far apart.
    steps = np.abs(np.diff(pictures.astype(int), axis=2))
    assert np.median(steps) < 8 < 60 < np.quantile(steps, 0.97)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"seed": -1}, {"size": 4}, {"first": -1}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="allowed is"):
        generate_pictures(**{"count": 1, "seed": 0, **wrong})


def test_the_spectrum_is_about_that_of_real_pictures(real):
    pictures = load_pictures(real("cifar10/cifar10_gray.npz")).test[:500]
    ours = generate_pictures(300, seed=0)
    assert spectral_slope(ours) == pytest.approx(spectral_slope(pictures), abs=0.5)
