"""What a report shows of agents that learn within lifetimes with reward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.references import Reference
from analysis.reports import Groups, Measure
from meta.views.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REWARD = "Reward a lifetime"
_SUM = (Measure("reward", "reward a lifetime", 2),)


def regret_of_bandits(groups: Groups) -> dict[str, Figure]:
    """Regret pull by pull beside policies that need no training, and on kinds of bandits not trained on."""
    from analysis.regret import regret_figure, transfer_figure

    figures, agents, policies = {}, {}, {}
    for name, results in groups.items():
        settings = results[0]["settings"]
        agents[name] = np.array([result["regret_curve"] for result in results])
        policies[name] = policy_regrets(settings["kind"], settings["arms"], settings["pulls"])
        figures[f"regret-{name}"] = regret_figure({name: agents[name]}, {name: policies[name]})
    tested = {name: results for name, results in groups.items() if "regret_by_kind" in results[0]}
    if tested:
        kinds = list(next(iter(tested.values()))[0]["regret_by_kind"])
        rows = [
            [np.mean([r["regret_by_kind"][kind] for r in results]) for kind in kinds]
            for results in tested.values()
        ]
        pulls = next(iter(tested.values()))[0]["settings"]["pulls"]
        known = {kind: policy_regrets(kind, 2, pulls) for kind in kinds}
        names = list(known[kinds[0]])
        rows += [[known[kind][policy][-1] for kind in kinds] for policy in names]
        figures["transfer"] = transfer_figure(rows, [*(f"trained on {name}" for name in tested), *names], kinds)
    return figures


def policy_regrets(kind: str, arms: int, pulls: int, lifetimes: int = 2000) -> dict[str, NDArray[np.float64]]:
    """Cumulative regret of policies that need no training, (pulls,) each; none where rewards are not 0 or 1."""
    from meta.environments import Bandits
    from meta.learners.policies import bandit_policies, pull

    if kind == "informative":
        return {}
    bandits = Bandits(arms, pulls, kind)
    return {
        name: pull(policy, bandits, lifetimes, np.random.default_rng(0))[0].mean(1).cumsum()
        for name, policy in bandit_policies(pulls).items()
        if name != "random"
    }


def stays_of_choices(groups: Groups) -> dict[str, Figure]:
    """How often the first choice of the two-step task is repeated, by reward and transition."""
    from analysis.choices import stay_figure

    shares = {
        name: np.array([np.array(r["stays"]) / np.maximum(r["choices"], 1) for r in results])
        for name, results in groups.items()
    }
    return {"stays": stay_figure(shares, [("published, 2018", [[0.99, 0.63], [0.62, 0.99]])])}


def answers_by_trial(groups: Groups) -> dict[str, Figure]:
    """Share of right answers by the number of the trial in a lifetime."""
    from analysis.memory import memory_figure
    from analysis.references import Reference

    trials = min(len(result["right_by_trial"]) for results in groups.values() for result in results)
    tables = {n: np.array([r["right_by_trial"][:trials] for r in results]) for n, results in groups.items()}
    chance = [Reference(0.5, "chance")]
    return {"answers": memory_figure(range(1, trials + 1), tables, "Trial", "Right answers", chance)}


def visits_of_lifetimes(groups: Groups) -> dict[str, Figure]:
    """Visits of the rewarded cell over a lifetime: those of an agent that learns come ever faster."""
    from analysis.curves import Curve, Panel, curves_figure
    from analysis.intervals import quartile_curve

    curves = []
    for name, results in groups.items():
        visits = quartile_curve([result["visits_curve"] for result in results])
        curves.append(Curve(np.arange(1, len(visits.median) + 1), visits.median, visits.low, visits.high, name))
    return {"visits": curves_figure([Panel(curves, "Visits so far")], "Step")}


#: How each experiment is shown, by its name.
VIEWS = {
    "wang2016-bandits": View(
        {"Regret a lifetime": "regret", _REWARD: "reward"},
        (Measure("regret", "regret", 3), *_SUM),
        further=regret_of_bandits,
    ),
    "duan2016-bandits": View(
        {"Regret a lifetime": "regret", _REWARD: "reward"},
        (Measure("regret", "regret", 3), *_SUM),
        further=regret_of_bandits,
    ),
    "wang2016-two-step": View(
        {_REWARD: "reward"},
        (
            *_SUM,
            Measure("interaction_effect", "reward x transition, log odds", 3),
            Measure("reward_effect", "reward, log odds", 3),
            Measure("transition_effect", "transition, log odds", 3),
        ),
        further=stays_of_choices,
    ),
    "miconi2018-maze": View(
        {_REWARD: "reward"},
        (*_SUM, Measure("visits", "visits of the rewarded cell", 2)),
        {_REWARD: (Reference(410.0, "knows the place (side 11)"), Reference(-0.2, "random"))},
        further=visits_of_lifetimes,
    ),
    "miconi2019-maze": View(
        {_REWARD: "reward"},
        (*_SUM, Measure("visits", "visits of the rewarded cell", 2)),
        {_REWARD: (Reference(269.0, "knows the place (side 13)"), Reference(5.5, "random"))},
        further=visits_of_lifetimes,
    ),
    "miconi2019-cue-reward": View(
        {_REWARD: "reward"},
        (*_SUM, Measure("right", "right answers", 4, share=True)),
        {_REWARD: (Reference(16.2, "best possible (120 steps)"), Reference(0.0, "chance"))},
        further=answers_by_trial,
    ),
    "duan2016-gymnasium": View({_REWARD: "reward"}, _SUM),
}
