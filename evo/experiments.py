"""The published experiments as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.experiments import Experiment
from evo.environments import ENVIRONMENTS
from evo.maps import MAPS
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

# Mengistu et al. keep behavioural diversity in every treatment, and the cost always counts unless said otherwise.
_DIVERSE_PCC: dict[str, Any] = {"objectives": ("performance", "connection-cost", "diversity"), "pressure": 1.0}
_SELECTED_HIERARCHY: dict[str, Any] = {"objectives": ("performance", "hierarchy", "diversity")}
_FEW = {"insertions_min": 11, "insertions_max": 19, "minimum_connections": 11}

#: Performance, performance and connection cost, and the controls that tell cost, modularity and hierarchy apart.
HIERARCHY_TREATMENTS: dict[str, Mapping[str, Any]] = {
    "pa": {"objectives": ("performance", "diversity")},
    "pcc": _DIVERSE_PCC,
    **{f"pcc-p{percent:03d}": _DIVERSE_PCC | {"pressure": percent / 100} for percent in (10, 25, 50, 75)},
    "pcc-schedule": _DIVERSE_PCC | {"pressure": 0.9, "pressure_step": 0.1, "pressure_floor": 0.1},
    "pcc-nonmod": _DIVERSE_PCC | {"objectives": ("performance", "low-modularity", "connection-cost", "diversity")},
    "low-hierarchy": _DIVERSE_PCC
    | {"objectives": ("performance", "low-hierarchy", "connection-cost", "diversity")},
    "hierarchy": _SELECTED_HIERARCHY | {"pressure": 1.0},
    "hierarchy-p025": _SELECTED_HIERARCHY | {"pressure": 0.25},
    "pa-few": {"objectives": ("performance", "diversity")} | _FEW,
    "pcc-few": _DIVERSE_PCC | _FEW,
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
        Experiment(
            "mengistu2016-hierarchy",
            "Does selection for low connection cost make evolved networks hierarchical?",
            "Mengistu, Huizinga, Mouret & Clune 2016, PLoS Comput Biol 12:e1004829",
            Settings(
                problem="and-xor-and",
                generations=25_001,
                insertions_min=20,
                insertions_max=99,
                minimum_connections=20,
                bias_rate=1 / 15,
                bias_change="step",
            ),
            HIERARCHY_TREATMENTS,
            ("pa", "pcc"),
            _TRIALS | {"paper": 30},
            _SCALES,
            ("performance", "hierarchy", "modularity", "connection_cost"),
        ),
        *ENVIRONMENTS,
        *MAPS,
    )
}
