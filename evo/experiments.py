"""The published experiments as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.experiments import Experiment
from evo.settings import Settings

_PA: dict[str, Any] = {"objectives": ("performance",)}
_PCC: dict[str, Any] = {"objectives": ("performance", "connection-cost")}
# The bias mutation as the paper's text has it.
_STEP = {"bias_change": "step"}

#: Performance alone, performance and connection cost, and the controls of the paper that are a parameter.
TREATMENTS: dict[str, Mapping[str, Any]] = {
    "pa": _PA,
    "pcc": _PCC,
    **{f"pcc-p{percent:03d}": _PCC | {"pressure": percent / 100} for percent in (10, 25, 50, 75, 95, 100)},
    "pcc-count": {"objectives": ("performance", "connections")},
    "pcc-thresholded": {"objectives": ("performance", "thresholded-cost")},
    "pcc-longest": {"objectives": ("performance", "longest-connection")},
    "pa-random-ties": _PA | {"ties": "random"},
    "pcc-random-ties": _PCC | {"ties": "random"},
    "pa-step": _PA | _STEP,
    "pcc-step": _PCC | _STEP,
    **{
        f"{name}-add{percent:03d}": treatment | {"add_rate": percent / 100}
        for name, treatment in (("pa", _PA), ("pcc", _PCC))
        for percent in (2, 10, 15)
    },
    "pa-diversity": {"objectives": ("performance", "diversity")},
    "pcc-diversity": {"objectives": ("performance", "connection-cost", "diversity")},
    "modularity": {"objectives": ("performance", "modularity")},
    "modularity-p100": {"objectives": ("performance", "modularity"), "pressure": 1.0},
    "random": {"objectives": ("performance", "random")},
}

_SOURCE = "Clune, Mouret & Lipson 2013, Proc. R. Soc. B 280:20122863"
_SHOWN = ("performance", "modularity", "connection_cost", "connections")
_TRIALS = {"paper": 50, "laptop": 10, "smoke": 2}
_SCALES: dict[str, Mapping[str, Any]] = {
    "paper": {},
    "laptop": {"generations": 5000, "log_every": 50},
    "smoke": {"population": 100, "generations": 100, "log_every": 10, "checkpoint_every": 50},
}

#: The published experiments by name.
EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            "clune2013-retina",
            "Does selection for low connection cost make evolved networks modular?",
            _SOURCE,
            Settings(),
            TREATMENTS,
            ("pa", "pcc"),
            _TRIALS,
            _SCALES,
            _SHOWN,
        ),
        Experiment(
            "clune2013-5xor",
            "The same with five independent XOR problems side by side.",
            _SOURCE,
            Settings(problem="5-xor", insertions_max=99, bias_rate=1 / 15, bias_change="step"),
            TREATMENTS,
            ("pa", "pcc"),
            _TRIALS,
            _SCALES,
            _SHOWN,
        ),
        Experiment(
            "clune2013-hxor",
            "The same with two hierarchies of XOR problems.",
            _SOURCE,
            Settings(
                problem="hierarchical-xor",
                insertions_min=20,
                insertions_max=99,
                minimum_connections=20,
                bias_rate=1 / 15,
                bias_change="step",
            ),
            TREATMENTS,
            ("pa", "pcc"),
            _TRIALS,
            _SCALES,
            _SHOWN,
        ),
    )
}
