"""Agents trained over lifetimes with reward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from meta.environments import Environment
from meta.experiments.lifetimes import LifetimeSettings
from meta.learners.actor_critic import ActorCritic
from meta.learners.agents import Agent, GatedCore, Senses, TanhCore
from meta.learners.lifetimes import Lived, live
from meta.task import Task
from networks.recurrent import RNNCell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

S = TypeVar("S", bound=LifetimeSettings)
#: Lifetimes of the evaluation that are lived at once.
TOGETHER = 500


class LifetimeTask(Task[S]):
    """An agent that learns within lifetimes, whatever the environment; trained by actor-critic.

    Attributes:
        environment: of its lifetimes.
        agent: the model.
    """

    def __init__(self, settings: S, seed: int) -> None:
        super().__init__(settings, seed)
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        self.environment: Environment = settings.make_environment(settings.device)
        self.agent = make_agent(settings, self.environment).to(self.device)
        self.model = self.agent
        self.learner = ActorCritic(
            settings.discount,
            settings.trace_decay,
            settings.bootstrap,
            settings.entropy,
            settings.concentration,
            settings.value_weight,
            settings.baseline,
            settings.by_steps,
        )

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Actor-critic loss of a batch of lifetimes."""
        stream = self.stream("training", iteration)
        lived = live(self.agent, self.environment, self.settings.batch, stream, learn=True)
        learner = replace(self.learner, entropy=self.settings.entropy_at(iteration))
        loss, measures = learner.loss(self.agent, lived)
        return loss, measures | self.measures(lived)

    def measures(self, lived: Lived) -> dict[str, Tensor]:
        """What else a row of metrics says of lifetimes just lived in `environment`; nothing by default."""
        return {}

    def evaluate(self) -> dict[str, Any]:
        """Reward of new lifetimes."""
        rewards = torch.cat([lived.rewards.sum(0) for lived in self.evaluated(self.environment)])
        return {"reward": float(rewards.mean())}

    def figures(self) -> dict[str, Figure]:
        """The connections of tanh neurons."""
        from analysis.matrices import matrices_figure, plastic_matrices_figure

        core = self.agent.core
        if isinstance(core, GatedCore):
            return {}
        if isinstance(core.cell, RNNCell):
            return {"matrices": matrices_figure({"W": core.cell.weight.cpu().numpy()})}
        connections = core.cell.recurrent
        weight, alpha = connections.weight.cpu().numpy(), connections.alpha.cpu().numpy()
        return {"matrices": plastic_matrices_figure(weight, alpha)}

    def evaluated(self, environment: Environment, kind: int = 0) -> Iterator[Lived]:
        """Lifetimes of the evaluation, some at a time; the environment holds what happened in those just given.

        Args:
            environment: where.
            kind: names one of several such evaluations.
        """
        count = self.settings.evaluation
        for number, first in enumerate(range(0, count, TOGETHER)):
            stream = self.stream("evaluation", kind * 1_000_000 + number)
            yield live(self.agent, environment, min(TOGETHER, count - first), stream)


def make_agent(settings: LifetimeSettings, environment: Environment) -> Agent:
    """The agent that the settings describe, for an environment."""
    senses = Senses(
        environment.observations,
        0 if settings.previous == "none" else environment.actions,
        environment.steps,
        settings.time,
        settings.bias,
        settings.silent,
        settings.previous == "action-0",
    )
    agent = Agent(senses, make_core(settings, senses.size), environment.actions)
    if settings.idle_rate:
        agent.idle_rate = nn.Parameter(torch.tensor(settings.first_rate))
    return agent


def make_core(settings: LifetimeSettings, inputs: int) -> TanhCore | GatedCore:
    """What remembers, for a number of inputs."""
    if settings.core in ("lstm", "gru"):
        return GatedCore(inputs, settings.neurons, settings.core)
    plastic = None
    if settings.core == "plastic":
        names = ("rule", "alpha", "modulation", "fan_out", "bound")
        plastic = {name: getattr(settings, name) for name in names}
    return TanhCore(
        inputs, settings.neurons, spread=settings.spread, first_rate=settings.first_rate, plastic=plastic
    )
