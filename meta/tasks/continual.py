"""Train a network on lifetimes of characters, then have it learn new ones in sequence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cluster.errors import UserError
from meta.baselines import METHODS, OPTIONS
from meta.data import Characters, data_folder, generate_characters, load_omniglot
from meta.experiments.continual import ContinualSettings
from meta.learners import Learner, anml, iid
from meta.learners.parameters import freeze, matching
from meta.learners.trajectory import Trajectory
from meta.learners.zapping import alternating_scores, zap, zap_learned
from meta.protocols.courses import draw_course, split_drawings
from meta.protocols.examination import BATCH
from meta.protocols.readout import least_squares, nearest_neighbours
from meta.protocols.sequential import KINDS, Method, Plan, Scores, Student, as_inputs, sequential_test
from meta.task import Task
from networks.prediction import prediction_network
from networks.representation import representation_network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Classes among which nearest neighbours are looked for, and how many of these vote.
NEIGHBOUR_CLASSES, NEIGHBOURS = 100, 5
#: New classes whose gates are drawn.
SHOWN = 6
#: Activity above which a unit counts as active.
ACTIVE = 0.01


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes to meta-train and to test with; none is in both parts.

    Attributes:
        train: uint8 (classes, drawings, side, side), 255 is paper.
        test: the same of other classes.
        train_names: of the classes.
        test_names: of the classes.
    """

    train: NDArray[np.uint8]
    test: NDArray[np.uint8]
    train_names: tuple[str, ...]
    test_names: tuple[str, ...]


def load_classes(settings: ContinualSettings, data: str | None, fetch: bool = False) -> Classes:
    """The background set to train with and the evaluation set to test with.

    Raises:
        UserError: characters are missing, or too few classes or drawings for what the settings ask.
    """
    characters = _characters(settings, data, fetch)
    train, test = characters.take(characters.background), characters.take(~characters.background)
    if not len(test):
        raise UserError(f"--generated {settings.generated}: allowed are more: all of these are to train with")
    if settings.counts[-1] > len(test):
        raise UserError(f"--counts {settings.counts[-1]}: allowed are up to the {len(test)} classes to test with")
    if len(train) > settings.outputs:
        raise UserError(
            f"--outputs {settings.outputs}: allowed are the {len(train)} classes to train with or more"
        )
    pool = len(train) // 2 if settings.halves else len(train)
    if settings.classes > pool:
        raise UserError(f"--classes {settings.classes}: allowed are up to the {pool} classes to draw from")
    for flag, value, most in (
        ("drawings", settings.drawings, train.drawings),
        ("test-drawings", settings.test_drawings, test.drawings - 1),
    ):
        if value > most:
            raise UserError(f"--{flag} {value}: allowed are up to {most}: a class has {train.drawings} drawings")
    return Classes(train.images, test.images, train.names, test.names)


def _characters(settings: ContinualSettings, data: str | None, fetch: bool) -> Characters:
    if settings.data == "omniglot":
        return load_omniglot(data_folder(data), settings.side, "lanczos", fetch=fetch)
    return generate_characters(settings.generated, size=settings.side)


def make_network(settings: ContinualSettings) -> nn.Sequential:
    """The network of an experiment, initialised with torch's random numbers."""
    if settings.network == "prediction":
        return prediction_network(
            settings.channels,
            settings.neuromodulatory,
            settings.outputs,
            biases=settings.biases,
            norm=settings.norm,
        )
    return representation_network(settings.channels, settings.hidden, settings.outputs, side=settings.side)


def check_parameters(settings: ContinualSettings) -> None:
    """Refuse names of parameters that the network does not have, or does not train where they start at random.

    Raises:
        UserError: names the flag.
    """
    network = make_network(smallest(settings))
    try:
        if settings.learner != "iid":
            matching(network, settings.plastic, "plastic")
        matching(network, settings.learned, "learned")
        Student(network, settings.trained, settings.redrawn)
    except ValueError as error:
        raise UserError(f"--{error}") from None


