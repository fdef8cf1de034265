"""What a report shows of each experiment: curves, final numbers, published figures to compare with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.references import Reference
from analysis.reports import Groups, Measure, Result
from cluster.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class View:
    """What a report shows of an experiment.

    Attributes:
        curves: column of metrics.csv for each panel, by its label.
        measures: final numbers.
        references: lines to compare with, by the panel's label.
        logarithmic: labels of panels with a logarithmic axis.
        further: figures beyond curves and boxes, from the results of each treatment.
        more: numbers of the table beyond `measures`, where all of these results have them.
        check: refuses with a UserError results that cannot be compared.
    """

    curves: Mapping[str, str]
    measures: tuple[Measure, ...]
    references: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    logarithmic: tuple[str, ...] = ()
    further: Callable[[Groups], dict[str, Figure]] | None = None
    more: Callable[[Sequence[Result]], tuple[Measure, ...]] | None = None
    check: Callable[[Sequence[Result]], None] | None = None


def error_by_lag(groups: Groups) -> dict[str, Figure]:
    """Share of wrong bits by how many showings ago the pattern was last shown."""
    from analysis.memory import memory_figure

    lags = sorted({lag for results in groups.values() for result in results for lag in result["lags"]})
    # A row a trial: the lifetimes of one trained network are not independent of each other.
    tables = {name: np.array([_errors_at(lags, result) for result in results]) for name, results in groups.items()}
    return {"memory": memory_figure(lags, tables, "Showings since the pattern was last shown", _WRONG)}


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
    from analysis.intervals import mean_curve

    curves = []
    for name, results in groups.items():
        means = mean_curve([result["visits_curve"] for result in results])
        curves.append(Curve(np.arange(1, len(means.mean) + 1), means.mean, means.low, means.high, name))
    return {"visits": curves_figure([Panel(curves, "Visits so far")], "Step")}


def _errors_at(lags: list[int], result: Mapping[str, Any]) -> list[float]:
    errors, own = np.array(result["errors"]), np.array(result["lags"])
    return [float(errors[own == lag].mean()) if (own == lag).any() else float("nan") for lag in lags]


def sequences(groups: Groups) -> dict[str, Figure]:
    """Accuracy against the number of classes learned, and of each class against when it was learned."""
    from analysis.sequences import accuracy_figure, forgetting_figure
    from analysis.style import treatment_colours

    counts = {name: results[0]["counts"] for name, results in groups.items()}
    kinds = {
        "Accuracy, held-out drawings": ("sequential", "held_out"),
        "Accuracy, learned drawings": ("sequential", "learned"),
        "Accuracy, mixed order": ("oracle", "held_out"),
    }
    panels = {
        label: {
            name: np.concatenate([result[order][part] for result in results])
            for name, results in groups.items()
            if all(order in result for result in results)
        }
        for label, (order, part) in kinds.items()
    }
    by_class = {
        label: {name: [r["sequential"][part] for r in results] for name, results in groups.items()}
        for label, part in (("Held-out drawings", "class_held_out"), ("Learned drawings", "class_learned"))
    }
    colours = treatment_colours(groups)
    return {
        "accuracy": accuracy_figure(counts, {k: v for k, v in panels.items() if v}, colours),
        "forgetting": forgetting_figure(by_class, colours),
    }


def by_step(label: str) -> Callable[[Groups], dict[str, Figure]]:
    """Draws a score before learning and after each step, means with 95 % intervals over models."""

    def drawn(groups: Groups) -> dict[str, Figure]:
        from analysis.sequences import course_figure
        from analysis.style import treatment_colours

        tables = {name: [result["by_step"]["mean"] for result in results] for name, results in groups.items()}
        return {"steps": course_figure({label: tables}, "Gradient steps", 0, treatment_colours(groups))}

    return drawn


def sines_kept(groups: Groups) -> dict[str, Figure]:
    """Error on the sines seen so far, and on each of them after the last was learned."""
    from analysis.sequences import course_figure
    from analysis.style import treatment_colours

    parts = {"Error on sines seen": "error_seen", "Error on each at the end": "error_by_function"}
    panels = {
        label: {name: [result[part] for result in results] for name, results in groups.items()}
        for label, part in parts.items()
    }
    return {"kept": course_figure(panels, "Sine", 1, treatment_colours(groups))}


def sequence_measures(results: Sequence[Result]) -> tuple[Measure, ...]:
    """Accuracy after each number of classes, in sequence and in mixed order, and what the features say."""
    counts = [count for count in results[0]["counts"] if all(count in result["counts"] for result in results)]
    found = [Measure(f"accuracy_{count}", f"accuracy, {count} classes", 3) for count in counts]
    found += [Measure(f"oracle_{count}", f"mixed order, {count} classes", 3) for count in counts]
    found += [
        Measure("relative_drop", "relative drop from mixed order", 3),
        Measure("least_squares_features", "least squares, 100 classes", 3),
        Measure("neighbours_features", "nearest neighbours, 100 classes", 3),
        Measure("neighbours_ungated", "nearest neighbours before gates", 3),
        Measure("neighbours_gates", "nearest neighbours of gates", 3),
        Measure("active_features", "active units", 3),
        Measure("active_ungated", "active units before gates", 3),
        Measure("dead_features", "units never active", 3),
    ]
    return tuple(measure for measure in found if all(measure.column in result for result in results))


def same_split(results: Sequence[Result]) -> None:
    """Refuse results that were tested on different drawings.

    Raises:
        UserError: names two of them.
    """
    first = results[0]
    for result in results:
        if result["split"] != first["split"] or result["counts"][-1] != first["counts"][-1]:
            names = [f"{one['treatment']}/trial-{one['trial']:03}" for one in (result, first)]
            tested = [f"{one['split']} to {one['counts'][-1]} classes" for one in (result, first)]
            raise UserError(
                f"{names[0]}: tested on {tested[0]}, {names[1]} on {tested[1]}: "
                "allowed are results of one split and of as many classes, as others do not compare"
            )


_REWARD = "Reward a lifetime"
_SUM = (Measure("reward", "reward a lifetime", 2),)
_WRONG = "Wrong bits"
_ERROR = (Measure("error", "wrong bits", 4),)
_PATTERNS = {_WRONG: "error", "Loss": "loss"}
_PERPLEXITY = View(
    {"Loss (nats a word)": "entropy", "Validation perplexity": "validation_perplexity"},
    (
        Measure("validation_perplexity", "validation perplexity", 2),
        Measure("test_perplexity", "test perplexity", 2),
    ),
    logarithmic=("Validation perplexity",),
)

_SEQUENCES = View(
    {"Loss": "loss", "Accuracy, all classes": "remembered"},
    (
        Measure("accuracy", "accuracy, held-out drawings", 3),
        Measure("learned_accuracy", "accuracy, learned drawings", 3),
        Measure("above_chance", "classes above chance", 3),
    ),
    further=sequences,
    more=sequence_measures,
    check=same_split,
)

#: How each experiment is shown, by its name.
VIEWS = {
    "miconi2018-patterns": View(
        _PATTERNS,
        _ERROR,
        {_WRONG: (Reference(0.25, "chance"), Reference(0.01, "published, from about 200 on"))},
        (_WRONG, "Loss"),
        error_by_lag,
    ),
    "miconi2018-patterns50": View(
        _PATTERNS, _ERROR, {_WRONG: (Reference(0.25, "chance"),)}, (_WRONG, "Loss"), error_by_lag
    ),
    "miconi2018-images": View(
        {"Squared error": "loss", "RMS error of hidden pixels": "hidden_rms"},
        (Measure("test_loss", "squared error, new pictures", 2),),
        {
            "Squared error": (
                Reference(20.0, "published at 8,000, independent"),
                Reference(28.0, "published at 10,000, shared"),
            )
        },
    ),
    "miconi2018-omniglot": View(
        {"Loss": "loss", "Accuracy, held-out classes": "held_out_accuracy"},
        (Measure("test_accuracy", "accuracy, held-out classes", 4, "test_episodes"),),
        {"Accuracy, held-out classes": (Reference(0.985, "published (its split leaks)"),)},
    ),
    "beaulieu2020-omniglot": _SEQUENCES,
    "javed2019-omniglot": _SEQUENCES,
    "frati2024-omniglot": _SEQUENCES,
    "finn2017-sine": View(
        {"Squared error": "error"},
        (
            Measure("error_0", "squared error before learning", 3),
            Measure("error_1", "squared error after a step", 3),
            Measure("error_10", "squared error after ten steps", 3),
        ),
        logarithmic=("Squared error",),
        further=by_step("Squared error"),
    ),
    "finn2017-omniglot": View(
        {"Loss": "loss", "Accuracy, training classes": "accuracy"},
        (
            Measure("accuracy_1", "accuracy after a step, new classes", 4),
            Measure("test_accuracy", "accuracy after all steps, new classes", 4),
        ),
        further=by_step("Accuracy, new classes"),
    ),
    "javed2019-sine": View(
        {"Squared error": "error"},
        (
            Measure("first_error", "squared error after one sine", 3),
            Measure("last_error", "squared error after all sines", 3),
        ),
        logarithmic=("Squared error",),
        further=sines_kept,
    ),
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
        (*_SUM, Measure("right", "right answers", 4)),
        {_REWARD: (Reference(16.2, "best possible (120 steps)"), Reference(0.0, "chance"))},
        further=answers_by_trial,
    ),
    "duan2016-gymnasium": View({_REWARD: "reward"}, _SUM),
    "miconi2019-ptb": _PERPLEXITY,
    "miconi2019-ptb-awd": _PERPLEXITY,
}
