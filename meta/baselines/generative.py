"""Deep generative replay: what was learned before is dreamed up again and told by who had learned it.

Shin, Lee, Kim and Kim (2017), Continual learning with deep generative replay, arXiv 1705.08690, equation 1; each
class is a task, or several are.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.func import functional_call

from meta.baselines.autoencoder import Autoencoder
from meta.learners.parameters import Parameters
from meta.optimizers import Adam
from meta.protocols.online import Online


class GenerativeReplay(Online):
    """Goes down r L(new example) + (1 - r) L(replay), where r = 1 / number of the task, the first being 1.

    L(replay) is the cross-entropy between answers to values drawn from the generator: those of the network, and
    the probabilities that it gave when the last task ended; the generator is of that time, too. At the end of a
    task the generator, a variational autoencoder of what the stage gets, learns the task's examples, which are
    kept until then, and values drawn from its old self, weighted by the same r.

    Args:
        stage: as `Online`.
        parameters: as `Online`.
        rate: as `Online`; not of the generator.
        seed: of the generator's weights and of what is drawn from it.
        task_classes: classes of a task.
        drawn: values drawn from the old generator for each new example.
        generator_steps: steps that the generator learns a task in.
        generator_rate: of its Adam.
        hidden: neurons of its encoder and of its decoder.
        codes: numbers that it tells a value by.
    """

    def __init__(
        self,
        stage: nn.Module,
        parameters: Parameters,
        rate: float,
        seed: int = 0,
        task_classes: int = 1,
        drawn: int = 30,
        generator_steps: int = 100,
        generator_rate: float = 1e-3,
        hidden: int = 128,
        codes: int = 16,
    ) -> None:
        super().__init__(stage, parameters, rate, seed)
        self.task_classes, self.drawn, self.task = task_classes, drawn, 1
        self.generator_steps, self.generator_rate = generator_steps, generator_rate
        self.old_generator: Autoencoder | None = None
        self.old_parameters: Parameters = {}
        self.hidden, self.codes = hidden, codes
        self._stream = torch.Generator().manual_seed(seed)
        self._examples: list[Tensor] = []
        self._classes = 0

    @property
    def share(self) -> float:
        """Of the new in the loss, r."""
        return 1 / self.task

    def learn(self, prepared: Tensor, labels: Tensor) -> None:
        """Take one step on an example (1, ...), and keep it until its task ends.

        Raises:
            ValueError: the stage gets several values for an example.
        """
        if not isinstance(prepared, Tensor):
            raise ValueError(
                f"prepared: {len(prepared)} tensors, such as pictures and their gates: allowed is one to dream up"
            )
        super().learn(prepared, labels)
        self._examples.append(prepared)

    def loss(self, prepared: Tensor, labels: Tensor) -> Tensor:
        """Both parts of what a step goes down."""
        new = super().loss(prepared, labels)
        if self.old_generator is None:
            return new
        values, answers = self.replay(self.old_generator, prepared)
        replayed = nn.functional.cross_entropy(self.scores(values), answers)
        return self.share * new + (1 - self.share) * replayed

    @torch.no_grad()
    def replay(self, generator: Autoencoder, like: Tensor) -> tuple[Tensor, Tensor]:
        """Values drawn from the old generator (drawn, ...), and the old network's answers (drawn, outputs).

        Args:
            generator: the old one.
            like: examples (batch, ...) whose shape and kind the values have.
        """
        values = self.dream(generator).unflatten(1, like.shape[1:])
        return values, functional_call(self.stage, self.old_parameters, (values,)).softmax(1)

    @torch.no_grad()
    def dream(self, generator: Autoencoder) -> Tensor:
        """Values drawn from a generator, (drawn, features)."""
        return generator.decode(self._normal(self.drawn, generator.spread, generator.codes))

    def end_class(self) -> None:
        """At the end of a task: the generator learns it, and both are copied."""
        self._classes += 1
        if self._classes % self.task_classes:
            return
        values = torch.cat(self._examples).flatten(1)
        self.old_generator = self.learned(values)
        self.old_parameters = {name: value.detach().clone() for name, value in self.parameters.items()}
        self.task, self._examples = self.task + 1, []

    def learned(self, values: Tensor) -> Autoencoder:
        """The generator that has learned a task's values (examples, features) and its own."""
        old = self.old_generator
        if old is None:
            generator = Autoencoder(values.shape[1], self.hidden, self.codes, self.seed).to(values)
        else:
            generator = deepcopy(old)
        optimizer = Adam(generator.parameters(), self.generator_rate, fused=True)
        for _ in range(self.generator_steps):
            optimizer.zero_grad()
            self.generator_loss(generator, values).backward()
            optimizer.step()
        return generator

    def generator_loss(self, generator: Autoencoder, values: Tensor) -> Tensor:
        """What the generator goes down: r of a task's values, 1 - r of values drawn from its old self."""
        new = generator.loss(values, self._normal(len(values), values, generator.codes))
        if self.old_generator is None:
            return new
        own = self.dream(self.old_generator)
        return self.share * new + (1 - self.share) * generator.loss(
            own, self._normal(len(own), own, generator.codes)
        )

    def _normal(self, rows: int, like: Tensor, columns: int) -> Tensor:
        """Standard normal numbers, the same on every device."""
        return torch.randn(rows, columns, generator=self._stream, dtype=like.dtype).to(like.device)
