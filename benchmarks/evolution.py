"""Evolution is fast: claims about `evo`, measured against programs a user would otherwise write.

    python benchmarks/evolution.py            all tables, about two minutes
    python benchmarks/evolution.py --quick    fewer repeats and sizes, under a minute

The claims: at the size of Clune et al. (2013; 1000 networks, 256 patterns, retina AND) one core evolves at least
40 times as many generations a second as a DEAP program of the same experiment (deap_program.py), 600 with
connection cost (pcc) and 800 without (pa); with behavioural diversity as a third objective (Mengistu et al. 2016),
certain or by chance, half as many as pcc; 10,000 networks fit into 1 GB; compiling takes less than 30 s, once.

How to read it: a claim's line ends in "holds" or "FAILS". Times are seconds of the processor that the process
used, the best of several repeats of exactly the same generations, and what is divided by one another was measured
in turns, so that the ratios hold on a busy computer too, where no absolute number means much.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import deap_program
import numpy as np
from deap import base, creator, tools
from numba import njit
from numpy.typing import NDArray

import evo.engine
import evo.objectives
import evo.population
import evo.problems
import evo.selection
import evo.trial
import evo.variation
import networks.cost
import networks.evaluation
from cluster.folder import TrialFolder
from evo.engine import begin, generations, make_toolbox
from evo.experiments import EXPERIMENTS
from evo.population import Population
from evo.settings import Settings

SEED = 1
WARM = 300  # generations after which a population counts as warmed up
EXPERIMENT = EXPERIMENTS["clune2013-retina"]
TREATMENTS = ("pa", "pcc")
AIMS = {"pa": 800, "pcc": 600}  # generations a second
RATIO = 40.0  # to the baseline
SIZES = (100, 300, 1000, 3000, 10_000)
MEGABYTES = 1000
# Treatments of mengistu2016-hierarchy, and whether they are to keep half the generations a second of retina pcc:
# those of three objectives.
HIERARCHIES = {
    "pa": True,
    "pcc": True,
    "pcc-p075": True,
    "pcc-p025": True,
    "hierarchy": True,
    "hierarchy-p025": True,
    "low-hierarchy": False,
    "pcc-nonmod": False,
}
COMPILE_SECONDS = 30


# --- Measuring and printing ---------------------------------------------------------------------------------


def seconds(function: Callable[[], Any]) -> float:
    """Processor time that a call takes."""
    start = time.process_time()
    function()
    return time.process_time() - start


def in_turns(functions: Sequence[Callable[[], Any]], repeats: int) -> list[float]:
    """The best time of each function, called one after the other `repeats` times."""
    return np.min([[seconds(function) for function in functions] for _ in range(repeats)], axis=0).tolist()


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def verdict(claim: str, holds: bool) -> None:
    print(f"  {claim}: {'holds' if holds else 'FAILS'}")


def toolbox_of(treatment: str, **changes: Any) -> tuple[Settings, base.Toolbox]:
    """Published settings of a treatment, and its operators."""
    settings = replace(EXPERIMENT.treated(EXPERIMENT.settings, treatment), **changes)
    return settings, make_toolbox(settings)


def advance(toolbox: base.Toolbox, population: Population, count: int, first: int = 1) -> Population:
    """The population `count` generations later."""
    for generation, later in enumerate(generations(toolbox, population, SEED, first), 1):
        if generation == count:
            return later
    raise AssertionError("generations end")


def warmed_up(treatment: str, **changes: Any) -> Population:
    _, toolbox = toolbox_of(treatment, **changes)
    return advance(toolbox, begin(toolbox, SEED), WARM)


# --- 1 and 2: generations a second ---------------------------------------------------------------------------


def genomes(population: Population) -> list[list[int]]:
    """Weights and biases of every network, as the baseline has them."""
    return np.concatenate([population.networks.weights, population.networks.biases], axis=1).tolist()


def same_values() -> None:
    """Check that the baseline measures what we measure."""
    population = warmed_up("pcc") + begin(toolbox_of("pcc")[1], SEED)
    values = np.array([deap_program.evaluate(genome) for genome in genomes(population)])
    equal = np.array_equal(values[:, 0], population.values[:, 0])
    difference = np.abs(values[:, 1] - population.values[:, 1]) / np.maximum(values[:, 1], 1.0)
    print(f"{len(population)} networks, generations 0 and {WARM}, evaluated by both programs:")
    verdict("performance equal to the last bit", equal)
    verdict(f"connection cost equal, largest relative difference {difference.max():.0e}", difference.max() < 1e-9)
    if not equal or difference.max() >= 1e-9:
        raise SystemExit("the baseline evaluates something else; no ratio would mean anything")


def running(
    treatment: str, population: Population, first: int, count: int, folder: Path | None = None
) -> Callable[[], None]:
    """`count` generations with the metrics of a run and, in a folder, its checkpoints."""
    settings, toolbox = toolbox_of(treatment)

    def run() -> None:
        trial = None if folder is None else TrialFolder(folder)
        for generation, later in enumerate(generations(toolbox, population, SEED, first), first):
            if generation % settings.log_every == 0:
                row = evo.trial.measure(later, generation, settings.measured_networks)
                if trial is not None:
                    trial.record(row)
            if trial is not None and generation % settings.checkpoint_every == 0:
                trial.checkpoint(evo.trial._pack(later, generation))
            if generation == first + count - 1:
                return

    return run


def rates(treatment: str, quick: bool, folder: Path) -> list[tuple[str, str, float, float]]:
    """Rows of (treatment, what, generations a second of ours, of the baseline)."""
    repeats, steps = (2, 2) if quick else (5, 3)
    beginning, warm = begin(toolbox_of(treatment)[1], SEED), warmed_up(treatment)
    rows = []
    for what, population, first, count, saved in (
        ("from generation 0, logged", beginning, 1, 300, None),
        (f"from generation {WARM}, logged", warm, WARM + 1, 300, None),
        (f"from generation {WARM}, logged and saved", warm, WARM + 1, 1000, folder),
    ):
        baseline = deap_program.Evolution(genomes(population))
        ours = running(treatment, population, first, count, saved)
        # Every repeat moves the baseline on; its next generations take as long as these.
        taken = in_turns(
            (ours, lambda b=baseline: [b.step() for _ in range(steps)]), 1 if quick and saved else repeats
        )
        rows.append((treatment, what, count / taken[0], steps / taken[1]))
    return rows


def speed(quick: bool) -> None:
    title("1, 2. Generations a second: ours and the baseline's, 1000 networks, retina AND")
    same_values()
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for treatment in TREATMENTS for row in rates(treatment, quick, Path(folder))]
    print(f"\n{'':5}{'':42}{'ours':>8}{'baseline':>10}{'ratio':>8}")
    for treatment, what, ours, baseline in rows:
        print(f"{treatment:5}{what:42}{ours:8.0f}{baseline:10.2f}{ours / baseline:8.0f}")
    worst = min(ours / baseline for treatment, _, ours, baseline in rows if treatment == "pcc")
    verdict(f"pcc at least {RATIO:.0f} times the baseline, at worst {worst:.0f}", worst >= RATIO)
    for treatment, aim in AIMS.items():
        rate = next(ours for name, what, ours, _ in rows if name == treatment and "saved" in what)
        verdict(f"{treatment}: {aim} generations a second on this core, now {rate:.0f}", rate >= aim)
    for treatment in TREATMENTS:
        _, toolbox = toolbox_of(treatment)
        population = warmed_up(treatment)
        taken = seconds(lambda p=population, b=toolbox: evo.trial.describe_best(p, b.problem, SEED))
        print(f"  {treatment}: describing the best network and its equals at a trial's end: {taken:.2f} s, once")


# --- 3: where the time of a generation goes ------------------------------------------------------------------

# What is timed: an attribute of a module or class, and under which line its own time (without that of others in
# this list that it calls) is printed.
PARTS: tuple[tuple[Any, str, str], ...] = (
    (evo.engine, "restart_random", "everything else"),
    (evo.selection, "_tournaments", "select_parents"),
    (evo.variation, "mutate", "mate, mutate"),
    (networks.evaluation, "influential_nodes", "evaluate: influential nodes"),
    (networks.evaluation, "ternary_activations", "evaluate: evaluation kernel"),
    (evo.problems.Problem, "performance", "evaluate: performance"),
    (networks.cost, "_measure", "evaluate: cost"),
    (evo.population.Population, "__add__", "merging"),
    (evo.selection, "front_ranks", "select: ranks"),
    (evo.selection, "_truncate", "select: truncation, crowding"),
)
OPERATORS = {
    "select_parents": "select_parents",
    "mate": "mate, mutate",
    "mutate": "mate, mutate",
    "evaluate": "evaluate: the rest",
    "select": "select: copying and the rest",
}
LINES = (
    "select_parents",
    "mate, mutate",
    "evaluate: influential nodes",
    "evaluate: evaluation kernel",
    "evaluate: performance",
    "evaluate: cost",
    "evaluate: the rest",
    "merging",
    "select: ranks",
    "select: truncation, crowding",
    "select: copying and the rest",
    "everything else",
)


class Stopwatch:
    """Adds up the own time of functions: what they take without what other timed functions in them take."""

    def __init__(self) -> None:
        self.times: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def timed(self, function: Callable[..., Any], line: str) -> Callable[..., Any]:
        """The same function, timed under a line."""

        def call(*args: Any, **options: Any) -> Any:
            self._inner.append(0.0)
            start = time.process_time()
            try:
                return function(*args, **options)
            finally:
                taken = time.process_time() - start
                self.times[line] += taken - self._inner.pop()
                self._inner[-1] += taken

        return call

    @contextmanager
    def watching(self, toolbox: base.Toolbox) -> Iterator[None]:
        """Time the PARTS and the operators of `toolbox`."""
        with ExitStack() as stack:
            for owner, name, line in PARTS:
                stack.enter_context(patch.object(owner, name, self.timed(getattr(owner, name), line)))
            for name, line in OPERATORS.items():
                stack.enter_context(patch.object(toolbox, name, self.timed(getattr(toolbox, name), line)))
            yield


def breakdown(treatment: str, count: int, repeats: int) -> dict[str, float]:
    """Microseconds of a generation by line, of the fastest of `repeats` runs of `count` generations."""
    population = warmed_up(treatment)
    best: tuple[float, dict[str, float]] = (np.inf, {})
    for _ in range(repeats):
        _, toolbox = toolbox_of(treatment)
        watch = Stopwatch()
        with watch.watching(toolbox):
            total = seconds(lambda box=toolbox: advance(box, population, count, WARM + 1))
        watch.times["everything else"] += total - sum(watch.times.values())
        if total < best[0]:
            best = (total, dict(watch.times))
    return {line: 1e6 * best[1].get(line, 0.0) / count for line in LINES}


def anatomy(quick: bool) -> None:
    title(f"3. Where the time of a generation goes, from generation {WARM} (microseconds)")
    tables = {treatment: breakdown(treatment, 100, 3 if quick else 8) for treatment in TREATMENTS}
    print(f"{'':32}{'pa':>8}{'share':>8}{'pcc':>10}{'share':>8}")
    totals = {treatment: sum(table.values()) for treatment, table in tables.items()}
    for line in LINES:
        a, b = (tables[treatment][line] for treatment in TREATMENTS)
        print(f"{line:32}{a:8.0f}{a / totals['pa']:8.0%}{b:10.0f}{b / totals['pcc']:8.0%}")
    print(f"{'a generation':32}{totals['pa']:8.0f}{1:8.0%}{totals['pcc']:10.0f}{1:8.0%}")


# --- 4 and 5: in fresh processes -----------------------------------------------------------------------------


def child(*arguments: str, **environment: str) -> dict[str, Any]:
    """What this program prints as JSON when called with `arguments` in a fresh process."""
    command = [sys.executable, __file__, *arguments]
    ended = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ended.stdout)


def peak_megabytes() -> float:
    """Peak memory of this process.

    A forked process inherits its parent's getrusage peak on Linux, so Linux' own count since the start of the
    program comes first.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def grow(treatment: str, size: int, limit: float) -> dict[str, Any]:
    """Speed and memory of one population size, the part of a fresh process."""
    _, toolbox = toolbox_of(treatment, population=size)
    population = advance(toolbox, begin(toolbox, SEED), 20)
    further = generations(toolbox, population, SEED, 21)
    per_generation = seconds(lambda: next(further))
    block = max(int(limit / 5 / per_generation), 1)
    fastest = min(seconds(lambda: [next(further) for _ in range(block)]) for _ in range(5)) / block
    evo.trial.measure(next(further), 1, 32)
    return {"rate": 1 / fastest, "megabytes": peak_megabytes(), "torch": "torch" in sys.modules}


