"""Learning in sequence is fast: claims about `meta`, measured against programs that take one picture at a time.

    python benchmarks/continual.py                      all tables, about ten minutes on a quiet computer
    python benchmarks/continual.py --only anml test     some of them
    python benchmarks/continual.py --channels 64        another width than the published one; aims are for that one

The claims, at published size on one thread of a CPU, against the programs in stepwise_continual.py:

    anml   an iteration of ANML: first order 1.75 times as fast as the baseline's first order, second order as fast
    oml    an iteration of online-aware meta-learning with second-order gradients: 4 times as fast
    test   learning 10, 50, 75 and 100 classes in sequence, with the search among 14 rates: 20 times as fast;
           beside it 100 classes by the two layers that online-aware meta-learning teaches, without an aim: at
           published size their weights and moments do not fit into most caches
    maml   a second-order iteration of model-agnostic meta-learning, of 25 sines: 4 times as fast; of 32 episodes
           with characters, without an aim: convolutions take the time there, in the baseline as here
    memory second-order ANML: less than 2 GB, that of a bare import of torch included
    half   not unless asked for, twenty minutes with --channels 64, with Omniglot in the data folder: in bfloat16
           online-aware meta-learning and pretraining learn in 1,000 iterations as in float32: curves differ less
           than those of two seeds

How to read it: a claim's line ends in "holds" or "FAILS". What is compared runs in turns in this process, and the
least seconds of the processor of each count, so that ratios hold on a busy computer too. Decoding of pictures,
which the published programs repeat in every iteration, is in neither. The baseline's test is timed over some steps
and multiplied by their number: it takes hours. Before anything is timed, both programs are shown to agree.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import stepwise_continual as stepwise
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from meta.experiments import EXPERIMENTS
from meta.learners import Learner, oml
from meta.learners.maml import meta_outputs
from meta.learners.trajectory import Trajectory
from meta.protocols.courses import draw_course, split_drawings
from meta.protocols.kernels import learn_steps
from meta.protocols.layers import joined, with_constant
from meta.protocols.sequential import Plan, Student, sequential_test
from meta.tasks.few_shot import FEW
from meta.training import make_optimizer, step
from networks.adaptation import adaptation_mlp, adaptation_network
from networks.prediction import prediction_network
from networks.representation import representation_network

#: Class scores of pictures by weights.
Scores = Callable[[Tensor, list[Tensor]], Tensor]
PARTS = ("anml", "oml", "test", "maml", "memory", "half")
FIRST, SECOND, OML, TEST, MAML, GIGABYTES = 1.75, 1.0, 4.0, 20.0, 4.0, 2.0
SHOWN, REMEMBERED = 20, 64
RATES = (1e-3, 6e-4, 4e-4, 3.5e-4, 3e-4, 2.5e-4, 2e-4, 1.5e-4, 1e-4, 9e-5, 8e-5, 6e-5, 3e-5, 1e-5)
CURVES = ("loss", "accuracy", "remembered")
COUNTS, LEARNED, SCORED, TIMED = (10, 50, 75, 100), 15, 3, 15


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def compare(label: str, baseline: float, ours: float, aim: float | None = None) -> None:
    text = f"  {label}: {baseline:.3f} s against {ours:.3f} s, {baseline / ours:.2f} times as fast"
    print(
        text if aim is None else f"{text} (aim {aim:g}): {'holds' if baseline / ours >= aim else 'FAILS'}",
        flush=True,
    )


def least(turns: int, *programs: Callable[[], object]) -> list[float]:
    """Least processor seconds of each program, run in turns."""
    found = [float("inf")] * len(programs)
    for _ in range(turns):
        for place, program in enumerate(programs):
            start = time.process_time()
            program()
            found[place] = min(found[place], time.process_time() - start)
    return found


def lifetime(side: int, shown: int, remembered: int, classes: int = 1) -> Trajectory:
    """Random pictures."""
    pictures = torch.rand(shown + remembered, 1, side, side)
    labels = torch.randint(0, 963, (shown + remembered,))
    labels[:shown] = torch.arange(classes).repeat_interleave(shown // classes)
    return Trajectory(pictures[:shown], labels[:shown], pictures[shown:], labels[shown:])


def gradient(learner: Learner, shown: Trajectory, narrow: bool = False) -> list[Tensor]:
    """Gradient of the outer loss for every parameter, in bfloat16 if asked for."""
    learner.model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        loss = nn.functional.cross_entropy(oml.meta_scores(learner, shown), shown.outer_labels)
    loss.backward()
    return [parameter.grad for parameter in learner.model.parameters() if parameter.grad is not None]


def take_over(model: nn.Module, weights: list[Tensor]) -> None:
    """Give a model the baseline's weights, which are in the same order."""
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), weights, strict=True):
            parameter.copy_(weight)


