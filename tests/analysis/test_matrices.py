"""Every entry of a matrix is in its figure: its own pixels, in the colour of its value."""

from __future__ import annotations

import base64
import io
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis import style
from analysis.matrices import matrices_figure, plastic_matrices_figure, signed_colours

RANDOM = np.random.default_rng(0)


def _pixels(figure: Figure) -> NDArray[np.uint8]:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def _colours(table: NDArray[np.float64], limit: float) -> NDArray[np.uint8]:
    coloured: Any = signed_colours()(Normalize(-limit, limit)(table), bytes=True)
    return coloured


@pytest.mark.parametrize("shape", [(1025, 1025), (300, 300), (7, 7), (64, 5), (3, 200)])
def test_every_entry_has_as_many_pixels_of_its_colour(shape: tuple[int, int]) -> None:
    table = RANDOM.normal(size=shape)
    figure = matrices_figure({"W": table, "alpha": 2 * table}, scale="own")
    pixels = _pixels(figure)
    expected = _colours(table, float(np.abs(table).max()))
    for axes in figure.axes[::2]:  # each followed by its colour bar
        box = axes.get_window_extent()
        rows = slice(round(pixels.shape[0] - box.y1), round(pixels.shape[0] - box.y0))
        shown = pixels[rows, round(box.x0) : round(box.x1)]
        times = shown.shape[0] // shape[0], shown.shape[1] // shape[1]
        assert shown.shape[:2] == (times[0] * shape[0], times[1] * shape[1])
        np.testing.assert_array_equal(shown, expected.repeat(times[0], 0).repeat(times[1], 1))


def test_svg_holds_every_entry_once(tmp_path: Path) -> None:
    table = RANDOM.normal(size=(500, 500))
    svg, _ = style.save_figure(matrices_figure({"W": table}), tmp_path / "matrix")
    images = [base64.b64decode(code) for code in re.findall(r"base64,([^\"]+)", svg.read_text())]
    stored = [matplotlib.image.imread(io.BytesIO(image), format="png") for image in images]
    whole: Any = next(image for image in stored if image.shape[:2] == (500, 500))
    np.testing.assert_allclose(255 * whole, _colours(table, float(np.abs(table).max())), atol=0.01)


def test_png_has_the_dots_that_the_figure_asks_for(tmp_path: Path) -> None:
    figure = matrices_figure({"W": np.eye(1000)})
    _, png = style.save_figure(figure, tmp_path / "matrix")
    assert matplotlib.image.imread(png).shape == _pixels(figure).shape
    assert figure.get_dpi() > style.DOTS_PER_INCH


def test_limits_are_centred_on_zero_and_stated() -> None:
    matrices = {"W": np.diag([1.0, -3.0]), "alpha": np.full((2, 2), 0.5), "none": np.zeros((2, 2))}
    own = matrices_figure(matrices).axes[::2]
    assert [axes.images[0].get_clim() for axes in own] == [(-3.0, 3.0), (-0.5, 0.5), (-1.0, 1.0)]
    assert [axes.get_title() for axes in own] == ["W  ±3", "alpha  ±0.5", "none  ±1"]
    shared = matrices_figure(matrices, scale="shared").axes[::2]
    assert {axes.images[0].get_clim() for axes in shared} == {(-3.0, 3.0)}


def test_saturation_leaves_the_largest_entries_beyond_the_limit_and_says_so() -> None:
    axes = matrices_figure({"alpha": np.arange(-100.0, 100.0).reshape(10, 20)}, saturation=0.9).axes[0]
    limit = axes.images[0].get_clim()[1]
    assert np.mean(np.abs(np.arange(-100.0, 100.0)) <= limit) == pytest.approx(0.9, abs=0.01)
    assert axes.get_title() == f"alpha  ±{limit:.2g}, ≥ 90 % within"


def test_plastic_matrices_are_those_of_the_network() -> None:
    weights, plasticity, trace = RANDOM.normal(size=(3, 6, 6))
    figure = plastic_matrices_figure(weights, plasticity[0], trace, {"left": 2, "right": 4})
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes[:8:2]]
    full = np.tile(plasticity[0], (6, 1))  # one coefficient for each receiver
    for image, known in zip(shown, (weights, full, trace, weights + full * trace), strict=True):
        np.testing.assert_allclose(image, known)


def test_lines_separate_the_parts_and_names_stand_in_their_middle() -> None:
    axes = matrices_figure({"W": np.eye(9)}, {"upper": 4, "lower": 4, "bias": 1}).axes[0]
    assert [float(np.asarray(line.get_ydata())[0]) for line in axes.lines[::2]] == [3.5, 7.5]
    assert list(axes.get_xticks()) == [1.5, 5.5, 8.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["upper", "lower", "bias"]


def test_histograms_count_absolute_entries_with_the_same_bins() -> None:
    weights, plasticity = RANDOM.normal(size=(20, 20)), 3 * RANDOM.normal(size=(20, 20))
    first, second = plastic_matrices_figure(weights, plasticity).axes[-2:]
    largest = np.abs(plasticity).max()
    for axes, table in ((first, weights), (second, plasticity)):
        steps: Any = axes.patches[0]
        values, edges, _ = steps.get_data()
        known = [np.mean((np.abs(table) >= a) & (np.abs(table) < b)) for a, b in pairwise(edges)]
        np.testing.assert_allclose(values[:-1], known[:-1])
        assert values.sum() == pytest.approx(1.0)
        assert axes.get_xlim() == (0.0, pytest.approx(largest))


def test_impossible_matrices_are_refused() -> None:
    square = np.eye(3)
    with pytest.raises(ValueError, match="shapes"):
        matrices_figure({"W": square, "alpha": np.eye(4)})
    with pytest.raises(ValueError, match="shapes"):
        matrices_figure({})
    with pytest.raises(ValueError, match="alpha: allowed are finite"):
        matrices_figure({"alpha": np.full((2, 2), np.nan)})
    with pytest.raises(ValueError, match="parts"):
        matrices_figure({"W": square}, {"left": 1, "right": 1})
    with pytest.raises(ValueError, match="saturation"):
        matrices_figure({"W": square}, saturation=0.0)
    with pytest.raises(ValueError, match="histograms: H"):
        matrices_figure({"W": square}, histograms=["H"])


def test_zero_is_white_and_signs_are_blue_and_vermilion() -> None:
    colours = signed_colours()
    assert [to_hex(colours(place)) for place in (0.0, 0.5, 1.0)] == [style.PALETTE[5], "#ffffff", style.PALETTE[0]]
