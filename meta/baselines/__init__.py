"""Continual-learning methods made by hand: what a user would take who does not meta-learn."""

from collections.abc import Callable, Mapping

from meta.baselines.compress import ProgressAndCompress
from meta.baselines.ewc import ElasticWeights
from meta.baselines.generative import GenerativeReplay
from meta.baselines.mer import MetaExperienceReplay
from meta.baselines.pathnet import PathNet
from meta.baselines.progressive import Progressive
from meta.baselines.replay import Replay
from meta.baselines.sharpening import Sharpening
from meta.baselines.synaptic import SynapticIntelligence
from meta.protocols.online import Online

#: Methods by name; each is made from a stage, its parameters, a rate and a seed, and has options of its own.
METHODS: Mapping[str, Callable[..., Online]] = {
    "plain": Online,
    "ewc": ElasticWeights,
    "synaptic": SynapticIntelligence,
    "replay": Replay,
    "mer": MetaExperienceReplay,
    "generative": GenerativeReplay,
    "sharpening": Sharpening,
    "progressive": Progressive,
    "pathnet": PathNet,
    "compress": ProgressAndCompress,
}

_TASKS = ("task_classes", "task_known", "units")
#: Settings of an experiment that a method takes as options, those of one method alone after its name where the
#: option's would not say what is meant: `--mer-size` sets `size`.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "ewc": ("strength",),
    "synaptic": ("strength",),
    "replay": ("memory",),
    "mer": ("memory", "mer_batches", "mer_size", "mer_within", "mer_across"),
    "generative": ("task_classes", "generative_drawn", "generator_steps"),
    "sharpening": ("sharpened", "sharpness"),
    "progressive": (*_TASKS, "task_drawn"),
    "pathnet": (*_TASKS, "modules", "pathnet_active", "tournaments"),
    "compress": (
        *_TASKS,
        "task_drawn",
        "strength",
        "importance_decay",
        "compress_passes",
        "compress_reset_active",
    ),
}

#: Methods to which classes come in tasks, and which can be told them.
IN_TASKS = tuple(name for name, options in OPTIONS.items() if "task_known" in options)

__all__ = [
    "IN_TASKS",
    "METHODS",
    "OPTIONS",
    "ElasticWeights",
    "GenerativeReplay",
    "MetaExperienceReplay",
    "PathNet",
    "ProgressAndCompress",
    "Progressive",
    "Replay",
    "Sharpening",
    "SynapticIntelligence",
]