def same(what: str, ours: list[Tensor], theirs: list[Tensor]) -> None:
    """Stop unless both programs computed the same."""
    one, other = (torch.cat([value.detach().flatten() for value in values]) for values in (ours, theirs))
    difference = float((one - other).norm() / other.norm())
    print(f"  {what}: both programs agree to {difference:.1g}", flush=True)
    if not difference < 1e-3:
        sys.exit(f"{what}: the programs differ by {difference}")


def anml(channels: int, turns: int) -> None:
    """Iterations of ANML."""
    title(f"anml: an iteration, {channels} channels")
    weights = stepwise.anml_weights(8, 4, 1)
    small, shown = prediction_network(8, 4), lifetime(28, SHOWN, REMEMBERED)
    take_over(small, weights)
    theirs = stepwise.anml_gradient(weights, shown.all, shown.outer_labels, SHOWN)
    same("first-order gradient", gradient(Learner(small, ("prediction", "head"), order=1), shown), theirs)
    neuromodulatory = channels * 112 // 256
    model = prediction_network(channels, neuromodulatory)
    large = stepwise.anml_weights(channels, neuromodulatory, 3)
    three = shown.all.expand(-1, 3, -1, -1)
    learners = [Learner(model, ("prediction", "head"), order=order) for order in (1, 2)]
    optimizers = [torch.optim.Adam(large, 1e-3), torch.optim.Adam(model.parameters(), 1e-3, fused=True)]

    def baseline() -> None:
        for weight, found in zip(
            large, stepwise.anml_gradient(large, three, shown.outer_labels, SHOWN), strict=True
        ):
            weight.grad = found
        optimizers[0].step()

    def ours(order: int, narrow: bool = False) -> None:
        gradient(learners[order - 1], shown, narrow)
        optimizers[1].step()

    seconds = least(
        turns, baseline, lambda: ours(1), lambda: ours(2), lambda: ours(1, True), lambda: ours(2, True)
    )
    compare("first order against first order", seconds[0], seconds[1], FIRST)
    compare("second order against the baseline's first", seconds[0], seconds[2], SECOND)
    compare("first order in bfloat16", seconds[0], seconds[3])
    compare("second order in bfloat16 against the baseline's first", seconds[0], seconds[4])


def online_aware(channels: int, turns: int) -> None:
    """Iterations of online-aware meta-learning: three classes of five drawings, and fifteen others."""
    title(f"oml: an iteration, {channels} channels, second order")
    weights, shown = stepwise.oml_weights(4), lifetime(84, 15, 15, classes=3)
    small = representation_network(4, 0)
    take_over(small, weights)
    theirs = stepwise.oml_gradient(weights, shown.all, shown.outer_labels, 15)
    same("second-order gradient", gradient(Learner(small, ("head",), 0.03), shown), theirs)
    learner, large = Learner(representation_network(channels, 0), ("head",), 0.03), stepwise.oml_weights(channels)
    seconds = least(
        turns,
        lambda: stepwise.oml_gradient(large, shown.all, shown.outer_labels, 15),
        lambda: gradient(learner, shown),
        lambda: gradient(learner, shown, True),
    )
    compare("second order against second order", seconds[0], seconds[1], OML)
    compare("in bfloat16", seconds[0], seconds[2])


def meta_test(channels: int, turns: int) -> None:
    """Learning in sequence, with the search for a rate: ANML's last layer, then OML's two."""
    title(f"test: classes in sequence, {channels} channels, {len(RATES)} rates")
    model, weights = prediction_network(8, 4), stepwise.anml_weights(8, 4, 1)
    take_over(model, weights)
    check(model, weights, stepwise.anml_scores, 1, 28)
    neuromodulatory = channels * 112 // 256
    large, three = stepwise.anml_weights(channels, neuromodulatory, 3), torch.rand(TIMED, 3, 28, 28)
    step = seconds_a_step(stepwise.anml_scores, large, 1, three, turns)
    student = Student(prediction_network(channels, neuromodulatory))
    learn(student, 28, step, COUNTS, TEST)
    learn(student, 28, step, COUNTS[-1:])

    title(f"test: the same of online-aware meta-learning, {channels} channels, {4 * channels} hidden neurons")
    layers = ("hidden", "head")
    model, weights = representation_network(4, 16), stepwise.oml_weights(4, hidden=16)
    take_over(model, weights)
    check(model, weights, stepwise.oml_scores, 2, 84)
    large, pictures = stepwise.oml_weights(channels, hidden=4 * channels), torch.rand(TIMED, 1, 84, 84)
    step = seconds_a_step(stepwise.oml_scores, large, 2, pictures, turns)
    learn(Student(representation_network(channels, 4 * channels), layers, layers), 84, step, COUNTS[-1:])


