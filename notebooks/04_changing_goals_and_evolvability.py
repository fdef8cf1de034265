# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What does a changing world do to the structure of networks, and structure to how fast they adapt?
#
# Two ideas of how modules arise. Goals that change but share their parts favour networks that keep the parts
# apart (Kashtan & Alon 2005). Or: connections cost something, and modules are what is left (Clune, Mouret &
# Lipson 2013). They can be told apart, and combined. And the other way round: does a network that evolved under
# cost take up a new task faster?

# %%
# %matplotlib inline
# %config InlineBackend.figure_format = "retina"
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.comparisons import compare_groups
from analysis.conditions import conditions_figure
from analysis.curves import Curve, Panel, curves_figure
from analysis.gallery import gallery
from analysis.groups import box_figure
from analysis.modularity import spectral_partition
from analysis.survival import log_rank_tests, solving_figure, solving_table
from evo.adaptation import Adaptation
from evo.engine import begin, best
from evo.environments import AdaptationSettings, GoalSettings
from evo.goals import AlternatingGoals
from evo.objectives import modularity
from evo.problems import PROBLEMS, Problem
from networks import to_graph
from networks.gates import Gate, pairs

# %% [markdown]
# ## A small world with two goals
#
# Four inputs, two XORs; the goals are to answer whether both, or whether one of them holds. What stays the same
# when the goal changes are the XORs. The retina, of the paper, is `retina-and` and `retina-or`; any problems
# over the same inputs and layers will do.

# %%
xors = tuple(pairs("xor", range(4)))
for goal in ("and", "or"):
    PROBLEMS[f"small-{goal}"] = lambda goal=goal: Problem.from_gates(
        [Gate(goal, xors)], (4, 4, 2, 1), f"small-{goal}"
    )

TRIALS, GENERATIONS = 8, 600
COST = {"pa": ("performance",), "pcc": ("performance", "connection-cost")}
WORLD = {"problem": "small-and", "population": 150, "insertions_max": 30}


def follow(course):
    """The population after every generation of a trial, from generation 0."""
    population, generation = begin(course.toolbox, course.seed), 0
    course.notice(population, 0)
    yield population
    while not course.ends(generation):
        generation += 1
        population = course.step(population, generation)
        course.notice(population, generation)
        yield population


# %% [markdown]
# ## One trial of changing goals, generation by generation
#
# The goal changes every 20 generations; at every change the best performance falls, and comes back.

# %%
goals = GoalSettings(**WORLD, further_goals=("small-or",), period=20, generations=GENERATIONS)
course = AlternatingGoals(replace(goals, objectives=COST["pcc"]), seed=1)
performance = np.array([population.values[:, 0].max() for population in follow(course)])
last = np.arange(GENERATIONS - 200, GENERATIONS + 1)
curve = Curve(last, performance[last], performance[last], performance[last], "best of the population")
curves_figure([Panel([curve], "Performance, current goal")])

# %% [markdown]
# ## Goals that change, cost, or both?
#
# Some trials of each: goals that change never, every 100 and every 20 generations, with and without cost.
# Modularity is that of the best networks at the end, the mean over those that tie.

# %%
PERIODS = {"never": None, "100": 100, "20": 20}


def final(settings, seed):
    """Best performance and modularity at the end of a trial, and one of its best networks."""
    *_, population = follow(AlternatingGoals(settings, seed))
    tied = best(population)
    q = modularity(population.networks.take(tied)).mean()
    return population.values[tied[0], 0], q, to_graph(population.networks, int(tied[0]))


results, networks = [], {}
for name, objectives in COST.items():
    for label, period in PERIODS.items():
        settings = replace(goals, objectives=objectives, fixed=period is None, period=period or 20)
        for seed in range(TRIALS):
            perfect, q, networks[name, label] = final(settings, seed)
            results.append({"treatment": name, "period": label, "performance": perfect, "modularity": q})
table = pd.DataFrame(results)
table.groupby(["treatment", "period"], sort=False).median().round(3)

# %%
values = {
    name: {label: group["modularity"] for label, group in own.groupby("period", sort=False)}
    for name, own in table.groupby("treatment", sort=False)
}
conditions_figure(values, "Generations from goal to goal", "Modularity Q")

# %%
table["group"] = table["treatment"] + " " + table["period"]
compared = compare_groups(table, ["modularity", "performance"], by="group", base="pa never")
compared[["measure", "a", "against", "vargha_delaney", "p", "p_holm"]].round(4)

# %%
graphs = list(networks.values())
gallery(graphs, [f"{name}, change: {label}" for name, label in networks], [spectral_partition(g) for g in graphs])

# %% [markdown]
# The last trial of each. Without cost a network keeps what does no harm; with cost few connections are left,
# and sometimes too few to be perfect. What changing goals add to that, or do without it, is a question for many
# trials of the task of your choice: `evo run clune2013-changing-goals`, then `evo report`.
#
# ## Who adapts faster?
#
# A network evolves until it meets the first goal. Clones of it then evolve for the second, and the generations
# until one of them meets it are counted. A trial that does not within the time it has is censored, not left
# out; one that never met the first goal has nothing to clone.

# %%
adapting = AdaptationSettings(**WORLD, target="small-or", generations=GENERATIONS)
rows = []
for name, objectives in COST.items():
    for seed in range(2 * TRIALS):
        course = Adaptation(replace(adapting, objectives=objectives), seed)
        *_, population = follow(course)
        found = course.outcome(course.changed, {})
        if course.changed >= 0:
            took = course.adapted if course.adapted >= 0 else GENERATIONS
            rows.append(
                {
                    "treatment": name,
                    "generation": took,
                    "solved": course.adapted >= 0,
                    "base": modularity(course.base)[0],
                }
            )
times = pd.DataFrame(rows)
solving_figure(times, xlabel="Generations for the second goal")

# %%
solving_table(times).set_index("treatment").T.round(1)

# %%
log_rank_tests(times).round(4)

# %%
box_figure(
    {name: own["base"] for name, own in times.groupby("treatment", sort=False)}, "Modularity Q of the clones"
)

# %% [markdown]
# With networks this small a difference of structure need not become one of speed, and a dozen trials see only
# large ones. `evo run clune2013-evolvability` asks the same of the retina in both directions, `evo run
# mengistu2016-evolvability` of hierarchical logic.
