"""Learning many characters in sequence: ANML, online-aware meta-learning, zapping, and their alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cluster.errors import UserError
from cluster.experiments import Experiment
from cluster.parameters import parameter
from meta.settings import INNER_REMEDY, Training

if TYPE_CHECKING:
    from meta.tasks.continual import ContinualTask

BEAULIEU = "Beaulieu, Frati, Miconi, Lehman, Stanley, Clune & Cheney 2020, ECAI (arXiv 2002.09571)"
JAVED = "Javed & White 2019, NeurIPS (arXiv 1905.12588)"
FRATI = "Frati, Traft, Clune & Cheney 2024, ECAI (arXiv 2310.07996)"
#: Methods to which classes come in tasks.
_IN_TASKS = ("progressive", "pathnet", "compress")


@dataclass(frozen=True)
class ContinualSettings(Training):
    """Settings of learning in sequence; the defaults are ANML's, with the second-order gradient of its paper.

    A lifetime is one trajectory: the drawings of a class, one at a step; the published program's gradient is of
    first order (`order` 1).
    """

    remedy: ClassVar[str] = INNER_REMEDY

    iterations: int = parameter(20_000, "steps of the outer optimiser; 0 leaves the network as it is drawn", 0)
    rate: float = parameter(1e-3, "rate of the outer optimiser", 0)
    data: str = parameter("omniglot", "characters to learn", choices=("omniglot", "generated"))
    generated: int = parameter(1600, "classes of generated characters", 10)
    network: str = parameter(
        "prediction",
        "ANML's networks, or a representation with layers after it",
        choices=("prediction", "representation"),
    )
    channels: int = parameter(256, "of every convolution", 1)
    neuromodulatory: int = parameter(112, "channels of the neuromodulatory network; 0 leaves it out", 0)
    hidden: int = parameter(1024, "neurons between representation and output; 0 leaves them out", 0)
    outputs: int = parameter(1000, "classes that the network has outputs for", 2)
    biases: bool = parameter(True, "biases of ANML's convolutions, which norms make ineffective")
    norm: bool = parameter(True, "normalise each channel of each picture in ANML's networks")
    side: int = parameter(28, "of the pictures in pixels; 84 for representations", 1, 105)
    learner: str = parameter(
        "unrolled",
        "gradients through lifetimes, lifetimes and steps in turns, or batches of all classes",
        choices=("unrolled", "alternating", "iid"),
    )
    order: int = parameter(2, "2 differentiates through the steps of a lifetime, 1 does not", 1, 2)
    plastic: tuple[str, ...] = parameter(("prediction", "head"), "parameters that change in a lifetime")
    learned: tuple[str, ...] = parameter(("*",), "parameters that the outer optimiser trains")
    inner_rate: float = parameter(0.1, "rate of gradient descent in a lifetime", 0)
    inner_batch: int = parameter(1, "drawings of a step in a lifetime; 0 takes all", 0)
    inner_passes: int = parameter(1, "how often a lifetime goes through its drawings", 1)
    truncate: int = parameter(
        0, "steps of a lifetime after which it is judged and its gradient cut, again and again; 0 never", 0
    )
    classes: int = parameter(1, "classes of a lifetime", 1)
    drawings: int = parameter(20, "drawings of each class in a lifetime", 1)
    remember: int = parameter(64, "further drawings, of all classes, that the outer loss is of", 1)
    halves: bool = parameter(False, "lifetimes from one half of the classes, further drawings from the other")
    reset: bool = parameter(True, "draw the output weights of a lifetime's classes anew before it")
    zap_every: int = parameter(0, "iterations after which all output weights are drawn anew; 0 never", 0)
    sparse: float = parameter(0.0, "share of units that a Set-KL penalty leaves active; 0 has no penalty", 0, 1)
    trained: tuple[str, ...] = parameter(("head",), "parameters that learn in the test")
    redrawn: tuple[str, ...] = parameter(("head",), "parameters that start the test at random")
    method: str = parameter(
        "plain",
        "how the test's network learns",
        choices=("plain", "ewc", "synaptic", "replay", "mer", "generative", "sharpening", *_IN_TASKS),
    )
    strength: float = parameter(1.0, "factor on the penalty of --method ewc, synaptic and compress", 0)
    memory: int = parameter(200, "drawings that --method replay and mer keep", 1)
    mer_batches: int = parameter(2, "batches in which --method mer learns each drawing", 1)
    mer_size: int = parameter(11, "drawings of such a batch, the new one and remembered ones", 1)
    mer_within: float = parameter(0.3, "share of the change in such a batch that --method mer keeps", 0, 1)
    mer_across: float = parameter(
        1.0, "share of the change in all batches of a drawing that --method mer keeps", 0, 1
    )
    task_classes: int = parameter(
        10, "classes of a task, for --method generative, progressive, pathnet and compress", 1
    )
    generative_drawn: int = parameter(30, "values that --method generative replays with each drawing", 1)
    generator_steps: int = parameter(100, "steps in which the generator learns a task", 1)
    sharpened: float = parameter(0.05, "share of hidden units that --method sharpening makes more active", 0, 1)
    sharpness: float = parameter(0.2, "how far it moves units towards the most active one, or to 0", 0, 1)
    task_known: bool = parameter(
        False, "tell these which task a drawing is of: only its classes may be the answer"
    )
    task_drawn: int = parameter(
        10, "further drawings of the current task in a step of --method progressive and compress", 0
    )
    units: int = parameter(
        100, "neurons of a layer of --method progressive and compress, of a module of pathnet", 1
    )
    modules: int = parameter(10, "modules of a layer of --method pathnet", 1)
    pathnet_active: int = parameter(3, "of these, how many a pathway goes through at most", 1)
    tournaments: int = parameter(10, "of pathways of --method pathnet after each class", 1)
    importance_decay: float = parameter(
        0.9, "what --method compress keeps of the penalty for earlier tasks with each task", 0, 1
    )
    compress_passes: int = parameter(20, "of --method compress through a task's drawings when it is over", 1)
    compress_reset_active: bool = parameter(
        True, "have --method compress draw its active column anew for each task"
    )
    counts: tuple[int, ...] = parameter(
        (10, 50, 75, 100, 150, 200, 300, 400, 500, 600), "classes after which to examine, ascending", 1
    )
    test_rates: tuple[float, ...] = parameter(
        (1e-2, 3e-3, 1e-3, 6e-4, 3e-4, 1e-4, 3e-5), "rates of the test's Adam to choose from", 0
    )
    searches: int = parameter(3, "courses that the test's rate is chosen on", 1)
    courses: int = parameter(10, "courses of the test", 1)
    test_drawings: int = parameter(15, "drawings of each class that the test teaches", 2)
    scored: int = parameter(3, "of those, how many score rates, others shown twice, while one is chosen", 1)
    split: int = parameter(0, "seed that names the drawings that are held out", 0)
    oracle: bool = parameter(True, "also learn the same drawings in mixed order")
    log_every: int = parameter(50, "iterations between rows of metrics.csv", 1)
    checkpoint_every: int = parameter(250, "iterations between checkpoints; a multiple of --log-every", 1)

    def checked(self) -> ContinualSettings:
        """Itself, if all its values are allowed and fit together."""
        super().checked()
        if list(self.counts) != sorted(set(self.counts)):
            raise UserError(f"--counts {' '.join(map(str, self.counts))}: allowed are ascending numbers")
        if self.counts[-1] > self.outputs:
            raise UserError(f"--counts {self.counts[-1]}: allowed are up to --outputs {self.outputs}")
        if self.network == "prediction" and self.side != 28:
            raise UserError(f"--side {self.side}: allowed with --network prediction is 28")
        if self.network == "representation" and self.side < 43:
            raise UserError(f"--side {self.side}: allowed with --network representation is 43 to 105")
        if self.parts > 1 and (self.reset or self.learner == "alternating"):
            raise UserError(
                f"--parts {self.parts}: allowed is 1 where lifetimes change the network itself "
                "(--reset true, --learner alternating)"
            )
        if self.batch > 1 and self.learner == "alternating":
            raise UserError(f"--batch {self.batch}: allowed with --learner alternating is 1")
        if self.truncate and (self.learner != "unrolled" or self.inner_batch == 0 or self.inner_passes > 1):
            raise UserError(
                f"--truncate {self.truncate}: allowed is 0 but for --learner unrolled with --inner-passes 1 "
                "and --inner-batch 1 or more"
            )
        if min(self.test_rates) == 0:
            raise UserError(f"--test-rates {' '.join(map(str, self.test_rates))}: allowed are numbers above 0")
        if self.scored >= self.test_drawings:
            raise UserError(f"--scored {self.scored}: allowed are fewer than --test-drawings {self.test_drawings}")
        if self.method != "plain" and self.oracle:
            raise UserError(f"--oracle true: allowed with --method {self.method} is false")
        if self.task_known and self.method not in _IN_TASKS:
            raise UserError(f"--task-known true: allowed with --method {self.method} is false")
        if self.pathnet_active > self.modules:
            raise UserError(f"--pathnet-active {self.pathnet_active}: allowed are up to --modules {self.modules}")
        return self

    def prepare(self, data: str | None) -> None:
        """Have enough characters in place; refuse unknown parameters and methods that do not fit what learns."""
        from meta.tasks.continual import check_method, check_parameters, load_classes

        load_classes(self, data, fetch=True)
        check_parameters(self)
        check_method(self)

    def task(self, seed: int, data: str | None) -> ContinualTask:
        """Characters from the data folder, or generated ones."""
        from meta.tasks.continual import ContinualTask

        return ContinualTask(self, seed, data)


#: Learns in a lifetime of online-aware meta-learning, and in its test.
_LAYERS = ("hidden", "head")
_OML: dict[str, Any] = {
    "network": "representation",
    "side": 84,
    "plastic": _LAYERS,
    "inner_rate": 0.03,
    "rate": 1e-4,
    "trained": _LAYERS,
    "redrawn": _LAYERS,
}
#: At a quarter of the width the published rate has learned next to nothing after 1,000 iterations.
_FAST: dict[str, Any] = {"rate": 1e-3}
_LAST: dict[str, Any] = {"trained": ("head",), "redrawn": ("head",)}
_PRETRAIN: dict[str, Any] = {"learner": "iid", "reset": False}
_UNGATED: dict[str, Any] = {"neuromodulatory": 0}
#: Where convolutions learn in the test, a step takes several times as long, and smaller rates are best.
_ALL_LEARNS: dict[str, Any] = {"test_rates": (3e-4, 1e-4, 3e-5), "searches": 1, "courses": 2}
#: Methods that give tasks capacity of their own; PathNet's modules are enough for 60 tasks of three.
_GROWING: Mapping[str, dict[str, Any]] = {
    "progressive": _PRETRAIN | _UNGATED | {"method": "progressive", "oracle": False},
    "pathnet": _PRETRAIN | _UNGATED | {"method": "pathnet", "modules": 180, "units": 50, "oracle": False},
    "compress": _PRETRAIN | _UNGATED | {"method": "compress", "strength": 1000.0, "oracle": False},
}
_TOLD = {"task_known": True}
_ANML_FREEZING: Mapping[str, Mapping[str, Any]] = {
    "anml-ft-pln": {"trained": ("prediction", "head")} | _ALL_LEARNS,
    "anml-ft-pln-nm-out": {"trained": ("neuromodulation.output", "prediction", "head")} | _ALL_LEARNS,
    "anml-unlimited": {"trained": ("*",)} | _ALL_LEARNS,
}
#: Is it the gates or the width? Treatments by channels, with gates and without, at any scale.
_WIDTHS: dict[str, dict[str, Any]] = {
    f"{name}-{channels}": {"channels": channels, "neuromodulatory": channels * 112 // 256 if name == "anml" else 0}
    for channels in (16, 32, 64, 128)
    for name in ("anml", "anml-no-nm")
}
_GENERATIVE: dict[str, Any] = {"method": "generative", "task_classes": 1, "oracle": False}
#: Rectifiers of many inputs: steps towards sharper units must be shorter than those of French's units.
_SHARPENING: dict[str, Any] = {"method": "sharpening", "sharpness": 0.02, "oracle": False}
#: Gradient descent without Adam takes larger steps.
_DESCENT: dict[str, Any] = {"test_rates": (0.1, 0.03, 0.01, 0.003)}
_SCRATCH = _OML | _ALL_LEARNS | {"iterations": 0, "trained": ("*",)}

#: A quarter of the published width: minutes a trial on one core.
_QUARTER: dict[str, Any] = {"channels": 64, "neuromodulatory": 28, "hidden": 256, "biases": False}
_FEW_COURSES: dict[str, Any] = {
    "test_rates": (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5),
    "counts": (10, 50, 100, 200, 400, 600),
    "searches": 2,
    "courses": 3,
}
_REDUCED = _QUARTER | _FEW_COURSES | {"iterations": 4000}
_LAPTOP = _QUARTER | _FEW_COURSES | {"iterations": 1500, "counts": (10, 50, 100, 200)}
_SMOKE: dict[str, Any] = {
    "iterations": 6,
    "data": "generated",
    "generated": 40,
    "channels": 4,
    "neuromodulatory": 2,
    "hidden": 8,
    "outputs": 40,
    "drawings": 4,
    "remember": 8,
    "counts": (2, 5),
    "test_rates": (1e-2, 1e-3),
    "searches": 1,
    "courses": 2,
    "task_classes": 2,
    "log_every": 2,
    "checkpoint_every": 2,
}
_SCALES = {"paper": {}, "reduced": _REDUCED, "laptop": _LAPTOP, "smoke": _SMOKE}
_SHOWN = ("loss", "accuracy", "remembered")

EXPERIMENTS = (
    Experiment(
        "beaulieu2020-omniglot",
        "Can gates that are meta-learned let a network learn 600 characters in sequence without forgetting them?",
        BEAULIEU,
        ContinualSettings(),
        {
            "anml": {},
            "anml-order1": {"order": 1},
            "anml-no-nm": _UNGATED,
            "anml-no-norm": {"norm": False},
            "anml-random-nm": {"learned": ("prediction", "head")},
            "oml": _OML,
            "oml-fast": _OML | _FAST,
            "oml-olft": _OML | _LAST,
            "oml-kept": _OML | {"redrawn": ("head",)},
            "oml-linear": _OML | _LAST | {"hidden": 0, "plastic": ("head",)},
            "pretrain": _OML | _PRETRAIN,
            "pretrain-fast": _OML | _PRETRAIN | _FAST,
            "pretrain-anml": _PRETRAIN,
            "pretrain-no-nm": _PRETRAIN | _UNGATED,
            "sr-nn": _OML | _PRETRAIN | {"sparse": 0.1},
            "scratch": _SCRATCH,
            "scratch-anml": {"iterations": 0},
            **_ANML_FREEZING,
            **_WIDTHS,
            "oml-ft-rln-final": _OML | _ALL_LEARNS | {"trained": ("representation.10", *_LAYERS)},
            "oml-unlimited": _OML | _ALL_LEARNS | {"trained": ("*",)},
            "pretrain-ewc": _PRETRAIN | _UNGATED | {"method": "ewc", "strength": 0.1, "oracle": False},
            "pretrain-synaptic": _PRETRAIN | _UNGATED | {"method": "synaptic", "strength": 0.1, "oracle": False},
            "pretrain-replay": _PRETRAIN | _UNGATED | {"method": "replay", "oracle": False},
            "pretrain-mer": _PRETRAIN | _UNGATED | {"method": "mer", "oracle": False} | _DESCENT,
            "pretrain-generative": _PRETRAIN | _UNGATED | _GENERATIVE,
            "pretrain-sharpening": _OML | _PRETRAIN | _SHARPENING,
            "pretrain-progressive": _GROWING["progressive"],
            "pretrain-progressive-told": _GROWING["progressive"] | _TOLD,
            "pretrain-pathnet": _GROWING["pathnet"],
            "pretrain-pathnet-told": _GROWING["pathnet"] | _TOLD,
            "pretrain-compress": _GROWING["compress"],
            "pretrain-compress-told": _GROWING["compress"] | _TOLD,
        },
        ("anml", "anml-no-nm", "oml", "pretrain", "scratch"),
        {"paper": 10, "reduced": 3, "laptop": 1, "smoke": 2},
        _SCALES,
        _SHOWN,
        dict.fromkeys(("reduced", "laptop"), ("anml", "anml-no-nm", "oml-fast", "pretrain-fast", "scratch")),
    ),
    Experiment(
        "javed2019-omniglot",
        "Does a representation trained for learning in sequence interfere less than one trained on batches?",
        JAVED,
        ContinualSettings(
            iterations=15_000,
            network="representation",
            side=84,
            plastic=_LAYERS,
            inner_rate=0.03,
            rate=1e-4,
            trained=_LAYERS,
            redrawn=_LAYERS,
            halves=True,
            classes=3,
            drawings=5,
            remember=15,
            counts=(10, 50, 75, 100, 150, 200),
            searches=5,
            courses=50,
        ),
        {
            "oml": {},
            "oml-order1": {"order": 1},
            "oml-truncated": {"truncate": 5},
            "oml-linear": {"hidden": 0, "plastic": ("head",)} | _LAST,
            "maml-rep": {"inner_batch": 0, "inner_passes": 5},
            "pretrain": _PRETRAIN | {"halves": False, "drawings": 20, "remember": 64},
            "sr-nn": _PRETRAIN | {"halves": False, "drawings": 20, "remember": 64, "sparse": 0.1},
            "scratch": {"iterations": 0, "trained": ("*",)} | _ALL_LEARNS,
        },
        ("oml", "maml-rep", "pretrain", "scratch"),
        {"paper": 10, "reduced": 3, "laptop": 1, "smoke": 2},
        {
            "paper": {},
            "reduced": _REDUCED | _FAST | {"counts": (10, 50, 100, 150, 200)},
            "laptop": _LAPTOP | _FAST,
            "smoke": _SMOKE | {"drawings": 2},
        },
        _SHOWN,
    ),
    Experiment(
        "frati2024-omniglot",
        "Is forgetting the last layer now and then, without any unrolled gradient, enough to learn in sequence?",
        FRATI,
        # All train as long as the meta-learned ones, on batches of 84 drawings, and i.i.d. training is zapped once
        # an epoch; the authors give ASB 9,000 episodes, and i.i.d. training ten epochs of batches of 256. Drawings
        # of a lifetime are all 20 of a class, each once; theirs are drawn 20 times from 15.
        ContinualSettings(iterations=25_000),
        {
            "asb": _UNGATED | {"learner": "alternating"},
            "asb-no-zap": _UNGATED | {"learner": "alternating", "reset": False},
            "meta-asb": _UNGATED,
            "meta-asb-no-zap": _UNGATED | {"reset": False},
            "anml": {},
            "iid": _UNGATED | _PRETRAIN,
            "iid-zap": _UNGATED | _PRETRAIN | {"zap_every": 230},
        },
        ("asb", "meta-asb", "iid", "iid-zap"),
        {"paper": 10, "reduced": 3, "laptop": 1, "smoke": 2},
        _SCALES,
        _SHOWN,
    ),
)
