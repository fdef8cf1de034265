"""Omniglot: 1,623 handwritten characters of 50 alphabets, drawn by 20 people each.

Lake, Salakhutdinov and Tenenbaum (2015), Human-level concept learning through probabilistic program induction,
Science 350. The two archives are read as published at https://github.com/brendenlake/omniglot (MIT licence).
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from cluster.errors import UserError
from meta.data.characters import SIDE, Characters, Resampler, check_resampling, shrink
from meta.data.download import Source, by_hand, obtain
from meta.data.prepared import prepared

_ADDRESS = "https://github.com/brendenlake/omniglot/raw/master/python/"

#: The archives of the background and the evaluation set; lengths and checksums as TensorFlow Datasets lists them.
SOURCES = (
    Source(
        _ADDRESS + "images_background.zip",
        9_464_212,
        "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
    ),
    Source(
        _ADDRESS + "images_evaluation.zip",
        6_462_886,
        "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
    ),
)

#: Counts up when the prepared arrays change their meaning.
VERSION = 1

_DRAWING = re.compile(r"(images_(?:background|evaluation)/[^/]+/character\d+)/\d+_\d+\.png")

# What zipfile, zlib and Pillow raise at files that are not what they should be.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
)


def load_omniglot(folder: Path, size: int, resample: Resampler = "area", fetch: bool = False) -> Characters:
    """All characters, background set first; classes are sorted by path, drawings by drawer.

    Reads `images_background.zip` and `images_evaluation.zip` in `<folder>/omniglot/` or `<folder>/`. The
    first time this takes some seconds; then the arrays are mapped from the folder of prepared arrays.

    Args:
        folder: the data folder.
        size: side of the pictures in pixels, 1 to 105.
        resample: "area" (exact box filter) or "lanczos" (Pillow's, as the continual-learning papers used).
        fetch: download what is missing.

    Raises:
        UserError: an archive is missing, corrupt, or not in the published layout.
        ValueError: size or resample is out of range.
    """
    check_resampling(size, resample)
    archives = [obtain(source, folder, "omniglot", fetch) for source in SOURCES]
    identity = hashlib.sha256()
    for archive in archives:
        identity.update(_digest(archive))
    name = f"omniglot-{identity.hexdigest()[:16]}-{size}-{resample}-{VERSION}"
    arrays = prepared(name, lambda: _prepare(archives, size, resample))
    return Characters(arrays["images"], tuple(arrays["names"].tolist()), np.asarray(arrays["background"]))


def _digest(archive: Path) -> bytes:
    try:
        with archive.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise UserError(f"{archive}: cannot be read: {error.strerror}") from None


def _prepare(archives: Sequence[Path], size: int, resample: Resampler) -> Mapping[str, NDArray]:
    """Read both archives into small pictures."""
    classes: list[NDArray[np.uint8]] = []
    names: list[str] = []
    for path, source in zip(archives, SOURCES, strict=True):
        try:
            with zipfile.ZipFile(path) as archive:
                members = _members(archive, path)
                for character in track(members, f"Preparing {path.name}", console=Console(stderr=True)):
                    classes.append(shrink(_bits(archive, members[character]), size, resample))
                    names.append(character)
        except _DAMAGE as error:
            raise UserError(
                f"{path}: truncated or corrupt ({error}): remove it and {by_hand(source.url, path.parent)}"
            ) from None
    if len({len(drawings) for drawings in classes}) > 1:
        raise UserError(f"{archives[0].parent}: the two archives differ in their number of drawings a character")
    return {
        "images": np.stack(classes),
        "names": np.array([name.partition("/")[2] for name in names]),
        "background": np.array([name.startswith("images_background/") for name in names]),
    }


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, list[str]]:
    """The drawings of each character, both sorted.

    Raises:
        UserError: the archive holds no characters, not those its name says, or not as many drawings of each.
    """
    members: dict[str, list[str]] = {}
    for name in sorted(archive.namelist()):
        match = _DRAWING.fullmatch(name)
        if match and name.startswith(f"{path.stem}/"):
            members.setdefault(match[1], []).append(name)
    counts = sorted({len(drawings) for drawings in members.values()})
    if len(counts) != 1:
        found = f"{counts[0]} to {counts[-1]} drawings a character" if counts else "no such file"
        raise UserError(
            f"{path}: another layout ({found}): allowed is {path.stem}/Alphabet/character01/0001_01.png ..., "
            "as many drawings of each character"
        )
    return members


def _bits(archive: zipfile.ZipFile, drawings: Sequence[str]) -> NDArray[np.bool_]:
    """Drawings as bool (drawings, 105, 105), True where the paper is white."""
    bits = np.empty((len(drawings), SIDE, SIDE), np.bool_)
    for index, name in enumerate(drawings):
        with Image.open(io.BytesIO(archive.read(name)), formats=("PNG",)) as image:
            if image.size != (SIDE, SIDE):
                raise UserError(
                    f"{archive.filename}: {name} is {image.width} x {image.height} pixels: "
                    f"allowed is {SIDE} x {SIDE}"
                )
            bits[index] = np.asarray(image.convert("L")) > 127
    return bits