def growth(quick: bool) -> None:
    title("4. Growth with the population (one fresh process each)")
    print(f"{'':6}{'networks':>9}{'generations/s':>15}{'networks/s':>14}{'peak MB':>10}")
    largest = 0.0
    for treatment in TREATMENTS[1:] if quick else TREATMENTS:
        for size in SIZES[::2] if quick else SIZES:
            found = child("--size", str(size), "--treatment", treatment, "--limit", "0.7" if quick else "2.0")
            largest = max(largest, found["megabytes"])
            rate = found["rate"]
            print(f"{treatment:6}{size:9,}{rate:15.1f}{rate * size:14,.0f}{found['megabytes']:10.0f}")
            if found["torch"]:
                verdict("torch is not imported", False)
    verdict(f"{SIZES[-1]:,} networks within {MEGABYTES} MB, at most {largest:.0f}", largest < MEGABYTES)


def use_all() -> dict[str, Any]:
    """Use every kernel of a pa and a pcc run once; processor time of this process so far."""
    for treatment in TREATMENTS:
        _, toolbox = toolbox_of(treatment, population=20)
        population = advance(toolbox, begin(toolbox, SEED), 2)
        evo.trial.measure(population, 2, None)
        evo.trial.describe_best(population, toolbox.problem, SEED)
    return {"processor": time.process_time()}


