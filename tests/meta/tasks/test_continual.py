"""Lifetimes of characters: classes apart, resumed to the last bit, refusals in one line."""

from dataclasses import fields as dataclass_fields
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.errors import UserError
from cluster.folder import TrialFolder
from meta.baselines import IN_TASKS, METHODS, OPTIONS
from meta.data import Characters
from meta.experiments.continual import EXPERIMENTS, ContinualSettings
from meta.learners import anml
from meta.tasks import continual
from meta.tasks.continual import ContinualTask, check_method, check_parameters, load_classes
from meta.training import train

ANML, OML, ZAPPING = EXPERIMENTS
CLASSES, DRAWINGS = 24, 6
SMALL: dict[str, Any] = {
    "data": "generated",
    "channels": 3,
    "neuromodulatory": 2,
    "hidden": 6,
    "outputs": 20,
    "drawings": 3,
    "remember": 5,
    "iterations": 4,
    "counts": (2, 4),
    "test_rates": (1e-2, 1e-3),
    "searches": 1,
    "courses": 2,
    "test_drawings": 4,
    "scored": 1,
    "generator_steps": 5,
    "log_every": 1,
    "checkpoint_every": 2,
}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters whose first pixels say which class and drawing they are."""

    def made(settings: ContinualSettings, data: str | None, fetch: bool) -> Characters:
        images = np.random.default_rng(0).integers(0, 255, (CLASSES, DRAWINGS, settings.side, settings.side))
        images[:, :, 0, 0], images[:, :, 0, 1] = np.arange(CLASSES)[:, None], np.arange(DRAWINGS)
        names = tuple(f"class {number}" for number in range(CLASSES))
        return Characters(images.astype(np.uint8), names, np.arange(CLASSES) % 3 > 0)

    monkeypatch.setattr(continual, "_characters", made)


def small(**values: Any) -> ContinualSettings:
    """Settings of seconds."""
    return replace(ContinualSettings(), **(SMALL | values))


@given(st.integers(0, 2**31), st.integers(1, 3), st.booleans(), st.sampled_from(("unrolled", "iid")))
@settings(max_examples=25)
def test_no_test_class_is_ever_trained_on(seed: int, classes: int, halves: bool, learner: str) -> None:
    task = ContinualTask(small(classes=classes, halves=halves, learner=learner), seed, None)
    tested = {int(one) for one in task.classes.test[:, 0, 0, 0]}
    trained = task.classes.train[:, 0, 0, 0]
    assert tested == set(range(0, CLASSES, 3)) and tested.isdisjoint(trained)
    for number in range(3):
        stream = task.stream("training", number)
        shown = task.batch(stream) if learner == "iid" else task.trajectory(stream)
        corners = (shown.all[:, 0, 0, 0] * 255).round().long().tolist()
        assert tested.isdisjoint(corners)
        labels = torch.cat([shown.labels, shown.remembered_labels]).tolist()
        assert [int(trained[label]) for label in labels] == corners  # every drawing has its class's label


@given(st.integers(0, 2**31), st.booleans())
@settings(max_examples=25)
def test_a_lifetime_is_drawings_of_its_classes_each_once(seed: int, halves: bool) -> None:
    task = ContinualTask(small(classes=2, halves=halves), seed, None)
    shown = task.trajectory(task.stream("training", 1))
    drawings = (shown.learned[:, 0, 0, 1] * 255).round().long().tolist()
    labels = shown.labels.tolist()
    assert len(set(labels)) == 2 and labels == [labels[0]] * 3 + [labels[3]] * 3
    assert len(set(zip(labels, drawings, strict=True))) == 6
    if halves:
        assert min(labels) >= 8 > max(shown.remembered_labels.tolist())


def test_a_class_is_forgotten_before_it_is_learned_and_only_it() -> None:
    task = ContinualTask(small(), 1, None)
    before = task.head.weight.detach().clone()
    task.loss(1)
    changed = (task.head.weight != before).any(1).nonzero().flatten().tolist()
    stream = task.stream("training", 1)
    assert changed == sorted(set(task.trajectory(stream).labels.tolist()))


@pytest.mark.parametrize("order", [1, 2])
def test_a_meta_batch_forgets_the_classes_of_all_lifetimes_and_averages_their_gradients(order: int) -> None:
    together, alone = (ContinualTask(small(batch=count, order=order), 1, None) for count in (2, 1))
    loss, _ = together.loss(1)
    loss.backward()
    alone.model.load_state_dict(together.model.state_dict())  # after the reset of both rows
    stream, losses = alone.stream("training", 1), []
    for shown in [alone.trajectory(stream) for _ in range(2)]:
        scores, _ = anml.meta_scores(alone.learner, [shown], alone.head, None)[0]
        losses.append(torch.nn.functional.cross_entropy(scores, shown.outer_labels))
        losses[-1].backward()
    assert torch.allclose(loss, sum(losses) / 2)
    for one, other in zip(together.model.parameters(), alone.model.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad / 2, rtol=1e-4, atol=1e-7)


TREATMENTS = [
    (experiment, name)
    for experiment in EXPERIMENTS
    for name in experiment.treatments
    if experiment is not ANML or name in ("anml", "anml-order1", "anml-no-norm", "anml-random-nm", "pretrain-anml")
]


@pytest.mark.parametrize(("experiment", "name"), [pair for pair in TREATMENTS if pair[0] is not OML])
def test_a_killed_training_ends_as_one_that_was_not(experiment: Any, name: str, tmp_path: Path) -> None:
    chosen = replace(experiment.treated(experiment.settings, name), **SMALL)
    ends = []
    for label, stops in (("whole", (4,)), ("killed", (2, 4))):
        folder = TrialFolder(tmp_path / label)
        folder.path.mkdir()
        for stop in stops:
            task = ContinualTask(replace(chosen, iterations=stop), 3, None)
            train(task, folder, lambda row: None)
        ends.append(task)
    for one, other in zip(ends[0].model.parameters(), ends[1].model.parameters(), strict=True):
        assert torch.equal(one, other)
    with torch.no_grad():
        assert ends[0].evaluate() == ends[1].evaluate()


def test_a_result_tells_what_tables_and_figures_need() -> None:
    task = ContinualTask(small(), 1, None)
    with torch.no_grad():
        result = task.evaluate()
    assert result["counts"] == [2, 4]
    held_out = np.array(result["sequential"]["held_out"])
    assert held_out.shape == (2, 2) and result["accuracy_4"] == pytest.approx(held_out[:, 1].mean(), abs=1e-5)
    assert result["accuracy"] == result["accuracy_4"]
    assert len(result["oracle"]["class_learned"]) == 4
    assert 0 <= result["active_features"] <= result["active_ungated"] <= 1
    other = ContinualTask(small(split=1), 1, None)
    assert other.split_name() != task.split_name()


#: Of these, networks of seconds.
FEW: dict[str, Any] = {"task_classes": 2, "units": 4, "tournaments": 2, "compress_passes": 2, "oracle": False}


@pytest.mark.parametrize("method", [name for name in METHODS if name != "plain"])
def test_methods_made_by_hand_go_through_the_same_test(method: str) -> None:
    trained = ("prediction", "head") if method == "sharpening" else ("head",)
    chosen = small(method=method, trained=trained, **FEW)
    check_method(chosen)
    results = []
    for _ in range(2):
        task = ContinualTask(chosen, 1, None)
        with torch.no_grad():
            results.append(task.evaluate())
    assert "oracle" not in results[0] and 0 <= results[0]["accuracy"] <= 1
    assert results[0] == results[1]


def test_methods_and_their_options_have_settings() -> None:
    fields = {field.name: field for field in dataclass_fields(ContinualSettings)}
    assert set(fields["method"].metadata["choices"]) == set(METHODS)
    assert {name for names in OPTIONS.values() for name in names} <= set(fields)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "sharpening"}, "--method sharpening: parameters: head.weight, head.bias: allowed are also"),
        ({"method": "generative", "trained": ("prediction", "head")}, "--method generative: prepared: 2 tensors"),
        ({"method": "pathnet", "trained": ("prediction", "head")}, "--method pathnet: prepared: 2 tensors"),
    ],
)
def test_a_method_that_does_not_fit_what_learns_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_method(small(oracle=False, **values))


@pytest.mark.parametrize("method", IN_TASKS)
def test_a_result_says_that_tasks_were_told_and_a_killed_trial_comes_to_the_same(
    method: str, tmp_path: Path
) -> None:
    results = []
    for label, stops in (("whole", (4,)), ("killed", (2, 4))):
        folder = TrialFolder(tmp_path / label)
        folder.path.mkdir()
        for stop in stops:
            task = ContinualTask(small(method=method, task_known=True, iterations=stop, **FEW), 3, None)
            train(task, folder, lambda row: None)
        with torch.no_grad():
            results.append(task.evaluate())
    assert results[0] == results[1] and results[0]["task_known"] is True


@pytest.mark.parametrize("method", IN_TASKS)
def test_who_is_told_the_task_answers_with_one_of_its_classes(method: str) -> None:
    """Where each task is a class, who is told the task knows the answer."""
    chosen = FEW | {"task_classes": 1, "task_known": True}
    task = ContinualTask(small(method=method, **chosen), 1, None)
    with torch.no_grad():
        assert task.evaluate()["accuracy"] == 1


def test_a_rate_in_lifetimes_that_diverges_stops_with_the_iteration(tmp_path: Path) -> None:
    task = ContinualTask(small(inner_rate=1e30), 1, None)
    with pytest.raises(FloatingPointError, match="loss is nan at iteration 1: allowed is a finite number"):
        train(task, TrialFolder(tmp_path), lambda row: None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"counts": (2, 9)}, "--counts 9: allowed are up to the 8 classes to test with"),
        ({"drawings": 7}, "--drawings 7: allowed are up to 6: a class has 6 drawings"),
        ({"test_drawings": 6}, "--test-drawings 6: allowed are up to 5"),
        ({"outputs": 15}, "--outputs 15: allowed are the 16 classes to train with or more"),
        ({"classes": 9, "halves": True}, "--classes 9: allowed are up to the 8 classes"),
    ],
)
def test_what_the_characters_do_not_allow_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_classes(small(**values), None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"counts": (5, 2)}, "--counts 5 2: allowed are ascending numbers"),
        ({"counts": (21,)}, "--counts 21: allowed are up to --outputs 20"),
        ({"side": 84}, "--side 84: allowed with --network prediction is 28"),
        ({"network": "representation"}, "--side 28: allowed with --network representation is 43 to 105"),
        ({"batch": 2, "parts": 2}, "--parts 2: allowed is 1"),
        ({"scored": 4}, "--scored 4: allowed are fewer than --test-drawings 4"),
        ({"method": "ewc"}, "--oracle true: allowed with --method ewc is false"),
        ({"truncate": 5, "learner": "iid"}, "--truncate 5: allowed is 0 but for --learner unrolled"),
        ({"truncate": 5, "inner_batch": 0}, "--truncate 5: allowed is 0 but for"),
        ({"truncate": 5, "inner_passes": 2}, "--truncate 5: allowed is 0 but for"),
        ({"mer_within": 1.1}, "--mer-within 1.1: allowed is a number from 0 to 1"),
        ({"task_classes": 0}, "--task-classes 0: allowed is a whole number of 1 or more"),
        ({"sharpness": -0.1}, "--sharpness -0.1: allowed is a number from 0 to 1"),
        ({"method": "compress"}, "--oracle true: allowed with --method compress is false"),
        ({"task_known": True}, "--task-known true: allowed with --method plain is false"),
        ({"pathnet_active": 4, "modules": 3}, "--pathnet-active 4: allowed are up to --modules 3"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        small(**values).checked()


@pytest.mark.parametrize("flag", ["plastic", "learned", "trained", "redrawn"])
def test_an_unknown_parameter_is_refused(flag: str) -> None:
    with pytest.raises(UserError, match=f"--{flag}: hidden: names no parameter: allowed are \\*, neuromodulation"):
        check_parameters(small(**{flag: ("hidden",)}))


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.name)
def test_every_treatment_names_parameters_that_there_are(experiment: Any) -> None:
    for name in experiment.treatments:
        check_parameters(experiment.treated(experiment.settings, name))
        check_method(experiment.treated(experiment.settings, name))
