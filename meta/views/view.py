"""What a report may show of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.references import Reference
from analysis.reports import Groups, Measure, Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class View:
    """What a report shows of an experiment.

    Attributes:
        curves: column of metrics.csv for each panel, by its label.
        measures: final numbers.
        references: lines to compare with, by the panel's label.
        logarithmic: labels of panels with a logarithmic axis.
        further: figures beyond curves and boxes, from the results of each treatment.
        more: numbers of the table beyond `measures`, where all of these results have them.
        check: refuses with a UserError results that cannot be compared.
    """

    curves: Mapping[str, str]
    measures: tuple[Measure, ...]
    references: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    logarithmic: tuple[str, ...] = ()
    further: Callable[[Groups], dict[str, Figure]] | None = None
    more: Callable[[Sequence[Result]], tuple[Measure, ...]] | None = None
    check: Callable[[Sequence[Result]], None] | None = None
