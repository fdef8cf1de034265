"""What a report shows of networks that memorise: patterns, pictures, characters at one sight, words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.references import Reference
from analysis.reports import Groups, Measure
from meta.views.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WRONG = "Wrong bits"
_ERROR = (Measure("error", "wrong bits", 4, share=True),)
_PATTERNS = {_WRONG: "error", "Loss": "loss"}
_PERPLEXITY = View(
    {"Loss (nats a word)": "entropy", "Validation perplexity": "validation_perplexity"},
    (
        Measure("validation_perplexity", "validation perplexity", 2),
        Measure("test_perplexity", "test perplexity", 2),
    ),
    logarithmic=("Validation perplexity",),
)


def error_by_lag(groups: Groups) -> dict[str, Figure]:
    """Share of wrong bits by how many showings ago the pattern was last shown."""
    from analysis.memory import memory_figure

    lags = sorted({lag for results in groups.values() for result in results for lag in result["lags"]})
    # A row a trial: the lifetimes of one trained network are not independent of each other.
    tables = {name: np.array([_errors_at(lags, result) for result in results]) for name, results in groups.items()}
    return {"memory": memory_figure(lags, tables, "Showings since the pattern was last shown", _WRONG)}


def _errors_at(lags: list[int], result: Mapping[str, Any]) -> list[float]:
    errors, own = np.array(result["errors"]), np.array(result["lags"])
    return [float(errors[own == lag].mean()) if (own == lag).any() else float("nan") for lag in lags]


#: How each experiment is shown, by its name.
VIEWS = {
    "miconi2018-patterns": View(
        _PATTERNS,
        _ERROR,
        {_WRONG: (Reference(0.25, "chance"), Reference(0.01, "published, from about 200 on"))},
        (_WRONG, "Loss"),
        error_by_lag,
    ),
    "miconi2018-patterns50": View(
        _PATTERNS, _ERROR, {_WRONG: (Reference(0.25, "chance"),)}, (_WRONG, "Loss"), error_by_lag
    ),
    "miconi2018-images": View(
        {"Squared error": "loss", "RMS error of hidden pixels": "hidden_rms"},
        (Measure("test_loss", "squared error, new pictures", 2),),
        {
            "Squared error": (
                Reference(20.0, "published at 8,000, independent"),
                Reference(28.0, "published at 10,000, shared"),
            )
        },
    ),
    "miconi2018-omniglot": View(
        {"Loss": "loss", "Accuracy, held-out classes": "held_out_accuracy"},
        (Measure("test_accuracy", "accuracy, held-out classes", 4, "test_episodes", share=True),),
        {"Accuracy, held-out classes": (Reference(0.985, "published (its split leaks)"),)},
    ),
    "miconi2019-ptb": _PERPLEXITY,
    "miconi2019-ptb-awd": _PERPLEXITY,
}
