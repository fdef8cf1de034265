"""Picture completion: what is hidden, the network's size, pictures kept for testing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from meta.data import Pictures
from meta.experiments.pictures import EXPERIMENTS
from meta.tasks import pictures
from meta.tasks.pictures import PictureTask

(IMAGES,) = EXPERIMENTS


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> Pictures:
    """Some pictures of noise, training ones darker on the left, test ones on the right."""
    stream = np.random.default_rng(0)
    noise = stream.integers(0, 100, (24, 32, 32)).astype(np.uint8)
    noise[:16, :, 16:] += 100
    noise[16:, :, :16] += 100
    made = Pictures(noise[:16], noise[16:])
    monkeypatch.setattr(pictures, "picture_data", lambda *_: made)
    return made


def task(**values: Any) -> PictureTask:
    """A short task."""
    return PictureTask(replace(IMAGES.settings, **values), 1, None)


def test_the_network_has_as_many_parameters_as_published() -> None:
    own = task(device="meta")
    assert sum(parameter.numel() for parameter in own.model.parameters()) == 2_101_251
    assert own.schedule.steps == 201


def test_a_contiguous_half_is_hidden_either_one_as_often() -> None:
    own = task()
    lifetimes = own.lifetimes(100, own.train, own.stream("training", 1))
    visible = lifetimes.inputs[-1] != 0
    first, second = visible[:, :512].any(1), visible[:, 512:].any(1)
    assert (first ^ second).all()
    assert first.mean() == pytest.approx(0.5, abs=0.2)
    where = np.where(first[:, None], np.arange(1024) < 512, np.arange(1024) >= 512)
    np.testing.assert_array_equal(lifetimes.inputs[-1], np.where(where, lifetimes.targets, 0))


def test_random_pixels_are_hidden_if_asked_for() -> None:
    own = task(degraded="pixels")
    lifetimes = own.lifetimes(20, own.train, own.stream("training", 1))
    assert (lifetimes.inputs[-1] != 0).mean() == pytest.approx(0.5, abs=0.02)
    for half in (slice(0, 512), slice(512, 1024)):
        assert (lifetimes.inputs[-1, :, half] != 0).mean(1).min() > 0.4


def test_pictures_are_normalised() -> None:
    own = task()
    assert np.abs(own.train).max(1) == pytest.approx(np.ones(16)) and np.abs(own.train.mean(1)).max() < 1e-6


def test_shown_pixels_are_clamped_and_the_loss_is_the_sum_of_squares() -> None:
    own = task(batch=2, shown=1, cycles=1, blank=1, test=2)
    lifetimes = own.lifetimes(2, own.train, own.stream("training", 3))
    with torch.no_grad():
        answers, (loss, measures) = own.answers(lifetimes).numpy(), own.loss(3)
    shown = lifetimes.inputs[-1] != 0
    np.testing.assert_allclose(answers[shown], lifetimes.targets[shown], atol=1e-6)
    squares = (answers - lifetimes.targets) ** 2
    assert float(loss) == pytest.approx(squares.sum(1).mean(), rel=1e-5)
    assert float(measures["hidden_rms"]) == pytest.approx(np.sqrt(squares[~shown].mean()), rel=1e-4)


def test_evaluation_is_on_pictures_that_were_not_trained_on() -> None:
    own = task(evaluation=13, shown=1, cycles=1, blank=0, test=1)
    seen = []
    original = own.lifetimes
    own.lifetimes = lambda batch, given, stream: seen.append(given) or original(batch, given, stream)  # type: ignore
    with torch.no_grad():
        result = own.evaluate()
    assert len(result["test_losses"]) == 13 and result["test_loss"] == pytest.approx(
        np.mean(result["test_losses"])
    )
    assert all(given is own.test for given in seen)
    train = {row.tobytes() for row in own.train}
    assert not any(row.tobytes() in train for row in own.test)


def test_the_plain_network_is_its_non_plastic_twin() -> None:
    own = task(network="rnn", device="meta")
    assert sum(parameter.numel() for parameter in own.model.parameters()) == 1025**2
