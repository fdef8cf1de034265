"""PathNet: pathways through a network of modules evolve for each task, and the best one is kept for good.

Fernando et al. (2017), PathNet: evolution channels gradient descent in super neural networks, arXiv 1701.08734.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meta.baselines.tasks import InTasks, check_counts
from meta.learners.parameters import Parameters

#: Weights (outputs, inputs) and biases (outputs, 1); of pathways side by side, (paths, outputs, ...).
Affine = tuple[Tensor, Tensor]
#: Which modules of each layer are active, (layers, active); the same one may be named more than once.
Path = NDArray[np.int64]
#: How far a gene moves when it mutates, at most.
REACH = 2


class PathNet(InTasks):
    """Layer i is h_i = sum over its active modules m of relu(W_im h_{i-1} + b_im); the outputs are W h + b.

    A pathway names the modules that are active, at most so many a layer; each task has outputs of its own. A task
    begins with random pathways. For a tournament, two of them drawn at random each learn for a pass through the
    examples of the task so far; the one that was right more often as they came overwrites the other with a copy
    of itself, in which every gene moves with probability 1/(layers x active), by -2 to 2 and wrapped around.
    There are tournaments when a class ends; then that pathway answers which is right most often on the same
    examples. With the task's last class its modules are frozen, and all modules that are not are drawn anew.
    Later pathways may go through frozen modules, which do not learn; when all are frozen, only outputs do.

    A step is on a minibatch of the task's examples, which are kept until it ends; between ends of classes there is
    none. The published program learns with plain gradient descent.

    Attributes:
        modules: by layer and place.
        frozen: which of them are, (layers, modules).
        population: pathways, (population, layers, active).
        best: the pathway that answers for the current task.

    Args:
        stage: as `InTasks`.
        parameters: as `InTasks`.
        rate: as `Online`, of modules and outputs.
        seed: of modules, pathways, tournaments and minibatches.
        task_classes: as `InTasks`.
        task_known: as `InTasks`.
        units: of a module.
        layers: of modules.
        modules: of a layer.
        active: modules of a layer that a pathway has at most.
        tournaments: after each class.
        population: pathways.
        batch: examples of a step.

    Raises:
        ValueError: a count of nothing, more active modules than there are, or fewer than two pathways.
    """

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        task_classes: int = 10,
        task_known: bool = False,
        units: int = 20,
        layers: int = 3,
        modules: int = 10,
        active: int = 3,
        tournaments: int = 10,
        population: int = 64,
        batch: int = 16,
    ) -> None:
        super().__init__(stage, parameters, rate, seed, task_classes, task_known)
        check_counts(units=units, layers=layers, tournaments=tournaments, batch=batch)
        if not 0 < active <= modules:
            raise ValueError(f"active: {active}: allowed are 1 to {modules}, the modules of a layer")
        if population < 2:
            raise ValueError(f"population: {population}: allowed is 2 or more")
        self.units, self.active, self.tournaments, self.batch = units, active, tournaments, batch
        self.modules: dict[tuple[int, int], Affine] = {}
        self.frozen = np.zeros((layers, modules), bool)
        self.population = np.zeros((population, layers, active), np.int64)
        self._ended_paths: list[list[Affine]] = []
        self._stacks: list[Affine] = []  # these side by side, layer by layer, then their outputs

    def begin_task(self, inputs: int) -> None:
        """Draw pathways, outputs, and the modules that are not frozen."""
        self._random = self.stream()
        parts = {"outputs": self._drawn(self.task_classes, self.units)}
        for layer, place in np.argwhere(~self.frozen).tolist():
            parts[f"{layer}.{place}"] = self._drawn(self.units, self.units if layer else inputs)
            self.modules[layer, place] = parts[f"{layer}.{place}"]
        self.ends = parts["outputs"]
        self.adopt({f"{name}.{k}": value for name, pair in parts.items() for k, value in enumerate(pair)})
        self.population = self._random.integers(0, self.frozen.shape[1], self.population.shape)
        self.best = self.population[0].copy()

    def learn(self, prepared: Any, labels: Tensor) -> None:
        """Keep an example until its task ends."""
        self.enter(prepared, labels)
        self.kept.append((prepared.flatten(1), labels))

    def end_class(self) -> None:
        """Hold tournaments on the task's examples so far, then let the best pathway answer."""
        values, labels = self.shown()
        for _ in range(self.tournaments):
            self.tournament(values, labels)
        with torch.no_grad():
            right = [_right(self.answers(path, values), labels) for path in self.population]
        self.best = self.population[int(np.argmax(right))].copy()
        super().end_class()

    def end_task(self) -> None:
        """Freeze the best pathway, and put a copy of it beside those of earlier tasks."""
        for layer, row in enumerate(self.best):
            self.frozen[layer, row] = True
        for place in zip(*np.nonzero(self.frozen), strict=True):
            weight, bias = self.modules[place]
            self.modules[place] = weight.detach(), bias.detach()
        own = [*(_filled(layer, self.active * self.units) for layer in self._layers(self.best)), self.ends]
        self._ended_paths.append([(weight.detach(), bias.detach()) for weight, bias in own])
        self._stacks = [
            (torch.stack([weight for weight, _ in layer]), torch.stack([bias for _, bias in layer]))
            for layer in zip(*self._ended_paths, strict=True)
        ]

    def own_scores(self, prepared: Any) -> Tensor:
        """Outputs of the current task along the best pathway, (batch, classes of a task)."""
        return self.answers(self.best, prepared.flatten(1))

    def scores(self, prepared: Any) -> Tensor:
        """Outputs of the pathways of all tasks, (batch, tasks x classes of a task)."""
        values = prepared.flatten(1)
        earlier = [self._through(self._stacks, values)] if self._stacks else []
        current = [self.answers(self.best, values)] if len(self._ended_paths) == self.task else []
        return torch.cat([*earlier, *current], 1)

    def mutated(self, path: Path) -> Path:
        """A copy of a pathway, some of whose genes moved."""
        moves = self._random.integers(-REACH, REACH + 1, path.shape)
        chosen = self._random.random(path.shape) < 1 / path.size
        return (path + chosen * moves) % self.frozen.shape[1]

    def shown(self) -> tuple[Tensor, Tensor]:
        """The task's examples so far, (examples, inputs), and places of their classes in it, (examples,)."""
        values, labels = (torch.cat(parts) for parts in zip(*self.kept, strict=True))
        return values, labels - self.outputs.start

    def tournament(self, values: Tensor, labels: Tensor) -> None:
        """Two pathways learn; the better one, or the first of equals, overwrites the other."""
        first, second = self._random.permutation(len(self.population))[:2].tolist()
        fitness = [self.train(self.population[k], values, labels) for k in (first, second)]
        winner, loser = (first, second) if fitness[0] >= fitness[1] else (second, first)
        self.population[loser] = self.mutated(self.population[winner])

    def train(self, path: Path, values: Tensor, labels: Tensor) -> int:
        """Learn along a pathway for a pass through examples; tells how many were right as they came."""
        order = torch.from_numpy(self._random.permutation(len(labels))).to(labels.device)
        places = [(layer, place) for layer, row in enumerate(path) for place in np.unique(row).tolist()]
        free = [self.modules[place] for place in places if not self.frozen[place]]
        learning = [value for pair in (*free, self.ends) for value in pair]
        self.optimizer.param_groups[0]["params"] = learning  # neither modules off the path nor frozen ones
        right = 0
        for rows in order.split(self.batch):
            scores = self.answers(path, values[rows])
            right += _right(scores, labels[rows])
            loss = nn.functional.cross_entropy(scores, labels[rows])
            for value, gradient in zip(learning, torch.autograd.grad(loss, learning), strict=True):
                value.grad = gradient
            self.optimizer.step()
        return right

    def answers(self, path: Path, values: Tensor) -> Tensor:
        """Outputs (batch, classes of a task) of the current task along a pathway."""
        pairs = (*self._layers(path), self.ends)
        return self._through([(weight[None], bias[None]) for weight, bias in pairs], values)

    def _through(self, stacks: list[Affine], values: Tensor) -> Tensor:
        """Outputs (batch, outputs) of pathways side by side, of values (batch, inputs)."""
        *layers, (weight, bias) = stacks
        values = values.T
        for modules, biases in layers:
            values = (
                (modules @ values + biases).relu().unflatten(1, (-1, self.units)).sum(1)
            )  # (paths, units, batch)
        return (weight @ values + bias).flatten(0, 1).T

    def _layers(self, path: Path) -> list[Affine]:
        """Weights of a pathway's modules, layer by layer, each module once however often it is named."""
        joined = []
        for layer, row in enumerate(path):
            weights, biases = zip(*(self.modules[layer, place] for place in np.unique(row).tolist()), strict=True)
            joined.append((torch.cat(weights), torch.cat(biases)))
        return joined

    def _drawn(self, size: int, inputs: int) -> Affine:
        return self.weights(self._random, size, inputs), self.like.new_zeros(size, 1)


def _right(scores: Tensor, labels: Tensor) -> int:
    return int((scores.argmax(1) == labels).sum())


def _filled(layer: Affine, rows: int) -> Affine:
    """A layer with rows of zeros, that is with modules that say nothing, up to so many."""
    weight, bias = layer
    missing = rows - len(weight)
    return nn.functional.pad(weight, (0, 0, 0, missing)), nn.functional.pad(bias, (0, 0, 0, missing))
