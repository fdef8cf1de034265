"""Methods that give tasks capacity of their own: what they keep, what they are told, what they refuse."""

from collections import OrderedDict
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from meta.baselines import METHODS, ElasticWeights, PathNet, ProgressAndCompress, Progressive
from meta.protocols.courses import draw_course, split_drawings
from meta.protocols.online import Online
from meta.protocols.sequential import Student

TASKS, CLASSES, DRAWINGS, FEATURES = 3, 2, 32, 16
#: Drawings of a class where nothing is asked of what was learned.
SHOWN = 6
SMALL: dict[str, dict[str, Any]] = {
    "progressive": {"units": 20, "adapters": 3},
    "pathnet": {"units": 20, "modules": 9, "population": 6, "tournaments": 2},
    "compress": {"units": 20, "strength": 1e3, "importance_decay": 1.0, "passes": 2},
}


#: What it takes to learn something.
EFFORT: dict[str, dict[str, Any]] = {"progressive": {}, "pathnet": {"tournaments": 20}, "compress": {"passes": 60}}


def made(name: str, **options: Any) -> Any:
    """A method by its name with networks of seconds."""
    return partial(METHODS[name], task_classes=CLASSES, **(SMALL[name] | options))


def model() -> nn.Sequential:
    """What learns plainly: a layer."""
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(head=nn.Linear(FEATURES, TASKS * CLASSES)))


def stream_of_classes() -> Tensor:
    """Values (classes, drawings, features) that have much in common, which is what makes a layer forget."""
    generator = torch.Generator().manual_seed(3)
    kinds = torch.randn(TASKS * CLASSES, 1, FEATURES, generator=generator)
    noise = 0.2 * torch.randn(TASKS * CLASSES, DRAWINGS, FEATURES, generator=generator)
    return 2 * torch.randn(FEATURES, generator=generator) + kinds + noise


def accuracy(method: Any) -> tuple[float, float]:
    """Accuracy on learned drawings of all classes after learning them in sequence, and of the last class alone."""
    values, count = stream_of_classes(), TASKS * CLASSES
    course = draw_course(split_drawings(count, DRAWINGS, DRAWINGS - 2, 0), count, np.random.default_rng(0))
    student = Student(model(), method=method)
    (marks,) = student.learn(values, [course], [1e-2], [count], [np.random.default_rng(1)])[0]
    return float(marks.learned.mean()), float(marks.learned[-1])


def test_plain_learning_forgets_the_stream_on_which_others_are_tested() -> None:
    every, last = accuracy(partial(Online))
    assert every < 0.6 and last == 1


@pytest.mark.parametrize("name", SMALL)
def test_who_is_told_the_task_forgets_none_of_them(name: str) -> None:
    every, _ = accuracy(made(name, task_known=True, **EFFORT[name]))
    assert every > 0.9


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("known", [False, True])
def test_a_seed_decides_everything(name: str, known: bool) -> None:
    stage = model()
    scores = []
    for seed in (1, 1, 2):
        learner = made(name, task_known=known)(stage, dict(stage.named_parameters()), 1e-2, seed)
        teach(learner, TASKS * CLASSES - 1)
        scores.append(learner.scores(stream_of_classes().flatten(0, 1)).detach())
    assert torch.equal(scores[0], scores[1]) and not torch.equal(scores[0], scores[2])


def teach(learner: Online, count: int) -> None:
    """Teach some drawings of the first classes; the last of them is not over."""
    for label, drawings in enumerate(stream_of_classes()[:count, :SHOWN]):
        if label:
            learner.end_class()
        for drawing in drawings:
            learner.learn(drawing[None], torch.tensor([label]))


