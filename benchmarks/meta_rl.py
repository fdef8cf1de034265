"""Agents that learn within lifetimes are fast: environments and training, measured against step-by-step programs.

    python benchmarks/meta_rl.py                    all tables, a few minutes on a quiet computer
    python benchmarks/meta_rl.py --only environments
    python benchmarks/meta_rl.py --device cuda      on a GPU, without the baselines

The claims:

    environments   steps a second as tensors, alone: at least 200 times those of Gymnasium's loop over environments
                   written one by one in Python (SyncVectorEnv), at 1024 lifetimes at once; what a bare loop that
                   only fills arrays would do stands beside it
    training       an update of 30 lifetimes, acting, gradients and optimiser included: at least 3 times as fast as
                   steps under plain autograd with a Python environment for each lifetime, in under 1 GB; and how
                   it grows with the batch

How to read it: a claim's line ends in "holds" or "FAILS". Times are seconds of the processor on one thread. What
is compared takes turns, and the best turn of each counts, so that ratios hold on a busy computer too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn

from meta.environments import CueReward, Environment, Maze, TwoStep
from meta.experiments import EXPERIMENTS
from meta.training import make_optimizer, step
from meta.trial import keep_memory, use_threads

PARTS = ("environments", "training")
ENVIRONMENT_RATIO, TRAINING_RATIO, MEGABYTES = 200.0, 3.0, 1000.0
BATCHES = (1, 30, 256, 1024, 4096)
#: Experiment and treatment of each row of the table of training.
TRAINED = (
    ("miconi2019-maze", "rnn"),
    ("miconi2019-maze", "plastic"),
    ("miconi2019-maze", "simple"),
    ("miconi2019-maze", "retroactive"),
    ("miconi2019-cue-reward", "simple"),
    ("miconi2019-cue-reward", "retroactive"),
)


# --- The baseline: one environment after the other, one step after the other -----------------------------------


class PythonMaze:
    """A maze as one writes it first: a matrix of walls, a place in it, a slice around the place."""

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        self.side, self.rng = side, rng
        self.walls = np.ones((side, side))
        self.walls[1:-1, 1:-1] = 0
        self.walls[2:-1:2, 2:-1:2] = 1
        self.walls[side // 2, side // 2] = 0
        self.place = [side // 2, side // 2]
        self.goal = self.free([self.place])

    def free(self, taken: list[list[int]]) -> list[int]:
        while True:
            place = self.rng.integers(1, self.side - 1, 2).tolist()
            if self.walls[place[0], place[1]] == 0 and place not in taken:
                return place

    def view(self) -> np.ndarray:
        row, column = self.place
        return self.walls[row - 1 : row + 2, column - 1 : column + 2].flatten()

    def step(self, action: int) -> tuple[np.ndarray, float]:
        down, right = ((-1, 0), (1, 0), (0, -1), (0, 1))[action]
        row, column = self.place[0] + down, self.place[1] + right
        reward = 0.0
        if self.walls[row, column] == 0:
            self.place = [row, column]
            if self.place == self.goal:
                reward = 10.0
                self.place = self.free([self.goal])
        return self.view(), reward


class PythonCues:
    """Cues and reward as one writes it first: inputs made step by step."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.cues = rng.integers(0, 2, (4, 20)) * 2 - 1
        self.target, self.plan = int(rng.integers(4)), []
        self.advance()

    def advance(self) -> None:
        if not self.plan:
            length = 5 + int(self.rng.integers(4))
            pair = self.rng.permutation(4)[:2].tolist()
            block = self.rng.permutation([*pair, *[-1] * (length - 5)]).tolist()
            self.plan = [(-1, None), *((cue, None) for cue in block), (-1, self.target in pair), (-1, None)]
        self.cue, self.answer = self.plan.pop(0)

    def view(self) -> np.ndarray:
        seen = np.zeros(21)
        if self.cue >= 0:
            seen[:20] = self.cues[self.cue]
        seen[20] = self.answer is not None
        return seen

    def step(self, action: int) -> tuple[np.ndarray, float]:
        reward = 0.0 if self.answer is None else 1.0 if bool(action) == self.answer else -1.0
        self.advance()
        return self.view(), reward


