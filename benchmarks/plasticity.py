"""Plastic networks are fast: claims about `networks` and `meta`, measured against step-by-step programs.

    python benchmarks/plasticity.py                         all tables, about ten minutes on a quiet computer
    python benchmarks/plasticity.py --only patterns lstm    some of them
    python benchmarks/plasticity.py --quick                 fewer repeats and sizes
    python benchmarks/plasticity.py --device cuda           what a GPU does: plain steps against compiled ones

The claims, against the programs in stepwise_plasticity.py (one step after the other under autograd, one episode
at a time, a new tensor of traces each step):

    patterns   completion of 1000-bit patterns, an episode: 4.5 times as fast on two threads, 6 times on one,
               with at most an eighth of the peak memory; and what share of the memory's bandwidth the passes reach
    omniglot   one-shot learning, an episode with its image preparation: 5 times as fast
    lstm       the large plastic LSTM, a window of 20 words: 7 times as fast with a tenth of the memory
    growth     how all of that grows with batch, neurons and steps
    clip       how often the clip, which `networks.events` applies at a window's end alone, would bind within one

How to read it: a claim's line ends in "holds" or "FAILS". What is compared runs in processes of its own, in turns,
and the best turn of each counts, so that ratios hold on a busy computer too. With one thread, times are
seconds of the processor; with two, of the clock, which only a quiet computer measures well. Peak memory is that of
the process, of which a bare import of torch is a part, printed first. Before anything is timed, both programs are
shown to compute the same losses and gradients.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import stepwise_plasticity as stepwise
import torch
from torch import Tensor, nn

PARTS = ("patterns", "omniglot", "lstm", "growth", "clip")
PATTERN_RATIO = {1: 6.0, 2: 4.5}  # aims by number of threads
PATTERN_MEMORY, OMNIGLOT_RATIO, LSTM_RATIO, LSTM_MEMORY = 8.0, 5.0, 7.0, 10.0
#: Peaks in MB of the programs published with the papers, by number of threads, as measured of them once elsewhere.
PATTERN_PUBLISHED, LSTM_PUBLISHED = {1: 4933, 2: 4967}, {1: 9892, 2: 9832}
WORDS, WINDOW, LSTM_BATCH, CELLS = 10_000, 20, 6, (1149, 1149, 400)


# --- Measuring and printing ---------------------------------------------------------------------------------


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def verdict(claim: str, holds: bool) -> None:
    print(f"  {claim}: {'holds' if holds else 'FAILS'}", flush=True)


def peak_megabytes() -> float:
    """Peak memory of this process since its program began; getrusage would count a forking parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def clock(threads: int) -> Callable[[], float]:
    """Seconds of the processor for one thread, of the clock for several."""
    return time.process_time if threads == 1 else time.perf_counter


