"""Progress and compress: an active column learns a task, then a knowledge base takes over what it learned.

Schwarz et al. (2018), Progress & Compress: a scalable framework for continual learning, arXiv 1805.06370.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, linear, log_softmax

from meta.baselines.ewc import ElasticWeights
from meta.baselines.tasks import InTasks, check_counts
from meta.learners.parameters import Parameters
from meta.optimizers import Adam


class ProgressAndCompress(InTasks):
    """Progress: layer i of the active column is h_i = f(W_i h_{i-1} + b_i + s_i * (U_i f(V_i k_{i-1} + c_i))).

    f is ReLU, but the last layer's outer one the identity; k_i = f(W_i k_{i-1} + b_i), with weights of its own, is
    the knowledge base, which does not change meanwhile; h_0 and k_0 are what comes in, so that links begin at the
    second layer; s_i are factors, one a unit, learned from small values. Compress, at the end of a task: the
    knowledge base, with new outputs for the task's classes, goes down

        KL(active column's answers || knowledge base's) + strength/2 * sum over i of decay F_i (p_i - p*_i)^2

    of the answers that the new outputs give, on the task's examples, which were kept and which it goes through
    several times. F and p* are those of online elastic weight consolidation (`ElasticWeights`), in which this task
    then counts as well. From then on the knowledge base answers for the task; nothing but its outputs grows.

    Attributes:
        base: the knowledge base, once there was an example.

    Args:
        stage: as `InTasks`.
        parameters: as `InTasks`.
        rate: as `Online`, of both networks.
        seed: of the weights to start with, and of the order in compression.
        task_classes: as `InTasks`.
        task_known: as `InTasks`.
        task_drawn: as `InTasks`.
        units: of each hidden layer of both networks.
        layers: hidden layers of both.
        strength: of the penalty.
        importance_decay: what F keeps of earlier tasks with each task.
        passes: through the task's examples in compression.
        batch: examples of a step in compression.
        reset_active: draw the active column anew for every task; otherwise its outputs alone.

    Raises:
        ValueError: a count of nothing.
    """

    base: KnowledgeBase

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        task_classes: int = 10,
        task_known: bool = False,
        task_drawn: int = 10,
        units: int = 100,
        layers: int = 2,
        strength: float = 1.0,
        importance_decay: float = 0.9,
        passes: int = 20,
        batch: int = 16,
        reset_active: bool = True,
    ) -> None:
        super().__init__(stage, parameters, rate, seed, task_classes, task_known, task_drawn)
        check_counts(units=units, layers=layers, passes=passes, batch=batch)
        self.units, self.layers, self.passes, self.batch = units, layers, passes, batch
        self.strength, self.decay, self.reset_active = strength, importance_decay, reset_active

    def begin_task(self, inputs: int) -> None:
        """Draw the active column, and before the first task the knowledge base."""
        self._random = self.stream()
        if self.task == 0:
            widths = [inputs, *[self.units] * self.layers]
            hidden = {str(k): self._affine(size, below) for k, (below, size) in enumerate(pairwise(widths))}
            hidden[str(self.layers)] = {name: value[:0] for name, value in self._affine(1, self.units).items()}
            self.base = KnowledgeBase(
                self.stage, flat(hidden), self.rate, strength=self.strength * self.decay, decay=self.decay
            )
        sizes = [inputs, *[self.units] * self.layers, self.task_classes]
        kept = {} if self.task == 0 or self.reset_active else self.parameters
        drawn = {str(k): self._layer(k, size, below) for k, (below, size) in enumerate(pairwise(sizes))}
        own = flat(drawn) | {name: value for name, value in kept.items() if not name.startswith(f"{self.layers}.")}
        self.adopt({name: value.detach() for name, value in own.items()})

    def end_task(self) -> None:
        """Compress."""
        examples, labels = (torch.cat(parts) for parts in zip(*self.kept, strict=True))
        with torch.no_grad():
            answers = log_softmax(self.own_scores(examples), 1)
        self.base.grow(self._affine(self.task_classes, self.units))
        for _ in range(self.passes):
            order = torch.from_numpy(self._random.permutation(len(labels))).to(labels.device)
            for rows in order.split(self.batch):
                self.base.distil(examples[rows], answers[rows])
        self.base.consolidate(self.kept)

    def own_scores(self, prepared: Any) -> Tensor:
        """Outputs of the active column, (batch, classes of a task)."""
        with torch.no_grad():
            known = self.base.activations(prepared)
        return self._active(known)

    def scores(self, prepared: Any) -> Tensor:
        """Outputs of the knowledge base for tasks that are over and of the active column, (batch, outputs)."""
        with torch.no_grad():
            known = self.base.activations(prepared)
        if known[-1].shape[1] == self.outputs.stop:
            return known[-1]
        return torch.cat([known[-1], self._active(known)], 1)

    def _active(self, known: list[Tensor]) -> Tensor:
        """Outputs of the active column, (batch, classes of a task), beside layers of the knowledge base."""
        own, values = self.parameters, known[0]
        for k in range(self.layers + 1):
            values = linear(values, own[f"{k}.weight"], own[f"{k}.bias"])
            if k:
                said = linear(known[k], own[f"{k}.adapter"], own[f"{k}.offset"]).relu()
                values = values + own[f"{k}.scale"] * linear(said, own[f"{k}.lateral"])
            values = values if k == self.layers else values.relu()
        return values

    def _affine(self, size: int, below: int) -> Parameters:
        return {"weight": self.weights(self._random, size, below), "bias": self.like.new_zeros(size)}

    def _layer(self, number: int, size: int, below: int) -> Parameters:
        """Weights of a layer of the active column; named W, b, V, c, s, U in the equation."""
        layer = self._affine(size, below)
        if number:
            layer |= {
                "adapter": self.weights(self._random, self.units, below),
                "offset": self.like.new_zeros(self.units),
                "scale": self.tensor(self._random.uniform(0.0, 0.1, size)),
                "lateral": self.weights(self._random, size, self.units),
            }
        return layer


class KnowledgeBase(ElasticWeights):
    """A multilayer perceptron with ReLU that takes over answers, held back where earlier tasks need it.

    Its parameters are "0.weight", "0.bias" and so on, layer by layer; see `ElasticWeights` for its arguments.

    Attributes:
        newest: places of the outputs that were added last.
    """

    newest = slice(0, 0)

    def activations(self, prepared: Any) -> list[Tensor]:
        """What comes in, flat, the hidden layers and the outputs, each (batch, values)."""
        own, values = list(self.parameters.values()), [prepared.flatten(1)]
        for weight, bias in zip(own[:-2:2], own[1:-2:2], strict=True):
            values.append(linear(values[-1], weight, bias).relu())
        return [*values, linear(values[-1], own[-2], own[-1])]

    def scores(self, prepared: Any) -> Tensor:
        """Class scores (batch, outputs)."""
        return self.activations(prepared)[-1]

    def loss(self, prepared: Any, labels: Tensor) -> Tensor:
        """Cross-entropy of examples among the newest outputs, whose gradients say what is important."""
        return cross_entropy(self.scores(prepared)[:, self.newest], labels - self.newest.start)

    def grow(self, outputs: Parameters) -> None:
        """Add outputs, which nothing holds back yet; Adam starts anew."""
        self.newest = slice(self.newest.stop, self.newest.stop + len(outputs["bias"]))
        for part, (name, value) in zip(outputs.values(), list(self.parameters.items())[-2:], strict=True):
            self.parameters[name] = torch.cat([value.detach(), part]).requires_grad_()
            for table in (self.importance, self._anchored):
                table[name] = torch.cat([table[name], torch.zeros_like(part)])
        self.optimizer = Adam(list(self.parameters.values()), self.rate, fused=True)

    def divergence(self, prepared: Any, answers: Tensor) -> Tensor:
        """KL divergence of the newest outputs from answers (batch, newest), logarithms of probabilities."""
        own = log_softmax(self.scores(prepared)[:, self.newest], 1)
        return kl_div(own, answers, reduction="batchmean", log_target=True)

    def distil(self, prepared: Any, answers: Tensor) -> None:
        """Take one step down the divergence and the penalty."""
        loss = self.divergence(prepared, answers)
        self.step(self.penalised(torch.autograd.grad(loss, list(self.parameters.values()))))


def flat(layers: Mapping[str, Parameters]) -> Parameters:
    """Parameters of layers under the names "layer.parameter"."""
    return {f"{number}.{name}": value for number, layer in layers.items() for name, value in layer.items()}
