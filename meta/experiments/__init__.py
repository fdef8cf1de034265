"""The published experiments as data."""

from cluster.experiments import Experiment
from meta.experiments import adaptation, continual, language, omniglot, patterns, pictures

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
    )
}
