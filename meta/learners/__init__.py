"""Learners: what a network learns in its lifetime, how, and what is learned about that from outside."""

from meta.learners.inner import Learner

__all__ = ["Learner"]
