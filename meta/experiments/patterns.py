"""Binary pattern completion: Miconi, Clune & Stanley 2018, section 4.1 and figures 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cluster.errors import UserError
from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.settings import Training

if TYPE_CHECKING:
    from meta.tasks.patterns import PatternTask

SOURCE = "Miconi, Clune & Stanley 2018, ICML (arXiv 1804.02464)"


@dataclass(frozen=True)
class PatternSettings(Training):
    """Settings of pattern completion; the defaults are those of the program published with the paper."""

    iterations: int = parameter(2000, "steps of the outer optimiser", 0)
    rate: float = parameter(3e-4, "rate of the outer optimiser", 0)
    network: str = parameter(
        "plastic", "plastic or plain recurrent neurons, or an LSTM", choices=("plastic", "rnn", "lstm")
    )
    bits: int = parameter(1000, "bits of a pattern", 2)
    patterns: int = parameter(5, "patterns of a lifetime", 1)
    cycles: int = parameter(2, "times that each pattern is shown", 1)
    shown: int = parameter(6, "steps of a showing", 1)
    blank: int = parameter(4, "steps without input after a showing", 0)
    test: int = parameter(6, "steps of the degraded pattern", 1)
    degraded: float = parameter(0.5, "share of bits set to 0 in the degraded pattern", 0, 1)
    hidden: int = parameter(0, "neurons beyond one for each bit and the bias", 0)
    bias: bool = parameter(True, "one more neuron that gets the input 1 at every step")
    input: str = parameter(
        "added",
        "input is added inside tanh, or neurons with input are clamped to it",
        choices=("added", "clamped"),
    )
    strength: float = parameter(20.0, "factor on the input that is added", 0)
    rule: str = parameter(
        "decaying",
        "how the Hebbian trace changes",
        choices=("decaying", "oja", "additive", "clipped", "soft-clipped", "delta"),
    )
    alpha: str = parameter(
        "connection",
        "trained plasticity: one a connection, a neuron or for all",
        choices=("connection", "neuron", "one"),
    )
    log_every: int = parameter(10, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(200, "iterations between checkpoints; a multiple of --log-every", 1)

    def checked(self) -> PatternSettings:
        """Itself, if all its values are allowed and fit together."""
        super().checked()
        if self.network == "lstm" and self.input == "clamped":
            raise UserError("--input clamped: allowed with --network lstm is added")
        return self

    def task(self, seed: int, data: str | None) -> PatternTask:
        """Completion of random patterns; needs no data."""
        from meta.tasks.patterns import PatternTask

        return PatternTask(self, seed)


_SMALL = PatternSettings(
    iterations=50_000,
    bits=50,
    patterns=2,
    cycles=1,
    shown=3,
    blank=1,
    test=3,
    log_every=100,
    checkpoint_every=10_000,
)
_PAPER: Mapping[str, Any] = {"shown": 10, "blank": 3, "cycles": 3, "rate": 1e-3, "input": "clamped"}
_SHOWN = ("loss", "error")

EXPERIMENTS = (
    Experiment(
        "miconi2018-patterns",
        "Can plastic connections be trained to store 1000-bit patterns in one lifetime and complete them?",
        SOURCE,
        PatternSettings(),
        {
            "plastic": {},
            "plastic-text": _PAPER,
            "plastic-simplest": {"bias": False},
            "plastic-oja": {"rule": "oja"},
            "plastic-shared": {"alpha": "one"},
            "rnn": {"network": "rnn"},
        },
        ("plastic",),
        {"paper": 10, "laptop": 3, "smoke": 2},
        {
            "paper": {},
            "laptop": {"bits": 200, "iterations": 1000},
            "smoke": {"bits": 30, "patterns": 2, "iterations": 60, "checkpoint_every": 20, "evaluation": 20},
        },
        _SHOWN,
    ),
    Experiment(
        "miconi2018-patterns50",
        "How many lifetimes do plastic, plain recurrent and LSTM networks need for an easier, 50-bit task?",
        SOURCE,
        _SMALL,
        {
            "plastic": {},
            "plastic-fast": {"rate": 1e-3},
            "rnn": {"network": "rnn", "hidden": 2000, "rate": 3e-5},
            "lstm": {"network": "lstm", "hidden": 1949, "rate": 3e-5, "strength": 100.0},
        },
        ("plastic", "rnn", "lstm"),
        {"paper": 5, "batched": 3, "laptop": 2, "smoke": 2},
        {
            "paper": {},
            "batched": {"iterations": 6250, "batch": 8, "log_every": 25, "checkpoint_every": 1250},
            "laptop": {"iterations": 1000, "batch": 16, "log_every": 10, "checkpoint_every": 200},
            "smoke": {"iterations": 30, "batch": 2, "log_every": 10, "checkpoint_every": 10, "evaluation": 20},
        },
        _SHOWN,
    ),
)
