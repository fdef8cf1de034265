"""Language modelling by plastic LSTMs: predict each next word of a text that is read once from end to end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cluster.errors import UserError
from meta.data import Text, data_folder, load_text
from meta.data.folder import find_file
from meta.experiments.language import LanguageSettings
from meta.task import Task
from networks.lstm import LSTMState, StackedLSTM, drop
from networks.plastic import Lifetime

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Stretches that the validation text is read in side by side.
READERS = 10
#: Where classes of distance to a word's last occurrence begin.
RECENCY = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
#: Entropy in nats whose exponential is still a number.
LARGEST = 700
#: Seeds of generated text to train, to validate and to test with.
GENERATED_SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Texts:
    """Texts of one vocabulary."""

    train: Text
    validation: Text
    test: Text


def load_texts(settings: LanguageSettings, data: str | None) -> Texts:
    """The texts of an experiment; the vocabulary is that of the training text.

    Raises:
        UserError: a file is missing, a word is not in the vocabulary, or a text is too short.
    """
    names: list[tuple[str, ...]] = [settings.train_text, settings.validation_text, settings.test_text]
    flags = ["--train-text", "--validation-text", "--test-text"]
    if settings.data == "generated":
        from meta.data import generate_text  # compiles

        sizes = (settings.generated, settings.generated // 5, settings.generated // 5)
        parts = [generate_text(size, seed) for size, seed in zip(sizes, GENERATED_SEEDS, strict=True)]
        names, flags = [(str(settings.generated),)] * 3, ["--generated"] * 3
    else:
        folder, parts, vocabulary = data_folder(data), [], None
        for flag, given in zip(flags, names, strict=True):
            try:
                parts.append(load_text(_paths(given, settings.data, folder), vocabulary))
            except UserError as error:
                raise UserError(f"{flag}: {error}") from None
            vocabulary = parts[0].vocabulary
    if settings.validation_share:
        whole, cut = parts[0], round(len(parts[0]) * (1 - settings.validation_share))
        parts[:2] = Text(whole.ids[:cut], whole.vocabulary), Text(whole.ids[cut:], whole.vocabulary)
    needed = (settings.batch * (settings.window + 1), 2 * READERS, 2 * settings.test_readers)
    for flag, given, part, least in zip(flags, names, parts, needed, strict=True):
        if len(part) < least:
            raise UserError(f"{flag} {' '.join(given)}: {len(part)} words: allowed are {least} or more")
    return Texts(*parts)


def _paths(names: tuple[str, ...], data: str, folder: Path) -> list[Path]:
    if data == "files":
        return [Path(name) for name in names]
    return [_ptb(name, folder) for name in names]


def _ptb(name: str, folder: Path) -> Path:
    path = find_file(folder, "ptb", name)
    if path is None:
        raise UserError(
            f"{folder / 'ptb' / name}: no such file: the Penn Treebank is not free to download: put its files "
            "there (--data-folder names the folder), name your own with --data files --train-text FILE ..., or "
            "use --data generated, which needs none"
        )
    return path


class LanguageModel(nn.Module):
    """Word vectors, LSTM layers and a softmax over the vocabulary."""

    def __init__(self, settings: LanguageSettings, words: int) -> None:
        super().__init__()
        self.settings = settings
        size = settings.embedding or settings.cells[-1]
        self.embedding = nn.Embedding(words, size)
        self.layers = StackedLSTM(
            (size, *settings.cells), dropout=settings.dropout_layers, plastic=plastic_options(settings)
        )
        self.output = nn.Linear(settings.cells[-1], words)
        if settings.tied:
            self.output.weight = self.embedding.weight
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform weights; alpha starts near 0, and a modulator and its fan-out as torch has them.

        In AWD-LSTM the layers start as torch has them, but for the weights of plastic connections.
        """
        settings = self.settings
        for name, parameter in self.named_parameters():
            if name.endswith(("alpha", "fan_weight")):
                nn.init.uniform_(parameter, 0, 0.01 if settings.alpha == "connection" else 1e-4)
            elif settings.awd and name == "output.bias":
                nn.init.zeros_(parameter)
            elif settings.awd and name.endswith("recurrent.weight"):
                nn.init.uniform_(parameter, -0.01, 0.01)
            elif name.endswith("rate") or "modulator" in name or ".fan." in name:
                continue
            elif not (settings.awd and name.startswith("layers.")):
                nn.init.uniform_(parameter, -settings.spread, settings.spread)

    def forward(
        self, words: Tensor, states: list[LSTMState]
    ) -> tuple[Tensor, tuple[Tensor, Tensor], list[LSTMState]]:
        """Logits (steps, batch, vocabulary), the last layer's outputs before and after dropout, states, cut."""
        settings = self.settings
        vectors = self._embed(words)
        vectors = drop(vectors, settings.dropout_input if self.training else 0.0, True)
        outputs, states = self.layers(vectors, states, events=not settings.exact, cut=True)
        last = outputs[-1]
        dropped = drop(last, settings.dropout_output if self.training else 0.0, True)
        return self.output(dropped), (last, dropped), states

    def _embed(self, words: Tensor) -> Tensor:
        share = self.settings.dropout_words if self.training else 0.0
        vectors = self.embedding(words)
        if share == 0:
            return vectors
        mask = vectors.new_empty((self.embedding.num_embeddings, 1)).bernoulli_(1 - share) / (1 - share)
        return vectors * nn.functional.embedding(words, mask)


