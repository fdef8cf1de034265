"""Compiled loops: numba is installed with the package, but machines with a GPU may lack it."""

from functools import cache
from importlib.util import find_spec

import torch


@cache
def compiles() -> bool:
    """Whether numba is there."""
    return find_spec("numba") is not None


def share_threads() -> None:
    """Have compiled loops use as many threads as torch; how sums are split decides their rounding."""
    import numba

    threads = torch.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    torch.set_num_threads(threads)  # numba's first call gives OpenMP, which torch shares, all processors
