"""The published experiments as data."""

from cluster.experiments import Experiment
from meta.experiments import (
    adaptation,
    bandits,
    continual,
    cue_reward,
    foreign,
    language,
    mazes,
    omniglot,
    patterns,
    pictures,
    two_step,
)

#: The published experiments by name.
EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        *patterns.EXPERIMENTS,
        *pictures.EXPERIMENTS,
        *omniglot.EXPERIMENTS,
        *language.EXPERIMENTS,
        *continual.EXPERIMENTS,
        *adaptation.EXPERIMENTS,
        *bandits.EXPERIMENTS,
        *two_step.EXPERIMENTS,
        *mazes.EXPERIMENTS,
        *cue_reward.EXPERIMENTS,
        *foreign.EXPERIMENTS,
    )
}
