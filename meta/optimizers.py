"""torch's optimisers without torch's compiler, whose import takes seconds and 80 MB in every process that trains.

Methods of `torch.optim` are wrapped so that a compiler of the training loop leaves them alone, and what wraps them
imports it. No training loop here is compiled: these are the same classes with the methods inside the wrapping.
"""

from __future__ import annotations

from inspect import unwrap
from typing import TypeVar

import torch

Kind = TypeVar("Kind", bound=torch.optim.Optimizer)


def _unwrapped(kind: type[Kind]) -> type[Kind]:
    names = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
    methods = {name: unwrap(getattr(kind, name)) for name in names}
    return type(kind.__name__, (kind,), methods | {"step": torch.no_grad()(unwrap(kind.step))})


Adam = _unwrapped(torch.optim.Adam)
RMSprop = _unwrapped(torch.optim.RMSprop)
SGD = _unwrapped(torch.optim.SGD)
