"""The inner loop against finite differences and against the algorithm written out step by step, in float64."""

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from meta.learners import Learner
from meta.learners.maml import meta_outputs
from meta.learners.oml import meta_scores
from meta.learners.trajectory import Trajectory

STEPS, CLASSES = 4, 3


def tiny(seed: int = 0) -> nn.Sequential:
    """Three small stages in float64."""
    torch.manual_seed(seed)
    first = nn.Sequential(nn.Linear(5, 4), nn.Tanh())
    second = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    stages = OrderedDict(representation=first, hidden=second, head=nn.Linear(4, CLASSES))
    return nn.Sequential(stages).double()


def trajectory(seed: int = 1) -> Trajectory:
    """Random examples."""
    torch.manual_seed(seed)
    examples, labels = torch.randn(STEPS + 6, 5).double(), torch.randint(0, CLASSES, (STEPS + 6,))
    return Trajectory(examples[:STEPS], labels[:STEPS], examples[STEPS:], labels[STEPS:])


def meta_loss(model: nn.Sequential, order: int, plastic: tuple[str, ...]) -> Tensor:
    """Outer loss after one lifetime."""
    shown = trajectory()
    learner = Learner(model, plastic, rate=0.5, order=order)
    return cross_entropy(meta_scores(learner, shown), shown.outer_labels)


@pytest.mark.parametrize("plastic", [("*",), ("hidden", "head"), ("head",)])
def test_second_order_gradient_is_that_of_finite_differences(plastic: tuple[str, ...]) -> None:
    model, small = tiny(), 1e-6
    meta_loss(model, 2, plastic).backward()
    with torch.no_grad():
        for parameter in model.parameters():
            flat, found = parameter.view(-1), parameter.grad.view(-1)
            for place in range(flat.numel()):
                start = float(flat[place])
                values = []
                for shift in (small, -small):
                    flat[place] = start + shift
                    values.append(float(meta_loss(model, 2, plastic)))
                flat[place] = start
                assert (values[0] - values[1]) / (2 * small) == pytest.approx(float(found[place]), abs=1e-7)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("plastic", [("hidden", "head"), ("*",)])
def test_the_algorithm_written_out_gives_the_same(order: int, plastic: tuple[str, ...]) -> None:
    model, shown = tiny(), trajectory()
    meta_loss(model, order, plastic).backward()
    own = {name: value.detach().clone().requires_grad_() for name, value in model.named_parameters()}
    plastic_names = [name for name in own if plastic == ("*",) or name.split(".")[0] in plastic]
    current: dict[str, Any] = dict(own)

    def run(values: dict[str, Any], inputs: Tensor) -> Tensor:
        for stage in ("representation.0", "hidden.0"):
            inputs = torch.tanh(inputs @ values[f"{stage}.weight"].T + values[f"{stage}.bias"])
        return inputs @ values["head.weight"].T + values["head.bias"]

    for step in range(STEPS):
        loss = cross_entropy(run(current, shown.learned[step : step + 1]), shown.labels[step : step + 1])
        wanted = [current[name] for name in plastic_names]
        gradients = torch.autograd.grad(loss, wanted, create_graph=order == 2)
        for name, gradient in zip(plastic_names, gradients, strict=True):
            current[name] = current[name] - 0.5 * gradient
    cross_entropy(run(current, shown.outer), shown.outer_labels).backward()
    for name, value in model.named_parameters():
        assert torch.allclose(value.grad, own[name].grad, rtol=1e-12, atol=1e-14), name


def test_first_order_gradient_is_the_one_at_the_adapted_parameters() -> None:
    model, shown = tiny(), trajectory()
    meta_loss(model, 1, ("*",)).backward()
    adapted = tiny()
    with torch.no_grad():
        found = Learner(model, ("*",), rate=0.5).adapt(shown.learned, shown.labels)
        for name, value in adapted.named_parameters():
            value.copy_(found[name])
    cross_entropy(adapted(shown.outer), shown.outer_labels).backward()
    for one, other in zip(model.parameters(), adapted.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad)


def test_a_lifetime_changes_nothing_but_what_it_returns() -> None:
    model, shown = tiny(), trajectory()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    learner = Learner(model, ("head",), rate=0.5)
    adapted = learner.adapt(shown.learned, shown.labels)
    assert list(adapted) == ["head.weight", "head.bias"]
    assert not torch.equal(adapted["head.weight"], model.head.weight)
    assert all(torch.equal(before[name], value) for name, value in model.named_parameters())
    assert not torch.equal(learner.predict(adapted, shown.outer), model(shown.outer))


def test_what_is_prepared_once_gives_what_each_step_would() -> None:
    class Whole(nn.Module):
        """The same stages, but nothing that could be cut."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = tiny()

        def forward(self, inputs: Tensor) -> Tensor:
            """Scores."""
            return self.inner(inputs)

    shown, cut, whole = trajectory(), tiny(), Whole()
    scores = [
        meta_scores(Learner(model, plastic, rate=0.5), shown)
        for model, plastic in ((cut, ("head",)), (whole, ("inner.head",)))
    ]
    assert torch.allclose(*scores, rtol=1e-12)
    for one in scores:
        cross_entropy(one, shown.outer_labels).backward()
    for one, other in zip(cut.parameters(), whole.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-10)


@pytest.mark.parametrize("order", [1, 2])
def test_lifetimes_together_are_lifetimes_one_by_one(order: int) -> None:
    torch.manual_seed(2)
    support, query = torch.randn(3, 5, 5).double(), torch.randn(3, 2, 5).double()
    labels = torch.randint(0, CLASSES, (3, 5))
    one, other = tiny(), tiny()
    learner = Learner(one, ("hidden", "head"), 0.3, order, batch=0, passes=2)
    together = meta_outputs(learner, support, labels, query)
    learner = Learner(other, ("hidden", "head"), 0.3, order, batch=0, passes=2)
    apart = [
        learner.predict(learner.adapt(*pair), asked) for *pair, asked in zip(support, labels, query, strict=True)
    ]
    assert torch.allclose(together, torch.stack(apart), rtol=1e-12)
    together.square().sum().backward()
    torch.stack(apart).square().sum().backward()
    for first, second in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.allclose(first.grad, second.grad, rtol=1e-10)


def test_parameters_that_are_not_meta_learned_may_learn_in_a_lifetime() -> None:
    model = tiny()
    model.head.requires_grad_(False)
    meta_loss(model, 2, ("head",)).backward()
    assert model.head.weight.grad is None and model.representation[0].weight.grad.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"plastic": ("body",)},
            "plastic: body: names no parameter: allowed are \\*, representation, hidden, head",
        ),
        ({"order": 3}, "order: 3: allowed are 1 and 2"),
        ({"passes": 0}, "passes"),
    ],
)
def test_bad_values_are_refused_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Learner(tiny(), **options)
