"""Plastic networks as one would first write them, the baseline of plasticity.py.

One step after the other under autograd with a new tensor of traces at each, and, but for the language model, one
episode after the other; image preparation as in the programs published with the papers, for every picture of every
episode anew. Equations of Miconi, Clune & Stanley (2018) and Miconi, Rawal, Clune & Stanley (2019). It needs
numpy, scipy and torch alone.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

SIDE = 31


class Patterns:
    """Completion of binary patterns: 2018, equations 1 and 2; a bias neuron, trained eta, input times 20."""

    def __init__(self, bits: int) -> None:
        self.bits, neurons = bits, bits + 1
        self.weight = (0.01 * torch.randn(neurons, neurons)).requires_grad_()
        self.alpha = (0.01 * torch.randn(neurons, neurons)).requires_grad_()
        self.eta = torch.tensor(0.01, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.weight, self.alpha, self.eta], 3e-4)
        self.rng = np.random.default_rng(1)

    def episode(self, patterns: int = 5, cycles: int = 2, shown: int = 6, blank: int = 4, test: int = 6):  # type: ignore[no-untyped-def]
        """Inputs (steps, bits) and the pattern to complete."""
        rng, half = self.rng, np.where(np.arange(self.bits) < self.bits // 2, -1.0, 1.0)
        vectors = [rng.permutation(half) for _ in range(patterns)]
        steps = []
        for _ in range(cycles):
            for number in rng.permutation(patterns):
                steps += [vectors[number]] * shown + [np.zeros(self.bits)] * blank
        target = vectors[rng.integers(patterns)]
        degraded = target.copy()
        degraded[rng.permutation(self.bits)[: self.bits // 2]] = 0
        steps += [degraded] * test
        return torch.tensor(np.array(steps), dtype=torch.float32), torch.tensor(target, dtype=torch.float32)

    def answer(self, inputs: Tensor) -> Tensor:
        """Activity of the bits' neurons after the last step."""
        neurons = self.bits + 1
        activity, trace = torch.zeros(1, neurons), torch.zeros(neurons, neurons)
        for bits in inputs:
            drive = torch.cat([20 * bits, torch.tensor([20.0])])
            before = activity
            activity = torch.tanh(drive + before @ (self.weight + self.alpha * trace))
            trace = (1 - self.eta) * trace + self.eta * torch.outer(before[0], activity[0])
        return activity[0, : self.bits]

    def step(self, **schedule: int) -> float:
        """One episode and the optimiser's step."""
        inputs, target = self.episode(**schedule)
        loss = ((self.answer(inputs) - target) ** 2).sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


class Characters:
    """One-shot learning of characters: 2018, section 4.3, Oja's rule, alpha of its own for each connection.

    Args:
        drawings: bits, (classes, drawings, 105, 105).
    """

    def __init__(self, drawings: NDArray[np.bool_], ways: int = 5, channels: int = 64) -> None:
        self.drawings, self.ways = drawings, ways
        sizes = (1, channels, channels, channels, channels)
        self.layers = nn.ModuleList(nn.Conv2d(sizes[k], sizes[k + 1], 3, stride=2) for k in range(4))
        self.weight = (0.01 * torch.randn(channels, ways)).requires_grad_()
        self.alpha = (0.01 * torch.rand(channels, ways)).requires_grad_()
        self.eta = torch.tensor(0.01, requires_grad=True)
        self.optimizer = torch.optim.Adam([*self.layers.parameters(), self.weight, self.alpha, self.eta], 3e-5)
        self.rng = np.random.default_rng(1)

    @staticmethod
    def picture(bits: NDArray[np.bool_], turn: int) -> Tensor:
        """A drawing turned and shrunk: linear interpolation, without the blur that takes three times as long."""
        small = ndimage.zoom(np.rot90(bits, turn).astype(np.float32), SIDE / len(bits), order=1)
        return torch.from_numpy(small)[None, None]

    def episode(self) -> tuple[list[Tensor], list[int], int]:
        """Pictures (one a class, then the query), their labels, the query's class."""
        rng, ways = self.rng, self.ways
        classes = rng.choice(len(self.drawings), ways, replace=False)
        turns = rng.integers(0, 4, ways)
        labels = [*rng.permutation(ways).tolist(), int(rng.integers(ways))]
        chosen = [self.drawings[classes[k], rng.integers(self.drawings.shape[1])] for k in labels]
        pictures = [self.picture(bits, int(turns[k])) for bits, k in zip(chosen, labels, strict=True)]
        return pictures, labels[:-1], labels[-1]

    def scores(self, pictures: list[Tensor], labels: list[int]) -> Tensor:
        """Probabilities of the query's classes, (1, ways)."""
        trace = torch.zeros_like(self.weight)
        given = [functional.one_hot(torch.tensor([k]), self.ways).float() for k in labels]
        for values, label in zip(pictures, [*given, torch.zeros(1, self.ways)], strict=True):
            for layer in self.layers:
                values = torch.tanh(layer(values))
            values = values.flatten(1)
            out = torch.softmax(values @ (self.weight + self.alpha * trace) + 1000 * label, 1)
            trace = trace + self.eta * out * (values.T - out * trace)
        return out

    def step(self) -> float:
        """One episode and the optimiser's step."""
        pictures, labels, answer = self.episode()
        target = functional.one_hot(torch.tensor([answer]), self.ways).float()
        loss = functional.binary_cross_entropy(self.scores(pictures, labels), target)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