def compiling() -> None:
    title("5. Compiling: first generations of a fresh process, imports included (seconds)")
    print(f"{'':16}{'processor':>10}{'clock':>10}")
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cache empty", "cache filled"):
            start = time.perf_counter()
            times.append(child("--first-use", NUMBA_CACHE_DIR=folder)["processor"])
            print(f"{name:16}{times[-1]:10.1f}{time.perf_counter() - start:10.1f}")
    verdict(f"the first use takes less than {COMPILE_SECONDS} s", times[0] < COMPILE_SECONDS)


# --- 6: selection alone --------------------------------------------------------------------------------------


@njit(cache=True)
def peel_with_coins(weighted: NDArray, probabilities: NDArray, enough: int, rng: np.random.Generator) -> NDArray:
    """Fronts of PNSGA as published: a coin for every objective in every comparison."""
    count, objectives = weighted.shape
    ranks = np.full(count, -1, np.int64)
    remaining = np.arange(count)
    left, rank = count, 0
    while count - left < enough:
        kept = 0
        survivors = np.empty(left, np.int64)
        for a in range(left):
            i = remaining[a]
            dominated = False
            for b in range(left):
                j = remaining[b]
                worse = better = False
                for m in range(objectives):
                    if probabilities[m] >= 1.0 or rng.random() < probabilities[m]:
                        worse |= weighted[j, m] < weighted[i, m]
                        better |= weighted[j, m] > weighted[i, m]
                if better and not worse:
                    dominated = True
                    break
            if dominated:
                survivors[kept] = i
                kept += 1
            else:
                ranks[i] = rank
        if kept == left:
            break
        remaining, left = survivors, kept
        rank += 1
    for i in range(count):
        if ranks[i] < 0:
            ranks[i] = rank
    return ranks


