"""Episodes of characters: name a drawing after one sight of each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cluster.errors import UserError
from meta.data import Characters, data_folder, generate_characters, load_omniglot
from meta.experiments.omniglot import OmniglotSettings
from meta.task import Task
from networks.encoders import SIDE, ConvEncoder
from networks.readout import PlasticReadout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Episodes that figures show.
SHOWN = 3
#: Episodes of held-out classes that a row of metrics looks at.
VALIDATED = 100


@dataclass(frozen=True)
class Classes:
    """Classes to train and to test with.

    Attributes:
        train: pictures (classes, 4 rotations, drawings, 31, 31), 0 is ink and 255 paper.
        test: the same of other classes.
        test_names: names of the test classes.
    """

    train: NDArray[np.uint8]
    test: NDArray[np.uint8]
    test_names: tuple[str, ...]


def load_classes(settings: OmniglotSettings, data: str | None, fetch: bool = False) -> Classes:
    """The classes of an experiment, split by its settings alone: no class is in both parts.

    Raises:
        UserError: characters are missing, or too few for the split and the episodes.
    """
    own = _characters(settings, settings.data, data, fetch)
    if settings.held_out >= len(own):
        raise UserError(f"--held-out {settings.held_out}: allowed are fewer than the {len(own)} classes there are")
    order = np.random.default_rng(settings.split).permutation(len(own))
    train, test = own.take(order[: -settings.held_out]), own.take(order[-settings.held_out :])
    if settings.tested == "omniglot" and settings.data != "omniglot":
        test = _characters(settings, "omniglot", data, fetch)
    for name, part in (("train", train), ("test", test)):
        if settings.ways > len(part):
            raise UserError(f"--ways {settings.ways}: allowed are up to the {len(part)} classes to {name} with")
        if settings.shots > part.drawings:
            raise UserError(f"--shots {settings.shots}: allowed are up to the {part.drawings} drawings of a class")
    return Classes(_turned(train), _turned(test), test.names)


def _characters(settings: OmniglotSettings, name: str, data: str | None, fetch: bool) -> Characters:
    if name == "omniglot":
        return load_omniglot(data_folder(data), SIDE, fetch=fetch)
    return generate_characters(settings.generated, size=SIDE)


def _turned(characters: Characters) -> NDArray[np.uint8]:
    images = characters.rotations().images
    return np.ascontiguousarray(images.reshape(len(characters), 4, *images.shape[1:]))


@dataclass(frozen=True)
class Episodes:
    """A batch of episodes.

    Attributes:
        pictures: labelled ones in the order shown, then the query, (batch, shown + 1, 31, 31).
        labels: classes of the labelled ones, (batch, shown).
        answers: class of the query, (batch,).
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]
    answers: NDArray[np.int64]


def draw_episodes(
    images: NDArray[np.uint8], batch: int, ways: int, shots: int, stream: np.random.Generator
) -> Episodes:
    """Draw episodes: each class has one rotation and one label; the query may be a drawing that was shown.

    Args:
        images: (classes, 4, drawings, side, side).
        batch: number of episodes.
        ways: classes of an episode, all different.
        shots: labelled drawings of each.
        stream: of random numbers.
    """
    classes, _, drawings = images.shape[:3]
    chosen = _without_repeats(classes, batch, ways, stream)
    turns = stream.integers(0, 4, (batch, ways))
    slots = stream.permuted(np.tile(np.repeat(np.arange(ways), shots), (batch, 1)), axis=1)
    answers = stream.integers(0, ways, (batch,))
    slots = np.concatenate([slots, answers[:, None]], 1)
    rows = np.arange(batch)[:, None]
    drawing = stream.integers(0, drawings, slots.shape)
    # Labels are slots: the classes' order is random already.
    pictures = images[chosen[rows, slots], turns[rows, slots], drawing]
    return Episodes(pictures, slots[:, :-1], answers)


def _without_repeats(classes: int, batch: int, ways: int, stream: np.random.Generator) -> NDArray[np.int64]:
    """Different classes for each episode, (batch, ways); draws again where one came twice."""
    chosen = stream.integers(0, classes, (batch, ways))
    if classes < 4 * ways:
        return stream.permuted(np.tile(np.arange(classes), (batch, 1)), axis=1)[:, :ways]
    while True:
        ordered = np.sort(chosen, 1)
        again = (ordered[:, 1:] == ordered[:, :-1]).any(1)
        if not again.any():
            return chosen
        chosen[again] = stream.integers(0, classes, (int(again.sum()), ways))


