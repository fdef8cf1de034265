from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cluster.errors import UserError
from meta.data import load_pictures, normalise

NAMES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def colours(name, count=2):
    return np.random.default_rng(NAMES.index(name)).integers(0, 256, (count, 3, 32, 32), np.uint8)


def write_binary(folder, names=NAMES, change=lambda name, content: content):
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name in [*names, "batches.meta.txt"]:
            content = b"airplane\n"
            if name in NAMES:
                rows = [bytes([3]) + picture.tobytes() for picture in colours(name)]
                content = change(name, b"".join(rows))
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


# --- Normalisation ------------------------------------------------------------------------------------------


def test_normalised_pictures_by_hand():
    pictures = np.array([[[0, 100], [200, 100]], [[7, 7], [7, 7]], [[0, 0], [0, 4]]])
    expected = [[[-1, 0], [1, 0]], [[0, 0], [0, 0]], [[-1 / 3, -1 / 3], [-1 / 3, 1]]]
    assert np.allclose(normalise(pictures), expected)
    assert normalise(pictures).dtype == np.float32


@given(arrays.arrays(np.uint8, (3, 4, 4)), st.integers(1, 9), st.integers(0, 50))
def test_unit_and_zero_of_brightness_do_not_matter(pictures, unit, zero):
    ours = normalise(pictures)
    assert np.abs(ours).max() <= 1.0
    assert np.allclose(ours.mean(axis=(1, 2)), 0.0, atol=1e-6)
    assert np.allclose(normalise(pictures.astype(np.int64) * unit + zero), ours, atol=1e-6)
    uneven = pictures.max(axis=(1, 2)) > pictures.min(axis=(1, 2))
    assert np.array_equal(np.abs(ours).max(axis=(1, 2)) == 1.0, uneven)


def test_pictures_are_normalised_one_by_one(monkeypatch):
    pictures = np.random.default_rng(0).integers(0, 766, (7, 5, 4), np.uint16)
    whole = normalise(pictures)
    monkeypatch.setattr("meta.data.pictures._BLOCK", 2)
    assert np.array_equal(normalise(pictures), whole)
    assert np.array_equal(np.concatenate([normalise(one[np.newaxis]) for one in pictures]), whole)


# --- Files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["cifar10", "."])
def test_grey_pictures_are_read_as_they_are(tmp_path, place):
    train, test = colours(NAMES[0], 6)[:, 0], colours(NAMES[1])[:, 0]
    (tmp_path / place).mkdir(exist_ok=True)
    np.savez(tmp_path / place / "cifar10_gray.npz", train_images=train, test_images=test, train_labels=[1])
    pictures = load_pictures(tmp_path)
    assert np.array_equal(pictures.train, train)
    assert np.array_equal(pictures.test, test)


def test_colours_of_the_binary_archive_are_summed(tmp_path, monkeypatch):
    write_binary(tmp_path / "cifar10")
    pictures = load_pictures(tmp_path)
    expected = np.concatenate([colours(name).astype(int).sum(axis=1) for name in NAMES])
    assert np.array_equal(np.concatenate([pictures.train, pictures.test]), expected)
    assert pictures.train.shape == (10, 32, 32)
    monkeypatch.setattr("meta.data.pictures._prepare", None)
    assert np.array_equal(load_pictures(tmp_path).test, pictures.test)


def test_the_python_archive_is_refused_because_of_its_pickles(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").touch()
    with pytest.raises(
        UserError, match=r"python\.tar\.gz: not read, for it holds pickles.*cifar-10-binary\.tar\.gz"
    ):
        load_pictures(tmp_path)


def test_no_file_says_where_to_get_one(tmp_path):
    with pytest.raises(UserError, match=r"no such file: get https://www\.cs\.toronto\.edu.*--data generated"):
        load_pictures(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "missing", "length", "text"])
def test_a_damaged_archive_is_one_line(tmp_path, damage):
    path = tmp_path / "cifar-10-binary.tar.gz"
    write_binary(
        tmp_path,
        NAMES[:-1] if damage == "missing" else NAMES,
        lambda name, content: content[:-1] if damage == "length" and name == NAMES[2] else content,
    )
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-3000])
    if damage == "text":
        path.write_bytes(b"not an archive")
    message = {
        "truncated": "truncated or corrupt",
        "text": "truncated or corrupt",
        "missing": "holds no test_batch.bin",
        "length": "data_batch_3.bin has 6145 bytes",
    }
    with pytest.raises(UserError, match=message[damage]) as error:
        load_pictures(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        {"images": np.zeros((2, 32, 32), np.uint8)},
        {"train_images": np.zeros((2, 32, 32)), "test_images": np.zeros((2, 32, 32), np.uint8)},
        {"train_images": np.zeros((2, 28, 28), np.uint8), "test_images": np.zeros((2, 32, 32), np.uint8)},
        {"train_images": np.zeros((0, 32, 32), np.uint8), "test_images": np.zeros((2, 32, 32), np.uint8)},
        {"train_images": np.array([{}]), "test_images": np.zeros((2, 32, 32), np.uint8)},
        None,
    ],
    ids=["names", "dtype", "size", "none", "objects", "no archive"],
)
def test_other_grey_files_are_refused(tmp_path, content):
    path = tmp_path / "cifar10_gray.npz"
    if content is None:
        path.write_bytes(b"text")
    else:
        np.savez(path, **content)
    with pytest.raises(UserError, match=r"cifar10_gray\.npz: .*allowed is an npz"):
        load_pictures(tmp_path)


def test_the_published_pictures(real):
    pictures = load_pictures(real("cifar10/cifar10_gray.npz"))
    assert pictures.train.shape[1:] == pictures.test.shape[1:] == (32, 32)
    assert len(pictures.train) > 0
    # Of natural pictures: neighbours are alike.
    assert np.median(np.abs(np.diff(pictures.test.astype(int), axis=2))) < 10
