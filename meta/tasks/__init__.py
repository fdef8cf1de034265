"""What meta-learning experiments train on: models with their episodes and losses."""