def check_method(settings: ContinualSettings) -> None:
    """Refuse a method that cannot teach what learns in the test: it teaches a small network one picture.

    Raises:
        UserError: names the method.
    """
    if settings.method == "plain":
        return
    settings = replace(smallest(settings), generator_steps=1)
    student = Student(make_network(settings), settings.trained, settings.redrawn, make_method(settings))
    stream, pictures = np.random.default_rng(0), np.zeros((1, 2, settings.side, settings.side), np.uint8)
    try:
        with torch.no_grad():
            course = draw_course(split_drawings(1, 2, 1, 0), 1, stream)
            student.learn(student.prepare(pictures), [course], [1e-3], (1,), [stream])
    except ValueError as error:
        raise UserError(f"--method {settings.method}: {error}") from None


def smallest(settings: ContinualSettings) -> ContinualSettings:
    """The settings of a network with the same parts and as few channels, neurons and outputs as can be."""
    neuromodulatory, hidden = min(settings.neuromodulatory, 1), min(settings.hidden, 1)
    return replace(settings, channels=1, outputs=2, neuromodulatory=neuromodulatory, hidden=hidden)


def make_method(settings: ContinualSettings) -> Method:
    """Who learns in the test."""
    own = f"{settings.method}_"
    options = {name.removeprefix(own): getattr(settings, name) for name in OPTIONS.get(settings.method, ())}
    return partial(METHODS[settings.method], **options) if options else METHODS[settings.method]


