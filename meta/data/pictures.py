"""Grey natural pictures for memorising and completing: CIFAR-10 without its colours.

Krizhevsky (2009), Learning multiple layers of features from tiny images; the pictures of Miconi, Clune and
Stanley (2018), Differentiable plasticity. Two files are read: the official *binary* archive, and a small npz
of grey pictures. The python archive of CIFAR-10 consists of pickles and is not read: loading runs no code.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cluster.errors import UserError
from meta.data.download import Source, by_hand, obtain
from meta.data.folder import find_file
from meta.data.prepared import prepared

#: The binary archive; its length and checksum as TensorFlow Datasets lists them.
SOURCE = Source(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9dddda3db29a59bca1dd",
)

#: Grey pictures as uint8 (n, 32, 32), named train_images and test_images.
GREY = "cifar10_gray.npz"

#: Side of a picture in pixels.
SIDE = 32

#: Counts up when the prepared arrays change their meaning.
VERSION = 1

_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = ("test_batch.bin",)
_BLOCK = 4096  # pictures normalised at a time
_RECORD = 1 + 3 * SIDE * SIDE  # the label and three colours


@dataclass(frozen=True, eq=False)
class Pictures:
    """Brightness of pictures, uint8 (0 to 255) or uint16 (sums of three colours, 0 to 765). May be read-only.

    Attributes:
        train: pictures to train with, (n, size, size).
        test: pictures to test with, (m, size, size).
    """

    train: NDArray[np.uint8 | np.uint16]
    test: NDArray[np.uint8 | np.uint16]


def normalise(pictures: NDArray) -> NDArray[np.float32]:
    """Each picture minus its own mean, divided by its greatest absolute value.

    As the published program of Miconi et al. (2018) does with the sum of the colours; the unit of brightness
    does not matter. A picture of one brightness becomes zeros.

    Args:
        pictures: any numbers (n, ...).

    Returns:
        float32 of the same shape, from -1 to 1.
    """
    normalised = np.empty((len(pictures), *np.shape(pictures)[1:]), np.float32)
    for start in range(0, len(pictures), _BLOCK):
        flat = np.asarray(pictures[start : start + _BLOCK], np.float64).reshape(-1, normalised[0].size)
        centred = flat - flat.mean(axis=1, keepdims=True)
        # A mean may be off by rounding: a picture of one brightness must not be blown up.
        even = np.ptp(flat, axis=1, keepdims=True) == 0.0
        greatest = np.where(even, np.inf, np.abs(centred).max(axis=1, keepdims=True))
        normalised[start : start + _BLOCK] = (centred / greatest).reshape(-1, *normalised.shape[1:])
    return normalised


def load_pictures(folder: Path, fetch: bool = False) -> Pictures:
    """Grey 32 x 32 pictures of CIFAR-10, in the order and the split of the file they come from.

    Reads `cifar10_gray.npz`, else `cifar-10-binary.tar.gz`, in `<folder>/cifar10/` or `<folder>/`.

    Args:
        folder: the data folder.
        fetch: download the archive if neither is there.

    Raises:
        UserError: no file, a file that is corrupt or of another layout, or only the python archive.
    """
    grey = find_file(folder, "cifar10", GREY)
    if grey is not None:
        return _read_grey(grey)
    if not fetch and find_file(folder, "cifar10", SOURCE.name) is None:
        _refuse_pickles(folder)
    archive = obtain(SOURCE, folder, "cifar10", fetch)
    try:
        with archive.open("rb") as file:
            identity = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise UserError(f"{archive}: cannot be read: {error.strerror}") from None
    arrays = prepared(f"cifar10-{identity}-{VERSION}", lambda: _prepare(archive))
    return Pictures(arrays["train"], arrays["test"])


def _refuse_pickles(folder: Path) -> None:
    for name in ("cifar-10-python.tar.gz", "cifar-10-batches-py"):
        for path in (folder / "cifar10" / name, folder / name):
            if path.exists():
                raise UserError(
                    f"{path}: not read, for it holds pickles, which can run code: the *binary* version is read: "
                    f"{by_hand(SOURCE.url, path.parent)}"
                )


def _read_grey(path: Path) -> Pictures:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            train, test = arrays["train_images"], arrays["test_images"]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: truncated, corrupt or of another layout ({error}): {_allowed()}") from None
    for images in (train, test):
        if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE) or len(images) == 0:
            raise UserError(f"{path}: holds {images.dtype} {images.shape}: {_allowed()}")
    return Pictures(train, test)


def _allowed() -> str:
    return f"allowed is an npz with train_images and test_images, uint8 (n, {SIDE}, {SIDE})"


def _prepare(path: Path) -> Mapping[str, NDArray]:
    """Sum the colours of the binary archive's pictures."""
    batches: dict[str, NDArray[np.uint16]] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                content = archive.extractfile(member) if name in _TRAIN + _TEST else None
                if content is not None:
                    batches[name] = _sum_of_colours(content.read(), path, name)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UserError(
            f"{path}: truncated or corrupt ({error}): remove it and {by_hand(SOURCE.url, path.parent)}"
        ) from None
    missing = [name for name in _TRAIN + _TEST if name not in batches]
    if missing:
        raise UserError(f"{path}: holds no {missing[0]}: {by_hand(SOURCE.url, path.parent)}")
    return {
        "train": np.concatenate([batches[name] for name in _TRAIN]),
        "test": np.concatenate([batches[name] for name in _TEST]),
    }


def _sum_of_colours(content: bytes, path: Path, name: str) -> NDArray[np.uint16]:
    if len(content) == 0 or len(content) % _RECORD:
        raise UserError(f"{path}: {name} has {len(content)} bytes: allowed is a multiple of {_RECORD}")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, SIDE, SIDE).sum(axis=1, dtype=np.uint16)
