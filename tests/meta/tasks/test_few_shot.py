"""Episodes of characters for a few gradient steps: classes apart, labels right, support and query disjoint."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.errors import UserError
from meta.data import Characters
from meta.experiments.adaptation import FewShotSettings
from meta.tasks import few_shot
from meta.tasks.few_shot import FewShotTask, load_parts

CLASSES, DRAWINGS = 12, 6


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of one value, that of class and drawing, so that turns do not change them."""

    def made(settings: FewShotSettings, data: str | None, fetch: bool) -> Characters:
        values = 10 * np.arange(CLASSES)[:, None] + np.arange(DRAWINGS)
        images = np.broadcast_to(values[:, :, None, None], (CLASSES, DRAWINGS, 28, 28)).astype(np.uint8)
        return Characters(images, tuple(map(str, range(CLASSES))), np.ones(CLASSES, np.bool_))

    monkeypatch.setattr(few_shot, "_characters", made)


def small(**values: Any) -> FewShotSettings:
    """Settings of seconds."""
    chosen = {"training_classes": 8, "channels": 4, "hidden": (6,), "batch": 2, "ways": 3, "evaluation": 25}
    return replace(FewShotSettings(), **(chosen | values))


@given(st.integers(2, 8), st.integers(1, 3), st.integers(0, 2**31))
@settings(max_examples=30)
def test_episodes_are_what_they_should_be(ways: int, shots: int, seed: int) -> None:
    task = FewShotTask(small(ways=ways, shots=shots), 1, None)
    support, labels, query, truth = task.draw(task.test, 3, np.random.default_rng(seed))
    assert support.shape == query.shape == (3, ways * shots, 1, 28, 28)
    for known, told, asked, answers in zip(support, labels, query, truth, strict=True):
        values = [(255 * (1 - one[:, 0, 0, 0])).round().long() for one in (known, asked)]
        for label in range(ways):
            own = torch.cat([values[0][told == label], values[1][answers == label]])
            assert len(set((own // 10).tolist())) == 1 and len(set(own.tolist())) == 2 * shots
    trained = set((task.train[:, 0, 0, 0] // 10).tolist())
    assert trained.isdisjoint((task.test[:, 0, 0, 0] // 10).tolist()) and len(trained) == 8
    assert len(task.train) == 32


@pytest.mark.parametrize("network", ["convolutions", "linear"])
def test_tasks_together_are_tasks_one_after_another(network: str) -> None:
    task = FewShotTask(small(network=network, steps=2), 1, None)
    losses, gradients = [], []
    for together in (False, True):
        task.together = together
        task.model.zero_grad()
        loss, _ = task.loss(1)
        loss.backward()
        losses.append(float(loss.detach()))
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in task.model.parameters()]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert torch.allclose(*gradients, rtol=1e-2, atol=1e-4)


def test_the_test_gives_accuracies_with_intervals_for_each_step() -> None:
    task = FewShotTask(small(), 1, None)
    with torch.no_grad():
        result = task.evaluate()
    steps = result["by_step"]
    assert len(steps["mean"]) == 4 and result["test_accuracy"] == steps["mean"][3]
    assert all(
        low <= mean <= high for low, mean, high in zip(*(steps[k] for k in ("low", "mean", "high")), strict=True)
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"training_classes": 12}, "--training-classes 12: allowed are fewer than the 12 classes"),
        ({"shots": 4}, "--shots 4: allowed are up to 3"),
        ({"ways": 17}, "--ways 17: allowed are up to 16 classes"),
    ],
)
def test_what_the_characters_do_not_allow_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_parts(small(**values), None)