class ContinualTask(Task[ContinualSettings]):
    """Meta-train on background classes; the result tells what it learns of evaluation classes in sequence."""

    def __init__(self, settings: ContinualSettings, seed: int, data: str | None) -> None:
        super().__init__(settings, seed)
        self.classes = load_classes(settings, data)
        self.pictures = torch.from_numpy(np.array(self.classes.train)).to(self.device)
        torch.manual_seed(int(self.stream("model").integers(2**63)))
        self.model: nn.Sequential = make_network(settings).to(self.device)
        freeze(self.model, settings.learned)
        if settings.learner != "iid":
            self.learner = Learner(
                self.model,
                settings.plastic,
                settings.inner_rate,
                settings.order,
                settings.inner_batch,
                settings.inner_passes,
            )

    @property
    def head(self) -> nn.Linear:
        """The last layer."""
        return cast(nn.Linear, self.model.get_submodule("head"))

    def trajectory(self, stream: np.random.Generator) -> Trajectory:
        """A lifetime's drawings, and others of all classes, or of the other half of them."""
        settings, (count, drawings) = self.settings, self.pictures.shape[:2]
        first = count // 2 if settings.halves else 0
        chosen = first + stream.permutation(count - first)[: settings.classes]
        shown = stream.permuted(np.tile(np.arange(drawings), (len(chosen), 1)), axis=1)[:, : settings.drawings]
        others = stream.integers(0, first or count, settings.remember)
        which = stream.integers(0, drawings, settings.remember)
        return Trajectory(
            self.inputs(np.repeat(chosen, shown.shape[1]), shown.reshape(-1)),
            self.tensor(np.repeat(chosen, shown.shape[1])),
            self.inputs(others, which),
            self.tensor(others),
        )

    def inputs(self, classes: NDArray[np.int64], drawings: NDArray[np.int64]) -> Tensor:
        """Some training pictures, (pictures, 1, side, side)."""
        return as_inputs(self.pictures[self.tensor(classes), self.tensor(drawings)])

    def batch(self, stream: np.random.Generator) -> Trajectory:
        """As many drawings of all classes as a lifetime has in all; there is nothing to learn before them."""
        count, drawings = self.pictures.shape[:2]
        size = self.settings.classes * self.settings.drawings + self.settings.remember
        classes, which = stream.integers(0, count, size), stream.integers(0, drawings, size)
        nothing = np.empty(0, np.int64)
        return Trajectory(
            self.inputs(nothing, nothing), self.tensor(nothing), self.inputs(classes, which), self.tensor(classes)
        )

    def loss(self, iteration: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Cross-entropy of the outer batches, after each lifetime where there is one."""
        settings, stream = self.settings, self.stream("training", iteration)
        if settings.zap_every and iteration > 1 and (iteration - 1) % settings.zap_every == 0:
            zap(self.head, range(settings.outputs), stream)
        draw = self.batch if settings.learner == "iid" else self.trajectory
        trajectories = [draw(stream) for _ in range(settings.batch)]
        losses, right, remembered = [], [], []
        for trajectory, (scores, penalty) in zip(trajectories, self.scores(trajectories, stream), strict=True):
            losses.append(nn.functional.cross_entropy(scores.float(), trajectory.outer_labels) + penalty)
            hits = (scores.detach().argmax(1) == trajectory.outer_labels).float()
            right.append(hits.mean())
            remembered.append(hits[len(trajectory.labels) :].mean())
        measures = {"accuracy": torch.stack(right).mean(), "remembered": torch.stack(remembered).mean()}
        return torch.stack(losses).mean(), measures

    def scores(
        self, trajectories: list[Trajectory], stream: np.random.Generator
    ) -> list[tuple[Tensor, Tensor | float]]:
        """Scores of each outer batch, and a penalty beside its loss."""
        settings = self.settings
        if settings.learner == "unrolled":
            reset = stream if settings.reset else None
            return anml.meta_scores(self.learner, trajectories, self.head, reset, settings.truncate)
        if settings.learner == "alternating":
            (trajectory,) = trajectories
            if settings.reset:
                zap_learned(self.head, trajectory, stream)
            return [(alternating_scores(self.learner, trajectory), 0.0)]
        if settings.sparse:
            return [iid.sparse_scores(self.model, each.outer, settings.sparse) for each in trajectories]
        return [(self.model(each.outer), 0.0) for each in trajectories]

    def evaluate(self) -> dict[str, Any]:
        """What the network learns of new classes in sequence and in mixed order, and what its features say."""
        settings = self.settings
        plan = Plan(
            settings.counts,
            settings.test_rates,
            settings.searches,
            settings.courses,
            settings.test_drawings,
            settings.scored,
            settings.split,
            settings.oracle,
        )
        student = Student(self.model, settings.trained, settings.redrawn, make_method(settings))
        found = sequential_test(student, self.classes.test, plan, self.test_stream)
        asked = {"split": self.split_name(), "task_known": settings.task_known}
        return summary(found, plan.counts) | self.readout() | asked

    def test_stream(self, kind: str, number: int) -> np.random.Generator:
        """Random numbers of a course of the test."""
        return self.stream("evaluation", number * len(KINDS) + KINDS.index(kind))

    def split_name(self) -> str:
        """Names what is tested on: results of different splits cannot be compared."""
        settings, names = self.settings, "\n".join(self.classes.test_names)
        text = f"{names}\n{settings.data} {settings.test_drawings} {settings.split}"
        return f"{settings.data}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def stages(self, pictures: Tensor) -> dict[str, Tensor]:
        """Features before and after the gates, and the gates if there are any, (pictures, features)."""
        if self.settings.network == "representation":
            return {"features": self.model.get_submodule("representation")(pictures)}
        before = self.model.get_submodule("prediction")(pictures)
        if not self.settings.neuromodulatory:
            return {"features": before}
        gates = cast(Any, self.model.get_submodule("neuromodulation")).gates(pictures)
        return {"features": before * gates, "ungated": before, "gates": gates}

    def figures(self) -> dict[str, Figure]:
        """Gates of a drawing of some new classes, and of two more drawings of the first of them."""
        from analysis.sequences import gates_figure

        if self.settings.network != "prediction" or not self.settings.neuromodulatory:
            return {}
        pictures = np.concatenate([self.classes.test[:1, 1:3], self.classes.test[:SHOWN, :1]], axis=None)
        pictures = pictures.reshape(-1, *self.classes.test.shape[2:])
        gates = self.stages(as_inputs(torch.from_numpy(pictures).to(self.device)))["gates"]
        return {"gates": gates_figure(pictures, gates.cpu().numpy())}

    def readout(self) -> dict[str, Any]:
        """What can be read from the features of new classes without training, and how sparse they are."""
        settings, count = self.settings, min(NEIGHBOUR_CLASSES, len(self.classes.test))
        images = torch.from_numpy(np.array(self.classes.test[:count])).flatten(0, 1)
        parts = [
            self.stages(as_inputs(images[k : k + BATCH].to(self.device))) for k in range(0, len(images), BATCH)
        ]
        values = {name: torch.cat([part[name] for part in parts]).unflatten(0, (count, -1)) for name in parts[0]}
        total, drawings = self.classes.test.shape[:2]
        split = split_drawings(total, drawings, settings.test_drawings, settings.split)
        learned, held_out = (torch.from_numpy(table[:count]) for table in (split.learned, split.held_out))
        measures: dict[str, Any] = {}
        for name, table in values.items():
            measures |= {f"{kind}_{name}": value for kind, value in read(table, learned, held_out).items()}
        return measures


def read(table: Tensor, learned: Tensor, held_out: Tensor) -> dict[str, float]:
    """Accuracies of readouts that are not trained, and how sparse the values are.

    Args:
        table: values (classes, drawings, features).
        learned: drawings that are known of each class, (classes, known).
        held_out: drawings that are asked for, (classes, asked).
    """
    rows = torch.arange(len(table))[:, None]
    known, asked = table[rows, learned].flatten(0, 1), table[rows, held_out].flatten(0, 1)
    labels, truth = (rows.expand(part.shape).flatten().to(table.device) for part in (learned, held_out))
    active = (table > ACTIVE).float().flatten(0, 1)
    return {
        "neighbours": share(nearest_neighbours(known, labels, asked, NEIGHBOURS) == truth),
        "least_squares": share(least_squares(known, labels, asked) == truth),
        "active": float(active.mean()),
        "dead": share(active.sum(0) == 0),
    }


def share(hits: Tensor) -> float:
    """Mean of booleans."""
    return float(hits.float().mean())


def summary(found: Mapping[str, Scores], counts: tuple[int, ...]) -> dict[str, Any]:
    """A trial's result from its test: numbers for the table, and what figures need."""
    result: dict[str, Any] = {"counts": list(counts)}
    for kind, scores in found.items():
        result[kind] = {
            "rates": list(scores.rates),
            "learned": rounded(scores.learned),
            "held_out": rounded(scores.held_out),
            "class_learned": rounded(np.mean([marks.learned for marks in scores.by_class], 0)),
            "class_held_out": rounded(np.mean([marks.held_out for marks in scores.by_class], 0)),
        }
    sequential = found["sequential"]
    means = sequential.held_out.mean(0)
    result |= {f"accuracy_{count}": float(mean) for count, mean in zip(counts, means, strict=True)}
    chance = 1 / counts[-1]
    result |= {
        "accuracy": float(means[-1]),
        "learned_accuracy": float(sequential.learned[:, -1].mean()),
        "above_chance": float(np.mean([marks.learned > chance for marks in sequential.by_class])),
    }
    if "oracle" in found:
        oracle = found["oracle"].held_out.mean(0)
        result |= {f"oracle_{count}": float(mean) for count, mean in zip(counts, oracle, strict=True)}
        result["relative_drop"] = float(1 - means[-1] / oracle[-1]) if oracle[-1] else 0.0
    return result


def rounded(values: NDArray[np.float64]) -> list[Any]:
    """A table for a file that people read."""
    return np.round(values, 5).tolist()
