"""Characters to name after a few sights and a few gradient steps: Finn et al. (2017), section 5.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cluster.errors import UserError
from meta.data import Characters, data_folder, generate_characters, load_omniglot
from meta.experiments.adaptation import FewShotSettings
from meta.learners import Learner
from meta.learners.maml import meta_outputs
from meta.protocols.few_shot import accuracy, scores_by_step, summary
from meta.task import Task
from networks.adaptation import adaptation_mlp, adaptation_network

#: Side of the pictures.
SIDE = 28
#: Pictures of a step up to which a CPU convolves those of all tasks together faster than one task after another.
FEW = 8


def load_parts(
    settings: FewShotSettings, data: str | None, fetch: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures to train and to test with, uint8 (classes, drawings, 28, 28); each turn of a class is a class.

    The turns of a class are all in one part.

    Raises:
        UserError: characters are missing, or too few classes or drawings.
    """
    characters = _characters(settings, data, fetch)
    if settings.training_classes >= len(characters):
        raise UserError(
            f"--training-classes {settings.training_classes}: allowed are fewer than the {len(characters)} classes"
        )
    if 2 * settings.shots > characters.drawings:
        raise UserError(
            f"--shots {settings.shots}: allowed are up to {characters.drawings // 2}: half the drawings"
        )
    order = np.random.default_rng(settings.split).permutation(len(characters))
    cut = settings.training_classes
    parts = [characters.take(order[:cut]).rotations().images, characters.take(order[cut:]).rotations().images]
    for part in parts:
        if settings.ways > len(part):
            raise UserError(f"--ways {settings.ways}: allowed are up to {len(part)} classes")
    return parts[0], parts[1]


def _characters(settings: FewShotSettings, data: str | None, fetch: bool) -> Characters:
    if settings.data == "omniglot":
        return load_omniglot(data_folder(data), SIDE, "lanczos", fetch=fetch)
    return generate_characters(settings.generated, size=SIDE)


class FewShotTask(Task[FewShotSettings]):
    """Learn initial parameters that a few steps on an episode's labelled pictures take far."""

    def __init__(self, settings: FewShotSettings, seed: int, data: str | None) -> None:
        super().__init__(settings, seed)
        self.train, self.test = load_parts(settings, data)
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        self.model: nn.Module = (
            adaptation_network(settings.ways, settings.channels)
            if settings.network == "convolutions"
            else nn.Sequential(
                nn.Flatten(), adaptation_mlp(SIDE * SIDE, settings.hidden, settings.ways, norm=True)
            )
        ).to(self.device)
        # Convolutions with weights of each task's own are slow on a CPU, and many small launches on a GPU.
        few = settings.ways * settings.shots <= FEW
        self.together = few or settings.network == "linear" or self.device.type == "cuda"
        self.learner = self.make_learner(settings.steps)

    def make_learner(self, steps: int) -> Learner:
        """What learns an episode, in steps of all its labelled pictures."""
        settings = self.settings
        return Learner(self.model, ("*",), settings.inner_rate, settings.order, batch=0, passes=steps)

    def draw(self, images: NDArray[np.uint8], count: int, stream: np.random.Generator) -> tuple[Tensor, ...]:
        """Support, its labels, query and its labels of episodes: (episodes, ways x shots, ...) each; ink is 1."""
        settings = self.settings
        chosen = np.stack([stream.permutation(len(images))[: settings.ways] for _ in range(count)])
        drawings = np.tile(np.arange(images.shape[1]), (count, settings.ways, 1))
        drawings = stream.permuted(drawings, axis=2)[:, :, : 2 * settings.shots]
        pictures = 1 - self.tensor(images[chosen[:, :, None], drawings]).float() / 255
        labels = self.tensor(np.arange(settings.ways)).repeat_interleave(settings.shots).expand(count, -1)
        support, query = pictures.split(settings.shots, 2)
        return support.flatten(1, 2)[:, :, None], labels, query.flatten(1, 2)[:, :, None], labels

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Cross-entropy of each episode's query after adaptation."""
        support, labels, query, truth = self.draw(
            self.train, self.settings.batch, self.stream("training", iteration)
        )
        outputs = meta_outputs(self.learner, support, labels, query, self.together)
        loss = nn.functional.cross_entropy(outputs.flatten(0, 1), truth.flatten())
        return loss, {"accuracy": accuracy(outputs.detach(), truth).mean()}

    def evaluate(self) -> dict[str, Any]:
        """Accuracy on episodes of new classes before and after each step."""
        settings, size, scores = self.settings, 20, []
        learner = self.make_learner(1)
        for number, first in enumerate(range(0, settings.evaluation, size)):
            count = min(size, settings.evaluation - first)
            episodes = self.draw(self.test, count, self.stream("evaluation", number))
            support, labels, query, truth = episodes
            scores.append(
                scores_by_step(
                    learner, support, labels, query, truth, settings.test_steps, accuracy, self.together
                )
            )
        found = summary(torch.cat(scores), "accuracy")
        return found | {
            "test_accuracy": found[f"accuracy_{settings.test_steps}"],
            "test_steps": settings.test_steps,
        }
