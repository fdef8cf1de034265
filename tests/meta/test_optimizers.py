"""The optimisers are torch's, bit for bit, and leave torch's compiler where it is."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from meta import optimizers


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Adam", {"lr": 0.03, "weight_decay": 0.1, "fused": True}),
        ("Adam", {"lr": 0.03, "eps": 1e-4}),
        ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-5}),
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("SGD", {"lr": 0.1, "weight_decay": 0.1, "fused": True}),
    ],
)
def test_steps_and_states_are_those_of_torch(name: str, options: dict[str, Any]) -> None:
    start = [torch.randn(3, 4), torch.randn(5), torch.randn(2)]
    found = []
    for module in (optimizers, torch.optim):
        stream = torch.Generator().manual_seed(1)
        parameters = [value.clone().requires_grad_() for value in start]
        optimizer = getattr(module, name)(parameters[:2], **options)
        optimizer.add_param_group({"params": parameters[2:], "lr": 0.2})
        for step in range(8):
            optimizer.zero_grad()
            sum(((parameter * torch.randn(1, generator=stream)) ** 2).sum() for parameter in parameters).backward()
            if step % 3 == 0:
                parameters[0].grad = None  # takes no part in this step
            optimizer.step()
            if step == 4:  # as from a checkpoint
                state = optimizer.state_dict()
                optimizer = getattr(module, name)(
                    [{"params": parameters[:2]}, {"params": parameters[2:]}], **options
                )
                optimizer.load_state_dict(state)
        found.append((parameters, optimizer.state_dict()))
    (ours, our_state), (theirs, their_state) = found
    assert all(map(torch.equal, ours, theirs))
    assert our_state["param_groups"] == their_state["param_groups"]
    for index, state in their_state["state"].items():
        for key, value in state.items():
            mine = our_state["state"][index][key]
            assert mine is value is None or torch.equal(mine, value)


def test_training_does_not_import_the_compiler() -> None:
    program = (
        "import sys, torch; from meta.optimizers import Adam; value = torch.zeros(2, requires_grad=True);"
        "optimizer = Adam([value], fused=True); optimizer.zero_grad(); value.sum().backward(); optimizer.step();"
        "optimizer.load_state_dict(optimizer.state_dict()); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
