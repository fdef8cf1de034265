"""Gradients over many tasks: actors that hold a model, and a sum whose last bit does not depend on them.

    def build():                                     # runs once on every worker
        model, data = make_model(), load_data()
        def gradients(parameters, task):             # a pure function
            ...
            return {name: array, ...}
        return gradients

    with GradientPool(build, workers=8) as pool:
        total = pool.sum(parameters, tasks)

Floating-point addition is not associative: the sum is taken here, in the order of the tasks.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cluster.actors import Crew, answer
from cluster.connection import Resources, connected, require

Arrays = Mapping[str, NDArray]
#: Gradients of one task's loss at some parameters, by the parameters' names.
Gradients = Callable[[Arrays, Any], Arrays]


class GradientPool:
    """Computes gradients of tasks on actors.

    Args:
        build: makes the function that computes gradients, once on each actor, e.g. with a model and its data.
        workers: how many actors; 0 computes in this process.
        address: of a Ray cluster; None starts one on this machine, which ends with the pool.
        resources: what each actor needs. An actor's numerical libraries get as many threads as it has CPUs; where
            their sums depend on that, give every run the same, workers=0 included.
        chunk: how many tasks go out together.

    Raises:
        UserError: the cluster cannot be reached, or has too little.
    """

    def __init__(
        self,
        build: Callable[[], Gradients],
        workers: int,
        address: str | None = None,
        resources: Resources | None = None,
        chunk: int = 1,
    ) -> None:
        if chunk < 1:
            raise ValueError(f"chunk {chunk}: allowed is a whole number of 1 or more")
        self.build, self.chunk = build, chunk
        self.here: Gradients | None = None
        self.crew: Crew | None = None
        with contextlib.ExitStack() as opened:
            if workers > 0:
                resources = resources or Resources()
                opened.enter_context(connected(address, math.ceil(workers * resources.cpus)))
                require(address or "local", resources)
                self.crew = Crew(workers, resources)
                opened.callback(self.crew.close)
            else:
                self.here = build()
            self.opened = opened.pop_all()

    def __enter__(self) -> GradientPool:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()

    def close(self) -> None:
        """Dismiss the actors and leave the cluster."""
        self.opened.close()

    def each(self, parameters: Arrays, tasks: Sequence[Any]) -> list[Arrays]:
        """Gradients of each task, in the order of the tasks.

        Args:
            parameters: where to take them; sent once to each node, and read-only there.
            tasks: whatever `build`'s function takes.

        Raises:
            RuntimeError: a task raised, or killed its worker again and again.
        """
        shared = ({name: _read_only(array) for name, array in parameters.items()},)
        if self.crew is not None:
            answers = self.crew.ask(self.build, tasks, self.chunk, shared)
        else:
            assert self.here is not None
            answers = [answer(self.here, shared, task, None, index) for index, task in enumerate(tasks)]
        for task, found in zip(tasks, answers, strict=True):
            if found.how != "value":
                raise RuntimeError(f"task {task!r:.200}: {found.value}")
        return [found.value for found in answers]

    def sum(self, parameters: Arrays, tasks: Sequence[Any]) -> dict[str, NDArray]:
        """Sum over tasks of their gradients, added one after the other in the order of the tasks.

        Raises:
            ValueError: no tasks, or tasks whose gradients have different names.
            RuntimeError: see `each`.
        """
        if not tasks:
            raise ValueError("tasks: none: allowed is one or more")
        first, *others = self.each(parameters, tasks)
        total = {name: np.array(gradient) for name, gradient in first.items()}
        for task, gradients in zip(tasks[1:], others, strict=True):
            if gradients.keys() != total.keys():
                raise ValueError(f"task {task!r:.200}: gradients of {sorted(gradients)}: allowed {sorted(total)}")
            for name, gradient in gradients.items():
                total[name] += gradient
        return total


def _read_only(array: NDArray) -> NDArray:
    """A view, as what comes through Ray's object store is one: a function that writes fails here too."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
