import numpy as np
import pytest
from matplotlib.collections import PathCollection

from analysis.conditions import SEED, conditions_figure
from analysis.statistics import median_interval

SERIES = {
    "pa": {"20": [0.1, 0.2, 0.4], "100": [0.3], "fixed": [0.5, 0.6]},
    "pcc": {"20": [0.7, 0.8, 0.9], "fixed": []},
}


def test_every_trial_and_every_median_is_drawn_where_its_condition_stands() -> None:
    axes = conditions_figure(SERIES, "Period", "Q").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["20", "100", "fixed"]
    points = np.concatenate([dots.get_offsets() for dots in axes.collections if isinstance(dots, PathCollection)])
    drawn = sorted((round(float(x)), float(y)) for x, y in points)
    assert drawn == sorted(
        (place, value)
        for values in SERIES.values()
        for place, condition in enumerate(("20", "100", "fixed"))
        for value in values.get(condition, [])
    )
    for container, values in zip(axes.containers, SERIES.values(), strict=True):
        medians = container.lines[0].get_ydata()
        for place, condition in enumerate(("20", "100", "fixed")):
            trials = values.get(condition, [])
            if trials:
                found = median_interval(trials, SEED)
                assert medians[place] == pytest.approx(np.median(trials))
                ends = container.lines[2][0].get_segments()[place][:, 1]
                assert ends == pytest.approx([found.low, found.high])
            else:
                assert np.isnan(medians[place])


def test_no_line_leads_to_a_condition_that_stands_apart() -> None:
    axes = conditions_figure(SERIES, "Period", "Q", apart=["fixed"]).axes[0]
    lines = [line for line in axes.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 3]
    assert len(lines) == 2
    for line in lines:
        assert np.isnan(line.get_ydata()[2]) and not np.isnan(line.get_ydata()[0])


def test_nothing_to_draw_is_an_empty_figure() -> None:
    assert conditions_figure({}, "Period", "Q").axes
