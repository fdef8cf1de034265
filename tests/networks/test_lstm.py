"""Plastic LSTM cells against loops, torch's own LSTM and their event form; stacks and their dropout."""

from typing import Any

import numpy as np
import pytest
import torch
from plasticity_loops import arrays, assert_close, draw, learned, modulator_output, product, scatter
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten
from torch.utils.checkpoint import checkpoint

from networks.lstm import LSTMCell, LSTMState, PlasticLSTMCell, StackedLSTM, drop
from networks.plastic import FAN_OUTS, Lifetime

X, N, B, T = 3, 4, 2, 5
KINDS: dict[str, dict[str, Any]] = {
    "decaying": {},
    "clipped, a rate each": {"rule": "clipped", "rate": "connection", "bound": 50.0},
    "oja, one alpha": {"rule": "oja", "alpha": "one"},
    "soft-clipped": {"rule": "soft-clipped"},
    "delta": {"rule": "delta"},
    "simple": {"rule": "clipped", "modulation": "simple", "bound": 50.0},
    "simple, old, to connections": {
        "rule": "clipped",
        "modulation": "simple",
        "fan_out": "connection",
        "reads": "old",
        "bound": 50.0,
    },
    "simple, to neurons": {
        "rule": "clipped",
        "modulation": "simple",
        "fan_out": "neuron",
        "alpha": "neuron",
        "bound": 50.0,
    },
    "retroactive": {"modulation": "retroactive", "bound": 50.0, "reads": "old"},
    "retroactive, to neurons": {"modulation": "retroactive", "fan_out": "neuron", "bound": 50.0},
}


def made(kind: str) -> PlasticLSTMCell:
    """A cell with random parameters, in float64."""
    cell = PlasticLSTMCell(X, N, **KINDS[kind]).double()
    scatter(cell, 3)
    return cell


