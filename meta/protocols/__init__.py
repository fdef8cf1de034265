"""Protocols: how a trained network is tested."""
