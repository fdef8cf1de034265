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
# # Can a network learn one thing after another without forgetting?
#
# A network that learns classes in sequence, each once and never again, forgets: every step towards the new class
# is a step away from old ones. ANML does not prescribe a remedy, it searches for one by gradient descent. A
# *neuromodulatory* network looks at each picture and gates the features of another, the *prediction* network;
# both are trained so that what a few steps of learning change harms nothing that is to be kept (Beaulieu et al.
# 2020).

# %%
# %matplotlib inline
# %config InlineBackend.figure_format = "retina"
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from analysis.curves import Curve, Panel, curves_figure
from analysis.sequences import retention_figure
from meta.experiments.continual import ContinualSettings
from meta.protocols.courses import draw_course, split_drawings
from meta.protocols.sequential import Student
from meta.training import make_optimizer, step
from meta.trial import use_threads
from meta.views.sequences import sequences

use_threads(1)  # so that the same seed gives the same numbers

# %% [markdown]
# ## Train it
#
# Invented characters, of which 272 classes are for training and 128 others for the test. A tenth of the published
# width, and a gradient of first order: it takes the steps of a lifetime as given, as the published program does;
# `order=2` is the algorithm of the paper, half as fast. Every field is explained by `meta run
# beaulieu2020-omniglot --help`.

# %%
anml = ContinualSettings(
    data="generated", generated=400, outputs=272, channels=24, neuromodulatory=12, biases=False,
    order=1, drawings=10, iterations=500, rate=6e-3, decay=0.3, decay_every=400,
    counts=(10, 25, 50, 75, 100), test_rates=(1e-2, 3e-3, 1e-3, 3e-4), searches=1, courses=5,
)  # fmt: skip


def train(settings):
    """A trained task, and in every iteration the accuracy on what was not to be forgotten."""
    task = settings.task(seed=1, data=None)
    optimizer = make_optimizer(task.model, settings)
    remembered = [float(step(task, optimizer, number + 1)["remembered"]) for number in range(settings.iterations)]
    return task, remembered


tasks = {}
tasks["anml"], remembered = train(anml)


# %%
def training_figure(values, width=20):
    smooth = np.reshape(values, (-1, width)).mean(1)
    x = np.arange(1, len(smooth) + 1) * width
    return curves_figure([Panel([Curve(x, smooth, smooth, smooth, "anml")], "Remembered")], "Iteration")


training_figure(remembered)

# %% [markdown]
# Each iteration is a lifetime. Ten drawings of one class are learned, one at a step; then the network is asked for
# them and for 64 drawings of all classes. That is the share of the latter which it still gets right.
#
# ## What it is compared with
#
# The same without gates; a network without gates that was trained on batches of all classes, as one usually does;
# and one that was not trained at all.

# %%
others = {
    "no gates": replace(anml, neuromodulatory=0),
    "pretrained": replace(anml, neuromodulatory=0, learner="iid", reset=False, iterations=300, rate=3e-3),
    "untrained": replace(anml, neuromodulatory=0, iterations=0),
}
tasks |= {name: train(settings)[0] for name, settings in others.items()}

# %% [markdown]
# ## How much is known after so many new classes?
#
# The features stay as they are now. A last layer, new and random, learns 15 drawings of each of 100 new
# characters, one at a step, one character after the other. Five courses with 95 % intervals; the rate is chosen on
# other courses. Beside the sequence (a, b) the *oracle* (c), which learns the same drawings in mixed order.

# %%
with torch.no_grad():
    results = {name: task.evaluate() for name, task in tasks.items()}
figures = sequences({name: [result] for name, result in results.items()})
figures["accuracy"]

# %%
columns = {"accuracy": "in sequence", "oracle_100": "in mixed order", "relative_drop": "relative drop"}
pd.DataFrame(results).T[list(columns)].rename(columns=columns).astype(float).round(2)

# %% [markdown]
# Accuracy on drawings never seen before, after 100 classes; by chance it would be 0.01. In mixed order all trained
# features are good. What differs is the drop from there to the sequence: features trained on batches lose most,
# features trained for learning in sequence little. Most of that is meta-learning, for without gates it is there
# too; in this small network and short training the gates add to it. One seed of each is no evidence, though: `meta
# run beaulieu2020-omniglot --treatments anml-16 anml-no-nm-16 anml-128 anml-no-nm-128` compares gates and width.
#
# ## Watch it learn
#
# One course, and every five characters an examination in all that was learned so far. A row is a character, from
# the diagonal on, where it is learned.

# %%
COUNTS = range(5, 101, 5)


@torch.no_grad()
def watch(name):
    """Accuracies of the characters learned so far, at each count."""
    student, images = Student(tasks[name].model, trained=("head",), redrawn=("head",)), tasks[name].classes.test
    course = draw_course(split_drawings(*images.shape[:2], learned=15, seed=0), 100, np.random.default_rng(1))
    rate, start = results[name]["sequential"]["rates"][-1], np.random.default_rng(2)
    (marks,) = student.learn(student.prepare(images), [course], [rate], COUNTS, [start])
    return [mark.learned for mark in marks]


retention_figure(COUNTS, {name: watch(name) for name in ("anml", "pretrained")})

# %% [markdown]
# A row that stays bright was learned once and is known for good. On the left most do, though the character learned
# last often needs some steps more; on the right the latest characters are known, and fade as others follow.
#
# ## What is forgotten?
#
# The same over all courses: accuracy of each class at the end, by when it was learned.

# %%
figures["forgetting"]

# %% [markdown]
# The pretrained network knows the last classes, and little of all before. After meta-learning the curve is nearly
# flat, but for the very first classes.
#
# ## Look at the gates
#
# Three drawings of one new character, then one each of five others; each above its gates.

# %%
with torch.no_grad():
    gates = tasks["anml"].figures()["gates"]
gates

# %%
stages = {"before the gates": "ungated", "gates": "gates", "after the gates": "features"}
measures = {"active": "active", "dead": "dead", "5 nearest neighbours": "neighbours"}
result = results["anml"]
pd.DataFrame(
    {title: {stage: result[f"{key}_{name}"] for stage, name in stages.items()} for title, key in measures.items()}
).round(2)

# %% [markdown]
# Drawings of one character open much the same gates, other characters open others. The gates make the features
# sparser, but no better to tell new characters apart by their neighbours. What they decide is where learning
# happens: a step changes only what comes from features that are active, and behind a closed gate nothing changes.
#
# Everything here is a field of `ContinualSettings`: other gates (`neuromodulatory`), what learns (`plastic`), what
# is meta-learned (`learned`), real characters (`data="omniglot"`), the published size (leave the fields out).
# Data, models and methods of your own: notebook 08.
