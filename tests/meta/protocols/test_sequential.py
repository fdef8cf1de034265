"""The meta-test: courses, fast heads against slow ones, a stream whose answers are known, no peeking."""

from collections import OrderedDict
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from meta.protocols.courses import draw_course, for_search, shuffled, split_drawings
from meta.protocols.examination import examine
from meta.protocols.layers import learn_layers, learn_side_by_side, linear_layers
from meta.protocols.online import Online, learn_course
from meta.protocols.sequential import Plan, Student, sequential_test

CLASSES, DRAWINGS, FEATURES = 8, 6, 12


@given(st.integers(1, CLASSES), st.integers(1, DRAWINGS - 1), st.integers(0, 2**31))
@settings(max_examples=60)
def test_a_course_shows_each_learned_drawing_once_and_no_other(count: int, learned: int, seed: int) -> None:
    drawings = split_drawings(CLASSES, DRAWINGS, learned, seed)
    course = draw_course(drawings, count, np.random.default_rng(seed))
    assert len(set(course.classes)) == len(course) == count
    classes, shown = course.examples
    assert [*course.labels] == sorted(course.labels)
    for place, number in enumerate(course.classes):
        own = set(shown[course.labels == place])
        assert set(classes[course.labels == place]) == {number}
        assert own == set(drawings.learned[number])
        assert own.isdisjoint(course.held_out[place])
        assert own | set(course.held_out[place]) == set(range(DRAWINGS))
    mixed = shuffled(course, count, np.random.default_rng(seed))
    pairs = [sorted(zip(*one.examples.tolist(), one.labels.tolist(), strict=True)) for one in (course, mixed)]
    assert pairs[0] == pairs[1]


@given(st.integers(2, DRAWINGS - 1), st.data(), st.integers(0, 2**31))
def test_what_is_tested_takes_no_part_in_the_search(learned: int, data: st.DataObject, seed: int) -> None:
    drawings = split_drawings(CLASSES, DRAWINGS, learned, seed)
    aside = for_search(drawings, data.draw(st.integers(1, learned - 1)))
    for number in range(CLASSES):
        searched = {*aside.learned[number], *aside.held_out[number]}
        assert searched == set(drawings.learned[number])
        assert searched.isdisjoint(drawings.held_out[number])
        assert set(aside.learned[number]).isdisjoint(aside.held_out[number])
    assert aside.learned.shape == drawings.learned.shape  # as many steps, for which the rate is chosen


def network() -> nn.Sequential:
    """A fixed stage and a head."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Flatten(), nn.Linear(9, FEATURES), nn.ReLU())
    return nn.Sequential(OrderedDict(body=body, head=nn.Linear(FEATURES, 10)))


def pictures() -> NDArray[np.uint8]:
    """Drawings that resemble others of their class."""
    stream = np.random.default_rng(1)
    kinds = stream.integers(0, 200, (CLASSES, 1, 3, 3))
    return (kinds + stream.integers(0, 56, (CLASSES, DRAWINGS, 3, 3))).astype(np.uint8)


def streams(kind: str, number: int) -> np.random.Generator:
    """Random numbers of a course."""
    return np.random.default_rng((sum(map(ord, kind)), number))


def test_heads_side_by_side_learn_what_one_does_that_sees_the_whole_network_every_time() -> None:
    """Also against torch's plain loop: no cached features, no batches of courses."""
    model, images = network(), pictures()
    student = Student(model)
    with torch.no_grad():
        prepared = student.prepare(images)
    drawings = split_drawings(CLASSES, DRAWINGS, 4, 0)
    courses = [draw_course(drawings, 5, streams("tested", k)) for k in range(3)]
    courses += [shuffled(courses[0], 5, streams("mixed", 0))]
    rates = [1e-2, 3e-2, 1e-3, 1e-2]
    starts = [student.initial(streams("start", k)) for k in range(4)]
    heads = [[(start["head.weight"], start["head.bias"])] for start in starts]
    side_by_side = [
        learn(prepared, heads[:3], courses[:3], rates[:3], (2, 5))
        + learn(prepared, heads[3:], courses[3:], rates[3:], (5,))
        for learn in (learn_layers, learn_side_by_side)
    ]
    for course, rate, start, marks, again in zip(courses, rates, starts, *side_by_side, strict=True):
        alone = learn_course(Online(model[1:], start, rate), prepared, course, (2, 5)[-len(marks) :])
        plain = _plain(model, start, rate, course, images)
        for mine, other in ((marks, alone), (marks, again), (marks[-1:], [plain])):
            for one, two in zip(mine, other, strict=True):
                assert np.array_equal(one.learned, two.learned) and np.array_equal(one.held_out, two.held_out)


