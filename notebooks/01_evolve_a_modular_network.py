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
# # Does a price on connections make evolved networks modular?
#
# Brains are modular, and so are most things that evolved. One explanation: connections cost something to build
# and to keep, and a network that saves connections falls apart into modules (Clune, Mouret & Lipson 2013).
#
# The task: four inputs, two on the left and two on the right. Are exactly one of the left pair *and* exactly one
# of the right pair on? Each half can be answered by itself, but nothing asks a network to do so.

# %%
# %matplotlib inline
# %config InlineBackend.figure_format = "retina"
from dataclasses import replace
from itertools import islice, product

import numpy as np
from deap import tools

import evo
from analysis.curves import Curve, Panel, curves_figure
from analysis.decomposition import left_right_split
from analysis.drawing import draw_network_figure
from analysis.gallery import gallery
from analysis.groups import bars_figure, box_figure
from analysis.modularity import modularity, spectral_partition
from networks.graph import from_graph

# %% [markdown]
# ## The problem is a table
#
# Inputs are -1 and +1, one row a pattern. Any table of your own will do.

# %%
patterns = np.array(list(product([-1, 1], repeat=4)))
left_pair = patterns[:, 0] != patterns[:, 1]
right_pair = patterns[:, 2] != patterns[:, 3]

problem = evo.Problem.from_table(patterns, left_pair & right_pair, hidden=(6, 4), name="two-pairs")
problem = replace(problem, left=(0, 1), right=(2, 3))

# %% [markdown]
# ## Evolve
#
# `pa` selects for performance alone, `pcc` for performance and low connection cost. In `pcc` the cost counts in
# a quarter of all comparisons (`pressure`), so that performance comes first.

# %%
pa = evo.Settings(
    objectives=("performance",), population=150, generations=400, insertions_max=60, bias_rate=1 / 15
)
pcc = replace(pa, objectives=("performance", "connection-cost"))
population, logbook = evo.evolve(problem, pcc, seed=1)


# %%
def curve(values):
    return Curve(logbook.select("generation"), values, values, values, "pcc")


performance = logbook.select("best_performance")
cost = [medians[1] for medians in logbook.select("medians")]
curves_figure(
    [Panel([curve(performance)], "Best performance"), Panel([curve(cost)], "Median connection cost")], "Generation"
)

# %% [markdown]
# First the networks learn the task, then they get rid of what it does not need.
#
# ## Look at the best network
#
# Each node is in the colour of its module: the modules are the partition with the highest modularity Q that
# spectral bisection finds. A line is as wide as its weight, dashed where that is negative.


# %%
def best(population):
    """Graph of the best network; `evo.best` gives all that are equally good."""
    return population[int(evo.best(population)[0])].graph()


def draw(graph):
    partition = spectral_partition(graph)
    title = f"{graph.number_of_edges()} connections, Q {modularity(graph, partition):.2f}"
    return draw_network_figure(graph, partition, title, problem.left, problem.right)


draw(best(population))

# %% [markdown]
# ## One network is no evidence
#
# Five trials of each treatment. Only the seed differs between the trials of a treatment.


# %%
def evolve(settings, seed, **changed):
    """The last population of a trial, with operators of the toolbox replaced by those given."""
    toolbox = evo.make_toolbox(settings, problem)
    for name, operator in changed.items():
        toolbox.register(name, operator)
    populations = evo.generations(toolbox, evo.begin(toolbox, seed), seed)
    return next(islice(populations, settings.generations - 1, None))


def trials(settings, count=5, **changed):
    """The best network of each trial."""
    return [best(evolve(settings, seed, **changed)) for seed in range(1, count + 1)]


networks = {"pa": trials(pa), "pcc": trials(pcc)}


# %%
def caption(graph):
    return f"Q {modularity(graph, spectral_partition(graph)):.2f}"


everyone = [graph for graphs in networks.values() for graph in graphs]
gallery(
    everyone,
    [f"{name}, {caption(graph)}" for name, graphs in networks.items() for graph in graphs],
    [spectral_partition(graph) for graph in everyone],
    columns=5,
    left_inputs=problem.left,
    right_inputs=problem.right,
)


# %%
def qs(graphs):
    return [modularity(graph, spectral_partition(graph)) for graph in graphs]


box_figure({name: qs(graphs) for name, graphs in networks.items()}, "Modularity Q")

# %% [markdown]
# Networks that pay for their connections are sparse and modular; those that do not are a tangle that does the
# same. Is that more than sparsity? Notebook 02 compares such networks with random ones of the same degrees.
#
# ## Do the modules follow the task?
#
# A high Q says that there are modules, not that they are the two halves of the task. A network counts as
# *decomposed* if the first split of its graph has all left inputs on one side and all right ones on the other.


# %%
def decomposed(graphs):
    return sum(left_right_split(graph, problem.left, problem.right) for graph in graphs), len(graphs)


bars_figure({name: decomposed(graphs) for name, graphs in networks.items()}, "Decomposed networks (%)")

# %% [markdown]
# The bars have 95 % intervals, and those of five trials are wide. `evo run clune2013-retina` asks the same of a
# larger task with fifty trials of each treatment, and `evo report` adds the statistics.
#
# ## Change one operator
#
# Every operator of the loop is an entry of a DEAP toolbox: `select_parents`, `mate`, `mutate`, `evaluate`,
# `select`. Here selection is replaced by DEAP's own NSGA-II, to which cost always counts as much as performance.

# %%
networks["pcc, NSGA-II"] = trials(pcc, select=tools.selNSGA2)


# %%
def performances(graphs):
    return [
        float(problem.performance(problem.outputs(from_graph(graph, problem.topology)))[0]) for graph in graphs
    ]


box_figure({name: performances(graphs) for name, graphs in networks.items()}, "Performance")

# %% [markdown]
# Where cost always counts, a network that is cheap and wrong is never beaten by one that is dear and right, and
# fills the population up. That is why the cost counts in some comparisons only. A mutation of your own is
# registered the same way: `evo.individually` makes one out of a function that changes a single individual.
