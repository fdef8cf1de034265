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
# # Does a network solve a task in the steps that the task is made of?
#
# A task of logic is a tree of gates: answer the small questions, put their answers together, and so on up to
# the output. A network that learns the task need not work like that. Networks whose connections cost something
# tend to (Mengistu, Huizinga, Mouret & Clune 2016). Here is how to look at one: how hierarchical it is, which
# neuron carries which sub-problem, and what is lost when a neuron or a module falls silent.

# %%
# %matplotlib inline
# %config InlineBackend.figure_format = "retina"
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from analysis.correlations import correlations, correlations_figure
from analysis.drawing import draw_network_figure
from analysis.flow import flow_hierarchy, trophic_incoherence
from analysis.functions import layered_activations, sub_problems_solved
from analysis.hierarchy import hierarchy
from analysis.lesions import lesions, lesions_figure, module_parts
from analysis.maps import map_figure
from analysis.modularity import spectral_partition
from analysis.significance import significance
from evo import EXPERIMENTS
from evo.engine import begin, best, generations, make_toolbox
from evo.illumination import MapElites
from evo.map_report import best_of
from evo.problems import logic
from networks import to_graph
from networks.gates import sub_problems

# %% [markdown]
# ## The task
#
# AND of neighbouring inputs, XOR of those answers, AND of the two: six sub-problems below the last gate. A tree
# of your own is `Problem.from_gates([Gate("xor", (Gate("and", (0, 1)), Gate("or", (2, 3))))], layers=(4, 4, 2,
# 1))`.

# %%
problem = logic("and-xor-and")
parts = {name: gate.answers(problem.patterns) for name, gate in sub_problems(problem.gates).items()}
pd.DataFrame({"share of yes": {name: answers.mean() for name, answers in parts.items()}}).round(3)

# %% [markdown]
# ## Evolve a network that solves it
#
# Selection for performance, low connection cost and diversity of behaviour, as `evo run mengistu2016-hierarchy`
# does, with fewer individuals, until the first perfect network.

# %%
experiment = EXPERIMENTS["mengistu2016-hierarchy"]
settings = replace(experiment.treated(experiment.settings, "pcc"), population=400)
toolbox = make_toolbox(settings, problem)
first = begin(toolbox, seed=0)
for generation, population in enumerate(generations(toolbox, first, seed=0), 1):
    if population.values[:, 0].max() == 1.0 or generation == 3000:
        break
graph = to_graph(population.networks, int(best(population)[0]))
modules = spectral_partition(graph)
print(f"generation {generation}: performance {population.values[:, 0].max():.3f}")
draw_network_figure(graph, modules, left_inputs=problem.left, right_inputs=problem.right)

# %% [markdown]
# ## Is it hierarchical, beyond what its degrees and layers make it?
#
# A network in layers is always somewhat hierarchical, so each measure is compared with 200 random networks that
# have the same layers and as many connections into and out of every node.

# %%
found = significance(graph, nulls=200)
print(f"flow hierarchy {flow_hierarchy(graph):.2f}, trophic incoherence {trophic_incoherence(graph):.2f}")
pd.DataFrame({name: {"value": s.value, "random": s.null_mean, "p": s.p} for name, s in found.items()}).T.round(3)

# %% [markdown]
# A p near 1 with random values that are all the same is an answer too: in a network this sparse, layers and
# degrees leave nothing to chance, and its hierarchy is theirs. Every connection goes up one layer, so the flow
# hierarchy is 1 and the incoherence 0; both say something of graphs with cycles. `graph` can be any directed
# graph of your own.
#
# ## Which neuron carries which sub-problem?
#
# A neuron solves a sub-problem if one threshold on its output separates yes from no on all 256 patterns; two
# neurons do if the weighted sum that they send to the same node does.

# %%
solved = sub_problems_solved(graph, problem.gates)
print(f"{solved.solved} of {len(solved.carriers)} sub-problems solved")
carriers = {name: carrier.nodes if carrier else "nobody" for name, carrier in solved.carriers.items()}
pd.DataFrame({"carried by": carriers})

# %% [markdown]
# ## What is lost without a neuron?
#
# Silence one neuron after the other and see how far each answer can still be read off the rest: 0 where nothing
# is lost, 0.5 where nothing is left.

# %%
responses = partial(layered_activations, graph, problem.patterns)
whole = parts | {"the task": problem.targets[:, 0]}
lesions_figure(lesions(graph, responses, whole))

# %% [markdown]
# The first row of questions has a neuron each. What the network does not lay open in one place (the XORs)
# depends on several. In brackets: how far an answer can be read off the whole network, where it is not solved.
# The same for whole modules:

# %%
lesions_figure(lesions(graph, responses, whole, module_parts(modules)))

# %% [markdown]
# ## Do hierarchical networks solve more sub-problems?
#
# One network is an anecdote. MAP-Elites keeps the best network of each modularity and hierarchy: a small map,
# with every cell's network at hand.

# %%
small = replace(EXPERIMENTS["mengistu2016-map"].settings, cells=64, starters=1000, pairs=500)
search = MapElites(small, seed=1, problem=problem)
search.begin()
for generation in range(1, 501):
    search.advance(generation)
archive = search.archive
ends = ((-0.5 / 64, 1 - 0.5 / 64),) * 2
map_figure(best_of([archive]), ends, ("Hierarchy H", "Modularity Q", "Best performance"), top=1.0)

# %%
chosen = np.argsort(-archive.elites["performance"], kind="stable")[:400:2]
graphs = [to_graph(archive.networks, int(row)) for row in chosen]
table = pd.DataFrame(
    {
        "performance": archive.elites["performance"][chosen],
        "sub_problems": [sub_problems_solved(one, problem.gates).score for one in graphs],
        "hierarchy": [hierarchy(one) for one in graphs],
        "connections": [one.number_of_edges() for one in graphs],
        "kind": "elites",
    }
)
titles = {
    "performance": "Performance",
    "sub_problems": "Sub-problems",
    "hierarchy": "Hierarchy H",
    "connections": "Connections",
}
correlations_figure(table, titles, by="kind")

# %%
correlations(table, list(titles)).round(3)

# %% [markdown]
# These networks are cells of one small map, neighbours descend from each other, and 500 generations are few:
# the p-values say too much, the signs something. For the question of the paper compare trials: `evo run
# mengistu2016-hierarchy` with and without cost, then `evo report`; for the whole map `evo run
# mengistu2016-map`.
