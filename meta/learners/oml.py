"""Online-aware meta-learning (OML): learn in sequence, be judged by all that is to be known, the past included.

Javed and White (2019), arXiv 1905.12588, algorithm 2. The representation is fixed in a lifetime, the layers after
it learn, one example at a step; the outer gradient goes to the representation and to where those layers start.
MAML-Rep is the same with steps of all examples together (`batch` 0 of the learner).
"""

from __future__ import annotations

from torch import Tensor

from meta.learners.inner import Learner
from meta.learners.parameters import take
from meta.learners.trajectory import Trajectory

#: What learns in a lifetime.
PLASTIC = ("hidden", "head")


def meta_scores(learner: Learner, trajectory: Trajectory) -> Tensor:
    """Scores of the outer batch, (outer, classes), by the model that has learned the trajectory."""
    prepared = learner.prepare(trajectory.all)  # all that is fixed in a lifetime, once for all its examples
    count = len(trajectory.labels)
    adapted = learner.adapt_prepared(take(prepared, slice(count)), trajectory.labels)
    return learner.answer(adapted, prepared if trajectory.repeated else take(prepared, slice(count, None)))
