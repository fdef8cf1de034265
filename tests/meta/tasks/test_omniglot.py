"""Episodes of characters: right labels, shared rotations, classes apart; the classifier's size and first loss."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cluster.errors import UserError
from meta.data import Characters
from meta.experiments.omniglot import EXPERIMENTS, OmniglotSettings
from meta.tasks import omniglot
from meta.tasks.omniglot import (
    OmniglotTask,
    PlasticClassifier,
    cross_entropy,
    draw_episodes,
    load_classes,
)

(OMNIGLOT,) = EXPERIMENTS
CLASSES, DRAWINGS = 24, 5


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters of noise in place of real and generated ones; real ones are darker."""
    stream = np.random.default_rng(0)

    def made(settings: OmniglotSettings, name: str, data: str | None, fetch: bool) -> Characters:
        count = settings.generated if name == "generated" else 12
        images = stream.integers(100, 255, (count, DRAWINGS, 31, 31)).astype(np.uint8)
        if name == "omniglot":
            images //= 2
        names = tuple(f"{name} {number}" for number in range(count))
        return Characters(images, names, np.ones(count, np.bool_))

    monkeypatch.setattr(omniglot, "_characters", made)


def few_settings(**values: Any) -> OmniglotSettings:
    """Settings with generated characters."""
    chosen = {"data": "generated", "generated": CLASSES, "held_out": 8, "channels": 8, "batch": 3} | values
    return replace(OmniglotSettings(), **chosen)


def labelled_images() -> NDArray[np.uint8]:
    """Pictures (classes, 4, drawings, 1, 3) whose pixels say which class, rotation and drawing they are."""
    places = np.meshgrid(np.arange(CLASSES), np.arange(4), np.arange(DRAWINGS), indexing="ij")
    return np.stack(places, -1)[:, :, :, None].astype(np.uint8)


@given(st.integers(2, CLASSES), st.integers(1, 3), st.integers(0, 2**31))
@settings(max_examples=40)
def test_episodes_are_what_they_should_be(ways: int, shots: int, seed: int) -> None:
    episodes = draw_episodes(labelled_images(), 7, ways, shots, np.random.default_rng(seed))
    assert episodes.pictures.shape == (7, ways * shots + 1, 1, 3)
    for pictures, labels, answer in zip(episodes.pictures, episodes.labels, episodes.answers, strict=True):
        assert sorted(labels) == sorted(list(range(ways)) * shots)
        kinds = pictures[:, 0, 0]
        assert len(set(kinds[:-1])) == ways  # all classes of an episode differ
        for label in range(ways):
            own = pictures[:-1, 0][labels == label]
            assert len(set(own[:, 0])) == 1 and len(set(own[:, 1])) == 1  # one class, one rotation
        shown = pictures[:-1, 0][labels == answer][0]
        assert (pictures[-1, 0, :2] == shown[:2]).all()  # the query is of the class it is said to be


def test_everything_is_drawn_evenly() -> None:
    episodes = draw_episodes(labelled_images(), 4000, 3, 1, np.random.default_rng(1))
    for values, count in (
        (episodes.pictures[:, 0, 0, 0], CLASSES),
        (episodes.pictures[:, 0, 0, 1], 4),
        (episodes.pictures[:, -1, 0, 2], DRAWINGS),
        (episodes.answers, 3),
        (episodes.labels[:, 0], 3),
    ):
        expected = 4000 / count
        deviation = (np.bincount(values, minlength=count) - expected) ** 2 / expected
        assert deviation.sum() < count + 6 * math.sqrt(2 * count)
    assert (episodes.pictures[:, :3, 0, 2] == episodes.pictures[:, 3:, 0, 2]).mean() == pytest.approx(
        0.2, abs=0.03
    )


def test_no_class_is_in_both_parts_and_the_split_has_a_name() -> None:
    one, again, other = (load_classes(few_settings(split=k), None) for k in (3, 3, 4))
    assert one.test_names == again.test_names != other.test_names
    assert len(one.test_names) == len(one.test) == 8 and len(one.train) == CLASSES - 8
    own = load_classes(few_settings(split=3), None)
    rows = {image.tobytes() for image in own.train.reshape(-1, 31, 31)}
    assert not any(image.tobytes() in rows for image in own.test.reshape(-1, 31, 31))
    everything = {f"generated {number}" for number in range(CLASSES)}
    assert set(one.test_names) < everything


def test_the_seed_of_a_trial_does_not_touch_the_split() -> None:
    names = {OmniglotTask(few_settings(), seed, None).classes.test_names for seed in (1, 2, 3)}
    assert len(names) == 1


def test_the_four_rotations_are_turns_of_one_another() -> None:
    train = load_classes(few_settings(), None).train
    assert train.shape == (CLASSES - 8, 4, DRAWINGS, 31, 31)
    for turn in range(4):
        found = [np.array_equal(np.rot90(train[:, 0], k, (2, 3)), train[:, turn]) for k in range(4)]
        assert sum(found) == 1
    assert len({train[0, turn].tobytes() for turn in range(4)}) == 4


