"""The leading eigenvector of a small symmetric matrix.

Householder tridiagonalisation, bisection for the eigenvalue, inverse iteration just above it (Golub and Van
Loan, Matrix Computations, chapter 8). Written out rather than left to LAPACK: several times as fast at this
size, since one eigenvector of n is needed, and the same bits on every machine, whatever library, processor or
number of threads is there.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Relative to the size of the matrix: how closely the leading eigenvalue is bracketed and how far above it the
# inverse iteration is shifted. Eigenvalues closer together than this count as equal.
_TOLERANCE = 1e-10


@njit(cache=True)
def leading_eigenvector(matrix: Floats) -> tuple[Floats, bool]:
    """Eigenvector of the largest eigenvalue of a symmetric matrix, and whether that eigenvalue is positive.

    Where several eigenvalues are equally the largest, one fixed combination of their eigenvectors.

    Args:
        matrix: symmetric, float64 (n, n), n of 2 or more, with an eigenvalue of at least 0.

    Returns:
        The eigenvector (n,), of any length; without meaning if the eigenvalue is not positive.
    """
    diagonal, beside, reflectors = _tridiagonalise(matrix.copy())
    scale = _row_bound(diagonal, beside)
    shift = _above_largest_eigenvalue(diagonal, beside, scale)
    if shift <= 4.0 * _TOLERANCE * scale:
        return diagonal, False
    vector = _inverse_iteration(diagonal, beside, shift)
    for k in range(len(matrix) - 3, -1, -1):
        overlap = 2.0 * np.sum(reflectors[k] * vector)
        for i in range(k + 1, len(vector)):
            vector[i] -= overlap * reflectors[k, i]
    return vector, True


@njit(cache=True)
def _tridiagonalise(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Diagonal, entries beside it, unit vectors (n - 2, n) of the reflections; overwrites the matrix."""
    size = len(matrix)
    reflectors = np.zeros((max(size - 2, 0), size))
    beside = np.zeros(size - 1)
    product = np.empty(size)
    for k in range(size - 2):
        vector = reflectors[k]
        beside[k] = _reflector(matrix[k], k + 1, vector)
        product[:] = 0.0
        for j in range(k + 1, size):
            # By columns: sums of whole rows run in parallel lanes without changing their order of addition.
            for i in range(k + 1, size):
                product[i] += vector[j] * matrix[j, i]
        overlap = 0.0
        for i in range(k + 1, size):
            overlap += vector[i] * product[i]
        for i in range(k + 1, size):
            product[i] = 2.0 * (product[i] - overlap * vector[i])
        for i in range(k + 1, size):
            for j in range(k + 1, size):
                matrix[i, j] -= vector[i] * product[j] + product[i] * vector[j]
    beside[size - 2] = matrix[size - 2, size - 1]
    return np.diag(matrix).copy(), beside, reflectors


@njit(cache=True)
def _reflector(row: Floats, start: int, vector: Floats) -> float:
    """Fills the unit vector that reflects row[start:] onto its first entry; returns that entry."""
    rest = 0.0
    for i in range(start + 1, len(row)):
        rest += row[i] * row[i]
    if rest == 0.0:
        return row[start]
    length = np.sqrt(row[start] * row[start] + rest)
    entry = -length if row[start] > 0.0 else length
    scale = 1.0 / np.sqrt(2.0 * length * (length + abs(row[start])))
    vector[start] = (row[start] - entry) * scale
    for i in range(start + 1, len(row)):
        vector[i] = row[i] * scale
    return entry


@njit(cache=True)
def _row_bound(diagonal: Floats, beside: Floats) -> float:
    """The largest sum of absolute values in a row, which bounds every eigenvalue (Gershgorin)."""
    bound = 0.0
    for i in range(len(diagonal)):
        row = abs(diagonal[i])
        if i > 0:
            row += abs(beside[i - 1])
        if i < len(beside):
            row += abs(beside[i])
        bound = max(bound, row)
    return bound


@njit(cache=True)
def _above_largest_eigenvalue(diagonal: Floats, beside: Floats, scale: float) -> float:
    """A number above the largest eigenvalue by one to two tolerances."""
    low = 0.0
    high = scale
    while high - low > _TOLERANCE * scale:
        middle = 0.5 * (low + high)
        pivot = middle - diagonal[0]
        i = 0
        while pivot > 0.0 and i < len(beside):
            pivot = middle - diagonal[i + 1] - beside[i] * beside[i] / pivot
            i += 1
        if pivot > 0.0:  # all pivots positive: every eigenvalue lies below
            high = middle
        else:
            low = middle
    return high + _TOLERANCE * scale


@njit(cache=True)
def _inverse_iteration(diagonal: Floats, beside: Floats, shift: float) -> Floats:
    """Eigenvector of the eigenvalue next below the shift, of unit maximum."""
    size = len(diagonal)
    pivots = np.empty(size)
    pivots[0] = shift - diagonal[0]
    for i in range(1, size):  # positive definite, so elimination needs no exchange of rows
        pivots[i] = shift - diagonal[i] - beside[i - 1] * beside[i - 1] / pivots[i - 1]
    # Irregular, so that no symmetry of the network makes it orthogonal to the eigenvector.
    vector = np.empty(size)
    for i in range(size):
        vector[i] = 0.5 + (i * 0.6180339887498949) % 1.0
    for _ in range(4):  # other eigenvectors shrink by (2e-10 / relative gap) each time
        for i in range(1, size):
            vector[i] += beside[i - 1] / pivots[i - 1] * vector[i - 1]
        vector[size - 1] /= pivots[size - 1]
        for i in range(size - 2, -1, -1):
            vector[i] = (vector[i] + beside[i] * vector[i + 1]) / pivots[i]
        vector[:] = vector / np.max(np.abs(vector))
    return vector
