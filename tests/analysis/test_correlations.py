from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.correlations import correlations, correlations_figure
from analysis.statistics import holm
from analysis.style import save_figure

RANDOM = np.random.default_rng(1)
BASE = RANDOM.normal(size=40)
TABLE = pd.DataFrame(
    {
        "treatment": ["pa", "pcc"] * 20,
        "q": BASE + 0.6 * RANDOM.normal(size=40),
        "cost": np.exp(-BASE) + 0.3 * RANDOM.normal(size=40),
        "noise": RANDOM.normal(size=40),
        "tied": np.round(BASE),
        "constant": 1.0,
    }
)
NAMES = ["q", "cost", "noise", "tied"]


@pytest.mark.parametrize(("method", "test"), [("spearman", stats.spearmanr), ("pearson", stats.pearsonr)])
def test_coefficients_and_tests_are_those_of_scipy(method, test):
    found = correlations(TABLE, NAMES, method, resamples=50)
    assert list(zip(found["x"], found["y"], strict=True))[:3] == [("q", "cost"), ("q", "noise"), ("q", "tied")]
    for row in found.itertuples():
        expected = test(TABLE[row.x], TABLE[row.y])
        assert (row.coefficient, row.p, row.n) == (expected.statistic, expected.pvalue, 40)
    assert found["p_holm"].tolist() == holm(found["p"]).tolist()


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_intervals_are_those_of_scipy_but_for_chance(method):
    def statistic(x, y, axis):
        if method == "spearman":
            x, y = stats.rankdata(x, axis=axis), stats.rankdata(y, axis=axis)
        return stats.pearsonr(x, y, axis=axis).statistic

    row = correlations(TABLE, ["q", "tied"], method, resamples=4000).iloc[0]
    expected = stats.bootstrap(
        (TABLE["q"], TABLE["tied"]), statistic, paired=True, method="percentile", n_resamples=4000, rng=3
    ).confidence_interval
    assert row[["low", "high"]].to_numpy(float) == pytest.approx([expected.low, expected.high], abs=0.03)


def test_intervals_follow_the_seed_and_the_level():
    first, again, other = (correlations(TABLE, NAMES, seed=seed, resamples=300) for seed in (1, 1, 2))
    assert first.equals(again) and not first["low"].equals(other["low"])
    narrow = correlations(TABLE, NAMES, seed=1, resamples=300, level=0.5)
    assert (narrow["high"] - narrow["low"] < first["high"] - first["low"]).all()


def test_missing_values_leave_out_their_pairs_only():
    table = TABLE.copy()
    table.loc[:9, "cost"] = np.nan
    found = correlations(table, ["q", "cost", "noise"], resamples=20).set_index(["x", "y"])
    assert found["n"].tolist() == [30, 40, 30]
    expected = stats.spearmanr(table["q"][10:], table["cost"][10:])
    assert found.loc[("q", "cost"), "coefficient"] == expected.statistic


def test_what_does_not_vary_has_no_correlation():
    found = correlations(TABLE, ["q", "constant", "noise"], resamples=20)
    assert found["coefficient"].isna().tolist() == [True, False, True]
    assert found["p_holm"].isna().tolist() == [True, False, True]
    assert correlations(TABLE[:2], ["q", "cost"])["p"].isna().all()
    few = pd.DataFrame({"a": [1.0, 1, 1, 2], "b": [1.0, 2, 3, 4]})  # many resamples do not vary
    assert np.isfinite(correlations(few, ["a", "b"])[["low", "high"]].to_numpy()).all()


def test_the_figure_shows_every_pair(tmp_path: Path):
    titles = {"q": "Modularity Q", "cost": "Cost", "constant": "Constant"}
    figure = correlations_figure(TABLE, titles)
    panels = np.array(figure.axes).reshape(3, 3)
    clouds = panels[1, 0].collections
    assert [len(cloud.get_offsets()) for cloud in clouds] == [20, 20]
    assert clouds[0].get_offsets()[:, 0].tolist() == TABLE["q"][::2].tolist()
    coefficient = stats.spearmanr(TABLE["q"], TABLE["cost"]).statistic
    assert panels[0, 1].texts[0].get_text() == f"\N{MINUS SIGN}{-coefficient:.2f}\n***"
    assert panels[0, 2].texts[0].get_text() == "n/a"
    assert [panel.get_xlabel() for panel in panels[2]] == list(titles.values())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["pa", "pcc"]
    assert all(path.exists() for path in save_figure(figure, tmp_path / "correlations"))


def test_bad_input_is_refused():
    for arguments, message in (
        ({"measures": ["q"]}, "measures: q: allowed are two or more"),
        ({"measures": ["q", "h"]}, "table: column h: missing"),
        ({"measures": ["q", "treatment"]}, "table: column treatment: allowed are finite numbers"),
        ({"measures": NAMES, "method": "kendall"}, "method: 'kendall': allowed are"),
        ({"measures": NAMES, "level": 0.0}, r"level: 0\.0: allowed is between 0 and 1"),
        ({"measures": NAMES, "resamples": 0}, "resamples: 0: allowed are 1 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            correlations(TABLE, **arguments)
    with pytest.raises(ValueError, match="table: column run: missing"):
        correlations_figure(TABLE, NAMES, by="run")
