"""Maps show every cell in the colour of its value, and points and paths where they are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from analysis import style
from analysis.maps import map_figure

RANGES = ((0.0, 100.0), (-1.0, 1.0))
LABELS = ("cost", "modularity", "performance")


def table(seed: int = 0, rows: int = 20, columns: int = 30) -> np.ndarray:
    """Random values, many cells empty, the outermost filled."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((rows, columns)) < 0.5, rng.random((rows, columns)), np.nan)
    values[0, 0] = values[-1, -1] = 0.5
    return values


def test_cells_lie_where_their_numbers_say_and_lighter_is_more() -> None:
    values = table()
    axes = map_figure(values, RANGES, LABELS).axes[0]
    image = axes.images[0]
    assert image.get_extent() == [0.0, 100.0, -1.0, 1.0] and image.origin == "lower"
    np.testing.assert_array_equal(np.isnan(values), np.ma.getmaskarray(image.get_array()))
    shown = np.linspace(image.norm.vmin, image.norm.vmax, 200)
    red, green, blue, _ = image.cmap(image.norm(shown)).T
    lightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    assert (np.diff(lightness) > -1e-3).all() and lightness[-1] - lightness[0] > 0.5


def test_the_top_has_a_colour_of_its_own() -> None:
    values = table()
    values[3, 4], values[5, 6] = 1.0, 0.999
    image = map_figure(values, RANGES, LABELS, top=1.0).axes[0].images[0]
    colours = image.cmap(image.norm(values))
    others = colours[np.isfinite(values) & (values < 1.0)]
    assert np.linalg.norm(others - colours[3, 4], axis=1).min() > 0.25
    assert image.norm.vmax == np.nanmax(values[values < 1.0])


@pytest.mark.parametrize("value", [0.3, 1.0])
def test_a_map_of_one_value_can_be_drawn(value: float) -> None:
    values = np.full((4, 4), np.nan)
    values[2, 1] = value
    figure = map_figure(values, RANGES, LABELS, top=1.0)
    FigureCanvasAgg(figure).draw()
    image = figure.axes[0].images[0]
    over = image.norm(value) > 1
    assert over == (value == 1.0)


def test_only_what_is_used_is_shown() -> None:
    values = np.full((20, 30), np.nan)
    values[5:10, 3:6] = 0.5
    axes = map_figure(values, RANGES, LABELS).axes[0]
    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    cell = 100 / 30, 2 / 20
    assert left < 3 * cell[0] < 6 * cell[0] < right < 8 * cell[0]
    assert low < -1 + 5 * cell[1] < -1 + 10 * cell[1] < high < -1 + 12 * cell[1]
    axes = map_figure(values, RANGES, LABELS, points={"pa": [(90.0, 0.9)]}).axes[0]
    assert axes.get_xlim()[1] > 90.0 and axes.get_ylim()[1] > 0.9


def test_points_and_paths_are_drawn_in_their_colours() -> None:
    points = {"pa": np.array([[10.0, 0.1], [20.0, 0.2]]), "pcc": np.array([[30.0, 0.3]])}
    paths = [np.array([[1.0, 0.0], [5.0, 0.5], [9.0, 0.4]]), np.array([[50.0, 0.0], [60.0, 0.1]])]
    axes = map_figure(table(), RANGES, LABELS, points=points, paths=paths).axes[0]
    found = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    for name, places in points.items():
        np.testing.assert_array_equal(found[name].get_xydata(), places)
        assert to_hex(found[name].get_markerfacecolor()) == style.TREATMENT_COLOURS[name]
    ways = [line for line in axes.lines if len(line.get_xydata()) == 3]
    assert all(np.array_equal(line.get_xydata(), paths[0]) for line in ways) and len(ways) == 2
    assert axes.images[0].get_alpha() < 1 == map_figure(table(), RANGES, LABELS).axes[0].images[0].get_alpha()
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["pa", "pcc"] and axes.get_xlabel() == "cost" and axes.get_ylabel() == "modularity"


def test_a_few_low_cells_do_not_take_the_colours_from_the_others() -> None:
    values = np.linspace(0.8, 0.9, 400).reshape(20, 20)
    values[0, 0] = 0.0
    figure = map_figure(values, RANGES, LABELS)
    assert figure.axes[0].images[0].norm.vmin > 0.79
    FigureCanvasAgg(figure).draw()
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert all(first.x1 < second.x0 for first, second in pairwise(boxes))


@pytest.mark.parametrize(
    ("values", "points", "says"),
    [
        (np.zeros(3), {}, "values"),
        (np.full((3, 3), np.nan), {}, "values"),
        (np.zeros((3, 3)), {"a": [1.0, 2.0]}, "points"),
        (np.zeros((3, 3)), {"a": [[1.0, 2.0, 3.0]]}, "points"),
    ],
)
def test_what_cannot_be_drawn_is_refused(values: np.ndarray, points: dict, says: str) -> None:
    with pytest.raises(ValueError, match=f"{says}: shape .*: allowed is"):
        map_figure(values, RANGES, LABELS, points=points)
