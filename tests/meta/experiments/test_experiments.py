"""Published experiments: every treatment at every scale is allowed, and defaults are the published values."""

from dataclasses import fields, replace

import pytest

from cluster.errors import UserError
from cluster.parameters import with_values
from meta.experiments import EXPERIMENTS
from meta.settings import Training

EVERY = [
    (name, scale, treatment)
    for name, experiment in EXPERIMENTS.items()
    for scale in experiment.scales
    for treatment in experiment.treatments
]


@pytest.mark.parametrize(("name", "scale", "treatment"), EVERY)
def test_every_treatment_is_allowed_at_every_scale(name: str, scale: str, treatment: str) -> None:
    experiment = EXPERIMENTS[name]
    settings = experiment.treated(experiment.scaled(scale), treatment)
    assert isinstance(settings, Training) and settings.checked() is settings
    assert experiment.trials[scale] >= 1 and set(experiment.default) <= set(experiment.treatments)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_scale_paper_changes_nothing(name: str) -> None:
    experiment = EXPERIMENTS[name]
    assert experiment.scaled("paper") == experiment.settings
    assert {"paper", "laptop", "smoke"} <= set(experiment.scales) == set(experiment.trials)
    assert "arXiv" in experiment.source and experiment.question.endswith("?")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_smoke_and_laptop_need_no_download_but_for_the_characters_and_pictures_of_the_paper(name: str) -> None:
    assert getattr(EXPERIMENTS[name].scaled("smoke"), "data", "generated") == "generated"


@pytest.mark.parametrize(
    ("name", "treatment", "published"),
    [
        (
            "miconi2018-patterns",
            "plastic",
            {
                "bits": 1000,
                "patterns": 5,
                "shown": 6,
                "blank": 4,
                "cycles": 2,
                "test": 6,
                "rate": 3e-4,
                "batch": 1,
            },
        ),
        ("miconi2018-patterns", "plastic", {"strength": 20, "bias": True, "iterations": 2000, "rule": "decaying"}),
        ("miconi2018-patterns", "plastic-text", {"shown": 10, "blank": 3, "cycles": 3, "rate": 1e-3}),
        (
            "miconi2018-patterns50",
            "plastic",
            {"bits": 50, "patterns": 2, "cycles": 1, "shown": 3, "blank": 1, "test": 3, "rate": 3e-4},
        ),
        ("miconi2018-patterns50", "rnn", {"hidden": 2000, "rate": 3e-5}),
        ("miconi2018-patterns50", "lstm", {"hidden": 1949, "rate": 3e-5, "strength": 100}),
        (
            "miconi2018-images",
            "independent",
            {"pictures": 3, "cycles": 3, "shown": 20, "blank": 2, "test": 3, "rate": 1e-4, "degraded": "half"},
        ),
        (
            "miconi2018-omniglot",
            "plastic",
            {"ways": 5, "shots": 1, "rate": 3e-5, "decay": 0.666, "decay_every": 1_000_000, "held_out": 100},
        ),
        ("miconi2018-omniglot", "plastic", {"iterations": 5_000_000, "rule": "oja", "channels": 64, "batch": 1}),
        ("miconi2018-omniglot", "text", {"alpha": "one", "rate": 3e-4, "decay": 1}),
        ("miconi2018-omniglot", "first-program", {"alpha": "one", "rate": 1e-4, "decay": 0.3, "weights": False}),
        ("miconi2019-ptb", "lstm", {"window": 20, "rate": 1.0, "clip": 5, "iterations": 13 * 2323, "bound": 2}),
        ("miconi2019-ptb-awd", "lstm", {"cells": (1150, 1150, 400), "embedding": 400, "batch": 6, "window": 70}),
        (
            "miconi2019-ptb-awd",
            "modulated",
            {"rate": 30, "clip": 0.25, "weight_decay": 1.2e-6, "dropout_input": 0.4, "dropout_layers": 0.25},
        ),
        (
            "miconi2019-ptb-awd",
            "modulated",
            {"dropout_output": 0.4, "dropout_words": 0.1, "activation_penalty": 2, "slowness_penalty": 1},
        ),
        (
            "miconi2018-maze",
            "plastic",
            {"side": 11, "steps": 250, "neurons": 100, "bump": -0.1, "reward": 10, "rule": "oja", "batch": 1},
        ),
        (
            "miconi2018-maze",
            "plastic-200",
            {"neurons": 200, "steps": 251, "rate": 1e-4, "epsilon": 1e-4, "concentration": 0.1, "clip": 0},
        ),
        (
            "miconi2019-maze",
            "retroactive",
            {
                "side": 13,
                "steps": 200,
                "batch": 30,
                "clip": 4,
                "rate": 1e-4,
                "concentration": 0.03,
                "discount": 0.9,
            },
        ),
        (
            "miconi2019-cue-reward",
            "simple",
            {
                "steps": 120,
                "bits": 20,
                "neurons": 200,
                "clip": 2,
                "epsilon": 1e-6,
                "value_weight": 0.1,
                "batch": 30,
            },
        ),
        ("miconi2019-cue-reward", "simple-text", {"steps": 200, "clip": 7, "concentration": 0.1}),
        (
            "wang2016-two-step",
            "drifting",
            {"choices": 100, "common": 0.8, "swap": 0.025, "rate": 7e-4, "optimizer": "rmsprop", "entropy": 0.05},
        ),
        ("wang2016-two-step", "stable", {"choices": 10, "common": 0.75, "swap": 0, "high": 0.9, "low": 0.1}),
        (
            "wang2016-bandits",
            "medium",
            {"neurons": 48, "discount": 0.8, "rate": 1e-3, "entropy": 0.05, "pulls": 100},
        ),
        ("duan2016-bandits", "pulls500-arms50", {"neurons": 256, "core": "gru", "pulls": 500, "arms": 50}),
        (
            "miconi2019-ptb-awd",
            "modulated",
            {"alpha": "neuron", "fan_out": "neuron", "modulation": "simple", "bound": 2, "tied": True},
        ),
    ],
)
def test_defaults_are_the_published_values(name: str, treatment: str, published: dict[str, object]) -> None:
    experiment = EXPERIMENTS[name]
    settings = experiment.treated(experiment.settings, treatment)
    assert {field: getattr(settings, field) for field in published} == published


def test_the_rate_decays_in_steps() -> None:
    settings = replace(EXPERIMENTS["miconi2018-omniglot"].settings, decay=0.5, decay_every=10, rate=8.0)
    assert [settings.rate_at(k) for k in (1, 10, 11, 20, 21)] == [8, 8, 4, 4, 2]


@pytest.mark.parametrize("kind", dict.fromkeys(type(experiment.settings) for experiment in EXPERIMENTS.values()))
def test_every_field_says_what_it_means(kind: type) -> None:
    for field in fields(kind):
        assert field.metadata["help"], field.name


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        (
            "miconi2018-patterns",
            {"network": "lstm", "input": "clamped"},
            "--input clamped: allowed with --network",
        ),
        (
            "miconi2019-ptb-awd",
            {"embedding": 300},
            "--embedding 300: allowed with --tied is the last layer's size",
        ),
        (
            "miconi2019-ptb",
            {"rule": "decaying", "modulation": "simple"},
            "--rule decaying: allowed with --fan-out connection is clipped",
        ),
    ],
)
def test_values_that_do_not_fit_together_are_refused(name: str, values: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        with_values(EXPERIMENTS[name].settings, values).checked()
