"""Pattern completion: its patterns, its networks' sizes, where learning starts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from meta.experiments.patterns import EXPERIMENTS, PatternSettings
from meta.tasks.patterns import ClampedLSTM, PatternTask, wrong

LARGE, SMALL = EXPERIMENTS


def numbers(task: PatternTask) -> int:
    return sum(parameter.numel() for parameter in task.model.parameters())


def task(seed: int = 1, **values: Any) -> PatternTask:
    """A small task."""
    settings = PatternSettings(bits=20, patterns=3, cycles=2, shown=2, blank=1, test=2)
    return PatternTask(replace(settings, **values), seed)


@pytest.mark.parametrize(
    ("experiment", "treatment", "parameters"),
    [
        (LARGE, "plastic", 2_004_003),
        (LARGE, "plastic-shared", 1001**2 + 2),
        (SMALL, "plastic", 5_203),
        (SMALL, "rnn", 4_206_601),
        (SMALL, "lstm", 16_416_000),
    ],
)
def test_networks_have_as_many_parameters_as_published(experiment: Any, treatment: str, parameters: int) -> None:
    settings = replace(experiment.treated(experiment.settings, treatment), device="meta")
    assert numbers(PatternTask(settings, 1)) == parameters


def test_lifetimes_have_the_published_length() -> None:
    assert PatternTask(replace(LARGE.settings, device="meta"), 1).schedule.steps == 106
    assert PatternTask(replace(SMALL.settings, device="meta"), 1).schedule.steps == 11
    assert (
        PatternTask(replace(LARGE.treated(LARGE.settings, "plastic-text"), device="meta"), 1).settings.rate == 1e-3
    )


def test_half_of_the_bits_are_plus_and_half_of_them_are_hidden() -> None:
    own = task()
    lifetimes = own.lifetimes(50, own.stream("training", 1))
    assert set(np.unique(lifetimes.targets)) == {-1, 1} and (lifetimes.targets.sum(1) == 0).all()
    hidden = lifetimes.inputs[-1] == 0
    assert (hidden.sum(1) == 10).all()
    assert len({tuple(row) for row in hidden.tolist()}) > 40  # random places, drawn anew for each lifetime
    assert (lifetimes.inputs[-1][~hidden] == lifetimes.targets[~hidden]).all()


@pytest.mark.parametrize("degraded", [0.0, 0.25, 1.0])
def test_as_many_bits_are_hidden_as_asked_for(degraded: float) -> None:
    own = task(degraded=degraded)
    lifetimes = own.lifetimes(4, own.stream("training", 1))
    assert ((lifetimes.inputs[-1] == 0).sum(1) == round(20 * degraded)).all()


def test_the_1000_bit_network_starts_at_chance() -> None:
    own = PatternTask(LARGE.settings, 1)
    with torch.no_grad():
        loss, measures = own.loss(1)
    assert 490 <= float(loss) <= 530  # half of the bits are off by 1; one lifetime
    assert float(measures["error"]) == pytest.approx(0.25, abs=0.04)


def test_the_sign_of_every_bit_counts() -> None:
    targets = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    assert wrong(torch.tensor([[0.1, -3.0, -0.1, 0.2]]), targets).tolist() == [0.5]
    assert wrong(targets, targets).tolist() == [0.0] and wrong(-targets, targets).tolist() == [1.0]


def test_the_loss_is_the_sum_of_squares_of_the_last_step() -> None:
    own = task(batch=3)
    lifetimes = own.lifetimes(3, own.stream("training", 7))
    answers = own.answers(lifetimes).detach().numpy()
    expected = ((answers - lifetimes.targets) ** 2).sum(1).mean()
    assert float(own.loss(7)[0].detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("input", "strength"), [("added", 20.0), ("clamped", 1.0)])
def test_answers_are_those_of_the_cell_driven_by_bits_and_bias(input: str, strength: float) -> None:
    own = task(input=input, hidden=2)
    lifetimes = own.lifetimes(2, own.stream("training", 1))
    state = own.model.initial(2)
    for inputs in torch.from_numpy(lifetimes.inputs):
        drive = torch.cat([strength * inputs, torch.zeros(2, 2), torch.full((2, 1), strength)], 1)
        state = own.model(drive, state)
    torch.testing.assert_close(own.answers(lifetimes), state.activity[:, :20], rtol=1e-4, atol=1e-5)


def test_iterations_draw_other_lifetimes_and_the_same_ones_again() -> None:
    one, again, other = (
        task(seed).lifetimes(2, task(seed).stream("training", k)) for seed, k in ((1, 5), (1, 5), (1, 6))
    )
    assert np.array_equal(one.inputs, again.inputs) and not np.array_equal(one.inputs, other.inputs)
    elsewhere = task(2).lifetimes(2, task(2).stream("training", 5))
    evaluation = task(1).lifetimes(2, task(1).stream("evaluation", 5))
    assert not np.array_equal(one.targets, elsewhere.targets)
    assert not np.array_equal(one.targets, evaluation.targets)


def test_evaluation_covers_as_many_lifetimes_as_asked_for() -> None:
    with torch.no_grad():
        result = task(evaluation=23).evaluate()
    assert len(result["errors"]) == len(result["lags"]) == 23
    assert result["error"] == pytest.approx(np.mean(result["errors"]))
    assert set(result["lags"]) <= set(range(1, 4))  # three patterns: last shown at most three showings ago


def test_the_lstm_s_bits_follow_their_input() -> None:
    torch.manual_seed(0)
    model = ClampedLSTM(6, 10)
    with torch.no_grad():
        model.lstm.weight_ih_l0.mul_(1e-3)  # gates are open by their biases, as long as weights are small
    bits = torch.tensor([[1.0, -1, 1, 0, -1, 0]])
    answers = model(100 * bits.expand(3, 1, 6))
    weight, bias = model.lstm.weight_ih_l0, model.lstm.bias_ih_l0
    torch.testing.assert_close(weight[20:26], 10 * torch.eye(6))
    assert bias[:6].unique().tolist() == [10] and bias[10:16].unique().tolist() == [-1000]
    assert bias[20:26].unique().tolist() == [0] and bias[30:36].unique().tolist() == [10]
    assert not model.lstm.bias_hh_l0.any()
    shown = bits[0] != 0
    assert torch.equal(answers[0, shown].sign(), bits[0, shown]) and bool((answers[0, shown].abs() > 0.7).all())


@pytest.mark.parametrize("network", ["rnn", "lstm"])
def test_other_networks_learn_from_every_parameter_they_have(network: str) -> None:
    own = task(network=network, hidden=3, batch=2, strength=1.0)
    own.loss(1)[0].backward()
    assert all(parameter.grad is not None for parameter in own.model.parameters())