def check(model: nn.Sequential, weights: list[Tensor], scores: Scores, layers: int, side: int) -> None:
    """Three classes, learned by the baseline and by compiled steps, come to the same last layers."""
    images = np.random.default_rng(0).integers(0, 255, (COUNTS[-1], 20, side, side)).astype(np.uint8)
    course = draw_course(split_drawings(len(images), 20, LEARNED, 0), 3, np.random.default_rng(1))
    pictures = torch.from_numpy(images[tuple(course.examples)])[:, None].float() / 255
    theirs = stepwise.course(scores, weights, 2 * layers, pictures, torch.from_numpy(course.labels), 1e-3)
    with torch.no_grad():
        features = with_constant(model[:-layers](pictures)).numpy()
        own = list(model.parameters())[-2 * layers :]
        widths, flat = joined(list(zip(own[::2], own[1::2], strict=True)))
        _, expected = joined(list(zip(theirs[::2], theirs[1::2], strict=True)))
    ours, count = flat.numpy(), len(pictures)
    moments = np.zeros((2, len(ours)), np.float32)
    learn_steps(widths, ours, moments, features, np.arange(count), course.labels, 1e-3, 0, count)
    same("last layers after three classes", [flat], [expected])


def seconds_a_step(scores: Scores, weights: list[Tensor], layers: int, pictures: Tensor, turns: int) -> float:
    """Of the baseline's test."""
    labels = torch.arange(len(pictures))
    (seconds,) = least(max(turns, 2), lambda: stepwise.course(scores, weights, 2 * layers, pictures, labels, 1e-3))
    print(f"  the baseline's step: {1e3 * seconds / len(pictures):.1f} ms")
    return seconds / len(pictures)


def learn(student: Student, side: int, step: float, counts: tuple[int, ...], aim: float | None = None) -> None:
    """Our test, beside as many of the baseline's steps."""
    images = np.random.default_rng(0).integers(0, 255, (COUNTS[-1], 20, side, side)).astype(np.uint8)
    plan = Plan(counts, RATES, 1, 1, LEARNED, SCORED, oracle=False)
    steps = sum(counts) * (len(RATES) * (LEARNED - SCORED) + LEARNED)
    (seconds,) = least(1, lambda: sequential_test(student, images, plan))
    compare(f"{' '.join(map(str, counts))} classes, {steps:,} steps of the baseline", step * steps, seconds, aim)


def adaptation(turns: int) -> None:
    """Iterations of model-agnostic meta-learning at its published sizes."""
    title("maml: an iteration, second order, 25 sines of 10 points")
    x, y = torch.rand(2, 25, 10, 1), torch.rand(2, 25, 10, 1)
    sines = (x[0], y[0], x[1], y[1])
    model, weights = adaptation_mlp(), stepwise.line_weights(1, 40, 40, 1)
    learner = Learner(model, ("*",), 0.01, batch=0, loss=nn.functional.mse_loss)
    compare_adaptation("sines", stepwise.line_outputs, weights, learner, sines, True, turns, MAML)
    for shots in (1, 5):
        title(f"maml: an iteration, second order, 32 episodes, 5 characters, {shots} of each")
        shown, labels = torch.rand(2, 32, 5 * shots, 1, 28, 28), torch.arange(5).repeat_interleave(shots)
        labels = labels.expand(32, -1)
        episodes = (shown[0], labels, shown[1], labels)
        learner, weights = Learner(adaptation_network(), ("*",), 0.4, batch=0), stepwise.adaptation_weights(64, 5)
        together = 5 * shots <= FEW
        compare_adaptation("episodes", stepwise.adaptation_scores, weights, learner, episodes, together, turns)


