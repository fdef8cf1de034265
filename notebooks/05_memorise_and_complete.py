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
# # Can a network be trained to learn at one sight?
#
# A plastic connection has two parts. Its weight is trained by gradient descent, over many lifetimes. Its
# Hebbian trace is written by the network's own activity, within one lifetime, and is gone at the end of it. How
# strongly the trace counts, alpha, is trained too: gradient descent decides where in the network learning
# happens (Miconi, Clune & Stanley 2018).
#
# The task: see some random patterns of bits, each for a few steps. Then complete one of which half is missing.
# No weight can know patterns that are drawn anew in every lifetime; only the traces can.

# %%
# %matplotlib inline
# %config InlineBackend.figure_format = "retina"
from dataclasses import replace

import numpy as np
import torch

from analysis.curves import Curve, Panel, curves_figure
from analysis.lifetime import lifetime_figure
from analysis.matrices import plastic_matrices_figure
from analysis.memory import memory_figure
from analysis.references import Reference
from meta.experiments.patterns import PatternSettings
from meta.training import make_optimizer, step
from meta.trial import use_threads
from networks.plasticity import coactivity
from networks.recurrent import PlasticRNNCell

use_threads(1)  # networks this small gain nothing from more
CHANCE = Reference(0.25, "chance")

# %% [markdown]
# ## Train it
#
# A small version: 40 bits, 3 patterns. `--scale paper` of `meta run miconi2018-patterns` has 1000 bits and 5
# patterns. Change what you like; every field is explained by `meta run miconi2018-patterns --help`.

# %%
settings = PatternSettings(
    bits=40, patterns=3, cycles=1, shown=4, blank=2, test=4, batch=16, rate=3e-3, iterations=400
)


def train(task):
    """Wrong bits in every iteration."""
    optimizer = make_optimizer(task.model, task.settings)
    return np.array([step(task, optimizer, iteration)["error"] for iteration in range(1, settings.iterations + 1)])


task = settings.task(seed=1, data=None)
errors = train(task)


# %%
def smooth(values, width=20):
    return values.reshape(-1, width).mean(1)


def compare(curves, width=20):
    x = np.arange(1, settings.iterations // width + 1) * width
    lines = [Curve(x, smooth(y), smooth(y), smooth(y), name) for name, y in curves.items()]
    return curves_figure([Panel(lines, "Wrong bits", references=[CHANCE])], "Iteration")


compare({"plastic": errors})

# %% [markdown]
# Half of the bits are shown, so guessing is wrong in a quarter of all bits. Within some hundred iterations the
# network has learned to learn: what it completes at the end of a lifetime it had never seen before that
# lifetime.
#
# ## Watch one lifetime
#
# Which pattern is shown when (top), what comes in, what the neurons do, how similar their activity is to each
# pattern, and how strongly the traces hold each pattern.

# %%
with torch.no_grad():
    lifetime = task.recorded()
lifetime_figure(lifetime)

# %% [markdown]
# While a pattern is shown, its outer product is written into the traces; afterwards it fades a little. In the
# test, half of a pattern is enough: the traces pull the activity to the whole of it.
#
# ## What gradient descent made of the connections
#
# The weights and the alphas that were trained. A positive alpha makes a connection Hebbian: neurons that were
# active together will excite each other.

# %%
connections = task.model.recurrent
plastic_matrices_figure(connections.weight.detach().numpy(), connections.alpha.detach().numpy())

# %% [markdown]
# ## How much does it hold?
#
# Trained for 3 patterns, tested with 1 to 8, without training any further.

# %%
counts = [1, 2, 3, 4, 6, 8]


def errors_with(task, patterns, lifetimes=100):
    tested = replace(settings, patterns=patterns, evaluation=lifetimes).task(seed=2, data=None)
    tested.model = task.model
    with torch.no_grad():
        return tested.evaluate()["errors"]


held = np.array([errors_with(task, count) for count in counts]).T
memory_figure(counts, {"trained for 3": held}, "Patterns in a lifetime", "Wrong bits", [CHANCE])

# %% [markdown]
# ## Put your own rule in
#
# A rule is one function from the trace, the senders' activity one step ago, the receivers' activity now, and a
# trained rate, to the new trace. Here is one that is not in the library: Hebb's rule in which a receiver that
# is hardly active learns nothing.

# %%


def thresholded(trace, pre, post, rate):
    """Decaying Hebb, only where the receiver's activity is beyond one half."""
    strong = (post.abs() > 0.5).to(post.dtype).unsqueeze(-2)
    return trace + rate * strong * (coactivity(pre, post) - trace)


def train_with(rule):
    task = settings.task(seed=1, data=None)
    torch.manual_seed(1)
    task.model = PlasticRNNCell(task.model.neurons, rule=rule)
    return train(task)


compare({"decaying": train_with("decaying"), "oja": train_with("oja"), "thresholded": train_with(thresholded)})

# %% [markdown]
# Same seed, same lifetimes, three rules: what differs is the material alone. A rule of your own can also be
# modulated by the network itself (`modulation="simple"` or `"retroactive"`), sit in an LSTM
# (`networks.lstm.PlasticLSTMCell`) or in any module of yours (`networks.plastic.PlasticConnections`).