class PlasticClassifier(nn.Module):
    """An encoder and a plastic readout."""

    def __init__(self, settings: OmniglotSettings) -> None:
        super().__init__()
        self.encoder = ConvEncoder(settings.channels)
        self.readout = PlasticReadout(settings.channels, settings.ways, rule=settings.rule, alpha=settings.alpha)
        connections = self.readout.connections
        if connections.alpha.ndim:
            nn.init.uniform_(connections.alpha, 0, settings.initial_alpha)
        else:
            nn.init.constant_(connections.alpha, settings.initial_alpha)
        nn.init.constant_(connections.rate, settings.initial_eta)
        if not settings.weights:
            nn.init.zeros_(connections.weight)
            connections.weight.requires_grad_(False)

    def forward(self, pictures: Tensor, labels: Tensor) -> Tensor:
        """Class scores of the last picture of each episode, (batch, ways), from (batch, shown + 1, side, side)."""
        features = self.encoder(pictures.flatten(0, 1).unsqueeze(1)).unflatten(0, pictures.shape[:2])
        with torch.autocast(features.device.type, enabled=False):
            features = features.float()
            return self.readout(features[:, :-1], labels, features[:, -1])


class OmniglotTask(Task[OmniglotSettings]):
    """Learn features and plasticity such that one sight of each class is enough."""

    def __init__(self, settings: OmniglotSettings, seed: int, data: str | None) -> None:
        super().__init__(settings, seed)
        self.classes = load_classes(settings, data)
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        self.model = PlasticClassifier(settings).to(self.device)

    def scores(self, episodes: Episodes) -> Tensor:
        """Class scores of the queries, (batch, ways)."""
        pictures = self.tensor(episodes.pictures).float() / 255
        return self.model(pictures, self.tensor(episodes.labels))

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Cross-entropy of the query's class."""
        settings = self.settings
        episodes = draw_episodes(
            self.classes.train, settings.batch, settings.ways, settings.shots, self.stream("training", iteration)
        )
        scores, answers = self.scores(episodes), self.tensor(episodes.answers)
        accuracy = (scores.detach().argmax(1) == answers).float().mean()
        return cross_entropy(scores.float(), answers, settings.loss), {"accuracy": accuracy}

    def validate(self, iteration: int) -> dict[str, float]:
        """Accuracy on some episodes of held-out classes; nothing is learned from them."""
        settings, stream = self.settings, self.stream("validation", iteration)
        episodes = draw_episodes(self.classes.test, VALIDATED, settings.ways, settings.shots, stream)
        right = self.scores(episodes).argmax(1) == self.tensor(episodes.answers)
        return {"held_out_accuracy": float(right.float().mean())}

    def figures(self) -> dict[str, Figure]:
        """Some episodes of held-out classes with the network's answers."""
        from analysis.readout import readout_figure

        settings = self.settings
        stream = self.stream("recorded")
        episodes = draw_episodes(self.classes.test, SHOWN, settings.ways, settings.shots, stream)
        answers = self.scores(episodes).softmax(1).cpu().numpy()
        return {
            f"episode-{number + 1}": readout_figure(
                episodes.pictures[number, :-1],
                episodes.labels[number].tolist(),
                episodes.pictures[number, -1],
                answers[number],
                int(episodes.answers[number]),
            )
            for number in range(SHOWN)
        }

    def evaluate(self) -> dict[str, Any]:
        """Accuracy on held-out classes."""
        settings, size = self.settings, 100
        right = []
        for number, first in enumerate(range(0, settings.evaluation, size)):
            episodes = draw_episodes(
                self.classes.test,
                min(size, settings.evaluation - first),
                settings.ways,
                settings.shots,
                self.stream("evaluation", number),
            )
            right += (self.scores(episodes).argmax(1) == self.tensor(episodes.answers)).tolist()
        correct = int(np.sum(right))
        return {
            "test_accuracy": correct / len(right),
            "test_correct": correct,
            "test_episodes": len(right),
            "test_classes": list(self.classes.test_names),
        }


def cross_entropy(scores: Tensor, answers: Tensor, kind: str) -> Tensor:
    """Mean loss of class scores (batch, ways) and answers (batch,).

    "binary" is the published one: the mean over outputs of the binary cross-entropy between softmax and one-hot,
    0.5004 at chance with 5 classes; "classes" the usual one.
    """
    if kind == "classes":
        return nn.functional.cross_entropy(scores, answers)
    log_right = nn.functional.log_softmax(scores, 1)
    others = torch.log1p(-log_right.exp().clamp(max=1 - 1e-7))
    one_hot = nn.functional.one_hot(answers, scores.shape[1]).bool()
    return -torch.where(one_hot, log_right, others).mean()