class Layer:
    """A layer of plastic LSTM cells: 2019, section 4.3; alpha a neuron, simple modulation, fan-out, clip at 2."""

    def __init__(self, inputs: int, cells: int, spread: float = 0.01) -> None:
        self.cells = cells

        def uniform(*shape: int) -> Tensor:
            return torch.empty(shape).uniform_(-spread, spread).requires_grad_()

        self.of_input, self.bias = uniform(inputs, 4 * cells), uniform(4 * cells)
        self.of_hidden, self.hidden_bias = uniform(cells, 3 * cells), uniform(3 * cells)
        self.weight = uniform(cells, cells)
        self.alpha = (1e-4 * torch.rand(cells)).requires_grad_()
        self.modulator, self.fan = nn.Linear(cells, 1), nn.Linear(1, cells)

    def parameters(self) -> list[Tensor]:
        """What is trained, from the input's weights to the fan-out."""
        own = [self.of_input, self.bias, self.of_hidden, self.hidden_bias, self.weight, self.alpha]
        return [*own, *self.modulator.parameters(), *self.fan.parameters()]

    def initial(self, batch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden state, memory and traces of a batch, empty."""
        return (
            torch.zeros(batch, self.cells),
            torch.zeros(batch, self.cells),
            torch.zeros(batch, self.cells, self.cells),
        )

    def __call__(self, given: Tensor, state: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The state one step later."""
        hidden, cell, trace = state
        driven = given @ self.of_input + self.bias
        gates = torch.sigmoid(driven[:, : 3 * self.cells] + hidden @ self.of_hidden + self.hidden_bias)
        enter, forget, out = gates.chunk(3, 1)
        recurrent = torch.bmm(hidden.unsqueeze(1), self.weight + self.alpha * trace).squeeze(1)
        candidate = torch.tanh(driven[:, 3 * self.cells :] + recurrent)
        cell = forget * cell + enter * candidate
        new = out * torch.tanh(cell)
        amount = self.fan(torch.tanh(self.modulator(new)))
        written = amount.unsqueeze(1) * torch.bmm(hidden.unsqueeze(2), candidate.unsqueeze(1))
        return new, cell, torch.clamp(trace + written, -2, 2)


class Language:
    """The large plastic LSTM: word vectors tied to the softmax, locked dropout, penalties, clipped gradients."""

    def __init__(
        self,
        words: int,
        cells: tuple[int, ...],
        text: NDArray[np.int64],
        window: int,
        batch: int,
        dropouts: tuple[float, float, float, float] = (0.1, 0.4, 0.25, 0.4),
    ) -> None:
        self.window, self.dropouts = window, dropouts
        self.table = torch.empty(words, cells[-1]).uniform_(-0.01, 0.01).requires_grad_()
        self.bias = torch.empty(words).uniform_(-0.01, 0.01).requires_grad_()
        self.layers = [Layer(one, next) for one, next in zip((cells[-1], *cells), cells, strict=False)]
        own = [parameter for layer in self.layers for parameter in layer.parameters()]
        self.parameters = [self.table, self.bias, *own]
        self.optimizer = torch.optim.SGD(self.parameters, 30.0, weight_decay=1.2e-6)
        steps = len(text) // batch
        self.text = torch.from_numpy(text[: steps * batch].reshape(batch, steps).T.copy())
        self.place = 0
        self.states = [layer.initial(batch) for layer in self.layers]

    @staticmethod
    def drop(values: Tensor, share: float) -> Tensor:
        """Dropout with one mask for all steps."""
        return values * torch.empty(1, *values.shape[1:]).bernoulli_(1 - share) / (1 - share)

    def loss(self, window: Tensor) -> Tensor:
        """Loss of a window (steps + 1, batch); the states move on, cut off from the graph."""
        words, first, between, last = self.dropouts
        mask = torch.empty(len(self.table), 1).bernoulli_(1 - words) / (1 - words)
        values = self.drop(functional.embedding(window[:-1], self.table * mask), first)
        for index, layer in enumerate(self.layers):
            if index:
                values = self.drop(values, between)
            state, outputs = self.states[index], []
            for given in values:
                state = layer(given, state)
                outputs.append(state[0])
            self.states[index] = tuple(part.detach() for part in state)  # type: ignore[assignment]
            values = torch.stack(outputs)
        logits = self.drop(values, last) @ self.table.T + self.bias
        entropy = functional.cross_entropy(logits.flatten(0, 1), window[1:].flatten())
        return entropy + 2 * values.square().mean() + (values[1:] - values[:-1]).square().mean()

    def step(self) -> float:
        """One window and the optimiser's step."""
        loss = self.loss(self.text[self.place : self.place + self.window + 1])
        self.place += self.window
        self.optimizer.zero_grad()
        loss.backward()
        for layer in self.layers:
            assert layer.alpha.grad is not None
            layer.alpha.grad /= 1149
        nn.utils.clip_grad_norm_(self.parameters, 0.25)
        self.optimizer.step()
        return loss.item()
