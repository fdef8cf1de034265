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
# # Is this network modular, and is that more than chance?
#
# Modularity Q compares the connections inside the modules of a network with what its degrees alone would give.
# But small and sparse networks have a high Q by chance (Guimerà, Sales-Pardo & Amaral 2004), so the number alone
# says little. Here it is measured, and compared with random networks, for a graph of your own and for a run.

# %%
# %matplotlib inline
# %config InlineBackend.figure_format = "retina"
from pathlib import Path

import networkx as nx
import numpy as np
from matplotlib.figure import Figure

from analysis import style
from analysis.drawing import draw_network_figure
from analysis.groups import bars_figure, box_figure
from analysis.modularity import modularity, refined_partition, spectral_partition
from analysis.runs import finished_trials
from analysis.significance import modularity_significance
from analysis.statistics import fisher_exact, mann_whitney
from cluster.folder import RunFolder
from networks.graph import from_json

# %% [markdown]
# ## A graph of your own
#
# Any `networkx.DiGraph`, with any names for its nodes. This one is a small circuit: two senses, each with
# neurons of its own, and a few neurons that bring them together.

# %%
circuit = nx.DiGraph(
    [
        ("eye 1", "edge"), ("eye 1", "spot"), ("eye 2", "edge"), ("eye 2", "spot"), ("edge", "shape"),
        ("spot", "shape"), ("edge", "spot"), ("ear 1", "tone"), ("ear 1", "click"), ("ear 2", "tone"),
        ("ear 2", "click"), ("tone", "sound"), ("click", "sound"), ("tone", "click"), ("shape", "object"),
        ("sound", "object"), ("object", "move"), ("object", "stay"), ("move", "stay"),
    ]
)  # fmt: skip

partition = spectral_partition(circuit)
for module in partition:
    print(", ".join(module))
print(f"Q = {modularity(circuit, partition):.3f}")

# %%
draw_network_figure(circuit, partition)

# %% [markdown]
# `spectral_partition` is the method of the papers. `refined_partition` searches further and never finds less; a
# large difference between the two would be a warning.

# %%
print(f"Q = {modularity(circuit, refined_partition(circuit)):.3f}")

# %% [markdown]
# ## More than chance?
#
# Random networks in which every node keeps its number of inputs and outputs; their modules are searched for in
# the same way. p is the share of them that are at least as modular.


# %%
def draw_significance(found, title):
    with style.house_style():
        figure = Figure(figsize=(3.5, 2.2), layout="constrained")
        axes = figure.add_subplot()
        axes.hist(found.nulls, bins=25, color=style.GREY, label="random networks")
        axes.axvline(found.value, color=style.NEGATIVE, linewidth=1.5, label="this network")
        axes.set(xlabel="Modularity Q", ylabel="Networks", title=f"{title}: z = {found.z:.1f}, p = {found.p:.3f}")
        axes.legend()
    return figure


draw_significance(modularity_significance(circuit, nulls=1000), "circuit")

# %% [markdown]
# The two senses are more separate than the degrees of the neurons alone would make them.
#
# ## Why the number alone says little
#
# A random graph, sparse and without any structure, and its Q.

# %%
sparse = nx.gnm_random_graph(14, 19, seed=3, directed=True)
draw_significance(modularity_significance(sparse, nulls=1000), "random graph")

# %% [markdown]
# Its Q would look respectable in a table. Against networks of its own degrees it is nothing special.
#
# ## A run
#
# The same for the networks that a run has evolved: `results/clune2013-retina` is stored with this project, with
# 50 networks of each treatment. Put the folder of a run of yours here.

# %%
run = RunFolder(Path("results/clune2013-retina"))
results = [trial.result for trial in finished_trials(run)]
by_treatment = {}
for result in results:
    by_treatment.setdefault(result["treatment"], []).append(from_json(result["network"]))
for name, graphs in by_treatment.items():
    print(f"{name}: {len(graphs)} networks, {np.median([len(graph.edges) for graph in graphs]):.0f} connections")


# %%
def q(graph):
    return modularity(graph, spectral_partition(graph))


qs = {name: [q(graph) for graph in graphs] for name, graphs in by_treatment.items()}
test = mann_whitney(qs["pcc"], qs["pa"])
box_figure(qs, "Modularity Q", [("pa", "pcc", test.p)])

# %% [markdown]
# Networks that pay for connections (`pcc`) have a far higher Q. They also have far fewer connections, and sparse
# networks have a higher Q by chance. So how many are more modular than random networks of their own degrees and
# layers?


# %%
def beyond_chance(graphs):
    return sum(modularity_significance(graph, nulls=100).p < 0.05 for graph in graphs), len(graphs)


shares = {name: beyond_chance(graphs) for name, graphs in by_treatment.items()}
exact = fisher_exact(*shares["pcc"], *shares["pa"])
bars_figure(shares, "More modular than chance (%)", [("pa", "pcc", exact.p)])

# %% [markdown]
# Part of the difference in Q is sparsity, and part is not: more of the `pcc` networks stand out among networks as
# sparse as they are. `evo report` makes this comparison for every run; `evo show` for a single network.
#
# ## One of them

# %%
best = max(by_treatment["pcc"], key=q)
draw_network_figure(best, spectral_partition(best), f"Q {q(best):.2f}", range(4), range(4, 8))

# %%
draw_significance(modularity_significance(best, nulls=1000), "pcc")

# %% [markdown]
# For a figure in a paper: `analysis.style.save_figure(figure, "figure-1")` writes it as svg and png, the same
# bytes every time.
