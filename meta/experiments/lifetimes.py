"""What every experiment with reward can set: the agent, its senses, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from cluster.errors import UserError
from cluster.parameters import parameter
from meta.settings import Training

if TYPE_CHECKING:
    from meta.environments import Environment


@dataclass(frozen=True)
class LifetimeSettings(Training):
    """Settings of an agent that learns within lifetimes with reward, trained over many by actor-critic."""

    optimizer: str = parameter("adam", "outer optimiser", choices=("adam", "rmsprop", "sgd"))
    epsilon: float = parameter(1e-8, "what adam and rmsprop add to the root of a mean square", 0)
    core: str = parameter(
        "lstm",
        "what remembers: tanh neurons, plastic or not, or torch's LSTM or GRU",
        choices=("rnn", "plastic", "lstm", "gru"),
    )
    neurons: int = parameter(48, "of the core", 1)
    rule: str = parameter(
        "oja",
        "how the traces of plastic neurons change",
        choices=("decaying", "oja", "additive", "clipped", "soft-clipped", "delta"),
    )
    alpha: str = parameter(
        "connection",
        "trained plasticity: one a connection, a neuron or for all",
        choices=("connection", "neuron", "one"),
    )
    modulation: str = parameter(
        "none",
        "who decides how much is learned at each step: a trained rate, or the network itself",
        choices=("none", "simple", "retroactive"),
    )
    fan_out: str = parameter(
        "none", "how a modulator reaches connections", choices=("none", "neuron", "connection")
    )
    bound: float = parameter(1.0, "largest trace where it is clipped", 0)
    spread: float = parameter(0.01, "weights and alphas of tanh neurons begin between 0 and this", 0)
    first_rate: float = parameter(0.01, "rate of plasticity before training", 0)
    idle_rate: bool = parameter(
        False, "count one more rate, as a published program whose modulated networks have it without use"
    )
    time: str = parameter(
        "steps", "input: number of the step, its share of the lifetime, none", choices=("none", "steps", "share")
    )
    bias: bool = parameter(False, "one more input that is always 1")
    silent: int = parameter(0, "inputs that are always 0, as published programs have some", 0)
    previous: str = parameter(
        "action",
        "what of the previous action is an input; action-0 takes 0 for the one before the first",
        choices=("none", "action", "action-0"),
    )
    discount: float = parameter(0.9, "of later rewards, a step", 0, 1)
    trace_decay: float = parameter(1.0, "lambda of advantages: 1 takes full returns", 0, 1)
    bootstrap: bool = parameter(False, "the value after the last step stands for what would follow")
    entropy: float = parameter(0.0, "weight of the policy's entropy", 0)
    last_entropy: float = parameter(-1.0, "its weight at the end, reached linearly; -1 is the same", -1)
    concentration: float = parameter(0.0, "weight of the sum of squared probabilities, a penalty", 0)
    value_weight: float = parameter(0.1, "weight of the value's squared error", 0)
    baseline: str = parameter(
        "own", "of advantages: a lifetime's own value, or that of the batch's first", choices=("own", "first")
    )
    by_steps: bool = parameter(True, "divide losses by the number of steps")

    def checked(self) -> Self:
        """Itself, if all its values are allowed and fit together."""
        super().checked()
        if self.modulation != "none" and self.core != "plastic":
            raise UserError(f"--modulation {self.modulation}: allowed with --core {self.core} is none")
        return self

    def optimizer_options(self) -> dict[str, Any]:
        """Epsilon, where the optimiser has it."""
        return {} if self.optimizer == "sgd" else {"eps": self.epsilon}

    def prepare(self, data: str | None) -> None:
        """Make the environment once, so that what it refuses is refused before a trial starts."""
        try:
            self.make_environment("cpu")
        except ValueError as error:  # its text begins with the name of what it refuses
            name, reason = str(error).split(":", 1)
            raise UserError(f"--{name.replace('_', '-')}:{reason}") from None

    def entropy_at(self, iteration: int) -> float:
        """Weight of the entropy in an iteration, the first of which is 1."""
        if self.last_entropy < 0:
            return self.entropy
        done = (iteration - 1) / max(self.iterations - 1, 1)
        return self.entropy + done * (self.last_entropy - self.entropy)

    def make_environment(self, device: str) -> Environment:
        """What the agent lives in.

        Raises:
            ValueError: settings that it refuses.
        """
        raise NotImplementedError
