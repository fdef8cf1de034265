"""What a report shows of each experiment: curves, final numbers, published figures to compare with."""

from meta.views import memories, rewards, sequences
from meta.views.view import View

#: How each experiment is shown, by its name.
VIEWS: dict[str, View] = memories.VIEWS | rewards.VIEWS | sequences.VIEWS

__all__ = ["VIEWS", "View"]
