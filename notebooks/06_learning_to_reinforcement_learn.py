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
# # Can an agent learn how to learn from reward?
#
# Reinforcement learning is slow: gradient descent changes the weights of an agent over thousands of lifetimes. But
# if the agent is recurrent and feels its own actions and rewards, what those lifetimes teach can be a learning
# algorithm, one that runs in the agent's activity and needs no change of weights (Wang et al. 2016; Duan et al.
# 2016).
#
# The first task: two arms that pay with probabilities drawn anew in every lifetime. Nobody can know which is
# better; whoever wants much reward has to try both, and to stop trying at the right time.

# %%
# %matplotlib inline
# %config InlineBackend.figure_format = "retina"
import gymnasium
import numpy as np
import torch

from analysis.choices import stay_counts, stay_figure
from analysis.curves import Curve, Panel, curves_figure
from analysis.references import Reference
from analysis.regret import regret_figure
from meta.environments import Bandits, TwoStep
from meta.experiments.bandits import BanditSettings
from meta.experiments.foreign import ForeignSettings
from meta.experiments.two_step import TwoStepSettings
from meta.learners.lifetimes import live
from meta.learners.policies import gittins, pull, thompson, ucb1
from meta.training import make_optimizer, step
from meta.trial import use_threads

use_threads(1)  # networks this small gain nothing from more

# %% [markdown]
# ## Train it
#
# An LSTM, trained by actor-critic on 128 new pairs of arms in every iteration, half as many pulls in a lifetime as
# in the paper. Every field is explained by `meta run wang2016-bandits --help`.

# %%
settings = BanditSettings(
    arms=2, pulls=50, neurons=48, batch=128, iterations=1000, rate=0.01, clip=10.0, time="share",
    value_weight=0.05, last_entropy=0.0,
)  # fmt: skip


def train(task, measure):
    """A measure of every iteration."""
    optimizer = make_optimizer(task.model, task.settings)
    return [float(step(task, optimizer, number + 1)[measure]) for number in range(task.settings.iterations)]


task = settings.task(seed=1, data=None)
regret = train(task, "regret")

# %% [markdown]
# Regret is the expected reward that pulls of the worse arm gave away. Three algorithms that need no training give
# away, on 2000 other pairs of arms:

# %%
POLICIES = {"UCB1": ucb1(), "Thompson": thompson, "Gittins": gittins(50)}


def regrets(policy, bandits):
    """Regret up to each pull, (lifetimes, pulls); the same arms for every policy."""
    return pull(policy, bandits, 2000, np.random.default_rng(2))[0].cumsum(0).T


known = {name: regrets(policy, Bandits(2, 50)) for name, policy in POLICIES.items()}
{name: round(float(values[:, -1].mean()), 2) for name, values in known.items()}


# %%
def training_figure(values, label, references, width=20):
    smooth = np.reshape(values, (-1, width)).mean(1)
    x = np.arange(1, len(smooth) + 1) * width
    return curves_figure(
        [Panel([Curve(x, smooth, smooth, smooth, "agent")], label, references=references)], "Iteration"
    )


training_figure(regret, "Regret", [Reference(values[:, -1].mean(), name) for name, values in known.items()])

# %% [markdown]
# ## What has it learned?
#
# The weights are fixed now, the arms are new. Regret pull by pull, with 95 % intervals over lifetimes.


# %%
@torch.no_grad()
def agent_regrets(agent, bandits):
    lived = live(agent, bandits, 2000, np.random.default_rng(2))
    return bandits.regret(lived.actions).cumsum(0).T


regret_figure({"two arms": agent_regrets(task.agent, Bandits(2, 50))}, {"two arms": known})

# %% [markdown]
# The curves flatten: the agent tries, then keeps to the better arm, though nothing but its activity changes. After
# this short training it is better than Thompson sampling and UCB1, not than Gittins indices, which are nearly the
# best that can be done. `results/wang2016-bandits` has the same after longer training, and on other arms.
#
# ## Habit or planning?
#
# The second task asks what kind of algorithm is learned. A first choice leads to one of two states, in 80 % of
# trials to the same one; one of the states usually pays, and now and then they change places. Suppose a choice
# led to its *rare* state, and that paid. Habit repeats what was rewarded. Who knows what leads where makes the
# *other* choice, for that is the one that usually leads to the state that paid. Two caricatures, each of which
# slips in one of ten trials:

# %%
trials = TwoStepSettings(
    choices=40, batch=64, iterations=300, optimizer="adam", rate=0.01, clip=1.0, time="none", evaluation=300
)


