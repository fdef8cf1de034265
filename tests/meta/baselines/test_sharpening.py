"""Activation sharpening against the algorithm written out unit by unit."""

import math
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from meta.baselines import Sharpening

UNITS, FEATURES, OUTPUTS = 7, 4, 3


def network() -> nn.Sequential:
    """A hidden layer and a head in float64."""
    torch.manual_seed(0)
    hidden = nn.Sequential(nn.Linear(FEATURES, UNITS), nn.ReLU())
    return nn.Sequential(OrderedDict(hidden=hidden, head=nn.Linear(UNITS, OUTPUTS))).double()


def test_weights_before_the_head_step_towards_sharper_units_and_then_as_ever() -> None:
    model, rate, sharpness, winners = network(), 0.05, 0.3, 2
    learner = Sharpening(model, dict(model.named_parameters()), rate, sharpened=0.2, sharpness=sharpness)
    assert math.ceil(0.2 * UNITS) == winners
    plain = network()
    optimizer = torch.optim.Adam(plain.parameters(), rate)
    torch.manual_seed(1)
    for number in range(6):
        example, label = torch.randn(1, FEATURES).double(), torch.tensor([number % OUTPUTS])
        learner.learn(example, label)
        layer = plain.hidden[0]
        with torch.no_grad():
            sums = [float(row @ example[0] + bias) for row, bias in zip(layer.weight, layer.bias, strict=True)]
            active = [max(value, 0.0) for value in sums]
            best = sorted(range(UNITS), key=lambda unit: -active[unit])[:winners]
            for unit in range(UNITS):
                goal = max(active) if unit in best else 0.0
                change = sharpness * (goal - active[unit])
                if sums[unit] > 0:  # the slope of a rectifier
                    layer.weight[unit] += rate * change * example[0]
                    layer.bias[unit] += rate * change
        optimizer.zero_grad()
        nn.functional.cross_entropy(plain(example), label).backward()
        optimizer.step()
    for name, value in plain.named_parameters():
        assert torch.allclose(learner.parameters[name], value, rtol=1e-9, atol=1e-12), name


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=9),
    st.floats(0, 1),
    st.floats(0, 1),
)
@settings(max_examples=60)
def test_winners_approach_the_most_active_unit_and_others_zero(
    activity: list[float], share: float, sharpness: float
) -> None:
    model = network()
    learner = Sharpening(model, dict(model.named_parameters()), 0.1, sharpened=share, sharpness=sharpness)
    before = torch.tensor([activity]).double()
    after = learner.target(before)
    k = math.ceil(share * len(activity))
    order = before[0].argsort(descending=True)
    winners, others = order[:k], order[k:]
    if k and k < len(activity) and before[0, winners].min() == before[0, others].max():
        return  # a tie: which of them wins is not said
    largest = before.max()
    assert torch.allclose(largest - after[0, winners], (1 - sharpness) * (largest - before[0, winners]))
    assert torch.allclose(after[0, others], (1 - sharpness) * before[0, others])


def test_units_of_all_examples_are_sharpened_each_for_itself() -> None:
    model = network()
    learner = Sharpening(model, dict(model.named_parameters()), 0.1)
    torch.manual_seed(2)
    batch = torch.rand(4, UNITS).double()
    assert torch.equal(learner.target(batch), torch.cat([learner.target(row[None]) for row in batch]))


@pytest.mark.parametrize("whole", [True, False])
def test_without_a_hidden_layer_that_learns_it_is_refused(whole: bool) -> None:
    model = network()
    stage: nn.Module = model if whole else model.head
    parameters = {name: value for name, value in stage.named_parameters() if not name.startswith("hidden")}
    with pytest.raises(ValueError, match=r"parameters: .*weight.*: allowed are also those of a layer before"):
        Sharpening(stage, parameters, 0.1)
