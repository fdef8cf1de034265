"""EWC, synaptic intelligence and replay beside those of Avalanche, an independent library, on the same stream.

    python3.11 -m venv avalanche
    avalanche/bin/pip install torch==2.13.0 avalanche-lib==0.6.0
    PYTHONPATH=. avalanche/bin/python benchmarks/avalanche_check.py

Avalanche is no dependency of this project: it goes into an environment of its own, without the rest of ours. It
imports torchvision, whose published wheels do not import beside a torch without CUDA; their two operators that are
missed then are declared here, and never called.

Ten classes of points come one after another, 30 points each, one point a step, once; the same small network in
float64 with the same initial weights learns them with Adam. Where both sides mean the same, the parameters at the
end must agree to rounding, and a line ends in "agrees" or "DIFFERS":

    plain       nothing is added
    ewc         Avalanche has no 1/2 before the penalty: its lambda is half our strength; with batches of one its
                importance is the Fisher information, as ours
    ewc online  the same with a decay, and the last class's parameters as only anchor
    synaptic    Avalanche has 1/2 before the penalty, counts the penalty's gradient in the path, and allows
                importances up to 1e-3; a subclass here does the same, and its lambda is twice our strength

Avalanche 0.6.0 takes no copies of old weights on a CPU, but views of the weights themselves. All changes and
importances are then 0, and synaptic intelligence learns as if nothing was added. The line "synaptic" repairs that.

Accuracies are on new points of all ten classes after the last, means over seeds with standard deviations. Below
are those of synaptic intelligence as each side has it, and of replay from memories of the same size. Avalanche
adds a class to memory when it has ended, we add each example when it was learned; so these are not equal.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from meta.baselines import ElasticWeights, Replay, SynapticIntelligence
from meta.protocols.online import Online

CLASSES, EXAMPLES, ASKED, FEATURES, HIDDEN = 10, 30, 50, 20, 32
RATE, SEEDS, MEMORY, DRAWN = 3e-3, 5, 60, 10
STRENGTH, DECAY, SYNAPTIC, CLIPPED, DAMPING, CLIP = 100.0, 0.9, 0.1, 500.0, 1e-3, 1e-3
#: Largest difference of parameters that counts as rounding.
ROUNDING = 1e-9

Stream = Sequence[tuple[Tensor, Tensor]]
Plugins = Callable[[], list[Any]]


class AsAvalanche(SynapticIntelligence):
    """Synaptic intelligence whose path counts the penalty's gradient, and whose importances are clipped."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._whole = {name: value.clone() for name, value in self.importance.items()}

    def gradients(self, prepared: Any, labels: Tensor) -> list[Tensor]:
        self._own = super().gradients(prepared, labels)
        return self._own

    def end_class(self) -> None:
        self.importance = self._whole
        super().end_class()
        self.importance = {name: value.clamp(max=CLIP) for name, value in self._whole.items()}


def make_stream(seed: int) -> tuple[Stream, Stream]:
    """Points (examples, features) and labels of each class, to learn and to ask for."""
    stream = np.random.default_rng(seed)
    centres = stream.normal(0, 1, (CLASSES, 1, FEATURES))
    points = torch.from_numpy(centres + stream.normal(0, 1, (CLASSES, EXAMPLES + ASKED, FEATURES)))
    labels = torch.arange(CLASSES)[:, None].expand(CLASSES, EXAMPLES + ASKED)
    return (
        [(own[:EXAMPLES], told[:EXAMPLES]) for own, told in zip(points, labels, strict=True)],
        [(own[EXAMPLES:], told[EXAMPLES:]) for own, told in zip(points, labels, strict=True)],
    )


def make_network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))


def learn(method: Callable[..., Online], seed: int, stream: Stream) -> nn.Sequential:
    """The network after our method has learned a stream."""
    network = make_network(seed)
    learner = method(network, dict(network.named_parameters()), RATE, seed)
    for points, labels in stream:
        for number in range(len(labels)):
            learner.learn(points[number : number + 1], labels[number : number + 1])
        learner.end_class()
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(learner.parameters[name])
    return network


