"""What many tasks come to after each step."""

import json

import pytest
import torch

from meta.protocols.few_shot import summary


def test_one_task_that_diverges_does_not_hide_the_others() -> None:
    scores = torch.tensor([[3.0, 1.0, 0.5], [3.0, 2.0, 0.7], [3.0, 4e9, float("inf")]])
    told = summary(scores, "error")
    assert told["by_step"]["median"] == pytest.approx([3.0, 2.0, 0.7]) and told["error_median"] == pytest.approx(
        0.7
    )
    assert told["by_step"]["mean"] == pytest.approx([3.0, 4e9 / 3 + 1, 0.6])
    assert told["diverged"] == pytest.approx(1 / 3)
    json.dumps(told, allow_nan=False)