def _plain(model: nn.Sequential, start: dict[str, Tensor], rate: float, course: Any, images: Any) -> Any:
    head = nn.Linear(FEATURES, 10)
    head.load_state_dict({name.removeprefix("head."): value for name, value in start.items()})
    optimizer = torch.optim.Adam(head.parameters(), rate)
    table = torch.from_numpy(images).float()[:, :, None] / 255
    for number, drawing, label in zip(*course.examples, course.labels, strict=True):
        optimizer.zero_grad()
        scores = head(model[:1](table[number, drawing][None]))
        nn.functional.cross_entropy(scores, torch.tensor([label])).backward()
        optimizer.step()
    with torch.no_grad():
        return examine(course, len(course), table, lambda shown: head(model[:1](shown)))


class Informed(Online):
    """Answers what it is told, which an honest learner may not."""

    def learn(self, prepared: Tensor, labels: Tensor) -> None:
        """Learn nothing."""

    def scores_of(self, prepared: Tensor, labels: Tensor) -> Tensor:
        """One at the label."""
        return nn.functional.one_hot(labels, 10)


def test_a_learner_may_be_told_labels_of_what_is_asked_for_their_tasks() -> None:
    stage = network()[1:]
    course = draw_course(split_drawings(CLASSES, DRAWINGS, 4, 0), 5, streams("tested", 0))
    prepared = torch.rand(CLASSES, DRAWINGS, FEATURES, generator=torch.Generator().manual_seed(0))
    informed, other = (kind(stage, dict(stage.named_parameters()), 1e-2) for kind in (Informed, Online))
    (marks,) = learn_course(informed, prepared, course, (5,))
    assert (marks.learned == 1).all() and (marks.held_out == 1).all()
    (marks,) = learn_course(other, prepared, course, (5,))
    with torch.no_grad():
        untold = examine(course, 5, prepared, other.scores)
    assert np.array_equal(marks.learned, untold.learned) and np.array_equal(marks.held_out, untold.held_out)


