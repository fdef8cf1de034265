"""Meta-learning: networks whose materials learn."""
