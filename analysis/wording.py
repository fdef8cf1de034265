"""What a statistical test means, in words: of each kind of test, and of each comparison that was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Corrected p-value below which a difference counts as shown.
SHOWN = 0.05

LOG_RANK = "log-rank test"

#: What each test asks and what its effect size is, by its name in statistics.json.
MEANINGS = {
    "Mann-Whitney U": (
        "Asks whether the trials of one treatment tend to have higher values than those of the other, whatever "
        "the shape of their distributions. The effect size A is the share of all pairs, one trial of each "
        "treatment, in which the treatment named first is the higher one, ties counting half: 0.5 is no "
        "difference, 0 and 1 are complete separation (Vargha and Delaney 2000)."
    ),
    "Fisher's exact": (
        "Asks whether an outcome comes about in a larger share of one treatment's trials than of the other's; "
        "exact for any number of trials. The effect size is the difference of the shares, in percentage points."
    ),
    LOG_RANK: (
        "Asks whether something comes about sooner in the trials of one treatment than in those of the other. "
        "Trials in which it never came about count for as long as they were watched. z is above 0 where the "
        "treatment named first comes to it sooner."
    ),
}

#: What a p-value is, and its correction.
P_VALUES = (
    "p is how often a difference at least as large would come about by chance alone if the treatments did not "
    "differ; the corrected p takes into account how many treatments are compared by one measure (Holm 1979), not "
    f"how many measures there are. Below {SHOWN} a difference counts as shown. Above, none was shown, which is "
    "not to say that there is none."
)


def effect(test: Mapping[str, Any], summary: Mapping[str, Mapping[str, Any]]) -> tuple[str, float | None]:
    """Effect size of a comparison, as text and as a number to sort by.

    Args:
        test: a comparison of statistics.json.
        summary: its summary.
    """
    if test.get("vargha_delaney") is not None:
        return f"A = {test['vargha_delaney']:.2f}", test["vargha_delaney"]
    if test["test"] == LOG_RANK and test.get("statistic") is not None:
        return f"z = {test['statistic']:.1f}".replace("-", "\u2212"), test["statistic"]
    shares = _shares(test, summary)
    if shares is not None:
        points = 100 * (shares[0][0] / shares[0][1] - shares[1][0] / shares[1][1])
        return f"{points:+.0f} points".replace("-", "\u2212"), points
    return "", None


def finding(test: Mapping[str, Any], summary: Mapping[str, Mapping[str, Any]], digits: int) -> str:
    """What a comparison found, as a sentence.

    Args:
        test: a comparison of statistics.json.
        summary: its summary.
        digits: after the point of the measure's values.
    """
    words = _seen(test, summary, digits)
    if shown(test):
        return f"{words}."
    apart = test.get("vargha_delaney") in (0.0, 1.0)
    return f"{words}: {'too few trials to show a difference' if apart else 'no difference shown'}."


def shown(test: Mapping[str, Any]) -> bool:
    """Whether a comparison shows a difference."""
    p = test.get("p_holm", test.get("p"))
    return p is not None and p < SHOWN


def _seen(test: Mapping[str, Any], summary: Mapping[str, Mapping[str, Any]], digits: int) -> str:
    name, base = test["treatment"], test["against"]
    share, shares = test.get("vargha_delaney"), _shares(test, summary)
    if share is not None:
        side, percent = ("higher", 100 * share) if share >= 0.5 else ("lower", 100 * (1 - share))
        numbers = _middles([summary.get(treatment, {}).get(test["measure"]) for treatment in (name, base)], digits)
        return f"{name} is {side} than {base} in {percent:.0f} % of pairs of trials{numbers}"
    sooner = ""
    if test["test"] == LOG_RANK and test.get("statistic"):
        sooner = f"sooner in {name if test['statistic'] > 0 else base}: "
    if shares is None:
        return f"{sooner}{name} and {base}"
    (own, of), (others, of_others) = shares
    return f"{sooner}{own} of {of} trials of {name}, {others} of {of_others} of {base}"


def _shares(
    test: Mapping[str, Any], summary: Mapping[str, Mapping[str, Any]]
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Successes and trials of a treatment and of what it is compared with, where the measure is an outcome."""
    entries = [summary.get(test[role], {}).get(test["measure"]) for role in ("treatment", "against")]
    if not all(isinstance(entry, Mapping) and entry.get("of") for entry in entries):
        return None
    own, base = ((entry["count"], entry["of"]) for entry in entries if entry is not None)
    return own, base


def _middles(entries: list[Any], digits: int) -> str:
    """Medians or means of two treatments, where a summary has them; a median that is None was never come to."""
    for kind in ("median", "mean"):
        if all(isinstance(entry, Mapping) and kind in entry for entry in entries):
            values = ["never" if entry[kind] is None else f"{entry[kind]:.{digits}f}" for entry in entries]
            return f" ({kind}s {values[0]} and {values[1]})"
    return ""
