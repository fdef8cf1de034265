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
# # How does your own data set, model or method do in continual learning?
#
# The protocol of notebook 07 knows nothing of characters or of ANML. Its parts are exchanged here one by one: data
# of your own, a model of your own, trained in a way of your own, and a method of your own to learn with, beside
# methods from the literature.

# %%
# %matplotlib inline
# %config InlineBackend.figure_format = "retina"
from collections import OrderedDict
from functools import partial

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from analysis.sequences import accuracy_figure, forgetting_figure
from meta.baselines import ElasticWeights, Replay
from meta.learners import Learner
from meta.learners.zapping import zap
from meta.protocols.online import Online
from meta.protocols.sequential import Plan, Student, sequential_test
from meta.trial import use_threads
from networks.prediction import InstanceNorm

use_threads(1)  # so that the same seed gives the same numbers

# %% [markdown]
# ## Your data: one array
#
# Bytes of shape (classes, drawings, side, side), as many drawings of each class. Anything else comes as a float
# tensor (classes, drawings, ...) of what the model takes, e.g. (classes, drawings, 3, side, side) for colours.
# Here a class is a pattern of two waves, and each drawing of it is out of phase, tilted and noisy.

# %%
SIDE, CLASSES, DRAWINGS = 16, 60, 20


def textures(classes, stream):
    each, own = (classes, 1, 2, 1, 1), (classes, DRAWINGS, 2, 1, 1)  # a number for a class, and for a drawing
    angle = stream.uniform(0, np.pi, each) + stream.normal(0, 0.08, own)
    phase = stream.uniform(0, 2 * np.pi, each) + stream.normal(0, 0.7, own)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    along = stream.uniform(0.5, 3, each) * (x * np.cos(angle) + y * np.sin(angle))
    waves = np.sin(2 * np.pi * along + phase).sum(2)
    return np.clip(127.5 + 40 * (waves + stream.normal(0, 0.5, waves.shape)), 0, 255).astype(np.uint8)


images = textures(2 * CLASSES, np.random.default_rng(0))
train, test = images[:CLASSES], images[CLASSES:]  # no class is in both


# %%
def drawings_figure(images, classes=8, drawings=3):
    figure = Figure(figsize=(0.8 * classes, 0.8 * drawings))
    grid = figure.subplots(drawings, classes)
    for axes, image in zip(grid.T.flat, images[:classes, :drawings].reshape(-1, SIDE, SIDE), strict=True):
        axes.imshow(image, cmap="gray")
        axes.axis("off")
    return figure


drawings_figure(train)  # a column is a class

# %% [markdown]
# ## Your model: any module
#
# In an `nn.Sequential` with named stages, what lies before the first stage that learns is computed once for all
# drawings; of another module all is computed at every step. Gates of one's own are a product.


# %%
def convolutions(channels):
    return nn.Sequential(
        nn.Conv2d(1, channels, 5), InstanceNorm(channels), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(channels, channels, 3), InstanceNorm(channels), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    )  # fmt: skip


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = convolutions(24)
        self.gates = nn.Sequential(convolutions(12), nn.Linear(12 * 4, 24 * 4), nn.Sigmoid())

    def forward(self, pictures):
        return self.features(pictures) * self.gates(pictures)


def make_model():
    torch.manual_seed(1)
    return nn.Sequential(OrderedDict(body=Gated(), head=nn.Linear(24 * 4, CLASSES)))


# %% [markdown]
# ## Your training
#
# Train it as you like. Once on batches, as usual; and once for learning in sequence: `Learner.adapt` learns some
# drawings of a class step by step, without changing the model, and gives the parameters afterwards; `predict`
# answers with them. The gradient of those answers goes back through the steps to the model.

# %%
pictures = torch.from_numpy(train)[:, :, None].float() / 255


def some(stream, count=64):
    """Drawings of all classes, and their classes."""
    classes, which = stream.integers(0, CLASSES, count), stream.integers(0, DRAWINGS, count)
    return pictures[classes, which], torch.from_numpy(classes)


def on_batches(model, stream):
    shown, labels = some(stream)
    return model(shown), labels


