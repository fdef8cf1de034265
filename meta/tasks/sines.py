"""Sines to fit: from a few points (Finn et al. 2017), or ten of them one after another (Javed and White 2019)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cluster.errors import UserError
from meta.experiments.adaptation import IncrementalSettings, SineSettings
from meta.learners import Learner
from meta.learners.maml import meta_outputs
from meta.learners.parameters import matching
from meta.protocols.few_shot import scores_by_step, squared_error, summary
from meta.task import Task
from networks.adaptation import adaptation_mlp
from networks.representation import representation_mlp

#: Sines on which rates of the test are chosen.
SEARCHED = 100


@dataclass(frozen=True, eq=False)
class Sines:
    """Sines y = amplitude * sin(x + phase), both (sines,)."""

    amplitude: NDArray[np.float64]
    phase: NDArray[np.float64]

    def points(self, count: int, stream: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Points x uniform in [-5, 5] and y of each sine, both (sines, count, 1)."""
        x = stream.uniform(-5, 5, (len(self.phase), count, 1))
        y = self.amplitude[:, None, None] * np.sin(x + self.phase[:, None, None])
        return x.astype(np.float32), y.astype(np.float32)


def draw_sines(count: int, stream: np.random.Generator, sign: int = -1) -> Sines:
    """Sines with amplitudes uniform in [0.1, 5] and phases in [0, pi], which count with a sign."""
    return Sines(stream.uniform(0.1, 5, count), sign * stream.uniform(0, np.pi, count))


