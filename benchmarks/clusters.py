"""What distribution costs and gains: claims about `cluster`, beside the same work done without Ray.

    python benchmarks/clusters.py            all tables, about three minutes
    python benchmarks/clusters.py --quick    fewer repeats, about one and a half

The claims: a trial costs less than 0.2 s of the driver's time to launch; evaluations of 10 ms or more gain from
two workers; a trial goes on within 20 s after its worker was killed and within 60 s after its node was lost; two
workers do more than 1.4 times as much as one, where two processors are free.

How to read it: times are of the clock, on Ray nodes that all share this one computer. On a busy one no absolute
number means much and the gain of two workers can vanish; rows that are divided by one another were measured close
to each other. A claim's line ends in "holds" or "FAILS".
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
os.environ |= {
    "PYTHONPATH": str(ROOT),
    "RAY_AUTH_MODE": "disabled",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}

import numpy as np  # noqa: E402

from cluster.connection import Resources, connected  # noqa: E402
from cluster.folder import RunFolder  # noqa: E402
from cluster.gradients import GradientPool  # noqa: E402
from cluster.pool import EvaluatorPool  # noqa: E402
from cluster.ray_trials import run_trials_on  # noqa: E402
from cluster.trials import Progress, Trial, run_trials  # noqa: E402

COSTS = (0.0005, 0.002, 0.005, 0.01, 0.03, 0.1)  # seconds of one evaluation
EVALUATIONS = 64


class Silent:
    """An observer that remembers when trials ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def started(self, trial: Trial) -> None:
        """Nothing to do."""

    def advanced(self, trial: Trial, row: Mapping[str, Any]) -> None:
        """Nothing to do."""

    def finished(self, trial: Trial) -> None:
        """Remember."""
        self.ends.append(time.perf_counter())

    def failed(self, trial: Trial, message: str) -> None:
        """No trial here should."""
        raise RuntimeError(message)


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def verdict(claim: str, holds: bool) -> None:
    print(f"  {claim}: {'holds' if holds else 'FAILS'}", flush=True)


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def nothing(trial: Trial, progress: Progress) -> None:
    progress({"step": 0})


def spin(trial: Trial, progress: Progress, length: float) -> None:
    """Use a processor for some of its own seconds."""
    begun = time.process_time()
    while time.process_time() - begun < length:
        pass


def wait(genome: float, cost: float) -> tuple[float]:
    """An evaluation that takes its time but no processor: what remains is the cost of distribution."""
    time.sleep(cost)
    return (genome,)


def linger(trial: Trial, progress: Progress, path: Path) -> None:
    """The first time it stays until it is killed; the second time it ends at once."""
    with (path / "starts").open("a") as file:
        file.write(f"{os.getpid()} {time.time()}\n")
    if len((path / "starts").read_text().splitlines()) == 1:
        time.sleep(600)


def trials(count: int) -> list[Trial]:
    return [Trial("a", number) for number in range(count)]