def learn_theirs(plugins: Plugins, seed: int, stream: Stream) -> nn.Sequential:
    """The network after Avalanche has learned a stream with some plugins."""
    from avalanche.benchmarks import benchmark_from_datasets
    from avalanche.benchmarks.utils import AvalancheDataset, DataAttribute
    from avalanche.training.plugins import EvaluationPlugin
    from avalanche.training.supervised import Naive

    network = make_network(seed)
    strategy = Naive(
        model=network,
        optimizer=torch.optim.Adam(network.parameters(), RATE),
        criterion=nn.CrossEntropyLoss(),
        train_mb_size=1,
        train_epochs=1,
        plugins=plugins(),
        evaluator=EvaluationPlugin(),
    )
    classes = [
        AvalancheDataset(
            [torch.utils.data.TensorDataset(points, labels)],
            data_attributes=[
                DataAttribute(labels.tolist(), "targets"),
                DataAttribute([0] * len(labels), "targets_task_labels", use_in_getitem=True),
            ],
        )
        for points, labels in stream
    ]
    for experience in benchmark_from_datasets(train=classes).streams["train"]:
        strategy.train(experience, shuffle=False)
    return network


def accuracy(network: nn.Module, asked: Stream) -> float:
    with torch.no_grad():
        right = [network(points).argmax(1) == labels for points, labels in asked]
    return float(torch.cat(right).double().mean())


def without_missing_operators() -> None:
    """Declare the operators that torchvision describes as it is imported, if it does not bring them."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [one for one in sys.modules if one.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
        KEPT.append(library)


#: Declarations of operators end with their library.
KEPT: list[torch.library.Library] = []


@contextmanager
def repaired() -> Iterator[None]:
    """Let Avalanche's synaptic intelligence copy weights."""
    from avalanche.training.plugins import SynapticIntelligencePlugin

    published = SynapticIntelligencePlugin.extract_weights

    def copied(model: nn.Module, target: dict[str, Any], excluded: set[str]) -> None:
        published(model, target, excluded)
        for value in target.values():
            value.data = value.data.clone()

    with patch.object(SynapticIntelligencePlugin, "extract_weights", copied):
        yield


def compare(name: str, method: Callable[..., Online], plugins: Plugins, exact: bool) -> bool:
    """Print both accuracies, and how far parameters differ if they must not; whether they agree."""
    rows, differences = [], []
    for seed in range(SEEDS):
        stream, asked = make_stream(seed)
        networks = learn(method, seed, stream), learn_theirs(plugins, seed, stream)
        pairs = zip(*(network.parameters() for network in networks), strict=True)
        differences.append(max(float((one - other).abs().max()) for one, other in pairs))
        rows.append([accuracy(network, asked) for network in networks])
    agrees = max(differences) < ROUNDING
    means, deviations = np.mean(rows, 0), np.std(rows, 0, ddof=1)
    text = "".join(f"   {mean:.3f} +- {one:.3f}" for mean, one in zip(means, deviations, strict=True))
    verdict = f"   {max(differences):.1e} {'agrees' if agrees else 'DIFFERS'}" if exact else ""
    print(f"{name:28}{text}{verdict}", flush=True)
    return agrees or not exact


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    warnings.showwarning = lambda *told, **more: None  # Avalanche turns its own on again and again
    without_missing_operators()
    from avalanche.training.plugins import EWCPlugin, ReplayPlugin, SynapticIntelligencePlugin
    from avalanche.training.storage_policy import ReservoirSamplingBuffer

    ewc, online = partial(ElasticWeights, strength=STRENGTH), {"mode": "online", "decay_factor": DECAY}
    print(f"{'where both mean the same':28}{'ours':>16}{'Avalanche':>17}   largest difference of parameters")
    agree = [
        compare("plain", Online, list, True),
        compare("ewc", ewc, lambda: [EWCPlugin(STRENGTH / 2)], True),
        compare("ewc online", partial(ewc, decay=DECAY), lambda: [EWCPlugin(STRENGTH / 2, **online)], True),
    ]
    with repaired():
        method = partial(AsAvalanche, strength=CLIPPED, damping=DAMPING)
        agree.append(
            compare("synaptic", method, lambda: [SynapticIntelligencePlugin(2 * CLIPPED, eps=DAMPING)], True)
        )
    print("\nwhere they are alike")
    compare(
        "synaptic",
        partial(SynapticIntelligence, strength=SYNAPTIC, damping=DAMPING),
        lambda: [SynapticIntelligencePlugin(2 * SYNAPTIC, eps=DAMPING)],
        False,
    )
    policy = partial(ReservoirSamplingBuffer, MEMORY)
    compare(
        "replay",
        partial(Replay, memory=MEMORY, drawn=DRAWN),
        lambda: [ReplayPlugin(MEMORY, batch_size_mem=DRAWN, storage_policy=policy())],
        False,
    )
    sys.exit(not all(agree))


if __name__ == "__main__":
    main()