def leaves(state: Any) -> list[Tensor]:
    """The tensors of a state."""
    return [leaf for leaf in tree_leaves(state) if leaf is not None]


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_its_equations(kind: str) -> None:
    cell = made(kind)
    inputs = draw(1, T, B, X)
    outputs, state = cell.unroll(inputs, cell.initial(B), events=False)
    assert isinstance(state.lifetime, Lifetime)
    known = arrays(cell)
    plastic = {n.removeprefix("recurrent."): value for n, value in known.items() if n.startswith("recurrent.")}
    alpha = np.broadcast_to(plastic["alpha"], (N, N))
    for b in range(B):
        hidden, memory, trace, modulator = np.zeros(N), np.zeros(N), np.zeros((N, N)), 0.0
        eligibility = np.zeros((N, N)) if cell.recurrent.modulation == "retroactive" else None
        for t in range(T):
            driven = known["input.weight"] @ inputs[t, b].numpy() + known["input.bias"]
            gates = sigmoid(driven[: 3 * N] + known["gates.weight"] @ hidden + known["gates.bias"])
            enter, forget, out = gates[:N], gates[N : 2 * N], gates[2 * N :]
            candidate = np.tanh(driven[3 * N :] + product(hidden, plastic["weight"], alpha, trace))
            memory = forget * memory + enter * candidate
            new = out * np.tanh(memory)
            if cell.recurrent.modulation != "none":
                modulator = modulator_output(plastic, new if cell.reads == "new" else hidden)
            trace, eligibility = learned(plastic, KINDS[kind], trace, eligibility, hidden, candidate, modulator)
            hidden = new
            np.testing.assert_allclose(outputs[t, b].detach(), hidden, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(state.lifetime.trace[b].detach(), trace, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(state.cell[b].detach(), memory, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", [(T,), (2, 3)])
def test_windows_as_events_agree_with_plain_steps(kind: str, split: tuple[int, ...]) -> None:
    cell = made(kind)

    def results(events: bool) -> list[Tensor]:
        inputs = draw(1, T, B, X, gradient=True)
        start = [
            draw(5 + k, *leaf.shape, spread=0.5, gradient=True) for k, leaf in enumerate(leaves(cell.initial(B)))
        ]
        state = LSTMState(start[0], start[1], Lifetime(*start[2:]))
        parts = []
        for window in inputs.split(list(split)):
            outputs, state = cell.unroll(window, state, events)
            parts.append(outputs)
        left = [torch.cat(parts), *leaves(state)]
        loss = torch.stack([value.pow(3).sum() for value in left]).sum()
        return [*left, *torch.autograd.grad(loss, [inputs, *start, *cell.parameters()])]

    assert_close(results(True), results(False), 1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_that_is_cut_off_is_the_same_and_has_no_gradient(kind: str) -> None:
    cell = made(kind)
    first, second = draw(1, 3, B, X), draw(2, 3, B, X)
    before = cell.unroll(first, cell.initial(B), cut=True)[1]
    kept = [leaf.clone() for leaf in leaves(before)]
    whole, after = cell.unroll(second, before)
    outputs, cut = cell.unroll(second, before, cut=True)
    assert torch.equal(outputs, whole) and outputs.requires_grad
    assert all(leaf.requires_grad for leaf in leaves(after))
    assert not any(leaf.requires_grad for leaf in (*leaves(before), *leaves(cut)))
    assert_close(leaves(cut), leaves(after), 1e-14)
    assert all(torch.equal(leaf, old) for leaf, old in zip(leaves(before), kept, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_finite_differences(kind: str) -> None:
    cell = made(kind)
    names = [name for name, _ in cell.named_parameters()]

    def answer(inputs: Tensor, *values: Tensor) -> Tensor:
        state = cell.initial(B)
        for step in inputs:
            state = torch.func.functional_call(cell, dict(zip(names, values, strict=True)), (step, state))
        return torch.cat([leaf.flatten() for leaf in leaves(state)])

    values = [value.detach().clone().requires_grad_() for value in cell.parameters()]
    assert torch.autograd.gradcheck(answer, (draw(2, 3, B, X, gradient=True), *values), fast_mode=True)


def test_without_alpha_torchs_lstm_remains() -> None:
    for alpha in ("connection", "neuron", "one"):
        cell, plain = PlasticLSTMCell(X, N, alpha=alpha).double(), torch.nn.LSTM(X, N).double()
        scatter(cell, 1)
        with torch.no_grad():
            cell.recurrent.alpha.zero_()
            order = [0, 1, 3, 2]  # torch: input, forget, candidate, output gate
            parts = cell.input.weight.chunk(4), cell.input.bias.chunk(4)
            plain.weight_ih_l0.copy_(torch.cat([parts[0][k] for k in order]))
            plain.bias_ih_l0.copy_(torch.cat([parts[1][k] for k in order]))
            hidden = [*cell.gates.weight.chunk(3), cell.recurrent.weight.T]
            biases = [*cell.gates.bias.chunk(3), torch.zeros(N, dtype=torch.float64)]
            plain.weight_hh_l0.copy_(torch.cat([hidden[k] for k in order]))
            plain.bias_hh_l0.copy_(torch.cat([biases[k] for k in order]))
        inputs = draw(1, T, B, X)
        expected, (last, memory) = plain(inputs)
        for events in (True, False):
            outputs, state = cell.unroll(inputs, cell.initial(B), events)
            assert_close([outputs, state.hidden, state.cell], [expected, last[0], memory[0]], 1e-13)


def test_the_plain_twin_is_torchs_lstm_and_goes_on_where_it_stopped() -> None:
    cell = LSTMCell(X, N)
    inputs = draw(1, T, B, X).float()
    expected, (last, memory) = cell.lstm(inputs)
    outputs, state = cell.unroll(inputs, cell.initial(B))
    assert torch.equal(outputs, expected) and torch.equal(state.hidden, last[0])
    assert torch.equal(state.cell, memory[0]) and state.lifetime is None
    first, middle = cell.unroll(inputs[:2], cell.initial(B))
    second, _ = cell.unroll(inputs[2:], middle)
    torch.testing.assert_close(torch.cat([first, second]), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_as_many_single_lifetimes(kind: str) -> None:
    cell = made(kind)
    inputs = draw(1, T, B, X)
    for events in (True, False):
        outputs, state = cell.unroll(inputs, cell.initial(B), events)
        for b in range(B):
            alone, own = cell.unroll(inputs[:, b : b + 1], cell.initial(1), events)
            assert_close([alone], [outputs[:, b : b + 1]], 1e-12)
            assert_close(leaves(own), [leaf[b : b + 1] for leaf in leaves(state)], 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_lifetimes_can_be_mapped_and_checkpointed(kind: str) -> None:
    cell, inputs = made(kind), draw(1, 2, B, X)
    state = cell.initial(B)
    flat, form = tree_flatten(state)

    def one(step: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        known = iter(parts)
        own = tree_unflatten([None if leaf is None else next(known)[None] for leaf in flat], form)
        return tuple(part[0] for part in leaves(cell(step[None], own)))

    saved = state
    for step in inputs:
        mapped = torch.func.vmap(one)(step, *leaves(state))
        state, saved = cell(step, state), checkpoint(cell, step, saved, use_reentrant=False)
        assert_close(list(mapped), leaves(state), 1e-12)
    gradients = [
        torch.autograd.grad(end.hidden.sum(), list(cell.parameters()), allow_unused=True) for end in (state, saved)
    ]
    for a, b in zip(*gradients, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)


def test_a_state_can_be_cut_off() -> None:
    cell = made("retroactive")
    _, state = cell.unroll(draw(1, T, B, X), cell.initial(B))
    cut = state.detach()
    assert_close(leaves(cut), leaves(state), 0.0)
    assert all(leaf.requires_grad for leaf in leaves(state)) and not any(
        leaf.requires_grad for leaf in leaves(cut)
    )


@pytest.mark.parametrize("plastic", [None, {"rule": "clipped", "modulation": "simple"}])
def test_a_stack_runs_its_layers_one_after_the_other(plastic: dict[str, Any] | None) -> None:
    stack = StackedLSTM((X, 4, 5), plastic=plastic).double()
    inputs = draw(1, T, B, X)
    outputs, after = stack(inputs, stack.initial(B))
    assert [layer.shape for layer in outputs] == [(T, B, 4), (T, B, 5)]
    first, own = stack.layers[0].unroll(inputs, stack.layers[0].initial(B))
    second, _ = stack.layers[1].unroll(first, stack.layers[1].initial(B))
    assert torch.equal(outputs[0], first) and torch.equal(outputs[1], second)
    assert_close(leaves(after[0]), leaves(own), 0.0)


def test_dropout_acts_between_layers_in_training_only() -> None:
    stack = StackedLSTM((X, 50, 5), dropout=0.5, plastic=None)
    inputs = draw(1, T, B, X).float()
    torch.manual_seed(0)
    one, other = (stack(inputs, stack.initial(B))[0] for _ in range(2))
    assert torch.equal(one[0], other[0]) and not torch.equal(one[1], other[1])
    stack.eval()
    one, other = (stack(inputs, stack.initial(B))[0] for _ in range(2))
    assert torch.equal(one[1], other[1])


def test_dropout_keeps_the_mean_and_a_locked_mask_holds_for_all_steps() -> None:
    torch.manual_seed(0)
    values = torch.ones(30, 40, 50)
    locked, free = drop(values, 0.3, True), drop(values, 0.3, False)
    for dropped in (locked, free):
        assert dropped.mean().item() == pytest.approx(1, abs=0.03)
        assert dropped.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
        assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert torch.equal(locked[0], locked[-1]) and not torch.equal(free[0], free[-1])
    assert drop(values, 0.0, True) is values


def test_a_word_that_is_no_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="reads: 'next': allowed are new, old"):
        PlasticLSTMCell(X, N, reads="next")


@pytest.mark.parametrize("fan_out", FAN_OUTS)
def test_without_a_modulator_there_is_nothing_to_fan_out(fan_out: str) -> None:
    torch.manual_seed(0)
    cells = [PlasticLSTMCell(4, 3, rule="clipped", fan_out=out) for out in (fan_out, "none")]
    cells[0].load_state_dict(cells[1].state_dict())
    inputs = draw(1, 5, 2, 4).float()
    one, other = (cell.unroll(inputs, cell.initial(2))[0] for cell in cells)
    assert torch.equal(one, other)
