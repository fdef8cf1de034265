"""Progressive networks: a new column of neurons for each task, which also listens to all earlier columns.

Rusu et al. (2016), Progressive neural networks, arXiv 1606.04671, equations 1 and 2.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from meta.baselines.tasks import InTasks, check_counts
from meta.learners.parameters import Parameters

#: A layer of columns side by side.
Layer = dict[str, Tensor]
#: Numbers that the links between columns may take at once while examples are examined.
ROOM = 2**25


class Progressive(InTasks):
    """A column is h_i^k = f(W_i^k h_{i-1}^k + b_i^k + sum over j < k of U_i^kj a(V_i^kj s_i^kj h_{i-1}^j)).

    f and a are ReLU, of the last layer f is the identity; h_0 is what comes in, which all columns see themselves,
    so that links between columns begin at the second layer. V reduces what an earlier column says to a few values,
    after it was scaled by s, a number that is learned too and starts small. With a task's last example its column
    stops learning for good.

    Frozen columns are stacked, layer by layer: a step costs a few operations however many columns there are, on
    weights that grow with their number and, for the links between them, its square.

    Args:
        stage: as `InTasks`.
        parameters: as `InTasks`.
        rate: as `Online`, of each column.
        seed: of the weights that columns start with.
        task_classes: as `InTasks`.
        task_known: as `InTasks`.
        task_drawn: as `InTasks`.
        units: of each hidden layer of a column.
        layers: hidden layers of a column.
        adapters: values that V leaves.
        shared: one a(sum over j < k of V_i^kj s_i^kj h_{i-1}^j) and one U_i^k, as in equation 2, where earlier
            columns are concatenated and a column's links hardly grow with their number.

    Raises:
        ValueError: a count of nothing.
    """

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
        adapters: int = 20,
        shared: bool = False,
    ) -> None:
        super().__init__(stage, parameters, rate, seed, task_classes, task_known, task_drawn)
        check_counts(units=units, layers=layers, adapters=adapters)
        self.units, self.layers, self.adapters, self.shared = units, layers, adapters, shared
        self.frozen: list[Layer] = []  # the columns of earlier tasks, (columns, ...) and (pairs of columns, ...)
        self.column: list[Layer] = []  # the one that learns; the tensors of `parameters`

    def begin_task(self, inputs: int) -> None:
        """Draw a column."""
        stream, columns = self.stream(), self.task
        sizes = [inputs, *[self.units] * self.layers, self.task_classes]
        self.column = []
        for number, (below, size) in enumerate(pairwise(sizes)):
            layer = {"weight": self.weights(stream, 1, size, below), "bias": self.like.new_zeros(1, size, 1)}
            if number:
                layer |= {
                    "adapter": self.weights(stream, columns, self.adapters, below),
                    "scale": self.tensor(stream.uniform(0.0, 0.1, (columns, 1, 1))),
                    "lateral": self.weights(stream, 1 if self.shared else columns, size, self.adapters),
                }
            self.column.append(layer)
        self.adopt({f"{k}.{name}": value for k, layer in enumerate(self.column) for name, value in layer.items()})
        if not self.frozen:
            self.frozen = [{name: value.detach()[:0] for name, value in layer.items()} for layer in self.column]

    def end_task(self) -> None:
        """Freeze the column: put it on the stacks."""
        self.frozen = [
            {name: torch.cat([stack[name], value.detach()]) for name, value in layer.items()}
            for stack, layer in zip(self.frozen, self.column, strict=True)
        ]
        self.parameters, self.column = {}, []

    def own_scores(self, prepared: Any) -> Tensor:
        """Outputs of the column that learns, (batch, classes of a task)."""
        own = earlier = prepared.flatten(1).T
        for number in range(self.layers + 1):
            own = self._own_layer(number, own, earlier)
            if number < self.layers:
                earlier = self._frozen_layer(number, earlier)
        return own[0].T

    def scores(self, prepared: Any) -> Tensor:
        """Outputs of all columns, (batch, columns x classes of a task)."""
        values = prepared.flatten(1)
        links = (self.task + 1) ** 2 // 2 * (2 * self.units + self.adapters)
        return torch.cat([self._all_scores(part.T) for part in values.split(max(1, ROOM // max(1, links)))])

    def _all_scores(self, values: Tensor) -> Tensor:
        """Outputs (batch, outputs) of values (inputs, batch)."""
        own = earlier = values
        for number in range(self.layers + 1):
            if self.column:
                own = self._own_layer(number, own, earlier)
            earlier = self._frozen_layer(number, earlier)
        return torch.cat([earlier, own] if self.column else [earlier]).flatten(0, 1).T

    def _own_layer(self, number: int, below: Tensor, earlier: Tensor) -> Tensor:
        source = torch.arange(self.task, device=below.device)
        return self._layer(self.column[number], below, earlier, source, torch.zeros_like(source), number)

    def _frozen_layer(self, number: int, below: Tensor) -> Tensor:
        count = len(self.frozen[number]["weight"])
        target, source = torch.tril_indices(count, count, -1, device=below.device)
        return self._layer(self.frozen[number], below, below, source, target, number)

    def _layer(
        self, layer: Layer, below: Tensor, earlier: Tensor, source: Tensor, target: Tensor, number: int
    ) -> Tensor:
        """A layer of columns side by side, (columns, units, batch).

        Args:
            layer: its weights.
            below: the same columns' layer below, or what comes in, (inputs, batch).
            earlier: the layer below of all earlier columns, (earlier, units, batch).
            source: which of them a link comes from, (links,).
            target: which column it goes to, (links,).
            number: of the layer; the last one gives scores.
        """
        values = layer["weight"] @ below + layer["bias"]
        if "lateral" in layer:
            said = layer["adapter"] @ (layer["scale"] * earlier[source])
            if self.shared:
                said = said.new_zeros(len(values), *said.shape[1:]).index_add(0, target, said)
                values = values + layer["lateral"] @ said.relu()
            else:
                values = values.index_add(0, target, layer["lateral"] @ said.relu())
        return values if number == self.layers else values.relu()
