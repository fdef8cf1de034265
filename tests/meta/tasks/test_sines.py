"""Sines: points lie on them, one MAML step is the hand-written one, lifetimes forget what they should."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from cluster.errors import UserError
from meta.experiments.adaptation import IncrementalSettings, SineSettings
from meta.tasks.sines import IncrementalTask, SineTask, check_parameters, draw_sines


def test_points_lie_on_their_sines() -> None:
    stream = np.random.default_rng(0)
    sines = draw_sines(500, stream)
    x, y = sines.points(7, stream)
    assert x.shape == y.shape == (500, 7, 1)
    for amplitude, phase, own, values in zip(sines.amplitude, sines.phase, x, y, strict=True):
        assert values == pytest.approx(amplitude * np.sin(own + phase), abs=1e-4)
    assert 0.1 <= sines.amplitude.min() < 0.2 and 4.9 < sines.amplitude.max() <= 5
    assert -np.pi <= sines.phase.min() and sines.phase.max() <= 0 and abs(x).max() <= 5


def test_the_loss_of_an_iteration_is_that_of_the_algorithm_written_out() -> None:
    task = SineTask(replace(SineSettings(), batch=3, hidden=(6, 6), inner_rate=0.1), 1)
    with torch.no_grad():
        for parameter in task.model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    loss, _ = task.loss(5)
    loss.backward()
    x, y = task.draw(3, task.stream("training", 5))
    own = [parameter.detach().clone().requires_grad_() for parameter in task.model.parameters()]

    def run(weights: list[Tensor], values: Tensor) -> Tensor:
        for place in (0, 2):
            values = torch.relu(values @ weights[place].T + weights[place + 1])
        return values @ weights[4].T + weights[5]

    total = torch.zeros(())
    for points, answers in zip(x, y, strict=True):
        error = (run(own, points[:10]) - answers[:10]).square().mean()
        gradients = torch.autograd.grad(error, own, create_graph=True)
        adapted = [value - 0.1 * gradient for value, gradient in zip(own, gradients, strict=True)]
        total = total + (run(adapted, points[10:]) - answers[10:]).square().mean() / 3
    total.backward()
    assert loss.item() == pytest.approx(total.item(), rel=1e-5)
    for one, other in zip(task.model.parameters(), own, strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-5)


def test_a_truncated_lifetime_is_judged_by_the_sines_that_have_begun() -> None:
    sizes = {"functions": 3, "updates": 2, "points": 4, "width": 5, "layers": 1, "hidden": 1, "pool": 9}
    task = IncrementalTask(replace(IncrementalSettings(), **sizes, truncate=3, inner_rate=0.05), 1)
    loss, measures = task.loss(5)
    loss.backward()
    stream = task.stream("training", 5)
    sines = task.sines(stream)
    asked, truth = (part.flatten(0, 1) for part in task.points(sines, 4, stream))
    x, y = (part.flatten(0, 1) for part in task.points(sines, 8, stream))
    own = [parameter.detach().clone().requires_grad_() for parameter in task.model.parameters()]
    current = list(own)

    def run(inputs: Tensor) -> Tensor:
        for place in (0, 2):
            inputs = torch.relu(inputs @ current[place].T + current[place + 1])
        return inputs @ current[4].T + current[5]

    total = 0.0
    for step in range(6):
        rows = slice(4 * step, 4 * step + 4)
        error = (run(x[rows]) - y[rows]).square().mean()
        gradients = torch.autograd.grad(error, current[2:], create_graph=True)
        current[2:] = [value - 0.05 * gradient for value, gradient in zip(current[2:], gradients, strict=True)]
        if step in (2, 5):
            begun = 8 if step == 2 else 12  # the second sine is half learned then
            part = (run(asked[:begun]) - truth[:begun]).square().mean()
            part.backward()
            total += part.item()
            current[2:] = [value.detach().requires_grad_() for value in current[2:]]
    assert loss.item() == pytest.approx(total, rel=1e-5)
    assert measures["error"].item() == pytest.approx(part.item(), rel=1e-5)
    for one, other in zip(task.model.parameters(), own, strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-5)


def test_a_lifetime_that_is_not_learned_cannot_be_truncated() -> None:
    with pytest.raises(UserError, match="--truncate 2: allowed with --learner pretrain is 0"):
        replace(IncrementalSettings(), learner="pretrain", truncate=2).checked()


def test_errors_are_told_before_and_after_each_step() -> None:
    task = SineTask(replace(SineSettings(), hidden=(20, 20), test_steps=4, evaluation=30), 1)
    with torch.no_grad():
        result = task.evaluate()
    means = result["by_step"]["mean"]
    assert len(means) == 5 and result["error_4"] == means[4]
    assert means[0] == pytest.approx(
        4.4, abs=1.5
    )  # a network that says nothing: half of the mean squared amplitude


def test_an_oracle_is_told_the_sine() -> None:
    task = SineTask(replace(SineSettings(), learner="oracle"), 1)
    x, y = task.draw(4, task.stream("training", 1))
    assert torch.allclose(y[:, :, 0], x[:, :, 1] * torch.sin(x[:, :, 0] + x[:, :, 2]), atol=1e-5)


SMALL: dict[str, Any] = {"functions": 3, "updates": 4, "points": 5, "width": 8, "layers": 2, "evaluation": 5}


def test_a_lifetime_goes_through_its_sines_in_order() -> None:
    """The loss after one lifetime is what its steps, taken one by one, come to."""
    task = IncrementalTask(replace(IncrementalSettings(), **SMALL), 1)
    loss, _ = task.loss(1)
    stream = task.stream("training", 1)
    sines = task.sines(stream)
    asked, truth = task.points(sines, 5, stream)
    x, y = task.points(sines, 20, stream)
    parameters = None
    learner = task.learner
    for number in range(3):
        assert (x[number, :, 1:].argmax(1) == number).all()
        parameters = learner.adapt_prepared(learner.prepare(x[number]), y[number], start=parameters)
    outputs = learner.predict(parameters, asked.flatten(0, 1))
    error = (outputs - truth.flatten(0, 1)).square().mean()
    assert loss.item() == pytest.approx(error.item(), rel=1e-5)


def test_the_test_tells_of_every_sine_after_every_sine() -> None:
    task = IncrementalTask(replace(IncrementalSettings(), **SMALL, test_rates=(1e-3, 1e-2)), 1)
    with torch.no_grad():
        table = task.lifetime(1e-2, task.stream("evaluation", 0))
        result = task.evaluate()
    assert table.shape == (3, 3) and (table >= 0).all()
    assert len(result["error_seen"]) == len(result["error_by_function"]) == 3
    assert result["last_error"] == pytest.approx(np.mean(result["error_by_function"]))
    assert result["test_rate"] in (1e-3, 1e-2)


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(UserError, match="--plastic: hidden: names no parameter: allowed are \\*, representation"):
        check_parameters(replace(IncrementalSettings(), hidden=0))
