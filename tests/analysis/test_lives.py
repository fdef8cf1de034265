"""Figures of lives with reward: regret, paths, modulators."""

from pathlib import Path

import numpy as np
import pytest

from analysis.intervals import mean_interval
from analysis.modulators import modulator_figure
from analysis.paths import path_figure
from analysis.regret import AGENT, regret_figure, transfer_figure
from analysis.style import save_figure


def test_regret_stands_beside_other_policies(tmp_path: Path) -> None:
    regrets = np.cumsum(np.ones((3, 10)) * [[0.1], [0.2], [0.3]], axis=1)
    figure = regret_figure({"easy": regrets}, {"easy": {"Thompson": np.arange(10.0), "UCB1": np.ones(10)}})
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines[AGENT].get_ydata(), regrets.mean(0))
    np.testing.assert_allclose(lines["Thompson"].get_ydata(), np.arange(10))
    assert len({lines[name].get_color() for name in (AGENT, "Thompson", "UCB1")}) == 3
    save_figure(figure, tmp_path / "regret")


def test_regret_by_lifetime_has_a_band(tmp_path: Path) -> None:
    regrets = np.random.default_rng(0).random((20, 5)).cumsum(1)
    figure = regret_figure({"easy": regrets}, {"easy": {"Thompson": 2 * regrets}})
    edges = [band.get_paths()[0].get_extents() for band in figure.axes[0].collections]
    for band, table in zip(edges, (2 * regrets, regrets), strict=True):
        assert band.y0 == pytest.approx(mean_interval(table[:, 0]).low)
        assert band.y1 == pytest.approx(mean_interval(table[:, -1]).high)


def test_transfer_shows_every_number(tmp_path: Path) -> None:
    figure = transfer_figure([[1.234, 2.0], [0.5, 7.0]], ["a", "b"], ["easy", "hard"])
    assert [text.get_text() for text in figure.axes[0].texts] == ["1.23", "2.00", "0.50", "7.00"]
    save_figure(figure, tmp_path / "transfer")
    with pytest.raises(ValueError, match=r"regrets: shape \(1, 2\): allowed is \(2, 2\)"):
        transfer_figure([[1, 2]], ["a", "b"], ["easy", "hard"])


def test_a_path_has_a_panel_from_reward_to_reward(tmp_path: Path) -> None:
    walls = np.ones((5, 5), bool)
    walls[1:-1, 1:-1] = False
    places = np.array([[1, 1], [1, 2], [3, 3], [2, 3], [3, 1]])
    ends = np.array([[1, 2], [1, 3], [2, 3], [1, 3], [3, 2]])
    figure = path_figure(walls, places, ends, [0, 10, 0, 10, 0], [1, 3])
    assert [axes.get_title() for axes in figure.axes] == ["2 steps", "2 steps", "1 steps, end"]
    assert [len(axes.collections[0].get_segments()) for axes in figure.axes] == [2, 2, 1]
    save_figure(figure, tmp_path / "path")
    many = path_figure(walls, places, ends, [0, 10, 0, 10, 0], [1, 3], panels=2)
    assert len(many.axes) == 2
    with pytest.raises(ValueError, match="walls, places, ends, rewards: shapes"):
        path_figure(walls, places, ends[:2], [0, 10, 0, 10, 0], [1, 3])


def test_a_modulator_stands_above_what_happened(tmp_path: Path) -> None:
    modulator, asked = np.linspace(-1, 1, 8), np.array([0, 0, 0, 1, 0, 0, 1, 0], bool)
    figure = modulator_figure(modulator, [-1, 2, 0, -1, -1, 3, -1, -1], 2, asked, [0, 0, 0, 1, 0, 0, -1, 0])
    above, below = figure.axes
    assert any(np.array_equal(line.get_ydata(), modulator) for line in above.lines)
    labels = [text.get_text() for text in below.get_yticklabels()]
    assert labels == ["target", "other cue", "other cue", "other cue", "answer"]
    shown = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in below.lines]
    assert shown[0] == ([1], [0]) and ([3], [4]) in shown and ([6], [4]) in shown
    save_figure(figure, tmp_path / "modulator")
    with pytest.raises(ValueError, match="modulator, cues, asked, rewards: shapes"):
        modulator_figure(modulator, [1], 0, asked, asked)
