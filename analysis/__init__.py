"""Measuring and drawing networks and runs."""
