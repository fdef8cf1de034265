"""Truncated lifetimes against the algorithm written out step by step, in float64."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from meta.learners import Learner
from meta.learners.oml import meta_scores, truncated_scores
from meta.learners.trajectory import Trajectory

CLASSES, DRAWINGS, RATE = 3, 3, 0.5


def tiny() -> nn.Sequential:
    """Three small stages in float64."""
    torch.manual_seed(0)
    first, second = nn.Sequential(nn.Linear(5, 4), nn.Tanh()), nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    stages = OrderedDict(representation=first, hidden=second, head=nn.Linear(4, CLASSES + 2))
    return nn.Sequential(stages).double()


def trajectory(repeated: bool = True) -> Trajectory:
    """Classes one after another; what is remembered is of all classes, two never learned among them."""
    torch.manual_seed(1)
    labels = torch.arange(CLASSES).repeat_interleave(DRAWINGS)
    remembered = torch.arange(CLASSES + 2).repeat(2)
    examples = torch.randn(len(labels) + len(remembered), 5).double()
    return Trajectory(examples[: len(labels)], labels, examples[len(labels) :], remembered, repeated)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (2, 1), (4, 1), (2, 2)])
@pytest.mark.parametrize("repeated", [True, False])
def test_the_algorithm_written_out_gives_the_same(order: int, steps: int, batch: int, repeated: bool) -> None:
    model, shown = tiny(), trajectory(repeated)
    learner = Learner(model, ("hidden", "head"), RATE, order, batch)
    scores, earlier = truncated_scores(learner, shown, steps)
    loss = cross_entropy(scores, shown.outer_labels) + earlier
    loss.backward()
    own = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
    plastic = [name for name in own if not name.startswith("representation")]
    current: dict[str, Any] = dict(own)

    def run(values: dict[str, Any], inputs: Tensor) -> Tensor:
        for stage in ("representation.0", "hidden.0"):
            inputs = torch.tanh(inputs @ values[f"{stage}.weight"].T + values[f"{stage}.bias"])
        return inputs @ values["head.weight"].T + values["head.bias"]

    total = 0.0
    firsts = range(0, len(shown.labels), batch)
    for number, first in enumerate(firsts):
        rows = slice(first, first + batch)
        told = cross_entropy(run(current, shown.learned[rows]), shown.labels[rows])
        gradients = torch.autograd.grad(told, [current[name] for name in plastic], create_graph=order == 2)
        for name, gradient in zip(plastic, gradients, strict=True):
            current[name] = current[name] - RATE * gradient
        if (number + 1) % steps == 0 or number + 1 == len(firsts):
            begun = {int(label) for label in shown.labels[: rows.stop]}
            judged = [
                place
                for place, label in enumerate(shown.outer_labels.tolist())
                if label in begun or label >= CLASSES
            ]
            part = cross_entropy(run(current, shown.outer[judged]), shown.outer_labels[judged])
            part.backward()  # adds to what earlier stretches left
            total += part.item()
            for name in plastic:
                current[name] = current[name].detach().requires_grad_()
    assert loss.item() == pytest.approx(total, rel=1e-12)
    for name, value in model.named_parameters():
        assert torch.allclose(value.grad, own[name].grad, rtol=1e-11, atol=1e-14), name


@pytest.mark.parametrize("steps", [CLASSES * DRAWINGS, 100])
def test_a_stretch_as_long_as_the_lifetime_truncates_nothing(steps: int) -> None:
    shown, models = trajectory(), [tiny(), tiny()]
    learners = [Learner(model, ("hidden", "head"), RATE) for model in models]
    scores, earlier = truncated_scores(learners[0], shown, steps)
    whole = meta_scores(learners[1], shown)
    assert earlier == 0 and torch.equal(scores, whole)
    for one in (scores, whole):
        cross_entropy(one, shown.outer_labels).backward()
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("steps", "options"), [(0, {}), (2, {"batch": 0}), (2, {"passes": 2})])
def test_stretches_that_cannot_be_are_refused_in_one_line(steps: int, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"steps, batch, passes: .*: allowed are 1 or more"):
        truncated_scores(Learner(tiny(), ("head",), RATE, **options), trajectory(), steps)