class Means(Online):
    """Nearest mean: remembers the mean of the examples of each class and learns nothing else."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sums: dict[int, tuple[Tensor, int]] = {}

    def learn(self, prepared: Tensor, labels: Tensor) -> None:
        """Add to a sum."""
        total, count = self.sums.get(int(labels), (torch.zeros_like(prepared[0]), 0))
        self.sums[int(labels)] = total + prepared[0], count + 1

    def scores(self, prepared: Tensor) -> Tensor:
        """Minus the distances."""
        means = torch.stack([self.sums[k][0] / self.sums[k][1] for k in range(len(self.sums))])
        return -torch.cdist(prepared, means)


def test_a_method_of_the_users_own_on_a_stream_whose_answers_are_known() -> None:
    """Nearest mean on classes far apart is right always, but never of what lies in another place."""
    points = np.zeros((CLASSES, DRAWINGS, CLASSES), np.float32)
    points[np.arange(CLASSES), :, np.arange(CLASSES)] = 1.0
    drawings = split_drawings(CLASSES, DRAWINGS, 4, 0)
    wrong = drawings.held_out[:, 0]  # one of two held-out drawings of each class
    points[np.arange(CLASSES), wrong] = np.roll(np.eye(CLASSES, dtype=np.float32), 1, axis=1)
    model = nn.Sequential(OrderedDict(head=nn.Linear(CLASSES, CLASSES)))
    plan = Plan((CLASSES,), (1.0,), 1, 2, learned=4, scored=1)
    found = sequential_test(Student(model, method=Means), torch.from_numpy(points), plan, streams)
    for kind in ("sequential", "oracle"):
        assert (found[kind].learned == 1).all()
        assert (found[kind].held_out == 0.5).all()
        assert all((marks.held_out == 0.5).all() for marks in found[kind].by_class)


def test_the_rate_chosen_is_the_best_of_the_search_and_tests_go_at_it() -> None:
    counts, rates = (2, 5), (1e-9, 1e-3, 3e-2)
    student, images = Student(network()), pictures()
    plan = Plan(counts, rates, 2, 3, learned=4, scored=1, oracle=False)
    found = sequential_test(student, images, plan, streams)["sequential"]
    with torch.no_grad():
        prepared = student.prepare(images)
    drawings = split_drawings(CLASSES, DRAWINGS, 4, 0)

    def accuracies(rate: float, kind: str, number: int, count: int) -> list[float]:
        part = for_search(drawings, 1) if kind == "search" else drawings
        courses = [draw_course(part, 5, streams(kind, k)).first(count) for k in range(number)]
        starts = [streams("start", k) for k in range(number)]
        marks = student.learn(prepared, courses, [rate] * number, (count,), starts)
        return [one[0].accuracies[1] for one in marks]

    for place, count in enumerate(counts):
        searched = [np.mean(accuracies(rate, "search", 2, count)) for rate in rates]
        assert found.rates[place] == rates[int(np.argmax(searched))]
        assert found.held_out[:, place].tolist() == accuracies(found.rates[place], "tested", 3, count)


def test_a_seed_stands_for_streams_of_its_own() -> None:
    kinds = {"search": 0, "tested": 1, "mixed": 2, "start": 3}
    plan = Plan((2, 5), (1e-3, 3e-2), 2, 2, learned=4, scored=1)

    def named(kind: str, number: int) -> np.random.Generator:
        return np.random.default_rng((7, kinds[kind], number))

    one, other = (sequential_test(Student(network()), pictures(), plan, given) for given in (7, named))
    for kind in ("sequential", "oracle"):
        assert one[kind].rates == other[kind].rates
        assert np.array_equal(one[kind].held_out, other[kind].held_out)


def test_the_model_is_left_as_it_was() -> None:
    model = network()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    plan = Plan((2,), (1e-2,), 1, 1, learned=4, scored=1)
    for trained in (("head",), ("*",)):
        sequential_test(Student(model, trained), pictures(), plan, streams)
    assert all(torch.equal(before[name], value) for name, value in model.named_parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(split_drawings, 3, 5, 5, 0), "learned: 5: allowed are 1 to 4 of 5 drawings"),
        (partial(Student, nn.Linear(2, 2), ("body",)), "trained: body: names no parameter"),
        (
            partial(Student, network(), ("head",), ("*",)),
            "redrawn: body.1.bias: allowed are parameters that learn",
        ),
    ],
)
def test_bad_values_are_refused_in_one_line(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
    drawings = split_drawings(3, 5, 2, 0)
    with pytest.raises(ValueError, match="count: 4: allowed are 1 to 3 classes"):
        draw_course(drawings, 4, np.random.default_rng(0))
    with pytest.raises(ValueError, match="count: 3: allowed are 0 to the 2 classes"):
        draw_course(drawings, 2, np.random.default_rng(0)).ended(3)
    with pytest.raises(ValueError, match="scored: 2: allowed are 1 to 1"):
        for_search(drawings, 2)


@pytest.mark.parametrize("hidden", [(), (7,), (9, 5)])
def test_compiled_steps_are_those_of_torch(hidden: tuple[int, ...]) -> None:
    """Weights, not only answers: many steps of Adam in single precision drift apart by rounding alone."""
    from meta.protocols.kernels import learn_steps

    stream, widths = np.random.default_rng(0), (FEATURES, *hidden, 10)
    table = np.c_[stream.random((30, FEATURES)), np.ones(30)].astype(np.float32)
    places, labels = stream.integers(0, 30, 60), stream.integers(0, 10, 60)
    layers = [stream.normal(0, 0.3, (after, before + 1)).astype(np.float32) for before, after in pairwise(widths)]
    weights = np.concatenate([layer.flatten() for layer in layers])
    own = [torch.from_numpy(layer).requires_grad_() for layer in layers]
    moments = np.zeros((2, len(weights)), np.float32)
    for begin, end in ((0, 25), (25, 60)):
        learn_steps(np.array(widths), weights, moments, table, places, labels, 1e-2, begin, end)
    optimizer = torch.optim.Adam(own, 1e-2)
    for place, label in zip(places, labels, strict=True):
        optimizer.zero_grad()
        values = torch.from_numpy(table[place])
        for layer in own[:-1]:
            values = torch.cat([torch.relu(layer @ values), torch.ones(1)])
        nn.functional.cross_entropy(own[-1] @ values, torch.tensor(label)).backward()
        optimizer.step()
    expected = torch.cat([layer.detach().flatten() for layer in own]).numpy()
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-5)


def test_layers_that_learn_have_a_compiled_way_and_a_slow_one_that_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Flatten(), nn.Linear(9, FEATURES), nn.ReLU())
    hidden, head = nn.Sequential(nn.Linear(FEATURES, 7), nn.ReLU()), nn.Linear(7, 10)
    model = nn.Sequential(OrderedDict(body=body, hidden=hidden, head=head))
    names = ("hidden", "head")
    plan = Plan((2, 5), (1e-3, 3e-2), 2, 2, learned=4, scored=1)
    one = sequential_test(Student(model, names, names), pictures(), plan, streams)
    with monkeypatch.context() as patch:
        patch.setattr("meta.protocols.layers.compiles", lambda: False)
        other = sequential_test(Student(model, names, names), pictures(), plan, streams)
    for kind in ("sequential", "oracle"):
        assert one[kind].rates == other[kind].rates
        assert np.array_equal(one[kind].held_out, other[kind].held_out)


def test_only_linear_layers_with_relu_between_are_compiled() -> None:
    def linear() -> nn.Linear:
        return nn.Linear(3, 3)

    shared = linear()
    assert linear_layers(nn.Sequential(linear(), nn.ReLU(), nn.Sequential(linear(), nn.ReLU()), linear())) == [
        "0",
        "2.0",
        "3",
    ]
    others: tuple[tuple[nn.Module, ...], ...] = (
        (linear(), linear()),
        (linear(), nn.Tanh(), linear()),
        (linear(), nn.ReLU()),
        (nn.Flatten(), linear()),
        (nn.Linear(3, 3, bias=False),),
    )
    assert all(linear_layers(nn.Sequential(*parts)) is None for parts in others)
    assert linear_layers(nn.Sequential(shared, nn.ReLU(), shared, nn.ReLU(), linear())) == ["0", "2", "4"]
