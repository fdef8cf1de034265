"""Whether loops can be compiled here: numba is installed with the package, but machines with a GPU may lack it."""

from functools import cache
from importlib.util import find_spec


@cache
def compiles() -> bool:
    """Whether numba is there."""
    return find_spec("numba") is not None
