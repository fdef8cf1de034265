"""Language modelling: Miconi, Rawal, Clune & Stanley 2019, section 4.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.errors import UserError
from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.settings import Training

if TYPE_CHECKING:
    from meta.tasks.language import LanguageTask

SOURCE = "Miconi, Rawal, Clune & Stanley 2019, ICLR (arXiv 2002.10585)"
MODULATIONS = ("none", "simple", "retroactive")


@dataclass(frozen=True)
class LanguageSettings(Training):
    """Settings of language modelling; the defaults are the small model's: windows of 20 words, 13 epochs.

    An epoch of the Penn Treebank's 929,589 words in batches of 20 and windows of 20 is 2,323 iterations.
    """

    iterations: int = parameter(30_199, "windows to train on; the text begins again where it ends", 0)
    batch: int = parameter(20, "stretches of the text that are read side by side", 1)
    optimizer: str = parameter("sgd", "outer optimiser", choices=("adam", "sgd"))
    rate: float = parameter(1.0, "rate of the outer optimiser", 0)
    decay: float = parameter(0.33, "factor on the rate every --decay-every iterations", 0, 1)
    decay_every: int = parameter(2323, "iterations between decays of the rate", 1)
    decay_after: int = parameter(9292, "iterations before the rate begins to decay", 0)
    clip: float = parameter(5.0, "largest norm of the gradient; 0 does not clip", 0)
    weight_decay: float = parameter(1e-6, "L2 penalty of the outer optimiser", 0)
    data: str = parameter("ptb", "what is read", choices=("ptb", "files", "generated"))
    train_text: tuple[str, ...] = parameter(
        ("ptb.train.txt",), "files to train on; names, or paths with --data files"
    )
    validation_text: tuple[str, ...] = parameter(("ptb.valid.txt",), "files to watch the training with")
    validation_share: float = parameter(
        0.0, "share of the training text, its end, that is kept out to be the validation text instead", 0, 0.5
    )
    test_text: tuple[str, ...] = parameter(("ptb.test.txt",), "files to test on")
    test_readers: int = parameter(10, "stretches of the test text that are read side by side", 1)
    generated: int = parameter(200_000, "words of generated text to train on", 1000)
    summed: bool = parameter(True, "loss: the sum over a window's steps, or their mean")
    window: int = parameter(20, "words of a window, through which gradients flow", 2)
    cells: tuple[int, ...] = parameter((200, 200), "LSTM cells of each layer", 1)
    embedding: int = parameter(0, "size of a word's vector; 0: as many as cells of the last layer", 0)
    matched: bool = parameter(
        True, "plastic networks get fewer cells, so that all have as many parameters as the plain LSTM"
    )
    plastic: bool = parameter(True, "whether the candidate path is plastic")
    modulation: str = parameter("none", "of the plastic connections", choices=MODULATIONS)
    fan_out: str = parameter("connection", "of the modulator", choices=("none", "neuron", "connection"))
    alpha: str = parameter(
        "connection",
        "trained plasticity: one a connection, a neuron or for all",
        choices=("connection", "neuron", "one"),
    )
    eta: str = parameter(
        "connection", "trained rate of plasticity without modulation", choices=("one", "connection")
    )
    reads: str = parameter(
        "old", "output that a modulator reads: before the step, or after it", choices=("old", "new")
    )
    rule: str = parameter("clipped", "how the Hebbian trace changes", choices=("clipped", "decaying", "oja"))
    bound: float = parameter(2.0, "of the trace", 0)
    exact: bool = parameter(
        False, "apply the bound at every step; else at the end of each window, several times as fast"
    )
    tied: bool = parameter(False, "words go out by the vectors they come in by")
    spread: float = parameter(0.1, "weights start uniformly between plus and minus this", 0)
    awd: bool = parameter(
        False, "layers start as torch has them, weights of plastic connections within 0.01, as in AWD-LSTM"
    )
    dropout_input: float = parameter(0.0, "dropout of word vectors", 0, 0.99)
    dropout_layers: float = parameter(0.0, "dropout between layers", 0, 0.99)
    dropout_output: float = parameter(0.0, "dropout of the last layer's output", 0, 0.99)
    dropout_words: float = parameter(0.0, "share of the vocabulary without a vector in a window", 0, 0.99)
    activation_penalty: float = parameter(0.0, "factor on the mean square of the last layer's output", 0)
    slowness_penalty: float = parameter(0.0, "factor on the mean square of its change from word to word", 0)
    varied: bool = parameter(False, "windows of varying length, as AWD-LSTM has them")
    alpha_divisor: float = parameter(1.0, "what the gradient of alpha is divided by", 1)
    average_from: int = parameter(0, "iteration from which parameters are averaged; 0: never", 0)
    log_every: int = parameter(100, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(1000, "iterations between checkpoints; a multiple of --log-every", 1)
    validated: int = parameter(10_000, "words of the validation text that a row of metrics looks at", 100)

    def rate_at(self, iteration: int) -> float:
        """Rate of the outer optimiser in an iteration, the first of which is 1."""
        past = max(0, iteration - 1 - self.decay_after)
        return self.rate * self.decay ** -(-past // self.decay_every)

    def checked(self) -> LanguageSettings:
        """Itself, if all its values are allowed and fit together."""
        super().checked()
        if self.parts > 1:
            raise UserError(f"--parts {self.parts}: allowed is 1: a text is read from end to end")
        if self.tied and self.embedding not in (0, self.cells[-1]):
            raise UserError(
                f"--embedding {self.embedding}: allowed with --tied is the last layer's size, {self.cells[-1]}"
            )
        if self.fan_out == "connection" and self.rule != "clipped" and self.modulation == "simple":
            raise UserError(f"--rule {self.rule}: allowed with --fan-out connection is clipped")
        if self.modulation == "retroactive" and self.rule != "clipped":
            raise UserError(f"--rule {self.rule}: allowed with --modulation retroactive is clipped")
        return self

    def prepare(self, data: str | None) -> None:
        """Look for the texts, and whether the layers can be matched."""
        from meta.tasks.language import load_texts, match_parameters

        match_parameters(self, len(load_texts(self, data).train.vocabulary))

    def task(self, seed: int, data: str | None) -> LanguageTask:
        """Language modelling of the texts."""
        from meta.tasks.language import LanguageTask

        return LanguageTask(self, seed, data)


CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    "lstm": {"plastic": False},
    "plastic": {},
    "modulated": {"modulation": "simple"},
    "retroactive": {"modulation": "retroactive"},
}

#: The layers of Merity et al.'s AWD-LSTM as the paper has them, without dropped recurrent weights.
AWD = LanguageSettings(
    iterations=1_143_500,  # 500 epochs of 2,287 windows, whose mean length is 67.75 words
    batch=6,
    rate=30.0,
    decay=1.0,
    decay_every=2000,
    decay_after=0,
    clip=0.25,
    weight_decay=1.2e-6,
    window=70,
    cells=(1150, 1150, 400),
    embedding=400,
    fan_out="neuron",
    alpha="neuron",
    eta="one",
    reads="new",
    tied=True,
    summed=False,
    awd=True,
    test_readers=1,
    dropout_input=0.4,
    dropout_layers=0.25,
    dropout_output=0.4,
    dropout_words=0.1,
    activation_penalty=2.0,
    slowness_penalty=1.0,
    varied=True,
    alpha_divisor=1149.0,
    average_from=286_000,
    log_every=50,
    checkpoint_every=500,
)
_GENERATED = {"data": "generated"}
_SHOWN = ("loss", "validation_perplexity")

EXPERIMENTS = (
    Experiment(
        "miconi2019-ptb",
        "Do plastic connections, modulated or not, help an LSTM of as many parameters to predict words?",
        SOURCE,
        LanguageSettings(),
        CONDITIONS,
        tuple(CONDITIONS),
        {"paper": 16, "small": 5, "laptop": 2, "smoke": 2},
        {
            "paper": {},
            "small": {
                "train_text": ("ptb.valid.txt",),
                "validation_share": 0.1,
                "cells": (100, 100),
                "iterations": 1650,  # 10 epochs of 165 windows; more words would let it learn for longer
                "decay": 0.4,
                "decay_every": 165,
                "decay_after": 990,
                "log_every": 55,
                "checkpoint_every": 165,
            },
            "laptop": _GENERATED
            | {"cells": (100, 100), "iterations": 2000, "decay_every": 300, "decay_after": 900},
            "smoke": _GENERATED
            | {
                "generated": 5000,
                "cells": (12, 12),
                "iterations": 20,
                "batch": 4,
                "window": 8,
                "log_every": 5,
                "checkpoint_every": 10,
                "validated": 200,
            },
        },
        _SHOWN,
    ),
    Experiment(
        "miconi2019-ptb-awd",
        "Do neuromodulated plastic layers improve a large, regularised LSTM language model?",
        SOURCE,
        AWD,
        {
            "lstm": {"plastic": False},
            "modulated": {"modulation": "simple"},
            "plastic": {},
        },
        ("lstm", "modulated"),
        {"paper": 5, "laptop": 1, "smoke": 1},
        {
            "paper": {},
            "laptop": _GENERATED | {"iterations": 300, "average_from": 200, "checkpoint_every": 100},
            "smoke": _GENERATED
            | {
                "generated": 5000,
                "cells": (20, 20, 12),
                "embedding": 12,
                "iterations": 8,
                "average_from": 4,
                "window": 10,
                "log_every": 2,
                "checkpoint_every": 4,
                "validated": 200,
            },
        },
        _SHOWN,
    ),
)
