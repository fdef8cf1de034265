"""Language modelling: every word is predicted once, memory goes on, sizes match, parameters are averaged."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import UserError
from meta.experiments.language import AWD, CONDITIONS, EXPERIMENTS, LanguageSettings
from meta.tasks.language import (
    LanguageModel,
    LanguageTask,
    count_parameters,
    load_texts,
    match_parameters,
    side_by_side,
)
from meta.training import make_optimizer, step

PTB = 10_000  # words of its vocabulary


def small(**values: Any) -> LanguageSettings:
    """Settings of a tiny model of generated text."""
    chosen = {"data": "generated", "generated": 1200, "cells": (6, 5), "batch": 3, "window": 7} | values
    return replace(LanguageSettings(), **chosen)


@pytest.fixture
def words(tmp_path: Path) -> dict[str, Any]:
    """Settings that read files of 5 words."""
    for name, count in (("train", 120), ("validation", 53), ("test", 47)):
        text = "\n".join("a b c d"[: 1 + 2 * (k % 4)] for k in range(count))
        (tmp_path / name).write_text(text + "\n")
    return {"data": "files"} | {
        f"{name}_text": (str(tmp_path / name),) for name in ("train", "validation", "test")
    }


@given(st.integers(1, 60), st.integers(1, 9))
def test_stretches_stand_side_by_side_in_reading_order(length: int, batch: int) -> None:
    ids = np.arange(length)
    columns = side_by_side(ids, batch)
    assert columns.shape == (length // batch, batch)
    np.testing.assert_array_equal(columns.T.ravel(), ids[: length // batch * batch])


@pytest.mark.parametrize("varied", [False, True])
def test_windows_predict_every_word_once_and_carry_the_state(
    varied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = LanguageTask(small(varied=varied, window=20 if varied else 7, batch=6), 1, None)
    given, states = [], []
    forward = task.model.forward

    def watched(window: torch.Tensor, before: Any) -> Any:
        answer = forward(window, before)
        given.append(window.numpy())
        states.append((before, answer[2]))
        return answer

    monkeypatch.setattr(task.model, "forward", watched)
    read = 0
    for iteration in range(1, 200):
        task.loss(iteration)
        if iteration > 1 and task.place == len(given[-1]):
            break
        read += len(given[-1])
    assert iteration > 5
    first = np.concatenate(given[:-1])
    np.testing.assert_array_equal(first, task.columns[:read])  # no word twice, none left out
    assert len(task.columns) - read <= (31 if varied else 8)
    np.testing.assert_array_equal(given[-1], task.columns[: len(given[-1])])  # the text begins again
    for (_, after), (before, _) in pairwise(states[:-1]):
        for one, other in zip(after, before, strict=True):
            assert torch.equal(one.hidden, other.hidden) and torch.equal(one.lifetime.trace, other.lifetime.trace)
            assert not other.hidden.requires_grad and not other.lifetime.trace.requires_grad
    assert not states[-1][0][0].lifetime.trace.any() and not states[-1][0][0].hidden.any()
    lengths = {len(window) for window in given}
    assert lengths == {7} if not varied else len(lengths) > 3 and min(lengths) >= 5 and max(lengths) <= 30


@pytest.mark.parametrize("summed", [True, False])
def test_the_loss_is_the_cross_entropy_of_the_next_words_and_the_penalties(summed: bool) -> None:
    task = LanguageTask(small(activation_penalty=2.0, slowness_penalty=3.0, summed=summed), 1, None)
    window = torch.from_numpy(task.columns[:8])
    logits, (last, dropped), _ = task.model(window[:-1], task.model.layers.initial(3))
    assert torch.equal(last, dropped)
    loss, measures = task.loss(1)
    log_p = torch.log_softmax(logits, -1)
    entropy = -log_p.gather(-1, window[1:, :, None]).mean()
    expected = entropy * (7 if summed else 1)  # 7 words a window, averaged over the batch
    expected = expected + 2 * last.square().mean() + 3 * (last[1:] - last[:-1]).square().mean()
    assert float(measures["entropy"]) == pytest.approx(float(entropy.detach()), rel=1e-5)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_a_uniform_model_s_perplexity_is_the_size_of_the_vocabulary(words: dict[str, Any]) -> None:
    task = LanguageTask(small(**words, batch=2), 1, None)
    with torch.no_grad():
        task.model.output.weight.zero_()
        task.model.output.bias.zero_()
    assert task.perplexity(task.texts.test.ids) == pytest.approx(5, rel=1e-6)
    assert task.evaluate()["test_perplexity"] == pytest.approx(5, rel=1e-6)
    assert task.validate(1)["validation_perplexity"] == pytest.approx(5, rel=1e-6)


def test_perplexity_predicts_every_word_but_the_first_of_each_stretch() -> None:
    task = LanguageTask(small(), 1, None)
    ids = task.texts.test.ids[:205]
    columns = torch.from_numpy(side_by_side(ids, 10))
    with torch.no_grad():
        logits, _, _ = task.model.eval()(columns[:-1], task.model.layers.initial(10))
        expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), columns[1:].flatten()).exp()
    assert task.perplexity(ids) == pytest.approx(float(expected), rel=1e-4)


def test_penalties_are_of_outputs_after_dropout_and_of_changes_before_it() -> None:
    settings = small(dropout_output=0.5, activation_penalty=2.0, slowness_penalty=3.0)
    task, plain = (LanguageTask(one, 1, None) for one in (settings, replace(settings, activation_penalty=0.0)))
    seen = []
    task.model.register_forward_hook(lambda _module, _given, out: seen.append(out[1]))
    difference = task.loss(1)[0] - plain.loss(1)[0]
    ((last, dropped),) = seen
    assert not torch.equal(last, dropped)
    assert float(difference.detach()) == pytest.approx(2 * float(dropped.detach().square().mean()), rel=1e-3)


def test_windows_of_varying_length_scale_the_rate_and_not_the_gradient() -> None:
    """Where the clip binds, a scaled loss would have no effect: steps go by the rate."""
    settings = small(varied=True, window=20, batch=2, rate=3.0, clip=1e-3, weight_decay=0.0)
    task = LanguageTask(settings, 1, None)
    optimizer = make_optimizer(task.model, settings)
    lengths = set()
    for iteration in range(1, 6):
        before = [parameter.detach().clone() for parameter in task.model.parameters()]
        step(task, optimizer, iteration)
        pairs = zip(task.model.parameters(), before, strict=True)
        change = torch.cat([(parameter.detach() - old).flatten() for parameter, old in pairs])
        assert float(change.norm()) == pytest.approx(3.0 * 1e-3 * task.length / 20, rel=1e-2)
        lengths.add(task.length)
    assert len(lengths) > 1


def test_exact_windows_differ_where_the_bound_is_reached_and_only_there() -> None:
    ends = {}
    for exact in (True, False):
        for bound in (0.01, 1e6):
            task = LanguageTask(small(exact=exact, bound=bound, eta="one", spread=2.0), 1, None)
            with torch.no_grad():
                for name, value in task.model.named_parameters():
                    value.add_(1.0 if name.endswith(("alpha", "rate")) else 0.0)
            ends[exact, bound] = float(task.loss(1)[0].detach())
    assert ends[True, 1e6] == pytest.approx(ends[False, 1e6], rel=1e-5)
    assert ends[True, 0.01] != pytest.approx(ends[False, 0.01], rel=1e-4)


def test_awd_layers_start_as_torch_has_them_and_plastic_weights_near_0() -> None:
    torch.manual_seed(1)
    model = LanguageModel(small(awd=True, alpha="neuron", cells=(60, 50)), 40)
    largest = {name: float(value.detach().abs().max()) for name, value in model.named_parameters()}
    for name, value in largest.items():
        if name.startswith("layers.") and name.endswith("recurrent.weight"):
            assert 0.009 < value <= 0.01
        elif name.startswith("layers.") and name.endswith(("input.weight", "gates.weight")):
            assert value == pytest.approx(model.get_parameter(name).shape[1] ** -0.5, rel=0.05)
    assert largest["output.bias"] == 0
    assert largest["embedding.weight"] == pytest.approx(0.1, rel=0.05)


def test_the_end_of_the_training_text_may_be_the_validation_text(words: dict[str, Any]) -> None:
    whole = load_texts(small(**words), None)
    cut = load_texts(small(**words, validation_share=0.25), None)
    assert len(cut.validation) == round(0.25 * len(whole.train))
    np.testing.assert_array_equal(np.concatenate([cut.train.ids, cut.validation.ids]), whole.train.ids)
    np.testing.assert_array_equal(cut.test.ids, whole.test.ids)


def test_one_reader_reads_the_test_text_from_end_to_end() -> None:
    task = LanguageTask(small(test_readers=1), 1, None)
    ids = task.texts.test.ids
    with torch.no_grad():
        words = torch.from_numpy(ids)[:, None]
        logits, _, _ = task.model.eval()(words[:-1], task.model.layers.initial(1))
        expected = torch.nn.functional.cross_entropy(logits[:, 0], words[1:, 0]).exp()
    assert task.evaluate()["test_perplexity"] == pytest.approx(float(expected), rel=1e-4)


def test_a_diverged_perplexity_says_so() -> None:
    task = LanguageTask(small(), 1, None)
    with torch.no_grad():
        task.model.output.bias.copy_(torch.linspace(0, 1e6, len(task.model.output.bias)))
    with pytest.raises(FloatingPointError, match=r"entropy of a text is .*: allowed is less than"):
        task.validate(1)


def test_the_large_models_have_as_many_parameters_as_published() -> None:
    assert count_parameters(replace(AWD, plastic=False), PTB) == 24_221_600
    modulated = replace(AWD, modulation="simple")
    shrunk = match_parameters(modulated, PTB)
    assert shrunk.cells == (1149, 1149, 400)
    assert count_parameters(shrunk, PTB) == 24_198_893


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("cells", [(200, 200), (40, 30)])
def test_conditions_are_matched_as_close_as_whole_cells_go(condition: str, cells: tuple[int, ...]) -> None:
    settings = replace(LanguageSettings(), cells=cells, **CONDITIONS[condition])
    plain = count_parameters(replace(settings, plastic=False), 1000)
    shrunk = match_parameters(settings, 1000)
    less = cells[0] - shrunk.cells[0]
    assert shrunk.cells == tuple(size - less for size in cells)
    assert count_parameters(shrunk, 1000) <= plain
    if less:
        larger = replace(shrunk, cells=tuple(size + 1 for size in shrunk.cells))
        assert count_parameters(larger, 1000) > plain
    assert match_parameters(replace(settings, matched=False), 1000).cells == cells


def test_parameters_counted_are_those_of_the_model_made() -> None:
    for condition in CONDITIONS.values():
        for tied in (False, True):
            settings = small(tied=tied, **condition)
            made = sum(parameter.numel() for parameter in LanguageModel(settings, 50).parameters())
            assert count_parameters(settings, 50) == made


def test_parameters_are_averaged_from_an_iteration_on_and_evaluated_so() -> None:
    task = LanguageTask(small(average_from=3), 1, None)
    weight, seen = task.model.output.weight, []
    for iteration in range(1, 7):
        with torch.no_grad():
            weight.add_(float(iteration))
        seen.append(weight.detach().clone())
        task.after_step(iteration)
    index = [parameter is weight for parameter in task.model.parameters()].index(True)
    expected = torch.stack(seen[2:]).mean(0)
    torch.testing.assert_close(task.average[index], expected, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        task.evaluate()
    torch.testing.assert_close(weight.detach(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("alpha", ["connection", "neuron", "one"])
def test_the_gradient_of_a_shared_alpha_is_divided_and_no_other(alpha: str) -> None:
    task = LanguageTask(small(alpha_divisor=4.0, modulation="simple", alpha=alpha), 1, None)
    task.loss(1)[0].backward()
    before = {n: p.grad.clone() for n, p in task.model.named_parameters() if p.grad is not None}
    task.before_step()
    divided = [
        n for n, p in task.model.named_parameters() if p.grad is not None and not torch.equal(p.grad, before[n])
    ]
    assert bool(divided) == (alpha != "connection") and all(name.endswith("alpha") for name in divided)
    for name in divided:
        torch.testing.assert_close(task.model.get_parameter(name).grad * 4, before[name])  # type: ignore[operator]


def test_the_rate_decays_as_zaremba_s_does() -> None:
    settings = replace(LanguageSettings(), decay=0.5, decay_every=10, decay_after=40)
    rates = {k: settings.rate_at(k) for k in (1, 41, 42, 51, 52, 61, 62)}
    assert rates == {1: 1.0, 41: 1.0, 42: 0.5, 51: 0.5, 52: 0.25, 61: 0.25, 62: 0.125}
    assert AWD.rate_at(1) == AWD.rate_at(1_000_000) == 30.0


@pytest.mark.parametrize("treatment", CONDITIONS)
def test_state_and_averages_come_back(treatment: str) -> None:
    settings = small(average_from=1, **CONDITIONS[treatment])
    task, other = LanguageTask(settings, 1, None), LanguageTask(settings, 1, None)
    for iteration in (1, 2):
        task.loss(iteration)
        task.after_step(iteration)
    other.restore(task.state())
    stored, again = task.state(), other.state()
    assert stored.keys() == again.keys() and all(np.array_equal(stored[name], again[name]) for name in stored)
    assert float(task.loss(3)[0].detach()) == float(other.loss(3)[0].detach())


def test_dropout_acts_in_training_only_and_comes_from_the_seed() -> None:
    everything = dict.fromkeys(("dropout_input", "dropout_layers", "dropout_output", "dropout_words"), 0.5)
    task, same, other = (LanguageTask(small(**everything), seed, None) for seed in (1, 1, 2))
    assert float(task.loss(1)[0].detach()) == float(same.loss(1)[0].detach()) != float(other.loss(1)[0].detach())
    ids = task.texts.test.ids
    assert task.perplexity(ids) == task.perplexity(ids) == same.perplexity(ids)


def test_a_tied_model_s_words_go_out_by_the_vectors_they_come_in_by() -> None:
    model = LanguageModel(small(tied=True), 50)
    assert model.output.weight is model.embedding.weight
    with pytest.raises(UserError, match="--embedding 7: allowed with --tied is the last layer's size, 5"):
        small(tied=True, embedding=7).checked()


def test_fresh_models_guess_evenly() -> None:
    task = LanguageTask(small(spread=0.01), 1, None)
    loss = float(task.loss(1)[1]["entropy"])
    assert loss == pytest.approx(math.log(len(task.texts.train.vocabulary)), rel=0.01)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"batch": 60}, "--train-text .*train: 420 words: allowed are 480 or more"),
        ({"test": "a b\n"}, "--test-text .*test: 3 words: allowed are 20 or more"),
        ({"validation": "a\n" * 9}, "--validation-text .*validation: 18 words: allowed are 20 or more"),
        ({"test": "a b z\n" * 9}, "test: line 1: 'z': allowed are the 5 words of the vocabulary"),
    ],
)
def test_texts_that_do_not_fit_are_refused(change: dict[str, Any], says: str, words: dict[str, Any]) -> None:
    for name, text in change.items():
        if name != "batch":
            Path(words[f"{name}_text"][0]).write_text(text)
    with pytest.raises(UserError, match=says):
        load_texts(small(**words, batch=change.get("batch", 2)), None)


def test_the_published_models_are_the_experiments() -> None:
    small_model, large = EXPERIMENTS
    assert small_model.settings.cells == (200, 200) and large.settings.cells == (1150, 1150, 400)
