"""The plastic readout: its closed form is what showing one picture after the other gives."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plasticity_loops import changed, draw, scatter
from torch import Tensor

from networks.readout import PlasticReadout

F, C, B = 6, 4, 3


def made(dtype: torch.dtype, seed: int = 0, **options: Any) -> PlasticReadout:
    """A readout with random parameters; the rate is from 0 to 0.5."""
    readout = PlasticReadout(F, C, **options)
    scatter(readout, seed, spread=0.1, rate=0.5)
    return readout.to(dtype)


def shown(seed: int, shots: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Features (batch, classes x shots, F) of labelled pictures in random order, and their labels."""
    generator = torch.Generator().manual_seed(seed)
    order = [torch.randperm(C * shots, generator=generator) for _ in range(B)]
    labels = torch.arange(C).repeat(shots)[torch.stack(order)]
    return torch.tanh(draw(seed, B, C * shots, F)).to(dtype), labels


@given(
    st.integers(0, 2**31),
    st.sampled_from(["oja", "decaying"]),
    st.integers(1, 4),
    st.sampled_from(["connection", "neuron", "one"]),
)
@settings(max_examples=25)
def test_the_closed_form_is_the_sequential_form(seed: int, rule: str, shots: int, alpha: str) -> None:
    for dtype, tolerance in ((torch.float32, 2e-6), (torch.float64, 1e-12)):
        readout = made(dtype, seed, rule=rule, alpha=alpha)
        support, labels = shown(seed, shots, dtype)
        closed, sequential = readout.stored(support, labels), readout.shown(support, labels)
        torch.testing.assert_close(closed, sequential, rtol=tolerance, atol=tolerance)
        query = draw(seed + 1, B, F).to(dtype)
        connections = readout.connections
        expected = torch.einsum("bf,fc->bc", query, connections.weight) + torch.einsum(
            "bf,bfc->bc", query, connections.alpha * sequential
        )
        torch.testing.assert_close(readout(support, labels, query), expected, rtol=1e-5, atol=10 * tolerance)


@pytest.mark.parametrize("rule", ["oja", "decaying"])
def test_both_forms_have_the_same_gradients(rule: str) -> None:
    readout = made(torch.float64, rule=rule)
    support, labels = shown(1, 2, torch.float64)
    support.requires_grad_()
    assert readout.connections.rate is not None
    wanted = [support, readout.connections.rate]
    one = torch.autograd.grad(readout.stored(support, labels).pow(2).sum(), wanted)
    other = torch.autograd.grad(readout.shown(support, labels).pow(2).sum(), wanted)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b)


def test_a_label_is_so_strong_that_the_output_is_the_label() -> None:
    for dtype in (torch.float32, torch.float64):
        scores = torch.tensor([3.0, -80.0, 90.0, 5.0], dtype=dtype)
        for label in range(C):
            given = 1000.0 * torch.nn.functional.one_hot(torch.tensor(label), C)
            out = torch.softmax(scores + given, -1)
            assert torch.equal(out, torch.nn.functional.one_hot(torch.tensor(label), C).to(dtype))


@pytest.mark.parametrize("rule", ["oja", "decaying"])
def test_what_is_stored_is_the_rule_applied_to_features_and_labels(rule: str) -> None:
    readout = made(torch.float64, rule=rule)
    support, labels = shown(5, 3, torch.float64)
    stored = readout.stored(support, labels).detach()
    assert readout.connections.rate is not None
    rate = readout.connections.rate.detach().expand(F, C).numpy()
    for b in range(B):
        trace = torch.zeros(F, C, dtype=torch.float64).numpy()
        for features, label in zip(support[b], labels[b], strict=True):
            one_hot = torch.nn.functional.one_hot(label, C).double()
            trace = changed(rule, trace, features.numpy(), one_hot.numpy(), rate)
        torch.testing.assert_close(stored[b], torch.from_numpy(trace))


@pytest.mark.parametrize(
    "options", [{"rule": "clipped"}, {"rule": "delta"}, {"rule": "oja", "rate": "connection"}]
)
def test_rules_without_a_closed_form_show_the_pictures(options: dict[str, Any]) -> None:
    readout = made(torch.float64, **options)
    support, labels = shown(2, 1, torch.float64)
    assert torch.equal(readout.stored(support, labels), readout.shown(support, labels))
    assert readout.stored(support, labels).abs().max() > 0


def test_a_class_that_looks_like_the_query_wins() -> None:
    readout = PlasticReadout(F, C, rule="oja", alpha="one")
    with torch.no_grad():
        readout.connections.weight.zero_()
        readout.connections.alpha.fill_(1.0)
    features = torch.eye(F)[:C].expand(2, C, F)
    labels = torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0]])
    scores = readout(features, labels, features[:, 1])
    assert scores.argmax(1).tolist() == [1, 2]