def plastic_options(settings: LanguageSettings) -> dict[str, Any] | None:
    """Options of the plastic cells; None for the plain LSTM."""
    if not settings.plastic:
        return None
    modulated = settings.modulation != "none"
    return {
        "rule": settings.rule,
        "alpha": settings.alpha,
        "rate": "one" if modulated else settings.eta,
        "modulation": settings.modulation,
        "fan_out": settings.fan_out if modulated else "none",
        "bound": settings.bound,
        "reads": settings.reads,
    }


def count_parameters(settings: LanguageSettings, words: int) -> int:
    """Trained numbers of the model that these settings make, without making it."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in LanguageModel(settings, words).parameters())


def match_parameters(settings: LanguageSettings, words: int) -> LanguageSettings:
    """The least shrinking of all layers that makes no more parameters than the plain LSTM has.

    A last layer whose size is that of the word vectors stays as it is.
    """
    if not (settings.matched and settings.plastic):
        return settings
    allowed = count_parameters(replace(settings, plastic=False), words)
    for less in range(min(settings.cells)):
        sizes = [size - less for size in settings.cells]
        if settings.tied:
            sizes[-1] = settings.cells[-1]
        smaller = replace(settings, cells=tuple(sizes))
        if count_parameters(smaller, words) <= allowed:
            return smaller
    given = " ".join(map(str, settings.cells))
    raise UserError(f"--cells {given}: too few to match the plain LSTM: allowed are more, or --matched false")


class LanguageTask(Task[LanguageSettings]):
    """Read the training text in windows, over and over; state and traces go on from window to window."""

    def __init__(self, settings: LanguageSettings, seed: int, data: str | None) -> None:
        super().__init__(settings, seed)
        self.texts = load_texts(settings, data)
        words = len(self.texts.train.vocabulary)
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        self.model: LanguageModel = LanguageModel(match_parameters(settings, words), words).to(self.device)
        self.columns = side_by_side(self.texts.train.ids, settings.batch)
        self.place, self.length = 0, settings.window
        self.states = self.model.layers.initial(settings.batch)
        self.average: list[Tensor] = []
        self.averaged = 0

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Cross-entropy of the next words in a window, its sum over steps or its mean, plus the penalties."""
        settings = self.settings
        stream = self.stream("training", iteration)
        torch.manual_seed(int(stream.integers(2**63)))  # of the dropout masks
        self.length = self._length(stream)
        if self.place + self.length >= len(self.columns):
            self.place, self.states = 0, self.model.layers.initial(settings.batch)
        window = self.tensor(self.columns[self.place : self.place + self.length + 1])
        self.place += self.length
        self.model.train()
        logits, (last, dropped), states = self.model(window[:-1], self.states)
        self.states = [carried(state) for state in states]
        entropy = nn.functional.cross_entropy(logits.flatten(0, 1).float(), window[1:].flatten())
        loss = entropy * self.length if settings.summed else entropy
        loss = loss + settings.activation_penalty * dropped.square().mean()
        loss = loss + settings.slowness_penalty * (last[1:] - last[:-1]).square().mean()
        return loss, {"entropy": entropy.detach()}

    def rate_factor(self) -> float:
        """Windows of varying length count by their length, as in AWD-LSTM."""
        return self.length / self.settings.window if self.settings.varied else 1.0

    def _length(self, stream: np.random.Generator) -> int:
        """Words of a window: fixed, or AWD-LSTM's draw around the window's length or, at times, half of it."""
        window = self.settings.window
        if not self.settings.varied:
            return window
        base = window if stream.random() < 0.95 else window / 2
        return int(np.clip(stream.normal(base, 5), 5, window + 10))

    def before_step(self) -> None:
        """Divide the gradient of alpha where connections share it, as the AWD program does."""
        if self.settings.alpha_divisor != 1 and self.settings.alpha != "connection":
            for name, parameter in self.model.named_parameters():
                if name.endswith("alpha") and parameter.grad is not None:
                    parameter.grad /= self.settings.alpha_divisor

    def after_step(self, iteration: int) -> None:
        """Average the parameters from some iteration on (Polyak & Juditsky 1992)."""
        if not self.settings.average_from or iteration < self.settings.average_from:
            return
        self.averaged += 1
        parameters = [parameter.detach() for parameter in self.model.parameters()]
        if self.averaged == 1:
            self.average = [parameter.clone() for parameter in parameters]
        else:
            torch._foreach_lerp_(self.average, parameters, 1 / self.averaged)

    def validate(self, iteration: int) -> dict[str, float]:
        """Perplexity on the beginning of the validation text."""
        ids = self.texts.validation.ids[: self.settings.validated]
        return {"validation_perplexity": self.perplexity(ids)}

    def evaluate(self) -> dict[str, Any]:
        """Perplexity on the whole validation and test texts, with the averaged parameters if there are any."""
        if self.averaged:
            for parameter, average in zip(self.model.parameters(), self.average, strict=True):
                parameter.copy_(average)
        return {
            "cells": list(self.model.settings.cells),
            "validation_perplexity": self.perplexity(self.texts.validation.ids),
            "test_perplexity": self.perplexity(self.texts.test.ids, self.settings.test_readers),
        }

    def perplexity(self, ids: NDArray[np.int64], readers: int = READERS) -> float:
        """Of a text cut into stretches that are read side by side, each with empty memory at its beginning.

        Raises:
            FloatingPointError: it is too large for a number, or none.
        """
        entropy = float(self.losses(ids, readers)[0].mean())
        if not entropy < LARGEST:
            raise FloatingPointError(f"entropy of a text is {entropy:.4g}: allowed is less than {LARGEST}")
        return math.exp(entropy)

    @torch.no_grad()
    def losses(self, ids: NDArray[np.int64], readers: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Loss of every word predicted (nats), and the words themselves, each (words,), stretch after stretch."""
        self.model.eval()
        columns = side_by_side(ids, readers)
        states, losses = self.model.layers.initial(readers), []
        for start in range(0, len(columns) - 1, self.settings.window):
            window = self.tensor(columns[start : start + self.settings.window + 1])
            logits, _, states = self.model(window[:-1], states)
            flat = nn.functional.cross_entropy(logits.flatten(0, 1), window[1:].flatten(), reduction="none")
            losses.append(flat.unflatten(0, window[1:].shape).double().cpu().numpy())
        return np.concatenate(losses).T.ravel(), columns[1:].T.ravel()

    def figures(self) -> dict[str, Figure]:
        """Loss of the test text's words by how long ago they were last read."""
        from analysis.memory import loss_by_recency, recency_figure

        losses, words = self.losses(self.texts.test.ids, self.settings.test_readers)
        return {"recency": recency_figure({"network": loss_by_recency(losses, words, RECENCY)})}

    def state(self) -> dict[str, NDArray]:
        """Where the reading stands, the layers' states, and the averages."""
        arrays = {"place": np.array(self.place), "averaged": np.array(self.averaged)}
        for layer, state in enumerate(self.states):
            arrays |= {f"{layer}.hidden": state.hidden.cpu().numpy(), f"{layer}.cell": state.cell.cpu().numpy()}
            if isinstance(state.lifetime, Lifetime):
                arrays[f"{layer}.trace"] = state.lifetime.trace.cpu().numpy()
                if state.lifetime.eligibility is not None:
                    arrays[f"{layer}.eligibility"] = state.lifetime.eligibility.cpu().numpy()
        return arrays | {f"average.{index}": value.cpu().numpy() for index, value in enumerate(self.average)}

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Take up what `state` gave."""
        self.place, self.averaged = int(arrays["place"]), int(arrays["averaged"])

        def stored(name: str) -> Tensor | None:
            return self.tensor(arrays[name]) if name in arrays else None

        states = []
        for layer in range(len(self.states)):
            trace = stored(f"{layer}.trace")
            lifetime = None if trace is None else Lifetime(trace, stored(f"{layer}.eligibility"))
            states.append(
                LSTMState(self.tensor(arrays[f"{layer}.hidden"]), self.tensor(arrays[f"{layer}.cell"]), lifetime)
            )
        self.states = states
        count = sum(name.startswith("average.") for name in arrays)
        self.average = [self.tensor(arrays[f"average.{index}"]) for index in range(count)]


def carried(state: LSTMState) -> LSTMState:
    """A state as the next window starts from it, in single precision."""
    lifetime = state.lifetime
    if isinstance(lifetime, Lifetime):
        eligibility = lifetime.eligibility
        lifetime = Lifetime(lifetime.trace.float(), None if eligibility is None else eligibility.float())
    return LSTMState(state.hidden.float(), state.cell.float(), lifetime)


def side_by_side(ids: NDArray[np.int64], batch: int) -> NDArray[np.int64]:
    """A text cut into stretches of one length, one a column: (steps, batch); what is left over is dropped."""
    steps = len(ids) // batch
    return np.ascontiguousarray(ids[: steps * batch].reshape(batch, steps).T)
