from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, mannwhitneyu

from analysis.comparisons import compare_groups, compare_shares
from analysis.statistics import holm

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "run": ["first"] * 20 + ["second"] * 10,
        "treatment": ["pa"] * 10 + ["pcc"] * 10 + ["pa"] * 10,
        "q": RANDOM.normal(size=30) + np.repeat([0.0, 1.5, 0.2], 10),
        "solved": RANDOM.random(30) < np.repeat([0.2, 0.8, 0.5], 10),
    }
)


def test_every_pair_is_tested_in_every_measure():
    found = compare_groups(TABLE, ["q", "solved"], by=["run", "treatment"])
    names = ["first / pa", "first / pcc", "second / pa"]
    parts = dict(zip(names, (slice(0, 10), slice(10, 20), slice(20, 30)), strict=True))
    assert len(found) == 6
    for row in found.itertuples():
        a, against = (TABLE[row.measure][parts[name]].astype(float) for name in (row.a, row.against))
        test = mannwhitneyu(a, against)
        assert (row.u, row.p) == (test.statistic, test.pvalue)
        assert row.vargha_delaney == np.mean([(x > y) + (x == y) / 2 for x in a for y in against])
        assert row.rank_biserial == pytest.approx(2 * row.vargha_delaney - 1)
        assert (row.median_a, row.median_against) == (a.median(), against.median())
        assert (row.n_a, row.n_against) == (10, 10)
    for measure in ("q", "solved"):
        own = found[found["measure"] == measure]
        assert own[["a", "against"]].to_numpy().tolist() == [
            ["first / pcc", "first / pa"],
            ["second / pa", "first / pa"],
            ["second / pa", "first / pcc"],
        ]
        assert own["p_holm"].tolist() == holm(own["p"]).tolist()


def test_all_can_be_compared_with_one():
    found = compare_groups(TABLE.astype({"treatment": "category"}), ["q"], base="pcc")
    assert found[["a", "against", "n_a", "n_against"]].to_numpy().tolist() == [["pa", "pcc", 20, 10]]
    assert found["p_holm"].iloc[0] == found["p"].iloc[0]


def test_missing_values_are_left_out():
    table = TABLE.astype({"solved": object})
    table.loc[:3, "solved"] = None
    table.loc[10:19, "q"] = np.nan
    found = compare_groups(table, ["q", "solved"], by=["run", "treatment"]).set_index(["measure", "a", "against"])
    assert found.loc[("solved", "first / pcc", "first / pa"), "n_against"] == 6
    q = found.loc["q"]
    assert np.isnan(q.loc[("first / pcc", "first / pa")][["p", "p_holm", "median_a"]].astype(float)).all()
    alone = q.loc[("second / pa", "first / pa")]
    assert alone["p"] == alone["p_holm"] > 0


def test_shares_are_compared_exactly():
    table = TABLE.astype({"solved": object})
    table.loc[20:24, "solved"] = None
    found = compare_shares(table, ["solved"], by=["run", "treatment"])
    parts = {"first / pa": slice(0, 10), "first / pcc": slice(10, 20), "second / pa": slice(25, 30)}
    for row in found.itertuples():
        counts = [[(own := TABLE["solved"][parts[name]]).sum(), (~own).sum()] for name in (row.a, row.against)]
        expected = fisher_exact(counts)
        assert (row.odds_ratio, row.p) == (expected.statistic, expected.pvalue)
        assert [row.yes_a, row.n_a] == [counts[0][0], sum(counts[0])]
        assert [row.yes_against, row.n_against] == [counts[1][0], sum(counts[1])]
    assert found["p_holm"].tolist() == holm(found["p"]).tolist()
    table.loc[20:, "solved"] = None
    assert compare_shares(table, ["solved"], by="run")["p"].isna().all()
    with pytest.raises(ValueError, match="table: column q: allowed are true and false"):
        compare_shares(TABLE, ["q"])


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="table: column h: missing"):
        compare_groups(TABLE, ["h"])
    with pytest.raises(ValueError, match="base: 'x': allowed are pa, pcc"):
        compare_groups(TABLE, ["q"], base="x")
    with pytest.raises(ValueError, match="groups: pcc: allowed are two or more"):
        compare_groups(TABLE[10:20], ["q"])
    for bad in ("0.5", np.inf, [1]):
        table = TABLE.astype({"q": object})
        table.at[3, "q"] = bad
        with pytest.raises(ValueError, match="table: column q: allowed are finite numbers"):
            compare_groups(table, ["q"])