class SineTask(Task[SineSettings]):
    """Fit a sine from a few points."""

    def __init__(self, settings: SineSettings, seed: int) -> None:
        super().__init__(settings, seed)
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        inputs = 3 if settings.learner == "oracle" else 1
        self.model = adaptation_mlp(inputs, settings.hidden).to(self.device)
        self.learner = self.make_learner(settings.inner_rate, settings.steps)

    def make_learner(self, rate: float, steps: int) -> Learner:
        """What fits a sine, in steps of all its points."""
        return Learner(
            self.model, ("*",), rate, self.settings.order, batch=0, passes=steps, loss=nn.functional.mse_loss
        )

    def draw(self, count: int, stream: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Inputs and answers of sines, twice the shots of each, both (sines, points, ...)."""
        sines = draw_sines(count, stream)
        x, y = sines.points(2 * self.settings.shots, stream)
        if self.settings.learner == "oracle":
            told = np.stack([sines.amplitude, sines.phase], 1)[:, None].astype(np.float32)
            x = np.concatenate([x, np.broadcast_to(told, (count, x.shape[1], 2))], 2)
        return self.tensor(x), self.tensor(y)

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Squared error at new points after adaptation, or at all points without."""
        settings, k = self.settings, self.settings.shots
        x, y = self.draw(settings.batch, self.stream("training", iteration))
        if settings.learner == "maml":
            outputs, y = meta_outputs(self.learner, x[:, :k], y[:, :k], x[:, k:]), y[:, k:]
        else:
            outputs = self.model(x)
        error = nn.functional.mse_loss(outputs, y)
        return error, {"error": error.detach()}

    def errors(self, rate: float, count: int, stream: np.random.Generator) -> Tensor:
        """Squared errors of sines before and after each step at a rate, (sines, steps + 1)."""
        k = self.settings.shots
        x, y = self.draw(count, stream)
        learner, steps = self.make_learner(rate, 1), self.settings.test_steps
        return scores_by_step(learner, x[:, :k], y[:, :k], x[:, k:], y[:, k:], steps, squared_error)

    def evaluate(self) -> dict[str, Any]:
        """Errors before and after each step, at the rate that is best for one step on other sines."""
        settings = self.settings
        rates = settings.test_rates or (settings.inner_rate,)
        searched = [float(self.errors(rate, SEARCHED, self.stream("validation"))[:, 1].mean()) for rate in rates]
        rate = rates[int(np.nanargmin(searched))]
        scores = self.errors(rate, settings.evaluation, self.stream("evaluation"))
        return summary(scores, "error") | {"test_rate": rate}


def check_parameters(settings: IncrementalSettings) -> None:
    """Refuse names of parameters that the network does not have.

    Raises:
        UserError: names the flag.
    """
    try:
        matching(make_network(replace(settings, width=1)), settings.plastic, "--plastic")
    except ValueError as error:
        raise UserError(str(error)) from None


def make_network(settings: IncrementalSettings) -> nn.Sequential:
    """The network, initialised with torch's random numbers; its inputs are x and which function it is of."""
    hidden = tuple(settings.width for _ in range(settings.hidden))
    return representation_mlp(settings.functions + 1, settings.width, settings.layers, hidden)


class IncrementalTask(Task[IncrementalSettings]):
    """Learn sines one after another, each told by its number, and keep all of them."""

    def __init__(self, settings: IncrementalSettings, seed: int) -> None:
        super().__init__(settings, seed)
        self.pool = draw_sines(settings.pool, self.stream("training", 0), sign=1)
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        self.model = make_network(settings).to(self.device)
        self.learner = self.make_learner(settings.inner_rate)

    def make_learner(self, rate: float) -> Learner:
        """What learns one sine after another."""
        settings = self.settings
        return Learner(
            self.model, settings.plastic, rate, settings.order, batch=settings.points, loss=nn.functional.mse_loss
        )

    def sines(self, stream: np.random.Generator) -> Sines:
        """Sines of a lifetime from those to train on."""
        chosen = stream.integers(0, self.settings.pool, self.settings.functions)
        return Sines(self.pool.amplitude[chosen], self.pool.phase[chosen])

    def points(self, sines: Sines, count: int, stream: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Inputs (functions, count, functions + 1) and answers (functions, count, 1)."""
        x, y = sines.points(count, stream)
        which = np.broadcast_to(np.eye(len(x), dtype=np.float32)[:, None], (*x.shape[:2], len(x)))
        return self.tensor(np.concatenate([x, which], 2)), self.tensor(y)

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Squared error on all sines of a lifetime after the last was learned, a mean over lifetimes."""
        settings, stream = self.settings, self.stream("training", iteration)
        losses, errors = [], []
        for _ in range(settings.batch):
            sines = self.sines(stream)
            asked, truth = (part.flatten(0, 1) for part in self.points(sines, settings.points, stream))
            if settings.learner == "pretrain":
                own = [nn.functional.mse_loss(self.model(asked), truth)]
            else:
                x, y = self.points(sines, settings.points * settings.updates, stream)
                own = self.judged(x.flatten(0, 1), y.flatten(0, 1), asked, truth)
            losses.append(torch.stack(own).sum())
            errors.append(own[-1].detach())
        return torch.stack(losses).mean(), {"error": torch.stack(errors).mean()}

    def judged(self, x: Tensor, y: Tensor, asked: Tensor, truth: Tensor) -> list[Tensor]:
        """Squared errors after a lifetime; if it is truncated, after each stretch, on the sines that have begun.

        Args:
            x: points of a lifetime in order, (points, ...).
            y: their answers.
            asked: as many other points of each sine, (others, ...).
            truth: their answers.
        """
        settings, error = self.settings, nn.functional.mse_loss
        if not settings.truncate:
            return [error(self.learner.predict(self.learner.adapt(x, y), asked), truth)]
        known, prepared, errors = self.learner.prepare(x), self.learner.prepare(asked), []
        for done, adapted in self.learner.stretches(known, y, settings.truncate):
            begun = math.ceil(done / (settings.points * settings.updates)) * settings.points
            errors.append(error(self.learner.answer(adapted, prepared[:begun]), truth[:begun]))
        return errors

    def lifetime(self, rate: float, stream: np.random.Generator) -> NDArray[np.float64]:
        """Squared error on each new sine after each of them was learned, (learned, asked)."""
        settings, learner = self.settings, self.make_learner(rate)
        sines = draw_sines(settings.functions, stream, sign=1)
        x, y = self.points(sines, settings.points * settings.updates, stream)
        asked, truth = self.points(sines, 64, stream)
        parameters, rows = learner.initial(), []
        known, prepared = learner.prepare(x, together=True), learner.prepare(asked, together=True)
        for values, answers in zip(known, y, strict=True):
            parameters = learner.adapt_prepared(values, answers, start=parameters)
            errors = (learner.answer(parameters, prepared) - truth).square().mean((1, 2))
            rows.append(errors.cpu().numpy())
        return np.array(rows, np.float64)

    def evaluate(self) -> dict[str, Any]:
        """Error on the sines seen so far after each of them, at the rate that is best on other lifetimes."""
        settings = self.settings
        lives = max(1, settings.evaluation // 5)
        searched = [
            np.mean([self.lifetime(rate, self.stream("validation", k))[-1] for k in range(lives)])
            for rate in settings.test_rates
        ]
        rate = settings.test_rates[int(np.nanargmin(searched))]
        tables = [self.lifetime(rate, self.stream("evaluation", k)) for k in range(settings.evaluation)]
        seen = np.array([[row[: k + 1].mean() for k, row in enumerate(table)] for table in tables])
        return {
            "error_seen": seen.mean(0).tolist(),
            "error_by_function": np.mean([table[-1] for table in tables], 0).tolist(),
            "first_error": float(seen[:, 0].mean()),
            "last_error": float(seen[:, -1].mean()),
            "test_rate": rate,
        }
