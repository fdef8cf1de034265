"""Evolving networks with DEAP."""

from evo.engine import begin, best, evolve, generations, individually, make_toolbox
from evo.experiments import EXPERIMENTS
from evo.population import Individual, Population
from evo.problems import PROBLEMS, Problem
from evo.settings import Settings

__all__ = [
    "EXPERIMENTS",
    "PROBLEMS",
    "Individual",
    "Population",
    "Problem",
    "Settings",
    "begin",
    "best",
    "evolve",
    "generations",
    "individually",
    "make_toolbox",
]
