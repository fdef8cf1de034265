"""What the process that compiles the passes computes is what later processes compute, which load them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Sizes with and without a rest beside whole vector registers, below and above the bound of small networks.
PROGRAM = """
import hashlib
import torch
from networks.normed import normed_pool
from networks.recurrent import PlasticRNNCell, unroll

def tell(name, *tensors):
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    print(name, digest.hexdigest())

for options in ({"rule": "oja"}, {"modulation": "retroactive"}):
    for neurons in (*range(1, 40), 150, 201):
        torch.manual_seed(neurons)
        cell = PlasticRNNCell(neurons, **options)
        activity, _, state = unroll(cell, torch.randn(7, 2, neurons), cell.initial(2))
        (activity.square().sum() + state.lifetime.trace.square().sum()).backward()
        gradients = [parameter.grad for parameter in cell.parameters() if parameter.grad is not None]
        tell(f"{options} {neurons}", activity, state.lifetime.trace, *gradients)
for side in range(3, 30):
    torch.manual_seed(side)
    values = [torch.randn(2, 3, side, side), torch.randn(3), torch.randn(3)]
    out = normed_pool(*(value.requires_grad_() for value in values), 1 + side % 2)
    (out**3).sum().backward()
    tell(f"normed {side}", out, *(value.grad for value in values))
"""


@pytest.mark.slow
def test_the_process_that_compiles_computes_what_later_ones_compute(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for _ in range(2)
    )
    assert len(first) == 2 * 41 + 27 and first == second