@pytest.mark.parametrize("name", SMALL)
def test_who_is_told_the_task_answers_with_its_classes_and_others_with_any(name: str) -> None:
    stage, labels, values = model(), torch.arange(TASKS * CLASSES), stream_of_classes()[:, 0]
    for known in (False, True):
        learner = made(name, task_known=known)(stage, dict(stage.named_parameters()), 1e-2)
        teach(learner, TASKS * CLASSES)
        learner.end_class()
        with torch.no_grad():
            scores, found = learner.scores(values), learner.scores_of(values, labels)
        assert scores.shape == (len(labels), TASKS * CLASSES)
        for row, label in enumerate(labels.tolist()):
            for column in range(TASKS * CLASSES):
                other = known and column // CLASSES != label // CLASSES
                assert found[row, column] == (-np.inf if other else scores[row, column])


@pytest.mark.parametrize("name", SMALL)
def test_values_of_any_shape_come_in_flat(name: str) -> None:
    stage, values = model(), stream_of_classes()[:, 0]
    found = []
    for shape in ((FEATURES,), (2, 2, 4)):
        learner = made(name)(stage, dict(stage.named_parameters()), 1e-2)
        for label, value in enumerate(values):
            learner.learn(value.reshape(1, *shape), torch.tensor([label]))
            learner.end_class()
        found.append(learner.scores(values.reshape(-1, *shape)))
    assert torch.equal(*found)


@pytest.mark.parametrize("name", SMALL)
def test_what_does_not_fit_is_refused_in_one_line(name: str) -> None:
    stage, value = model(), torch.zeros(1, FEATURES)
    learner = made(name)(stage, dict(stage.named_parameters()), 1e-2)
    with pytest.raises(ValueError, match="prepared: 2 tensors: allowed is one"):
        learner.learn((value, value), torch.tensor([0]))
    with pytest.raises(ValueError, match="labels: 2: allowed are 0 to 1, the classes of the current task"):
        learner.learn(value, torch.tensor([2]))


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        (Progressive, {"task_classes": 0}, "task_classes: 0: allowed is 1 or more"),
        (Progressive, {"task_drawn": -1}, "task_drawn: -1: allowed is 0 or more"),
        (Progressive, {"adapters": 0}, "adapters: 0: allowed is 1 or more"),
        (PathNet, {"active": 4, "modules": 3}, "active: 4: allowed are 1 to 3, the modules of a layer"),
        (PathNet, {"population": 1}, "population: 1: allowed is 2 or more"),
        (ProgressAndCompress, {"passes": 0}, "passes: 0: allowed is 1 or more"),
    ],
)
def test_options_that_are_not_allowed_are_refused(method: Any, options: dict[str, int], message: str) -> None:
    stage = model()
    with pytest.raises(ValueError, match=message):
        method(stage, dict(stage.named_parameters()), 1e-2, **options)


def test_a_step_is_on_the_new_example_and_on_drawn_ones_of_its_task_alone() -> None:
    stage = model()
    for drawn in (0, 4):
        learner = made("progressive", task_drawn=drawn)(stage, dict(stage.named_parameters()), 1e-2)
        seen: list[list[int]] = []
        original = learner.loss

        def watched(prepared: Tensor, labels: Tensor, seen: Any = seen, original: Any = original) -> Tensor:
            seen.append(labels.tolist())
            return original(prepared, labels)

        learner.loss = watched  # type: ignore[method-assign]
        teach(learner, TASKS * CLASSES)
        size = CLASSES * SHOWN
        for task in range(TASKS):
            for step, labels in enumerate(seen[task * size : (task + 1) * size]):
                assert len(labels) == 1 + min(step, drawn)
                assert {label // CLASSES for label in labels} == {task}


def test_elastic_weights_are_as_before_when_examples_come_from_outside() -> None:
    """One task consolidated from a list is one whose examples were kept while they were learned."""
    stage, values = nn.Linear(FEATURES, 2), stream_of_classes()[0]
    kept, given = (ElasticWeights(stage, dict(stage.named_parameters()), 1e-2) for _ in range(2))
    for value in values:
        kept.learn(value[None], torch.tensor([0]))
    for name, value in kept.parameters.items():
        given.parameters[name].data.copy_(value.detach())
    kept.end_class()
    given.consolidate([(value[None], torch.tensor([0])) for value in values])
    for name, value in kept.importance.items():
        assert torch.equal(value, given.importance[name]) and float(value.sum()) > 0