class InGymnasium(gymnasium.Env):
    """One of the above behind Gymnasium's interface, for Gymnasium's own loop over environments."""

    def __init__(self, make: Callable[[np.random.Generator], Any], actions: int) -> None:
        self.make = make
        self.inner = make(np.random.default_rng(1))
        self.observation_space = gymnasium.spaces.Box(-1, 1, self.inner.view().shape, np.float32)
        self.action_space = gymnasium.spaces.Discrete(actions)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self.inner = self.make(self.np_random)
        return self.inner.view().astype(np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        seen, reward = self.inner.step(int(action))
        return seen.astype(np.float32), reward, False, False, {}


class StepwiseAgent(nn.Module):
    """The networks of Miconi et al. 2019 with a new tensor of traces at each step, under plain autograd."""

    def __init__(self, inputs: int, neurons: int, actions: int, kind: str) -> None:
        super().__init__()
        self.kind, self.neurons = kind, neurons
        self.input, self.policy = nn.Linear(inputs, neurons), nn.Linear(neurons, actions)
        self.value, self.modulator = nn.Linear(neurons, 1), nn.Linear(neurons, 1)
        self.weight = nn.Parameter(0.01 * torch.rand(neurons, neurons))
        self.alpha = nn.Parameter(0.01 * torch.rand(neurons, neurons))
        self.rate = nn.Parameter(torch.tensor(0.01))

    def forward(self, seen: Tensor, state: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Any]:
        activity, trace, eligibility = state
        if self.kind == "rnn":
            new = torch.tanh(self.input(seen) + activity @ self.weight)
            return self.policy(new), self.value(new), (new, trace, eligibility)
        strength = self.weight + self.alpha * trace
        new = torch.tanh(self.input(seen) + torch.bmm(activity.unsqueeze(1), strength).squeeze(1))
        together = torch.bmm(activity.unsqueeze(2), new.unsqueeze(1))
        amount = torch.tanh(self.modulator(new)).unsqueeze(2)
        if self.kind == "plastic":
            trace = torch.clamp(trace + self.rate * together, -1, 1)
        elif self.kind == "simple":
            trace = torch.clamp(trace + amount * together, -1, 1)
        else:
            trace = torch.clamp(trace + amount * eligibility, -1, 1)
            eligibility = (1 - self.rate) * eligibility + self.rate * together
        return self.policy(new), self.value(new), (new, trace, eligibility)


class Stepwise:
    """Training of a `StepwiseAgent` with a Python environment for each lifetime."""

    def __init__(self, make: Callable[[np.random.Generator], Any], task: Any, kind: str) -> None:
        settings = task.settings
        self.make, self.settings, self.steps = make, settings, task.environment.steps
        self.actions, self.rng = task.environment.actions, np.random.default_rng(1)
        self.inputs = task.agent.senses.size
        self.agent = StepwiseAgent(self.inputs, settings.neurons, self.actions, kind)
        self.optimizer = torch.optim.Adam(self.agent.parameters(), settings.rate, eps=settings.epsilon)

    def step(self) -> None:
        batch, neurons = self.settings.batch, self.settings.neurons
        environments = [self.make(self.rng) for _ in range(batch)]
        seen = np.zeros((batch, self.inputs), np.float32)
        views = [environment.view() for environment in environments]
        width = len(views[0])
        state = (torch.zeros(batch, neurons), *[torch.zeros(batch, neurons, neurons) for _ in range(2)])
        chances, values, rewards, sums = [], [], [], []
        for now in range(self.steps):
            for row, view in enumerate(views):
                seen[row, :width] = view
            seen[:, -1], seen[:, -2] = 1, now / self.steps
            logits, value, state = self.agent(torch.from_numpy(seen.copy()), state)
            choice = torch.distributions.Categorical(torch.softmax(logits, 1))
            taken = choice.sample()
            chances.append(choice.log_prob(taken))
            sums.append((choice.probs**2).sum(1))
            values.append(value[:, 0])
            done = [
                environment.step(action) for environment, action in zip(environments, taken.tolist(), strict=True)
            ]
            views = [view for view, _ in done]
            rewards.append(torch.tensor([reward for _, reward in done]))
            seen[:, width:] = 0
            for row, action in enumerate(taken.tolist()):
                seen[row, width + 1 + action] = 1
                seen[row, width] = done[row][1]
        loss, following = torch.zeros(batch), torch.zeros(batch)
        for chance, value, reward, sum_of in zip(
            *[x[::-1] for x in (chances, values, rewards, sums)], strict=True
        ):
            following = reward + self.settings.discount * following
            error = following - value
            loss = loss - chance * error.detach() + 0.1 * error**2 + self.settings.concentration * sum_of
        self.optimizer.zero_grad()
        (loss.mean() / self.steps).backward()
        nn.utils.clip_grad_norm_(self.agent.parameters(), self.settings.clip)
        self.optimizer.step()


# --- Measuring and printing ---------------------------------------------------------------------------------


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def verdict(claim: str, holds: bool) -> None:
    print(f"  {claim}: {'holds' if holds else 'FAILS'}", flush=True)


def seconds(run: Callable[[], object], device: str = "cpu") -> float:
    """Of the processor; on a GPU, of the clock."""
    if device == "cpu":
        start = time.process_time()
        run()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def peak_megabytes() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def random_steps(environment: Environment, actions: Tensor) -> None:
    for row in actions:
        environment.step(row)


def bare_loop(
    make: Callable[[np.random.Generator], Any], actions: int, batch: int, steps: int
) -> Callable[[], None]:
    """A loop over environments that fills arrays with what they give."""
    rng = np.random.default_rng(1)
    members = [make(rng) for _ in range(batch)]
    seen, rewards = np.zeros((batch, len(members[0].view())), np.float32), np.zeros(batch, np.float32)
    chosen = rng.integers(0, actions, (steps, batch))

    def run() -> None:
        for row in chosen:
            for index, (member, action) in enumerate(zip(members, row.tolist(), strict=True)):
                seen[index], rewards[index] = member.step(action)

    return run


def gymnasium_loop(
    make: Callable[[np.random.Generator], Any], actions: int, batch: int, steps: int
) -> Callable[[], None]:
    """Gymnasium's own loop over environments."""
    many = gymnasium.vector.SyncVectorEnv([lambda: InGymnasium(make, actions)] * batch)
    many.reset(seed=1)
    chosen = np.random.default_rng(1).integers(0, actions, (steps, batch))

    def run() -> None:
        for row in chosen:
            many.step(row)

    return run


def environments(quick: bool, device: str) -> None:
    """Steps a second of environments alone."""
    title("Environments alone, million steps a second (times those of Gymnasium's loop; of a bare one)")
    made: dict[str, tuple[Environment, Callable[[np.random.Generator], Any] | None]] = {
        "maze, side 13": (Maze(13, 200, device=device), lambda rng: PythonMaze(13, rng)),
        "maze, side 11": (Maze(11, 200, device=device), lambda rng: PythonMaze(11, rng)),
        "cue-reward": (CueReward(120, device=device), PythonCues),
        "two-step": (TwoStep(100, device=device), None),
    }
    print("  " + " " * 13 + "".join(f"{f'batch {batch}':>26}" for batch in BATCHES))
    for name, (environment, make) in made.items():
        best, loops = dict.fromkeys(BATCHES, float("inf")), [float("inf")] * 2
        written = []
        if make is not None and device == "cpu":
            written = [form(make, environment.actions, 256, 20) for form in (gymnasium_loop, bare_loop)]
        for _ in range(3 if quick else 7):
            for index, loop in enumerate(written):
                loops[index] = min(loops[index], seconds(loop) / 256 / 20)
            for batch in BATCHES:
                rng = np.random.default_rng(1)
                actions = environment.tensor(rng.integers(0, environment.actions, (environment.steps, batch)))
                environment.reset(batch, rng)
                took = seconds(lambda: random_steps(environment, actions), device)  # noqa: B023
                best[batch] = min(best[batch], took / environment.steps / batch)
        cells = []
        for batch in BATCHES:
            ratios = "; ".join(f"{loop / best[batch]:.3g} x" for loop in loops) if written else ""
            cells.append((f"{1e-6 / best[batch]:.3g}" + (f" ({ratios})" if written else "")).rjust(26))
        print(f"  {name:13}" + "".join(cells), flush=True)
        if written:
            holds = loops[0] / best[1024] >= ENVIRONMENT_RATIO
            verdict(f"{name}: {ENVIRONMENT_RATIO:g} times Gymnasium's loop at batch 1024", holds)


def training(quick: bool, device: str) -> None:
    """Updates of 30 lifetimes, and how they grow with the batch."""
    title("Training, an update of 30 lifetimes of the published networks")
    baselines: dict[str, Callable[[np.random.Generator], Any]] = {
        "miconi2019-maze": lambda rng: PythonMaze(13, rng),
        "miconi2019-cue-reward": PythonCues,
    }
    tasks = {}
    for name, treatment in TRAINED:
        experiment = EXPERIMENTS[name]
        settings = replace(experiment.treated(experiment.settings, treatment), device=device)
        task = settings.task(1, None)
        tasks[name, treatment] = task, make_optimizer(task.model, settings)
        step(*tasks[name, treatment], 1)  # compiles
    memory = peak_megabytes()
    for (name, treatment), (task, optimizer) in tasks.items():
        own = other = float("inf")
        stepwise = Stepwise(baselines[name], task, treatment) if device == "cpu" else None
        for turn in range(2 if quick else 4):
            own = min(own, seconds(lambda: step(task, optimizer, turn + 2), device))  # noqa: B023
            if stepwise is not None:
                other = min(other, seconds(stepwise.step))
        steps = task.environment.steps * 30 / own
        line = f"  {name}, {treatment}: {1e3 * own:.0f} ms, {steps:,.0f} steps a second"
        if stepwise is None:
            print(line, flush=True)
            continue
        print(f"{line}; step by step {1e3 * other:.0f} ms: {other / own:.1f} times as fast", flush=True)
        if treatment != "rnn":
            verdict(f"{name}, {treatment}: {TRAINING_RATIO:g} times", other / own >= TRAINING_RATIO)
    if device == "cpu":
        verdict(f"peak memory of all of these, {memory:.0f} MB, below 1 GB", memory < MEGABYTES)
    title("Training by batch: lifetimes a second")
    sizes = (1, 30, 120) if quick or device == "cpu" else (1, 30, 256, 1024, 4096)
    for name, treatment in (("miconi2019-maze", "simple"), ("wang2016-bandits", "independent")):
        experiment, cells = EXPERIMENTS[name], []
        for batch in sizes:
            settings = replace(experiment.treated(experiment.settings, treatment), device=device, batch=batch)
            task = settings.task(1, None)
            optimizer = make_optimizer(task.model, settings)
            step(task, optimizer, 1)
            own = min(seconds(lambda: step(task, optimizer, 2), device) for _ in range(2))  # noqa: B023
            cells.append(f"batch {batch}: {batch / own:,.0f}")
        print(f"  {name}, {treatment}: " + ", ".join(cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU as torch names it")
    options = parser.parse_args()
    keep_memory()
    use_threads(1)
    for part in PARTS:
        if part in options.only:
            {"environments": environments, "training": training}[part](options.quick, options.device)


if __name__ == "__main__":
    main()