class Worker:
    """A program in a process of its own that runs some iterations whenever it is told to."""

    def __init__(self, name: str, threads: int, **options: Any) -> None:
        self.per = options.get("batch", 1) if name in PER_EPISODE else 1
        self.times: list[float] = []
        self.megabytes = 0.0
        arguments = ["--worker", name, "--threads", str(threads), "--options", json.dumps(options)]
        self.process = subprocess.Popen(
            [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, iterations: int, counts: bool = True) -> None:
        """Run iterations; their mean is a time, unless it is a warm-up that does not count."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(iterations, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args}: ended early")
        seconds, self.megabytes = json.loads(line)
        if counts:
            self.times.append(1e3 * seconds / iterations / self.per)

    @property
    def best(self) -> float:
        """Milliseconds of an episode or window, in the best turn."""
        return min(self.times)

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def workers(*given: Worker) -> Iterator[Sequence[Worker]]:
    """Workers that end with the block."""
    try:
        yield given
    finally:
        for worker in given:
            worker.close()


def in_turns(programs: Sequence[tuple[Worker, int]], turns: int) -> None:
    """Warm each worker up, then let each run its number of iterations, one worker after the other."""
    for worker, iterations in programs:
        worker.run(min(iterations, 3), counts=False)
    for _ in range(turns):
        for worker, iterations in programs:
            worker.run(iterations)


def serve(name: str, threads: int, options: dict[str, Any]) -> None:
    """The worker's side."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    now, iterate = clock(threads), PROGRAMS[name](threads, **options)
    for line in sys.stdin:
        start = now()
        for _ in range(int(line)):
            iterate()
        print(json.dumps((now() - start, peak_megabytes())), flush=True)


def table(rows: Sequence[tuple[str, Worker]], unit: str) -> None:
    """Rows of name and worker, each compared with the first."""
    base = rows[0][1]
    print(f"{'':42}{unit:>14}{'ratio':>8}{'peak MB':>10}{'1 part in':>11}")
    for name, worker in rows:
        ratio, share = base.best / worker.best, base.megabytes / worker.megabytes
        print(f"{name:42}{worker.best:14.2f}{ratio:8.1f}{worker.megabytes:10.0f}{share:11.1f}", flush=True)


# --- The programs that are compared ---------------------------------------------------------------------------


def training(threads: int, task: Any) -> Callable[[], None]:
    """Iterations of a task, as `meta run` trains it."""
    from meta.training import make_optimizer, step
    from meta.trial import keep_memory, use_threads

    keep_memory()
    use_threads(threads)
    optimizer = make_optimizer(task.model, task.settings)
    count = iter(range(1, 10**9))
    return lambda: step(task, optimizer, next(count)) and None


def pattern_settings(**changes: Any) -> Any:
    from meta.experiments.patterns import PatternSettings

    return PatternSettings(**changes)


def patterns_ours(threads: int, **changes: Any) -> Callable[[], None]:
    return training(threads, pattern_settings(**changes).task(1, None))


def patterns_stepwise(threads: int, bits: int = 1000, **schedule: int) -> Callable[[], None]:
    program = stepwise.Patterns(bits)
    return lambda: program.step(**schedule) and None


def patterns_stepwise_kept(threads: int, **options: Any) -> Callable[[], None]:
    """The baseline in a process that keeps freed memory, as ours does."""
    from meta.trial import keep_memory

    keep_memory()
    return patterns_stepwise(threads, **options)


def random_drawings(classes: int) -> Any:
    """Bits in place of drawings; what they show does not change how long they take."""
    return np.random.default_rng(1).random((classes, 20, 105, 105)) < 0.9


def omniglot_settings(**changes: Any) -> Any:
    from meta.experiments.omniglot import OmniglotSettings

    return OmniglotSettings(**changes)


def omniglot_task(classes: int = 1600, **changes: Any) -> Any:
    import meta.tasks.omniglot as tasks

    images = np.random.default_rng(1).integers(0, 256, (classes, 4, 20, 31, 31), np.uint8)
    with patch.object(tasks, "load_classes", lambda *_: tasks.Classes(images, images[:10], ())):
        return tasks.OmniglotTask(omniglot_settings(**changes), 1, None)


def omniglot_ours(threads: int, **changes: Any) -> Callable[[], None]:
    return training(threads, omniglot_task(**changes))


def omniglot_stepwise(threads: int) -> Callable[[], None]:
    program = stepwise.Characters(random_drawings(200))
    return lambda: program.step() and None


def random_words(tokens: int, seed: int, words: int) -> Any:
    """A text as the baseline reads it; what it says does not change how long a window takes."""
    from meta.data import Text, Vocabulary

    ids = np.random.default_rng(seed).integers(0, words, tokens)
    return Text(ids, Vocabulary(tuple(map(str, range(words)))))


def language_task(write: Callable[..., Any], words: int = WORDS, tokens: int = 60_000, **changes: Any) -> Any:
    """The language task on texts that a function writes, of a vocabulary of any size."""
    import meta.tasks.language as tasks
    from meta.experiments.language import AWD

    settings = replace(AWD, **{"modulation": "simple", "varied": False, "window": WINDOW} | changes)
    texts = tasks.Texts(*(write(tokens, seed, words) for seed in (1, 2, 3)))
    with patch.object(tasks, "load_texts", lambda *_: texts):
        return tasks.LanguageTask(settings, 1, None)


def lstm_ours(threads: int, **changes: Any) -> Callable[[], None]:
    return training(threads, language_task(random_words, **changes))


def lstm_stepwise(threads: int, window: int = WINDOW, batch: int = LSTM_BATCH) -> Callable[[], None]:
    text = np.random.default_rng(1).integers(0, WORDS, 60_000)
    program = stepwise.Language(WORDS, CELLS, text, window, batch)
    return lambda: program.step() and None


def nothing(threads: int) -> Callable[[], None]:
    return lambda: None


PROGRAMS: dict[str, Callable[..., Callable[[], None]]] = {
    function.__name__: function
    for function in (
        patterns_ours,
        patterns_stepwise,
        patterns_stepwise_kept,
        omniglot_ours,
        omniglot_stepwise,
        lstm_ours,
        lstm_stepwise,
        nothing,
    )
}
PER_EPISODE = ("patterns_ours", "omniglot_ours")  # whose times are divided by the batch


# --- Both programs compute the same ---------------------------------------------------------------------------


def difference(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """Largest difference between tensors, each relative to the largest value of its pair."""
    return max(
        float((one - two).abs().max() / two.abs().max().clamp(min=1e-30))
        for one, two in zip(ours, theirs, strict=True)
    )


def same(what: str, ours: Sequence[Tensor], theirs: Sequence[Tensor], allowed: float = 1e-3) -> None:
    """Check that the baseline measures what we measure: losses and gradients."""
    found = difference([x.detach() for x in ours], [x.detach() for x in theirs])
    verdict(f"{what}: same loss and gradients, largest relative difference {found:.0e}", found < allowed)
    if not found < allowed:
        raise SystemExit("the baseline computes something else; no ratio would mean anything")


def same_patterns() -> None:
    from meta.task import Task

    task = pattern_settings(bits=200).task(1, None)
    program = stepwise.Patterns(200)
    cell, own = task.model.recurrent, [program.weight, program.alpha, program.eta]
    with torch.no_grad():
        for mine, theirs in zip(own, (cell.weight, cell.alpha, cell.rate), strict=True):
            mine.copy_(theirs)
    assert isinstance(task, Task)
    lifetimes = task.lifetimes(1, task.stream("training", 1))
    loss = (
        (program.answer(torch.from_numpy(lifetimes.inputs[:, 0])) - torch.from_numpy(lifetimes.targets[0])) ** 2
    ).sum()
    loss.backward()
    ours, _ = task.loss(1)
    ours.backward()
    same(
        "patterns",
        [ours, cell.weight.grad, cell.alpha.grad, cell.rate.grad],
        [loss, *(x.grad for x in own)],  # type: ignore[misc]
    )


def same_omniglot() -> None:
    task = omniglot_task(classes=30)
    program = stepwise.Characters(random_drawings(10))
    connections = task.model.readout.connections
    own = [*program.layers.parameters(), program.weight, program.alpha, program.eta]
    ours = [*task.model.encoder.parameters(), connections.weight, connections.alpha, connections.rate]
    with torch.no_grad():
        for mine, theirs in zip(own, ours, strict=True):
            mine.copy_(theirs)
    import meta.tasks.omniglot as tasks

    episode = tasks.draw_episodes(task.classes.train, 1, 5, 1, task.stream("training", 1))
    pictures = [torch.from_numpy(picture)[None, None] / 255 for picture in episode.pictures[0]]
    out = program.scores(pictures, episode.labels[0].tolist())
    target = nn.functional.one_hot(torch.from_numpy(episode.answers), 5).float()
    loss = nn.functional.binary_cross_entropy(out, target)
    loss.backward()
    mine, _ = task.loss(1)
    mine.backward()
    same("omniglot", [mine, *(x.grad for x in ours)], [loss, *(x.grad for x in own)])


def same_language() -> None:
    none = dict.fromkeys(("dropout_input", "dropout_layers", "dropout_output", "dropout_words"), 0.0)
    small = {"words": 100, "tokens": 2000, "cells": (23, 23, 8), "embedding": 8, "matched": False, "batch": 3}
    task = language_task(random_words, **small, **none)
    program = stepwise.Language(100, (23, 23, 8), task.texts.train.ids, WINDOW, 3, (0.0, 0.0, 0.0, 0.0))
    ours = [task.model.embedding.weight, task.model.output.bias]
    theirs = [program.table, program.bias]
    turned = []  # torch's layers hold (receivers, senders)
    for cell, layer in zip(task.model.layers.layers, program.layers, strict=True):
        linear = (cell.input.weight, cell.input.bias, cell.gates.weight, cell.gates.bias)
        rest = (cell.recurrent.weight, cell.recurrent.alpha)
        ours += [*linear, *rest, *cell.recurrent.modulator.parameters(), *cell.recurrent.fan.parameters()]
        theirs += layer.parameters()
        turned += [cell.input.weight, cell.gates.weight]
    rng = torch.Generator().manual_seed(1)

    def as_theirs(tensor: Tensor, owner: Tensor) -> Tensor:
        return tensor.T if any(owner is one for one in turned) else tensor

    with torch.no_grad():
        for mine, other in zip(ours, theirs, strict=True):
            mine.copy_(0.15 * torch.randn(mine.shape, generator=rng))  # so that traces reach the outputs
            other.copy_(as_theirs(mine, mine))
    losses, grads = [], []
    for iteration in (1, 2):  # the second begins with the first one's traces
        loss, _ = task.loss(iteration)
        losses.append(loss)
        loss.backward()
        window = program.text[program.place : program.place + WINDOW + 1]
        program.place += WINDOW
        other = program.loss(window)
        grads.append(other)
        other.backward()
    same(
        "lstm",
        [*losses, *(as_theirs(x.grad, x) for x in ours)],
        [*grads, *(x.grad for x in theirs)],  # type: ignore[misc]
    )


# --- Patterns, characters, words ------------------------------------------------------------------------------


def bare() -> float:
    """Megabytes of a process that has imported numpy, scipy and torch and done nothing."""
    with workers(Worker("nothing", 1)) as (worker,):
        worker.run(1)
    return worker.megabytes


def memory_verdict(baseline: Worker, ours: Worker, aim: float, published: float) -> None:
    share, imports = baseline.megabytes / ours.megabytes, bare()
    beyond = (baseline.megabytes - imports) / (ours.megabytes - imports)
    verdict(f"at most 1/{aim:.0f} of the memory, now 1/{share:.1f}", share >= aim)
    whole = published / ours.megabytes
    verdict(
        f"at most 1/{aim:.0f} of the {published:.0f} MB of the published program, now 1/{whole:.1f}", whole >= aim
    )
    print(f"    1/{beyond:.1f} of what goes beyond the {imports:.0f} MB of a bare import of torch")


def patterns(quick: bool) -> None:
    title("Patterns: 1000 bits, 1001 neurons, 106 steps, batches of one; an episode made, forward, backward, Adam")
    same_patterns()
    for threads in (1, 2):
        print(f"\n{threads} thread{'s' * (threads > 1)}")
        with workers(
            Worker("patterns_stepwise", threads),
            Worker("patterns_stepwise_kept", threads),
            Worker("patterns_ours", threads),
        ) as (baseline, kept, ours):
            in_turns(((baseline, 1), (kept, 1), (ours, 4)), 3 if quick else 5)
            table(
                (
                    ("step by step", baseline),
                    ("the same, keeping freed memory", kept),
                    ("PatternTask, fused", ours),
                ),
                "ms an episode",
            )
        aim, ratio = PATTERN_RATIO[threads], baseline.best / ours.best
        verdict(f"at least {aim} times as fast, now {ratio:.1f}", ratio >= aim)
        memory_verdict(baseline, ours, PATTERN_MEMORY, PATTERN_PUBLISHED[threads])
        bandwidth(threads)


#: Passes over a (neurons x neurons) matrix of float32 in a step. Forwards: trace, weight and alpha are read, the
#: trace written. Backwards: those and the gradients of trace and alpha are read, trace and both gradients written.
FORWARD_PASSES, BACKWARD_PASSES = 4, 8


def bandwidth(threads: int) -> None:
    arguments = ["--worker", "sweeps", "--threads", str(threads)]
    ended = subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ended.stdout)
    print(
        f"  bandwidth: forwards {FORWARD_PASSES} matrices a step, {found['forward']:.1f} GB/s; "
        f"backwards {BACKWARD_PASSES}, {found['backward']:.1f} GB/s"
    )
    for name in ("large", "small"):
        copied, size = found[name], found[f"{name} megabytes"]
        print(
            f"    a copy of {size:.0f} MB, read and write counted: {copied:.1f} GB/s; "
            f"the passes reach {found['forward'] / copied:.0%} and {found['backward'] / copied:.0%} of it"
        )


def measure_sweeps(threads: int, neurons: int = 1001) -> dict[str, float]:
    """Gigabytes a second that the passes and, in the same process, copies move."""
    from meta.trial import use_threads
    from networks.fused import FusedTrace
    from networks.plastic import PlasticConnections

    use_threads(threads)
    connections, now = PlasticConnections(neurons, neurons), time.perf_counter
    activity = torch.tanh(torch.randn(60, 1, neurons))
    best = [np.inf, np.inf]
    for _ in range(5):
        trace = FusedTrace(connections, connections.initial(1))
        outputs = [trace.read(activity[0])]
        begun = now()
        for before, after in pairwise(activity):
            trace.learn(before, after)
            outputs.append(trace.read(after))
        best[0] = min(best[0], now() - begun)
        total = torch.stack(outputs).sum()
        begun = now()
        total.backward()
        best[1] = min(best[1], now() - begun)
    step = 4 * neurons**2 * len(activity)
    found = {"forward": FORWARD_PASSES * step / best[0] / 1e9, "backward": BACKWARD_PASSES * step / best[1] / 1e9}
    for name, floats in (("large", 2**27), ("small", 3 * neurons**2)):
        source, target = torch.ones(floats), torch.ones(floats)
        times = []
        for _ in range(5 if name == "large" else 30):
            begun = now()
            target.copy_(source)
            times.append(now() - begun)
        found |= {name: 8 * floats / min(times) / 1e9, f"{name} megabytes": 4 * floats / 1e6}
    return found


def omniglot(quick: bool) -> None:
    title("Omniglot: 5 ways, 1 shot; an episode with its image preparation, forward, backward, Adam")
    same_omniglot()
    for threads in (1, 2):
        print(f"\n{threads} thread{'s' * (threads > 1)}")
        with workers(
            Worker("omniglot_stepwise", threads),
            Worker("omniglot_ours", threads, batch=64, precision="float32"),
            Worker("omniglot_ours", threads, batch=64, precision="bfloat16"),
        ) as (baseline, full, half):
            in_turns(((baseline, 60), (full, 6), (half, 6)), 4 if quick else 8)
            rows = (
                ("step by step", baseline),
                ("OmniglotTask, batch 64, float32", full),
                ("OmniglotTask, batch 64, bfloat16", half),
            )
            table(rows, "ms an episode")
        ratio = baseline.best / min(full.best, half.best)
        verdict(f"at least {OMNIGLOT_RATIO:.0f} times as fast, now {ratio:.1f}", ratio >= OMNIGLOT_RATIO)


def lstm(quick: bool) -> None:
    title("LSTM: 1149, 1149 and 400 cells, 10,000 words, batch 6, a window of 20; forward, backward, clip, SGD")
    same_language()
    for threads in (1, 2):
        print(f"\n{threads} thread{'s' * (threads > 1)}")
        with workers(Worker("lstm_stepwise", threads), Worker("lstm_ours", threads)) as (baseline, ours):
            in_turns(((baseline, 1), (ours, 5)), 2 if quick else 3)
            table((("step by step", baseline), ("LanguageTask, events", ours)), "ms a window")
        ratio = baseline.best / ours.best
        verdict(f"at least {LSTM_RATIO:.0f} times as fast, now {ratio:.1f}", ratio >= LSTM_RATIO)
        memory_verdict(baseline, ours, LSTM_MEMORY, LSTM_PUBLISHED[threads])


# --- Growth ---------------------------------------------------------------------------------------------------


def measured(name: str, iterations: int, turns: int, **options: Any) -> Worker:
    """A worker that has run on its own, on one thread."""
    with workers(Worker(name, 1, **options)) as (worker,):
        in_turns(((worker, iterations),), turns)
    return worker


def line(label: str, baseline: Worker | None, ours: Worker) -> None:
    times = f"{'':>12}" if baseline is None else f"{baseline.best:12.2f}"
    ratio = f"{'':>8}" if baseline is None else f"{baseline.best / ours.best:8.1f}"
    memory = f"{'':>12}" if baseline is None else f"{baseline.megabytes:12.0f}"
    print(f"{label:36}{times}{ours.best:12.2f}{ratio}{memory}{ours.megabytes:10.0f}", flush=True)


def growth(quick: bool) -> None:
    title("Growth, one thread: milliseconds an episode or window, and peak MB (no figure: not run)")
    print(f"{'':36}{'step by step':>12}{'ours':>12}{'ratio':>8}{'its MB':>12}{'our MB':>10}")
    turns = 2 if quick else 3
    for batch in (1, 2, 4, 8):
        line(f"patterns, batch {batch}", None, measured("patterns_ours", 2, turns, batch=batch))
    for neurons in (50, 200, 500, 1000, 2000):
        rounds = 10 if neurons < 500 else 2
        # 2000 neurons step by step need more than 20 GB.
        baseline = (
            measured("patterns_stepwise", max(rounds // 5, 1), turns, bits=neurons) if neurons < 2000 else None
        )
        line(f"patterns, {neurons} bits", baseline, measured("patterns_ours", rounds, turns, bits=neurons))
    for steps in (25, 50, 100, 200):
        # Two patterns once and the test: as long as the steps that a showing lasts make them.
        schedule = {
            "patterns": 2,
            "cycles": 1,
            "shown": steps // 2 - 6,
            "blank": 4,
            "test": steps - 2 * (steps // 2 - 2),
        }
        baseline = measured("patterns_stepwise", 1, turns, **schedule)
        line(f"patterns, {steps} steps", baseline, measured("patterns_ours", 2, turns, **schedule))
    for batch in (1, 4, 16, 64, 256):
        worker = measured("omniglot_ours", max(64 // batch, 1), turns, batch=batch, precision="bfloat16")
        line(f"omniglot, bfloat16, batch {batch}", None, worker)
    for batch in (1, 6, 20):
        line(f"lstm, batch {batch}", None, measured("lstm_ours", 1, turns, batch=batch))
    for window in (10, 20, 40, 70):
        baseline = measured("lstm_stepwise", 1, 1, window=window) if window < 20 else None
        line(f"lstm, window {window}", baseline, measured("lstm_ours", 1, turns, window=window))


# --- The clip -------------------------------------------------------------------------------------------------


class CountingClip:
    """Additive plasticity, clipped at every step; counts what the clip takes away before the last."""

    def __init__(self, bound: float) -> None:
        self.bound, self.step, self.beyond, self.entries = bound, 0, 0, 0
        self.waiting = 0

    def __call__(self, trace: Tensor, pre: Tensor, post: Tensor, rate: Tensor) -> Tensor:
        """The rule."""
        new = trace + rate * pre.unsqueeze(-1) * post.unsqueeze(-2)
        self.beyond += self.waiting  # of the step before: that was not the last
        self.waiting = int((new.abs() > self.bound).sum())
        self.entries += new.numel()
        return new.clamp(-self.bound, self.bound)


@torch.no_grad()
def compare_forms(model: Any, words: Tensor, states: Any) -> tuple[bool, float, float, float]:
    """A window as events and exactly: whether the clip bound, for what share of entries, and the outputs' gap.

    Returns:
        Whether any entry of any trace went beyond the bound before the last step; the share of entries that did,
        over all steps; the largest difference of the outputs, and their largest size.
    """
    model.eval()
    vectors = model.embedding(words)
    events, _ = model.layers(vectors, states)
    counters = []
    for layer in model.layers.layers:
        layer.recurrent.rule = CountingClip(layer.recurrent.bound)
        counters.append(layer.recurrent.rule)
    exact, _ = model.layers(vectors, states, events=False)
    gap = max(float((one - two).abs().max()) for one, two in zip(events, exact, strict=True))
    size = max(float(two.abs().max()) for two in exact)
    beyond = sum(counter.beyond for counter in counters)
    return beyond > 0, beyond / sum(counter.entries for counter in counters), gap, size


def clip(quick: bool) -> None:
    cells, tokens, epochs = (200, 200, 100), 12_000 if quick else 24_000, 2 if quick else 3
    title(f"Clip: {cells} cells as in the large LSTM, trained with events; every window also run with exact steps")
    from meta.data import generate_text
    from meta.training import make_optimizer, step

    task = language_task(generate_text, words=2000, tokens=tokens, cells=cells, embedding=100, matched=False)
    optimizer, windows = make_optimizer(task.model, task.settings), len(task.columns) // WINDOW
    print(
        f"{'':34}{'windows it binds in':>20}{'entries':>12}{'gap of outputs':>16}{'largest output':>16}"
        f"{'entropy':>9}"
    )
    rows: list[tuple[bool, float, float, float]] = []
    entropy: list[float] = []
    third = windows // 3
    for iteration in range(1, epochs * windows):
        if task.place + WINDOW >= len(task.columns):
            task.place, task.states = 0, task.model.layers.initial(LSTM_BATCH)
        words = task.tensor(task.columns[task.place : task.place + WINDOW])
        rows.append(compare_forms(task.model, words, task.states))
        entropy.append(float(step(task, optimizer, iteration)["entropy"]))
        if iteration % third == 0:
            bound, entries, gap, size = np.array(rows, float).T
            label = f"windows {iteration - third + 1} to {iteration}, epoch {(iteration - 1) // windows + 1}"
            print(
                f"{label:34}{bound.mean():20.0%}{entries.mean():12.1e}{gap.max():16.1e}{size.max():16.2f}"
                f"{np.mean(entropy):9.2f}",
                flush=True,
            )
            rows, entropy = [], []


# --- A GPU ----------------------------------------------------------------------------------------------------


def without_numba() -> None:
    """Have torch's modules of `networks` importable where numba is missing, which its other modules need."""
    if importlib.util.find_spec("numba") is None:
        package = types.ModuleType("networks")
        package.__path__ = [str(Path(__file__).resolve().parents[1] / "networks")]
        sys.modules["networks"] = package


def timed(function: Callable[[], Any], device: str, repeats: int) -> tuple[float, float]:
    """Milliseconds of the best of some calls, and the peak of the device's memory in MB."""
    cuda = device.startswith("cuda")
    for _ in range(2):
        function()
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(repeats):
        if cuda:
            torch.cuda.synchronize()
        begun = time.perf_counter()
        function()
        if cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return 1e3 * min(times), torch.cuda.max_memory_allocated() / 1e6 if cuda else 0.0


def report(label: str, function: Callable[[], Any], batch: int, device: str) -> None:
    try:
        taken, memory = timed(function, device, 3)
    except torch.OutOfMemoryError:
        print(f"{label:52}out of memory", flush=True)
        return
    print(f"{label:52}{taken:12.2f}{taken / batch:14.3f}{memory:10.0f}", flush=True)


def on_device(device: str, parts: Sequence[str], quick: bool) -> None:
    title(f"On {device}: forward and backward, plain steps and compiled ones")
    without_numba()
    print(f"{'':52}{'ms a batch':>12}{'ms of one':>14}{'MB':>10}")
    torch.manual_seed(1)
    if "patterns" in parts:
        device_patterns(device, quick)
    if "omniglot" in parts:
        device_omniglot(device)
    if "lstm" in parts:
        device_lstm(device, quick)


def device_patterns(device: str, quick: bool) -> None:
    from networks.recurrent import PlasticRNNCell, RecurrentState

    neurons, steps = (201, 20) if quick else (1001, 106)
    cell = PlasticRNNCell(neurons).to(device)
    for batch in (1, 8, 32):
        drives = 20 * torch.randn(steps, batch, neurons, device=device).sign()
        for name, one in (("plain", cell), ("compiled", torch.compile(cell, dynamic=False))):

            def run(one: Any = one, batch: int = batch, drives: Tensor = drives) -> None:
                state: RecurrentState = cell.initial(batch)
                for drive in drives:
                    state = one(drive, state)
                state.activity.square().sum().backward()

            report(f"patterns, {neurons} neurons, batch {batch}, {name}", run, batch, device)


def device_omniglot(device: str) -> None:
    from networks.encoders import ConvEncoder
    from networks.readout import PlasticReadout

    encoder, readout = ConvEncoder().to(device), PlasticReadout(64, 5, rule="oja").to(device)
    for batch in (64, 512):
        pictures = torch.rand(batch * 6, 1, 31, 31, device=device)
        labels = torch.arange(5, device=device).expand(batch, 5)
        for name, one in (("plain", encoder), ("compiled", torch.compile(encoder))):
            for kind in (torch.float32, torch.bfloat16):

                def run(
                    one: Any = one, pictures: Tensor = pictures, labels: Tensor = labels, kind: Any = kind
                ) -> None:
                    with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=kind == torch.bfloat16):
                        features = one(pictures).float().unflatten(0, (-1, 6))
                    readout(features[:, :5], labels, features[:, 5]).square().sum().backward()

                report(f"omniglot, batch {batch}, {str(kind)[6:]}, {name}", run, batch, device)


def device_lstm(device: str, quick: bool) -> None:
    from networks.lstm import StackedLSTM

    cells = (99, 99, 40) if quick else CELLS
    options = {"rule": "clipped", "alpha": "neuron", "modulation": "simple", "fan_out": "neuron", "bound": 2.0}
    layers = StackedLSTM((cells[-1], *cells), plastic=options).to(device)
    inputs = torch.randn(WINDOW, LSTM_BATCH, cells[-1], device=device)
    for name, one in (("plain", layers), ("compiled", torch.compile(layers))):
        for form in ("steps", "events"):

            def run(one: Any = one, form: str = form) -> None:
                outputs, _ = one(inputs, layers.initial(LSTM_BATCH), form == "events")
                outputs[-1].square().sum().backward()

            report(f"lstm, window {WINDOW}, batch {LSTM_BATCH}, {form}, {name}", run, LSTM_BATCH, device)


# --- The command ----------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer repeats and sizes")
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU as torch names it: cuda, cuda:1, mps")
    parser.add_argument("--worker", help=argparse.SUPPRESS)  # these three are for the processes of their own
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--options", type=json.loads, default={}, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker == "sweeps":
        print(json.dumps(measure_sweeps(options.threads)))
    elif options.worker:
        serve(options.worker, options.threads, options.options)
    elif options.device != "cpu":
        on_device(options.device, options.only, options.quick)
    else:
        start = time.perf_counter()
        torch.set_num_threads(1)
        print(f"A process that has imported numpy, scipy and torch and done nothing has {bare():.0f} MB.")
        tables: dict[str, Callable[[bool], None]] = {
            "patterns": patterns,
            "omniglot": omniglot,
            "lstm": lstm,
            "growth": growth,
            "clip": clip,
        }
        for part in PARTS:
            if part in options.only:
                tables[part](options.quick)
        print(f"\n{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