def parents_and_offspring() -> Population:
    """What selection sees: 2000 evaluated networks."""
    _, toolbox = toolbox_of("pcc")
    parents = warmed_up("pcc")
    offspring = toolbox.mutate(toolbox.mate(toolbox.select_parents(parents, len(parents))))
    toolbox.evaluate(offspring)
    return parents + offspring


def deap_individuals(population: Population) -> list[Any]:
    individuals = [creator.ListIndividual() for _ in range(len(population))]
    for individual, values in zip(individuals, population.values.tolist(), strict=True):
        individual.fitness.values = tuple(values)
    return individuals


def selection(quick: bool) -> None:
    title("6. Selection alone: 1000 of 2000 (pcc, after a warm-up), and the ratio to ours")
    population = parents_and_offspring()
    keep = len(population) // 2
    individuals = deap_individuals(population)
    rng = np.random.default_rng(SEED)
    chances = np.array([1.0, 0.25])
    coins = (population.weighted, chances, keep, rng)
    peel_with_coins(*coins)

    def ours(probabilities: Sequence[float]) -> Callable[[], Population]:
        return lambda: evo.selection.select(population, keep, probabilities, rng)

    often = (ours(chances), ours((1.0, 1.0)), lambda: tools.selNSGA2(individuals, keep, nd="log"))
    pnsga, nsga, log = in_turns(often, 10 if quick else 40)
    (pairwise,) = in_turns((lambda: peel_with_coins(*coins),), 2 if quick else 5)
    standard = seconds(lambda: tools.selNSGA2(individuals, keep, nd="standard"))
    print(f"{'':54}{'ms':>9}{'ratio':>9}")
    for name, taken, to in (
        ("PNSGA: ours", pnsga, pnsga),
        ("PNSGA: a coin for every comparison, compiled", pairwise, pnsga),
        ("NSGA-II: ours", nsga, nsga),
        ('NSGA-II: DEAP selNSGA2(nd="log")', log, nsga),
        ('NSGA-II: DEAP selNSGA2(nd="standard"), once', standard, nsga),
    ):
        print(f"{name:54}{1e3 * taken:9.2f}{taken / to:9.0f}")


