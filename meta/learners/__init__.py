"""Learners: what changes in a lifetime, how it is trained, and policies to compare with."""

from meta.learners.inner import Learner

__all__ = ["Learner"]