def test_trained_on_generated_characters_it_is_tested_on_real_ones() -> None:
    classes = load_classes(few_settings(tested="omniglot"), None)
    assert all(name.startswith("omniglot") for name in classes.test_names)
    assert classes.test.max() < 128 <= classes.train.max()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"ways": 17}, "--ways 17: allowed are up to the 16 classes to train with"),
        ({"ways": 9}, "--ways 9: allowed are up to the 8 classes to test with"),
        ({"shots": 6}, "--shots 6: allowed are up to the 5 drawings of a class"),
        ({"held_out": 24}, "--held-out 24: allowed are fewer than the 24 classes there are"),
    ],
)
def test_episodes_that_cannot_be_drawn_are_refused(values: dict[str, int], says: str) -> None:
    with pytest.raises(UserError, match=says):
        load_classes(replace(few_settings(), **values), None)


@pytest.mark.parametrize(("alpha", "parameters"), [("connection", 112_065), ("one", 111_746)])
def test_the_classifier_has_as_many_parameters_as_published(alpha: str, parameters: int) -> None:
    model = PlasticClassifier(replace(OMNIGLOT.settings, alpha=alpha))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_without_weights_they_are_zero_and_stay() -> None:
    model = PlasticClassifier(few_settings(weights=False))
    assert not model.readout.connections.weight.any() and not model.readout.connections.weight.requires_grad


def test_parameters_start_as_published() -> None:
    connections = PlasticClassifier(OMNIGLOT.settings).readout.connections
    assert connections.rate.item() == pytest.approx(0.01)
    assert 0 <= connections.alpha.min().item() < connections.alpha.max().item() <= 0.01
    one = PlasticClassifier(replace(OMNIGLOT.settings, alpha="one")).readout.connections
    assert one.alpha.item() == pytest.approx(0.01)


@pytest.mark.parametrize("experiment", ["plastic", "shared"])
def test_the_first_loss_is_that_of_chance(experiment: str) -> None:
    changes = OMNIGLOT.treatments[experiment]
    own = OmniglotTask(few_settings(channels=64, batch=20, **changes), 1, None)
    with torch.no_grad():
        loss, measures = own.loss(1)
    assert float(loss) == pytest.approx(0.5004, abs=2e-3)
    assert 0 <= float(measures["accuracy"]) <= 0.6


def test_the_published_loss_is_the_binary_cross_entropy_of_every_output() -> None:
    scores = torch.tensor([[0.3, -1.0, 2.0], [5.0, 0.0, -5.0], [40.0, 0.0, 0.0]], dtype=torch.float64)
    answers = torch.tensor([2, 1, 0])
    one_hot = torch.nn.functional.one_hot(answers, 3).double()
    expected = torch.nn.functional.binary_cross_entropy(torch.softmax(scores, 1), one_hot)
    torch.testing.assert_close(cross_entropy(scores, answers, "binary"), expected)
    usual = torch.nn.functional.cross_entropy(scores, answers)
    torch.testing.assert_close(cross_entropy(scores, answers, "classes"), usual)
    even = cross_entropy(torch.zeros(1, 5), torch.tensor([0]), "binary")
    assert float(even) == pytest.approx(0.5004, abs=5e-5)


def test_a_sure_and_wrong_answer_still_has_a_gradient() -> None:
    scores = torch.tensor([[60.0, 0.0, 0.0]], requires_grad=True)
    cross_entropy(scores, torch.tensor([1]), "binary").backward()
    assert scores.grad is not None and bool(torch.isfinite(scores.grad).all()) and bool(scores.grad.any())


def test_white_paper_is_1_and_ink_0(monkeypatch: pytest.MonkeyPatch) -> None:
    own = OmniglotTask(few_settings(), 1, None)
    given = []
    monkeypatch.setattr(own.model, "forward", lambda pictures, labels: given.append(pictures) or torch.zeros(1))
    pictures = np.array([0, 51, 255], np.uint8).reshape(1, 3, 1, 1)
    own.scores(omniglot.Episodes(pictures, np.zeros((1, 2), np.int64), np.zeros(1, np.int64)))
    assert given[0].flatten().tolist() == pytest.approx([0, 0.2, 1])


def test_evaluation_draws_held_out_classes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    own = OmniglotTask(few_settings(evaluation=130), 1, None)
    seen = []

    def watched(images: Any, *rest: Any) -> Any:
        seen.append(images)
        return draw_episodes(images, *rest)

    monkeypatch.setattr(omniglot, "draw_episodes", watched)
    with torch.no_grad():
        result = own.evaluate()
    assert all(images is own.classes.test for images in seen)
    assert result["test_episodes"] == 130 and 0 <= result["test_accuracy"] <= 1
    assert result["test_correct"] == round(130 * result["test_accuracy"])
    assert result["test_classes"] == list(own.classes.test_names)


def test_scores_do_not_depend_on_the_rest_of_the_batch() -> None:
    own = OmniglotTask(few_settings(ways=4, shots=2), 1, None)
    episodes = draw_episodes(own.classes.train, 3, 4, 2, own.stream("training", 1))
    together = own.scores(episodes)
    for b in range(3):
        alone = omniglot.Episodes(
            episodes.pictures[b : b + 1], episodes.labels[b : b + 1], episodes.answers[b : b + 1]
        )
        torch.testing.assert_close(own.scores(alone), together[b : b + 1], rtol=1e-4, atol=1e-5)