# --- 7: three and four objectives ----------------------------------------------------------------------------


def going_on(experiment: str, treatment: str, count: int) -> Callable[[], None]:
    """The next `count` generations and a row of metrics at every call, after a warm-up.

    Never the same ones again: what is remembered of earlier networks would flatter them.
    """
    chosen = EXPERIMENTS[experiment]
    settings = chosen.treated(chosen.settings, treatment)
    toolbox = make_toolbox(settings)
    further = generations(toolbox, advance(toolbox, begin(toolbox, SEED), WARM), SEED, WARM + 1)

    def go_on() -> None:
        for _ in range(count):
            population = next(further)
        evo.trial.measure(population, 0, settings.measured_networks)

    return go_on


def hierarchies(quick: bool) -> None:
    title("7. Three and four objectives: mengistu2016-hierarchy beside retina pcc, generations a second")
    count = 50 if quick else 100
    runs = {"retina pcc": going_on("clune2013-retina", "pcc", count)}
    runs |= {treatment: going_on("mengistu2016-hierarchy", treatment, count) for treatment in HIERARCHIES}
    rates = [count / taken for taken in in_turns(list(runs.values()), 3 if quick else 8)]
    print(f"{'':18}{'rate':>8}{'share of retina pcc':>22}")
    for name, rate in zip(runs, rates, strict=True):
        print(f"{name:18}{rate:8.0f}{rate / rates[0]:22.2f}")
    slowest = min(rate for name, rate in zip(runs, rates, strict=True) if HIERARCHIES.get(name))
    share = slowest / rates[0]
    verdict(f"three objectives: at least half the rate of retina pcc, at worst {share:.2f}", share >= 0.5)


# --- The command ---------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and sizes")
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)  # these four are for the fresh processes
    parser.add_argument("--treatment", default="pcc", help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=float, default=1.0, help=argparse.SUPPRESS)
    parser.add_argument("--first-use", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size:
        print(json.dumps(grow(options.treatment, options.size, options.limit)))
    elif options.first_use:
        print(json.dumps(use_all()))
    else:
        start = time.perf_counter()
        everything(options.quick)
        print(f"\n{time.perf_counter() - start:.0f} s in all")


def everything(quick: bool) -> None:
    use_all()  # compile before anything is timed
    speed(quick)
    anatomy(quick)
    growth(quick)
    compiling()
    selection(quick)
    hierarchies(quick)


if __name__ == "__main__":
    main()
