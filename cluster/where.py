"""Where a run runs: in this process, on local processes or on a Ray cluster, chosen by flags."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cluster.connection import Resources, connected, require
from cluster.errors import UserError
from cluster.parameters import whole_number
from cluster.trials import Observer, Trial, TrialFunction, run_trials


def add_where_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags that say where a run runs; none of them changes a result."""
    group = parser.add_argument_group("where it runs (results are the same everywhere)")
    group.add_argument(
        "--workers",
        metavar="N",
        help="local processes (default all cores); 0 = this process; with --address, trials at once",
    )
    group.add_argument("--address", metavar="A", help="Ray cluster: auto (this machine is a node) or HOST:PORT")
    group.add_argument("--cpus-per-trial", metavar="X", help="with --address: CPUs of a trial (default 1)")
    group.add_argument("--gpus-per-trial", metavar="X", help="with --address: GPUs of a trial (default 0)")


@dataclass(frozen=True)
class Where:
    """Where a run runs.

    Attributes:
        workers: local processes, or trials at once on a cluster; None is as many as there is room for.
        address: of a Ray cluster, or None.
        resources: of a trial on a cluster.
    """

    workers: int | None = None
    address: str | None = None
    resources: Resources = field(default_factory=Resources)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Connected to the cluster, if there is one, while the block runs.

        Raises:
            UserError: it cannot be reached, refuses, or has too little.
        """
        if self.address is None:
            yield
            return
        with connected(self.address):
            require(self.address, self.resources)
            yield

    def run(self, function: TrialFunction, trials: Sequence[Trial], observer: Observer) -> dict[Trial, str]:
        """Run trials there, as `cluster.trials.run_trials` does."""
        if self.address is None:
            workers = os.cpu_count() or 1 if self.workers is None else self.workers
            return run_trials(function, trials, workers, observer)
        from cluster.ray_trials import run_trials_on

        return run_trials_on(function, trials, self.resources, observer, self.workers)


def chosen_where(arguments: argparse.Namespace) -> Where:
    """What the flags choose.

    Raises:
        UserError: a value that is not allowed, or a flag that means something only with another.
    """
    address = arguments.address
    workers = arguments.workers
    if workers is not None:
        workers = whole_number("--workers", workers, 0 if address is None else 1)
    given = {"--cpus-per-trial": arguments.cpus_per_trial, "--gpus-per-trial": arguments.gpus_per_trial}
    for flag, value in given.items():
        if value is not None and address is None:
            raise UserError(f"{flag} {value}: allowed with --address only")
    cpus, gpus = (None if value is None else amount(flag, value) for flag, value in given.items())
    return Where(workers, address, Resources(1.0 if cpus is None else cpus, gpus or 0.0))


def amount(flag: str, value: str) -> float:
    """How much of a resource a flag asks for.

    Raises:
        UserError: no whole number and no fraction between 0 and 1.
    """
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf or (number > 1 and number != int(number)):
        raise UserError(f"{flag} {value}: allowed is a whole number, or a fraction between 0 and 1")
    return number
