"""Evolving networks with DEAP."""
