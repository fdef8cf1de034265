"""The inner loop: a lifetime's gradient steps, themselves open to gradients.

Finn, Abbeel and Levine (2017), arXiv 1703.03400. Plain `torch.autograd.grad` and `torch.func.functional_call`: any
`nn.Module` can be adapted, and of an `nn.Sequential` the stages before the first plastic parameter are computed
once a lifetime, for all its pictures together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from meta.learners.parameters import Parameters, matching, split_stages, take

Loss = Callable[[Tensor, Tensor], Tensor]


class Learner:
    """A model that can learn in a lifetime without being changed by it.

    Attributes:
        model: whose parameters every lifetime starts with.
        plastic: names of the parameters that change in a lifetime.

    Args:
        model: any module from a batch of inputs to a batch of outputs.
        plastic: which parameters change in a lifetime (`meta.learners.parameters.matching`).
        rate: of gradient descent in a lifetime.
        order: 2 differentiates through the steps of a lifetime; 1 takes their gradients as constants, so that the
            gradient at the adapted parameters is that of the initial ones.
        batch: examples of a step, in the order given; 0 takes all.
        passes: how often the examples are gone through.
        loss: of outputs and answers, a mean over examples.

    Raises:
        ValueError: a pattern that names no parameter, or a number out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        plastic: Sequence[str] = ("*",),
        rate: float = 0.1,
        order: int = 2,
        batch: int = 1,
        passes: int = 1,
        loss: Loss = nn.functional.cross_entropy,
    ) -> None:
        if order not in (1, 2):
            raise ValueError(f"order: {order}: allowed are 1 and 2")
        if batch < 0 or passes < 1:
            raise ValueError(f"batch, passes: {batch}, {passes}: allowed are 0 or more and 1 or more")
        self.model, self.plastic = model, matching(model, plastic)
        self.rate, self.order, self.batch, self.passes, self.loss = rate, order, batch, passes, loss
        self._fixed, self._adaptive = split_stages(model, self.plastic)

    def initial(self) -> Parameters:
        """The plastic parameters that a lifetime starts with."""
        own = dict(self.model.named_parameters())
        return {name: own[name] for name in self.plastic}

    def prepare(self, inputs: Any, together: bool = False) -> Any:
        """What of a batch no lifetime changes: the values that enter the first plastic stage.

        Args:
            inputs: (examples, ...); with `together` (lifetimes, examples, ...).
            together: many lifetimes at once.
        """
        if not together:
            return self._fixed(inputs)
        values, shape = self._fixed(inputs.flatten(0, 1)), inputs.shape[:2]
        if isinstance(values, Tensor):
            return values.unflatten(0, shape)
        return tuple(value.unflatten(0, shape) for value in values)

    def adapt(self, inputs: Any, answers: Tensor) -> Parameters:
        """Learn examples; returns the plastic parameters afterwards.

        Args:
            inputs: (examples, ...).
            answers: (examples, ...).

        Returns:
            Parameters through which gradients reach the model's, unless gradients are off.
        """
        return self.adapt_prepared(self.prepare(inputs), answers)

    def predict(self, adapted: Parameters, inputs: Any) -> Tensor:
        """Outputs of the adapted model, (examples, ...)."""
        return self.answer(adapted, self.prepare(inputs))

    def adapt_prepared(
        self, prepared: Any, answers: Tensor, together: bool = False, start: Parameters | None = None
    ) -> Parameters:
        """Learn prepared examples.

        Args:
            prepared: from `prepare`, (examples, ...); with `together` (lifetimes, examples, ...).
            answers: likewise.
            together: many lifetimes at once, each from the same initial parameters; the parameters returned have
                a row for each. Small layers gain much; convolutions only on a GPU.
            start: parameters to go on from, as an earlier call returned them.
        """
        follow = torch.is_grad_enabled()
        parameters = self.initial() if start is None else start
        if together and start is None:
            parameters = {name: value.expand(len(answers), *value.shape) for name, value in parameters.items()}
        if self.order == 1 or not follow:
            prepared = _detached(prepared)
        count = answers.shape[1] if together else len(answers)
        with torch.enable_grad():
            for rows in self._steps(count):
                chosen: Any = (slice(None), rows) if together else rows
                parameters = self._step(parameters, take(prepared, chosen), answers[chosen], together, follow)
        return parameters

    def stretches(self, prepared: Any, answers: Tensor, steps: int) -> Iterator[tuple[int, Parameters]]:
        """Learn prepared examples in stretches of so many steps, through which gradients reach no further back.

        Args:
            prepared: from `prepare`, (examples, ...).
            answers: (examples, ...).
            steps: of a stretch, each of `batch` examples, gone through once.

        Yields:
            How many examples have been learned, and the parameters then.

        Raises:
            ValueError: no steps, or a learner that takes all examples at a step or goes through them again.
        """
        if steps < 1 or self.batch < 1 or self.passes > 1:
            raise ValueError(
                f"steps, batch, passes: {steps}, {self.batch}, {self.passes}: "
                "allowed are 1 or more, 1 or more and 1"
            )
        size, parameters = steps * self.batch, self.initial()
        for first in range(0, len(answers), size):
            rows = slice(first, first + size)
            parameters = self.adapt_prepared(take(prepared, rows), answers[rows], start=parameters)
            yield min(rows.stop, len(answers)), parameters
            parameters = {name: value.detach() for name, value in parameters.items()}

    def answer(self, parameters: Parameters, prepared: Any, together: bool = False) -> Tensor:
        """Outputs with given plastic parameters for prepared inputs; `together` as in `adapt_prepared`."""
        if together:
            return torch.vmap(self._call)(parameters, prepared)
        return self._call(parameters, prepared)

    def _call(self, parameters: Parameters, prepared: Any) -> Tensor:
        return functional_call(self._adaptive, parameters, (prepared,))

    def _steps(self, count: int) -> Iterator[slice]:
        size = self.batch or count
        for _ in range(self.passes):
            for first in range(0, count, size):
                yield slice(first, first + size)

    def _step(
        self, parameters: Parameters, prepared: Any, answers: Tensor, together: bool, follow: bool
    ) -> Parameters:
        """One step of gradient descent."""
        second = follow and self.order == 2
        if not second:  # a graph of this step alone
            point = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        else:
            point = {k: v if v.requires_grad else v.detach().requires_grad_() for k, v in parameters.items()}
        outputs = self.answer(point, prepared, together)
        # Lifetimes do not touch each other's parameters: the gradient of their sum is that of each.
        loss = torch.vmap(self.loss)(outputs, answers).sum() if together else self.loss(outputs, answers)
        # The rate is on the loss: on gradients, it would cost each parameter two more passes on the way back.
        steps = torch.autograd.grad(
            -self.rate * loss, list(point.values()), create_graph=second, materialize_grads=True
        )
        base = point if second else parameters
        return {name: value + step for (name, value), step in zip(base.items(), steps, strict=True)}


def _detached(values: Any) -> Any:
    return values.detach() if isinstance(values, Tensor) else tuple(value.detach() for value in values)
