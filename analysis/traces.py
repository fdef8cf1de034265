"""What a Hebbian trace holds of patterns, and how near a network's activity is to them.

A trace that was written by activity equal to a pattern p is a multiple of the outer product p p^T (Miconi, Stanley
and Clune 2018, equation 2), which p^T H p measures.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pattern_overlap(activity: ArrayLike, patterns: ArrayLike) -> NDArray[np.float64]:
    """Cosine of the angle between the activity and each pattern at each step.

    Args:
        activity: numbers (steps, neurons).
        patterns: numbers (patterns, neurons).

    Returns:
        Overlaps (steps, patterns), from -1 to 1; 0 where all neurons or the whole pattern are silent.

    Raises:
        ValueError: arrays of other shapes or of different numbers of neurons.
    """
    states, known = _table("activity", activity), _table("patterns", patterns)
    if states.shape[1] != known.shape[1]:
        raise ValueError(f"patterns: {known.shape[1]} neurons: allowed are {states.shape[1]}, as in the activity")
    return _unit(states) @ _unit(known).T


def pattern_strength(traces: Iterable[ArrayLike], patterns: ArrayLike) -> NDArray[np.float64]:
    """How strongly traces hold each pattern: p^T H p / neurons^2.

    It is 1 for the trace p p^T of a pattern of -1 and 1, and 0 for that of a pattern orthogonal to it.

    Args:
        traces: H (neurons, neurons) at each of some steps, one after the other; read one at a time.
        patterns: numbers (patterns, neurons).

    Returns:
        Strengths (steps, patterns).

    Raises:
        ValueError: arrays of other shapes.
    """
    known = _table("patterns", patterns)
    neurons = known.shape[1]
    rows = []
    for trace in traces:
        matrix = np.asarray(trace)
        if matrix.shape != (neurons, neurons):
            raise ValueError(f"traces: shape {matrix.shape}: allowed is {(neurons, neurons)} for these patterns")
        rows.append(((known @ matrix) * known).sum(axis=1) / neurons**2)
    return np.array(rows, np.float64).reshape(-1, len(known))


def _table(name: str, values: ArrayLike) -> NDArray[np.float64]:
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(
            f"{name}: shape {table.shape}: allowed is ({name if name == 'patterns' else 'steps'}, neurons)"
        )
    return table


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
