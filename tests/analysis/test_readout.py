"""A strip shows an episode's images, labels and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from analysis import style
from analysis.readout import ROW, readout_figure

IMAGES = np.random.default_rng(0).random((5, 6, 6))
SCORES = [0.1, 0.2, 0.5, 0.15, 0.05]


def _bars(truth: int | None) -> tuple[list[float], list[str]]:
    axes = readout_figure(IMAGES, range(5), IMAGES[1], SCORES, truth).axes[-1]
    bars: Any = axes.patches
    return [bar.get_height() for bar in bars], [to_hex(bar.get_facecolor()) for bar in bars]


def test_images_are_in_the_order_shown_below_their_labels() -> None:
    figure = readout_figure(IMAGES, [3, 1, 0, 4, 2], IMAGES[1], SCORES, 1)
    *support, query, _ = figure.axes
    assert [axes.get_title() for axes in (*support, query)] == ["3", "1", "0", "4", "2", "1"]
    for axes, image in zip((*support, query), (*IMAGES, IMAGES[1]), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), image)
        assert axes.images[0].get_clim() == (IMAGES.min(), IMAGES.max())


def test_the_true_class_is_blue_a_wrong_answer_red() -> None:
    grey = style.GREY
    assert _bars(None) == (SCORES, [grey] * 5)
    assert _bars(2) == (SCORES, [grey, grey, style.POSITIVE, grey, grey])
    assert _bars(0) == (SCORES, [style.POSITIVE, grey, style.NEGATIVE, grey, grey])


def test_many_images_take_rows_and_colour_images_are_drawn(tmp_path: Path) -> None:
    support = np.random.default_rng(1).random((ROW + 2, 4, 4, 3))
    figure = readout_figure(support, [0] * (ROW + 2), support[0], [2.0, -1.0], score="logit")
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == ROW + 3
    assert drawn[-1].get_title() == "?"
    assert figure.axes[-1].get_ylabel() == "logit"
    assert all(path.stat().st_size for path in style.save_figure(figure, tmp_path / "readout"))


def test_episodes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="support: shape"):
        readout_figure(IMAGES, range(5), IMAGES[0, :3], SCORES)
    with pytest.raises(ValueError, match="labels: 4"):
        readout_figure(IMAGES, range(4), IMAGES[0], SCORES)
    with pytest.raises(ValueError, match="class 5"):
        readout_figure(IMAGES, range(1, 6), IMAGES[0], SCORES)
    with pytest.raises(ValueError, match="class -1"):
        readout_figure(IMAGES, range(5), IMAGES[0], SCORES, -1)