def in_sequence(model, stream):
    own, (others, classes) = int(stream.integers(CLASSES)), some(stream)
    zap(model.head, [own], stream)  # the output of this class is drawn anew: it cannot be known beforehand
    shown, labels = pictures[own, stream.permutation(DRAWINGS)[:10]], torch.full((10,), own)
    learner = Learner(model, plastic=("head",), rate=0.1, order=1)
    adapted = learner.adapt(shown, labels)
    return learner.predict(adapted, torch.cat([shown, others])), torch.cat([labels, classes])


def train_with(kind, iterations, rate):
    model, stream = make_model(), np.random.default_rng(2)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(iterations):
        loss = nn.functional.cross_entropy(*kind(model, stream))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


models = {
    "trained on batches": train_with(on_batches, iterations=200, rate=3e-3),
    "meta-trained": train_with(in_sequence, iterations=800, rate=6e-3),
}

# %% [markdown]
# ## Your method: override what it changes
#
# `Online` learns one example at a step with Adam. A method of its own overrides `loss` or `gradients` (as elastic
# weight consolidation, EWC, does), `learn` (as replay does), `scores`, or `end_class`. This one does not descend
# any gradient: it keeps the mean of each class's features, and answers with the class whose mean is nearest.


# %%
class Means(Online):
    def __init__(self, stage, parameters, rate, seed=0):
        super().__init__(stage, parameters, rate, seed)
        self.sums, self.counts = torch.zeros_like(self.parameters["head.weight"]), torch.zeros(CLASSES)

    def learn(self, features, labels):
        self.sums[labels] += features
        self.counts[labels] += 1

    def scores(self, features):
        distances = torch.cdist(features, self.sums / self.counts.clamp(min=1)[:, None])
        return torch.where(self.counts > 0, -distances, -torch.inf)


METHODS = {
    "plain": Online,
    "EWC": partial(ElasticWeights, strength=100.0),
    "replay": partial(Replay, memory=100),
    "means": Means,
}

# %% [markdown]
# ## The test
#
# 60 new classes one after another, 15 drawings of each, each once; the other 5 are held out. Rates are chosen on
# other courses, for each method by itself. `trained` says what learns, here the last layer; `("*",)` is all.

# %%
plan = Plan(counts=(5, 10, 20, 40, 60), rates=(1e-2, 1e-3, 1e-4), searches=1, courses=4, oracle=False)
found = {
    label: {
        name: sequential_test(Student(model, trained=("head",), method=method), test, plan)["sequential"]
        for name, method in METHODS.items()
    }
    for label, model in models.items()
}
accuracy_figure(
    dict.fromkeys(METHODS, plan.counts),
    {
        f"Accuracy, {label}": {name: own.held_out for name, own in scores.items()}
        for label, scores in found.items()
    },
)

# %%
finals = {
    label: {name: own.held_out[:, -1].mean() for name, own in scores.items()} for label, scores in found.items()
}
pd.DataFrame(finals).round(2)

# %% [markdown]
# With features trained on batches plain learning ends with next to nothing. Elastic weight consolidation does not
# help, as is known of penalties where classes come one by one (van de Ven & Tolias 2019). Replay keeps much, and
# needs a memory of drawings. Means keep most: each class has numbers of its own, and nothing that others learn
# changes them. Meta-training makes plain learning several times better without any memory; half a minute of it is
# far from notebook 07, and it costs the means some of their accuracy. Such figures depend on the data, the model
# and the options of the methods (`strength`, `memory`): that is what the protocol is for.
#
# ## What is forgotten?
#
# Accuracy at the end on what was learned, by when it was learned.

# %%
forgetting_figure(
    {
        f"Learned, {label}": {
            name: np.mean([m.learned for m in own.by_class], 0)[None] for name, own in scores.items()
        }
        for label, scores in found.items()
    }
)

# %% [markdown]
# A method that forgets rises to the right: it knows what came last. Replay and means are flat.
#
# More methods are in `meta.baselines`; each is a subclass of `Online` in a file of its own, as yours would be.
# With `oracle=True` in the plan the test also learns in mixed order, which says how much of a loss is due to the
# sequence.
