from __future__ import annotations

import numpy as np
import pytest
from adjacencies import random_adjacency, reference_matrix

from analysis.eigenvector import leading_eigenvector


@pytest.mark.parametrize("size", [2, 3, 7, 23, 60])
def test_eigenvector_is_that_of_lapack(size):
    adjacency = random_adjacency(size, size * size // 3 + 1, seed=size)
    matrix = reference_matrix(adjacency) + reference_matrix(adjacency).T
    before = matrix.copy()
    vector, positive = leading_eigenvector(matrix)
    values, vectors = np.linalg.eigh(matrix)
    assert positive == (values[-1] > 1e-9)
    assert np.array_equal(matrix, before)
    if positive:
        assert abs(vector @ vectors[:, -1]) / np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-12)


def test_equal_eigenvalues_give_one_of_their_eigenvectors():
    matrix = np.diag([3.0, 1.0, 3.0, -5.0])
    vector, positive = leading_eigenvector(matrix)
    assert positive
    assert matrix @ vector == pytest.approx(3.0 * vector)
    assert np.array_equal(vector, leading_eigenvector(matrix)[0])


def test_no_positive_eigenvalue():
    assert not leading_eigenvector(np.zeros((4, 4)))[1]
    assert not leading_eigenvector(np.array([[-1.0, 1.0], [1.0, -1.0]]))[1]