def launching(count: int) -> None:
    title("Cost of a trial that does nothing, after the first ones have warmed the workers up")
    ways: dict[str, Callable[[list[Trial], Silent], Any]] = {
        "this process": lambda some, log: run_trials(nothing, some, 0, log),
        "2 local processes": lambda some, log: run_trials(nothing, some, 2, log),
        "Ray, 1 at once": lambda some, log: run_trials_on(nothing, some, Resources(), log, most=1),
        "Ray, 2 nodes": lambda some, log: run_trials_on(nothing, some, Resources(), log),
    }
    print(f"{'':20}{'first, s':>10}{'each, ms':>10}")
    for name, way in ways.items():
        log, begun = Silent(), time.perf_counter()
        way(trials(count), log)
        warm = log.ends[count // 4 :]
        each = (warm[-1] - warm[0]) / (len(warm) - 1)
        print(f"{name:20}{log.ends[0] - begun:10.2f}{1000 * each:10.2f}", flush=True)
    verdict("a trial costs less than 200 ms to launch on Ray", each < 0.2)


def evaluating(repeats: int) -> None:
    title(f"{EVALUATIONS} evaluations: times as fast as one after the other in this process")
    print(f"{'cost of one':>12}{'2 actors':>10}{'2 processes':>13}{'overhead of an evaluation on 2 actors':>40}")
    genomes = [float(n) for n in range(EVALUATIONS)]
    gains = {}
    with multiprocessing.get_context("spawn").Pool(2) as processes, EvaluatorPool(2, worth=0) as pool:
        for cost in COSTS:
            work = partial(wait, cost=cost)
            pool.map(work, genomes)
            processes.map(work, genomes)
            here, actors, others = [], [], []
            for _ in range(repeats):
                here.append(seconds(lambda: [work(genome) for genome in genomes]))  # noqa: B023
                actors.append(seconds(lambda: pool.map(work, genomes)))  # noqa: B023
                others.append(seconds(lambda: processes.map(work, genomes, 4)))  # noqa: B023
            gains[cost] = min(here) / min(actors)
            overhead = 1000 * (2 * min(actors) - min(here)) / EVALUATIONS
            print(
                f"{1000 * cost:9.1f} ms{gains[cost]:10.2f}{min(here) / min(others):13.2f}{overhead:37.2f} ms",
                flush=True,
            )
    verdict("evaluations of 10 ms gain from two workers", gains[0.01] > 1)


def differentiating(repeats: int) -> None:
    title("Gradients of 200,000 parameters over 8 tasks of 20 ms: times as fast as in this process")
    parameters = {"weights": np.zeros(200_000, np.float32)}
    times = {}
    for workers in (0, 1, 2):
        with GradientPool(build, workers) as pool:
            pool.sum(parameters, range(8))
            times[workers] = min(seconds(lambda: pool.sum(parameters, range(8))) for _ in range(repeats))
        print(
            f"{workers} actors: {1000 * times[workers]:7.1f} ms a step, {times[0] / times[workers]:.2f}",
            flush=True,
        )


def build() -> Callable[[Mapping[str, np.ndarray], int], dict[str, np.ndarray]]:
    """Gradients that take 20 ms and no processor."""

    def gradients(parameters: Mapping[str, np.ndarray], task: int) -> dict[str, np.ndarray]:
        time.sleep(0.02)
        return {name: array + task for name, array in parameters.items()}

    return gradients


def sharing(count: int, length: float) -> None:
    title(f"{count} trials of {length:g} processor seconds: trials a minute")
    spinning = partial(spin, length=length)
    rates: dict[str, list[float]] = {"local processes": [], "Ray": []}
    for workers in (1, 2):
        taken = seconds(lambda: run_trials(spinning, trials(count), workers, Silent()))  # noqa: B023
        rates["local processes"].append(60 * count / taken)
        taken = seconds(lambda: run_trials_on(spinning, trials(count), Resources(), Silent(), workers))  # noqa: B023
        rates["Ray"].append(60 * count / taken)
    print(f"{'':18}{'1 worker':>10}{'2 workers':>10}{'ratio':>8}")
    for name, (one, two) in rates.items():
        print(f"{name:18}{one:10.1f}{two:10.1f}{two / one:8.2f}")
    print(f"  Ray to local processes, 2 workers: {rates['Ray'][1] / rates['local processes'][1]:.2f}")
    verdict("two workers do more than 1.4 times as much as one", rates["Ray"][1] / rates["Ray"][0] > 1.4)


def recovering(nodes: Any, repeats: int) -> None:
    title("Seconds from a loss until the trial runs again")
    workers, losses = [], []
    for _ in range(repeats):
        workers.append(_recovery(lambda pid: os.kill(pid, signal.SIGKILL)))
        nodes.add_node(num_cpus=1)  # for the one that will be lost
        losses.append(_recovery(lambda pid: _lose_node_of(nodes, pid)))
    print(f"worker killed: {statistics.median(workers):6.2f}   ({', '.join(f'{t:.2f}' for t in workers)})")
    print(f"node lost:     {statistics.median(losses):6.2f}   ({', '.join(f'{t:.2f}' for t in losses)})")
    verdict("a killed worker costs less than 20 s", max(workers) < 20)
    verdict("a lost node costs less than 60 s", max(losses) < 60)


def _recovery(strike: Callable[[int], None]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        starts, struck = Path(folder) / "starts", []

        def wait_and_strike() -> None:
            while not (starts.exists() and starts.read_text().endswith("\n")):
                time.sleep(0.01)
            time.sleep(1)
            pid = int(starts.read_text().split()[0])
            struck.append(time.time())
            strike(pid)

        thread = threading.Thread(target=wait_and_strike)
        thread.start()
        run_trials_on(partial(linger, path=Path(folder)), trials(1), Resources(), Silent())
        thread.join()
        return float(starts.read_text().split()[-1]) - struck[0]


def _lose_node_of(nodes: Any, pid: int) -> None:
    """Lose the node that a process works on."""
    raylet = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    for node in list(nodes.worker_nodes):
        if node.all_processes["raylet"][0].process.pid == raylet:
            nodes.remove_node(node, allow_graceful=False)


def storing(repeats: int) -> None:
    title("A checkpoint of 100 kB with its metrics")
    arrays = {"weights": np.zeros((1000, 100), np.int8)}
    with tempfile.TemporaryDirectory() as folder:
        for place in (folder + "/run", "memory://run"):
            trial = RunFolder.create(place, {}).trial("a", 0)
            with trial.locked():
                times = []
                for step in range(repeats):
                    trial.record({"step": step})
                    times.append(seconds(lambda: trial.checkpoint(arrays)))  # noqa: B023
            print(f"{place.split(':')[0] if '://' in place else 'disk':8}{1000 * min(times):8.2f} ms", flush=True)
    print("  an object store takes two HEADs, two GETs and two PUTs for each")


@contextlib.contextmanager
def three_nodes() -> Iterator[Any]:
    """A head without processors and two nodes of one each."""
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(2):
            nodes.add_node(num_cpus=1)
        nodes.wait_for_nodes()
        with connected(nodes.address):
            yield nodes
    finally:
        nodes.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    quick = parser.parse_args().quick
    busy = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {busy:.1f}{': others are at work here' if busy > 1 else ''}")
    with three_nodes() as nodes:
        recovering(nodes, 1 if quick else 3)
        launching(40 if quick else 200)
        evaluating(1 if quick else 3)
        differentiating(2 if quick else 5)
        sharing(4 if quick else 8, 1.0 if quick else 4.0)
    storing(20)


if __name__ == "__main__":
    main()
