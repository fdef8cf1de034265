"""The look of every figure: colours, font sizes, and files whose bytes depend on nothing but the figure.

The colours are those of Okabe and Ito (2008), readable by colour-blind people, continued by Paul Tol's
"muted" scheme. The first two differ in lightness too, so that they stay apart in grey.
"""

from __future__ import annotations

import colorsys
import contextlib
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

PALETTE = (
    "#0072b2",  # blue
    "#e69f00",  # orange
    "#009e73",  # green
    "#cc79a7",  # pink
    "#56b4e9",  # sky blue
    "#d55e00",  # vermilion
    "#f0e442",  # yellow
    "#882255",  # wine
    "#999933",  # olive
    "#332288",  # indigo
    "#44aa99",  # teal
    "#ddcc77",  # sand
)
INK = "#222222"
GREY = "#8a8a8a"
POSITIVE = "#26456e"
NEGATIVE = "#c8321f"

SINGLE_COLUMN = 3.5
DOUBLE_COLUMN = 7.2
FONT_SIZE = 8.0
SMALL_FONT_SIZE = 7.0
TINY_FONT_SIZE = 6.0
DOTS_PER_INCH = 200

TREATMENT_COLOURS = {
    "pa": "#e69f00",
    "pcc": "#0072b2",
    "pcc-nonmod": "#009e73",
    "pa-and-or": "#e69f00",
    "pcc-and-or": "#0072b2",
    "pa-or-and": "#d55e00",
    "pcc-or-and": "#56b4e9",
    "pa-and-equals-and": "#e69f00",
    "pcc-and-equals-and": "#0072b2",
    "pa-or-xor-and": "#d55e00",
    "pcc-or-xor-and": "#56b4e9",
    "pa-e20": "#d55e00",
    "pcc-e20": "#56b4e9",
    "pa-e100": "#882255",
    "pcc-e100": "#332288",
    "oml": "#e69f00",
    "anml": "#0072b2",
}

SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine draws the same letters
    "font.size": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.titlepad": 4.0,
    "axes.labelpad": 3.0,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL_FONT_SIZE,
    "ytick.labelsize": SMALL_FONT_SIZE,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": SMALL_FONT_SIZE,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.columnspacing": 1.4,
    "svg.hashsalt": "neuromaterials",
    "svg.fonttype": "path",
}

_FORMATS: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}, "dpi": DOTS_PER_INCH},
}


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style, whatever the user's matplotlib settings, which return afterwards."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast("Any", SETTINGS))
        yield


def distinct_colours(count: int) -> list[str]:
    """Return `count` different colours: the palette, then hues a golden angle apart at three lightnesses."""
    colours = list(PALETTE[:count])
    step = 0
    while len(colours) < count:
        hue = (step * 0.6180339887498949) % 1.0
        red, green, blue = colorsys.hls_to_rgb(hue, (0.35, 0.55, 0.75)[step % 3], 0.5)
        colour = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
        if colour not in colours:
            colours.append(colour)
        step += 1
    return colours


def treatment_colours(names: Iterable[str]) -> dict[str, str]:
    """Give every treatment its colour, the same one in every figure.

    Published treatments keep theirs however they are spelled (`pcc`, `P&CC`); the others take the first free
    colours in the order of `names`, so pass all names of a run even where a figure shows only some.

    Args:
        names: Names of treatments; repeated ones count once.

    Returns:
        A different colour (`#rrggbb`) for each name, in the order of `names`.
    """
    unique = list(dict.fromkeys(names))
    chosen: dict[str, str] = {}
    for name in unique:
        colour = TREATMENT_COLOURS.get(_plain(name))
        if colour is not None and colour not in chosen.values():
            chosen[name] = colour
    free = (colour for colour in distinct_colours(2 * len(unique)) if colour not in chosen.values())
    return {name: chosen[name] if name in chosen else next(free) for name in unique}


def save_figure(figure: Figure, path_without_suffix: str | Path) -> list[Path]:
    """Write a figure as svg and png: same figure, same bytes, and no half-written file is ever seen.

    The png has 200 dots per inch, or more where the figure was made with more.

    Args:
        figure: The figure.
        path_without_suffix: Where to; `.svg` and `.png` are appended. Missing folders are made.

    Returns:
        The two paths written.

    Raises:
        OSError: A file cannot be written; one that was there before is then still whole.
    """
    base = Path(path_without_suffix)
    base.parent.mkdir(parents=True, exist_ok=True)
    return [_save(figure, base.with_name(f"{base.name}.{suffix}"), suffix) for suffix in _FORMATS]


def _save(figure: Figure, path: Path, suffix: str) -> Path:
    options = dict(_FORMATS[suffix])
    if "dpi" in options:
        options["dpi"] = max(options["dpi"], figure.get_dpi())
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with house_style():
            figure.savefig(unfinished, format=suffix, **options)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _plain(name: str) -> str:
    return name.lower().replace("&", "").replace("_", "-").replace(" ", "-")


def plain_numbers(axis: Axis) -> None:
    """Label a logarithmic axis of less than a decade 0.12, 0.14, ... instead of 1.2 times a power of ten."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""  # those that have no room stay empty

    low, high = sorted(axis.get_view_interval())
    if axis.get_scale() == "log" and high < 10 * low:
        axis.set_major_formatter(Plain())
        axis.set_minor_formatter(Plain())