def shares(repeats, lifetimes=300):
    """How often a rule repeats its choice; `repeats` says whether it wants to, from paid and rare (lifetimes,)."""
    environment, stream = TwoStep(trials=40), np.random.default_rng(1)
    environment.reset(lifetimes, stream)
    choices, paid = [torch.zeros(lifetimes, dtype=torch.int64)], []
    for rare in environment.rare:
        environment.step(choices[-1])
        paid.append(environment.step(choices[-1])[1] > 0)
        stays = repeats(paid[-1], rare) ^ torch.from_numpy(stream.random(lifetimes) < 0.1)
        choices.append(torch.where(stays, choices[-1], 1 - choices[-1]))
    stayed, made = stay_counts(torch.stack(choices[:-1]), torch.stack(paid), environment.rare)
    return stayed / made


habit, planning = shares(lambda paid, rare: paid), shares(lambda paid, rare: paid ^ rare)

# %% [markdown]
# And three agents, trained from three seeds by the same actor-critic as before. It is model-free: it strengthens
# what was rewarded, and knows nothing of states that lead to states.

# %%
agents, effects = [], []
for seed in (1, 2, 3):
    two_step = trials.task(seed, data=None)
    train(two_step, "reward")
    with torch.no_grad():
        tested = two_step.evaluate()
    agents.append(np.divide(tested["stays"], tested["choices"]))
    effects.append({name: round(tested[f"{name}_effect"], 2) for name in ("reward", "interaction")})
stay_figure({"habit": [habit], "planning": [planning], "trained agents": agents})

# %%
effects

# %% [markdown]
# The agents choose like one who plans: training that is model-free has made an algorithm that is model-based. They
# do not change at once after a rare reward, and need not: one reward is weak evidence. In log odds of repeating a
# choice, planning shows as an interaction of reward and transition, habit as an effect of reward alone. Eight
# agents trained for longer are in `results/wang2016-two-step`. A caution: habits of whole situations ("that state
# paid: choose so") look the same (Akam, Costa & Dayan 2015). The signature says that transitions count, not how.
#
# ## Put your own bandits in
#
# A distribution is one function to probabilities. Here neighbours pay alike: the best of seven arms is anywhere,
# and the others pay the less the further away they are. A GRU, to have another agent too.


# %%
def hill(batch, arms, pulls, stream):
    """Probabilities (1, batch, arms); give (pulls, batch, arms) if they are to change within a lifetime."""
    top = stream.integers(0, arms, (1, batch, 1))
    return 0.9 * 0.5 ** np.abs(np.arange(arms) - top)


class HillSettings(BanditSettings):
    def make_environment(self, device):
        return Bandits(self.arms, self.pulls, hill, device)


hills = HillSettings(
    arms=7, pulls=30, core="gru", batch=128, iterations=500, rate=0.01, clip=10.0, time="share",
    value_weight=0.05, entropy=0.1, last_entropy=0.0,
).task(seed=1, data=None)  # fmt: skip
train(hills, "regret")
bandits = Bandits(7, 30, hill)
POLICIES["Gittins"] = gittins(30)
regret_figure(
    {"hills": agent_regrets(hills.agent, bandits)},
    {"hills": {name: regrets(policy, bandits) for name, policy in POLICIES.items()}},
)

# %% [markdown]
# Gittins indices are no longer the best: they take arms for independent of each other. The agent has learned what
# its world is like, and what an arm pays tells it where to look next.
#
# ## Or an environment of Gymnasium
#
# Any with discrete actions, by the name that `gymnasium.make` takes. This one thinks of a number from 0 to 6, and
# says after each guess whether it is larger or smaller.


# %%
class Guess(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(7)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.secret = self.np_random.integers(7)
        return np.float32([0]), {}

    def step(self, guess):
        hint = np.sign(self.secret - guess)
        return np.float32([hint]), -1.0, bool(hint == 0), False, {}


gymnasium.register("Guess-v0", Guess, max_episode_steps=6)
guesses = ForeignSettings(
    environment="Guess-v0", episodes=1, batch=128, iterations=400, rate=5e-3, clip=10.0, discount=1.0,
    trace_decay=1.0, entropy=0.1, last_entropy=0.0, value_weight=0.05,
)  # fmt: skip
guessing = guesses.task(seed=1, data=None)
rewards = train(guessing, "reward")
training_figure(-np.array(rewards), "Guesses needed", [Reference(17 / 7, "binary search")])

# %%
with torch.no_grad():
    lived = live(guessing.agent, guessing.environment, 500, np.random.default_rng(0))
np.bincount(lived.actions[0], minlength=7)  # how often each number is the first guess

# %% [markdown]
# It discovered binary search: the first guess is the middle, and the number of guesses is near the least that is
# possible. Other agents are a setting away: plastic neurons with `core="plastic"`, which modulate themselves with
# `modulation="retroactive"`. `meta run duan2016-gymnasium --environment module:name` does the same on the command
# line, with checkpoints, several seeds and a report.
