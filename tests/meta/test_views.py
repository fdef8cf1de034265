"""What reports of learning in sequence show, and what they refuse to compare."""

from typing import Any

import pytest

from cluster.errors import UserError
from meta.experiments import EXPERIMENTS
from meta.views import VIEWS
from meta.views.sequences import by_size, same_split, sequence_measures


def result(**values: Any) -> dict[str, Any]:
    """Parts of a result."""
    return {
        "treatment": "anml",
        "trial": 0,
        "split": "omniglot-1",
        "counts": [10, 50],
        "accuracy_10": 1.0,
    } | values


def test_every_experiment_has_a_view() -> None:
    assert set(VIEWS) == set(EXPERIMENTS)


def test_results_of_different_splits_or_lengths_are_refused() -> None:
    same_split([result(), result(trial=1)])
    with pytest.raises(
        UserError, match="oml/trial-002: tested on omniglot-2 to 50 classes, anml/trial-000 on omn"
    ):
        same_split([result(), result(treatment="oml", trial=2, split="omniglot-2")])
    with pytest.raises(UserError, match="to 60 classes"):
        same_split([result(), result(counts=[10, 60])])


def test_a_number_is_in_the_table_where_all_results_have_it() -> None:
    one, other = result(accuracy_50=0.5, relative_drop=0.1), result(accuracy_50=0.4, counts=[10, 40, 50])
    assert [m.column for m in sequence_measures([one])] == ["accuracy_10", "accuracy_50", "relative_drop"]
    assert [m.column for m in sequence_measures([one, other])] == ["accuracy_10", "accuracy_50"]


def test_treatments_that_differ_in_width_are_found_by_their_names() -> None:
    sizes = {"anml": 5, "anml-order1": 5, "anml-32": 3, "anml-no-nm-16": 1, "anml-16": 2, "anml-no-nm-64": 4}
    groups = {name: [result(treatment=name, parameters=size)] for name, size in sizes.items()}
    found = by_size(groups | {"of-a-notebook": [result()]})
    assert {kind: {size: own[0]["treatment"] for size, own in of.items()} for kind, of in found.items()} == {
        "anml": {5: "anml", 3: "anml-32", 2: "anml-16"},
        "anml-no-nm": {1: "anml-no-nm-16", 4: "anml-no-nm-64"},
    }
