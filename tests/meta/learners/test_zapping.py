"""Zapping changes rows of the parameter itself; alternating learning leaves a lifetime's steps in the model."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from meta.learners import Learner
from meta.learners.iid import sparse_scores
from meta.learners.trajectory import Trajectory
from meta.learners.zapping import alternating_scores, zap


def test_only_the_rows_named_change_and_they_are_kaiming_normal() -> None:
    head = nn.Linear(2000, 5)
    before = head.weight.detach().clone()
    bias = head.bias.detach().clone()
    zap(head, [1, 3], np.random.default_rng(0))
    changed = (head.weight != before).any(1)
    assert changed.tolist() == [False, True, False, True, False]
    assert head.weight[[1, 3]].std().item() == pytest.approx((2 / 2000) ** 0.5, rel=0.05)
    assert torch.equal(head.bias, bias)


def test_alternating_steps_are_plain_gradient_descent_on_the_model() -> None:
    torch.manual_seed(0)
    model, copy = nn.Linear(4, 3), nn.Linear(4, 3)
    copy.load_state_dict(model.state_dict())
    shown, labels = torch.randn(7, 4), torch.randint(0, 3, (7,))
    trajectory = Trajectory(shown[:5], labels[:5], shown[5:], labels[5:])
    scores = alternating_scores(Learner(model, rate=0.2), trajectory)
    optimizer = torch.optim.SGD(copy.parameters(), 0.2)
    for example, label in zip(shown[:5], labels[:5], strict=True):
        optimizer.zero_grad()
        cross_entropy(copy(example[None]), label[None]).backward()
        optimizer.step()
    assert torch.allclose(model.weight, copy.weight, atol=1e-6)
    cross_entropy(scores, trajectory.outer_labels).backward()
    optimizer.zero_grad()
    cross_entropy(copy(shown), labels).backward()
    assert torch.allclose(model.weight.grad, copy.weight.grad, atol=1e-6)


def test_sparsity_costs_what_the_divergence_of_exponentials_is() -> None:
    model = nn.Sequential(nn.Identity(), nn.Linear(2, 2))
    features = torch.tensor([[0.5, 0.01], [0.5, 0.01]])
    _, penalty = sparse_scores(model, features, 0.1)
    ratio = 0.1 / 0.5001
    assert float(penalty) == pytest.approx((ratio - np.log(ratio) - 1) / 2, rel=1e-5)
