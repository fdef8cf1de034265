"""Readouts against numpy."""

import numpy as np
import pytest
import torch

from meta.protocols.readout import least_squares, nearest_neighbours


def test_neighbours_are_found_and_counted_as_by_hand() -> None:
    stream = np.random.default_rng(0)
    known, asked = stream.normal(size=(40, 3)), stream.normal(size=(30, 3))
    labels = stream.integers(0, 4, 40)
    found = nearest_neighbours(torch.from_numpy(known), torch.from_numpy(labels), torch.from_numpy(asked), 5)
    for point, answer in zip(asked, found.tolist(), strict=True):
        near = labels[np.argsort(((known - point) ** 2).sum(1))[:5]].tolist()
        most = max(near.count(label) for label in near)
        assert answer == next(label for label in near if near.count(label) == most)


def test_least_squares_is_numpys() -> None:
    stream = np.random.default_rng(1)
    known, asked = stream.normal(size=(60, 5)), stream.normal(size=(50, 5))
    labels = stream.integers(0, 3, 60)
    weights = np.linalg.lstsq(np.c_[known, np.ones(60)], np.eye(3)[labels], rcond=None)[0]
    wanted = (np.c_[asked, np.ones(50)] @ weights).argmax(1)
    found = least_squares(torch.from_numpy(known), torch.from_numpy(labels), torch.from_numpy(asked), 1e-12)
    assert np.array_equal(found.numpy(), wanted)


def test_more_neighbours_than_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="neighbours: 3: allowed are 1 to 2"):
        nearest_neighbours(torch.zeros(2, 1), torch.zeros(2), torch.zeros(1, 1), 3)