def compare_adaptation(
    what: str,
    outputs: Scores,
    weights: list[Tensor],
    learner: Learner,
    tasks: tuple[Tensor, Tensor, Tensor, Tensor],
    together: bool,
    turns: int,
    aim: float | None = None,
) -> None:
    """An iteration of the baseline beside ours, after a look whether they come to the same gradient."""
    take_over(learner.model, weights)
    support, answers, query, truth = tasks

    def ours() -> list[Tensor]:
        learner.model.zero_grad()
        found = meta_outputs(learner, support, answers, query, together)
        learner.loss(found.flatten(0, 1), truth.flatten(0, 1)).backward()
        return [parameter.grad for parameter in learner.model.parameters() if parameter.grad is not None]

    def theirs() -> list[Tensor]:
        return stepwise.maml_gradient(outputs, learner.loss, weights, tasks, learner.rate)

    same("second-order gradient", ours(), theirs())
    seconds = least(2 * turns, theirs, ours)
    compare(f"an iteration of all {what}", *seconds, aim)


def memory(channels: int) -> None:
    """Peak memory of an iteration in a process of its own."""
    title(f"memory: second-order ANML, {channels} channels")
    command = [sys.executable, __file__, "--channels", str(channels), "--peak"]
    peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
    print(f"  peak {peak:.2f} GB (aim {GIGABYTES:g}): {'holds' if peak < GIGABYTES else 'FAILS'}")


def peak(channels: int) -> None:
    """Print the peak memory, in GB, of this process after three iterations."""
    model = prediction_network(channels, channels * 112 // 256)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    for _ in range(3):
        gradient(Learner(model, ("prediction", "head")), lifetime(28, SHOWN, REMEMBERED))
        optimizer.step()
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the peak of the process that made this one too
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        print(int(line.split()[1]) * 1024 / 1e9)
        return
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9)


def half(channels: int, iterations: int) -> None:
    """Learning curves in bfloat16 beside those in float32, and of another seed."""
    for treatment in ("oml", "pretrain"):
        title(f"half: {treatment}, {channels} channels, {iterations} iterations")
        (single, seconds), (narrow, faster), (other, _) = (
            curves(treatment, channels, iterations, precision, seed)
            for precision, seed in (("float32", 1), ("bfloat16", 1), ("bfloat16", 2))
        )
        print("  means of    " + "".join(f"{name:>24}" for name in CURVES))
        for row, tables in enumerate(zip(single, narrow, other, strict=True)):
            cells = ("  ".join(f"{table[place]:6.3f}" for table in tables) for place in range(len(CURVES)))
            print(f"  {row + 1:>3} / {len(single)}   " + "".join(f"{cell:>24}" for cell in cells))
        print("  (each: float32, bfloat16, bfloat16 of another seed)")
        for place, name in enumerate(CURVES):
            rounding, seeds = (float(np.abs(narrow - one)[:, place].mean()) for one in (single, other))
            print(
                f"  {name}: precisions differ by {rounding:.4f}, seeds by {seeds:.4f}: "
                f"{'holds' if rounding < seeds else 'FAILS'}",
                flush=True,
            )
        compare("an iteration", seconds / iterations, faster / iterations)


def curves(
    treatment: str, channels: int, iterations: int, precision: str, seed: int
) -> tuple[NDArray[np.float64], float]:
    """Means of the measures over tenths of a training, (10, measures), and seconds of the processor."""
    experiment = EXPERIMENTS["beaulieu2020-omniglot"]
    scaled = replace(experiment.scaled("reduced"), channels=channels, iterations=iterations, precision=precision)
    task = experiment.treated(scaled, treatment).task(seed, None)
    optimizer = make_optimizer(task.model, task.settings)
    start = time.process_time()
    rows = [step(task, optimizer, iteration) for iteration in range(1, iterations + 1)]
    seconds = time.process_time() - start
    table = np.array([[float(row[name]) for name in CURVES] for row in rows])
    return np.stack([part.mean(0) for part in np.array_split(table, 10)]), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS[:-1], metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--channels", type=int, default=256, help="of the networks (published: 256)")
    parser.add_argument("--turns", type=int, default=3, help="of which the fastest counts")
    parser.add_argument("--iterations", type=int, default=1000, help="of part half")
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)  # for a process of its own
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if options.peak:
        peak(options.channels)
        return
    if "anml" in options.only:
        anml(options.channels, options.turns)
    if "oml" in options.only:
        online_aware(options.channels, options.turns)
    if "test" in options.only:
        meta_test(options.channels, options.turns)
    if "maml" in options.only:
        adaptation(options.turns)
    if "memory" in options.only:
        memory(options.channels)
    if "half" in options.only:
        half(options.channels, options.iterations)


if __name__ == "__main__":
    main()
