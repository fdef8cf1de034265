"""Figures inside a page: images that carry their own data, so that the page needs no other file.

An svg in an image element is a world of its own: its ids clash with no other figure's, and a browser runs no
script in it.
"""

from __future__ import annotations

import re
import struct
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Bytes from which on a figure's png is taken, if that is smaller than its svg.
LARGE = 2**19
#: Pixels of a page in an inch.
_PIXELS = 96


@dataclass(frozen=True)
class Image:
    """A figure as a page shows it.

    Attributes:
        name: of the file, without suffix.
        source: the figure itself, as a data URL.
        width: in pixels of a page, as large as it would be in print.
        height: likewise.
    """

    name: str
    source: str
    width: int
    height: int


def embed(files: Sequence[Path]) -> list[Image]:
    """Figures as images, in the order of their files; one image where a figure has an svg and a png.

    The svg is taken, which is sharp at every size, except where it is large and the png is not.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is not an svg with its size in points or a png.
    """
    variants: dict[Path, dict[str, Path]] = {}
    for file in files:
        variants.setdefault(file.with_suffix(""), {})[file.suffix] = file
    return [_image(forms) for forms in variants.values()]


def _image(forms: dict[str, Path]) -> Image:
    kinds = {".svg": "image/svg+xml", ".png": "image/png"}
    contents = {suffix: forms[suffix].read_bytes() for suffix in kinds if suffix in forms}
    if not contents:
        raise ValueError(f"{next(iter(forms.values()))}: allowed are svg and png files")
    suffix = next(iter(contents))
    if len(contents[suffix]) > LARGE:
        suffix = min(contents, key=lambda suffix: len(contents[suffix]))
    width, height = _size(forms[suffix], contents[suffix])
    source = f"data:{kinds[suffix]};base64,{b64encode(contents[suffix]).decode()}"
    return Image(forms[suffix].stem, source, round(width * _PIXELS), round(height * _PIXELS))


def _size(file: Path, content: bytes) -> tuple[float, float]:
    """Width and height in inches."""
    if file.suffix == ".svg":
        found = [
            re.search(rb'<svg[^>]*\s%s="([0-9.]+)pt"' % side, content[:4000]) for side in (b"width", b"height")
        ]
        if None not in found:
            width, height = (float(match.group(1)) / 72 for match in found if match)
            return width, height
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        width, height = struct.unpack(">II", content[16:24])
        density = content.find(b"pHYs", 0, 1000)  # dots per metre
        inch = 0.0254 * struct.unpack(">I", content[density + 4 : density + 8])[0] if density > 0 else _PIXELS
        return width / inch, height / inch
    raise ValueError(f"{file}: allowed is an svg with its size in points, or a png")
