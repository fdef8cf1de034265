"""A report as one web page: `report/index.html`, which needs no other file and no network.

Its text is data, never markup, and its policy lets the browser load nothing and run no script but its own.
"""

from __future__ import annotations

import dataclasses
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.embedding import Image, embed
from analysis.reports import Measure, Result, Subject
from analysis.sortable import Cell, result_table, statistics_table, trials_table, value_cell
from analysis.style import treatment_colours
from analysis.wording import MEANINGS, P_VALUES
from cluster.experiments import Experiment
from cluster.files import write_atomic

if TYPE_CHECKING:
    from jinja2 import Template

_HERE = Path(__file__).parent

#: What figures whose names begin so show of a treatment.
SHOWN = {
    "networks": "Networks of",
    "map": "Best performance at each place, treatment",
    "lineages": "Ways of some networks over the map, treatment",
    "ancestors": "One of these networks through time, treatment",
    "places": "Networks from all over the map, treatment",
}


@cache
def _own(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_own("page.html"))


@dataclass(frozen=True)
class Setting:
    """A parameter of a run: its value, or that of each treatment where they differ, and what it means."""

    name: str
    values: Sequence[tuple[str, Cell]]
    meaning: str


@dataclass(frozen=True)
class Page:
    """What the page of a report shows.

    Attributes:
        about: what the report is of.
        experiments: the program's, by name; they know what settings mean and what treatments change.
        measures: by which treatments are compared.
        numbers: what the numbers of the table are, e.g. "means with 95 % intervals".
        columns: of the table.
        rows: of the table.
        results: of the trials.
        summary: of each treatment's trials.
        comparisons: tests.
        figures: files of figures, each as svg, as png or as both.
    """

    about: Subject
    experiments: Mapping[str, Experiment]
    measures: Sequence[Measure]
    numbers: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    results: Sequence[Result]
    summary: Mapping[str, Mapping[str, Any]]
    comparisons: Sequence[Mapping[str, Any]]
    figures: Sequence[Path]

    def write(self) -> Path:
        """Write index.html; the same report is the same file.

        Raises:
            UserError: it cannot be written.
        """
        file = self.about.out / "index.html"
        # A name may hold half of a surrogate pair, which no file can.
        write_atomic(file, self.html().encode(errors="replace"))
        return file

    def html(self) -> str:
        """The page."""
        return _template().render(self._content())

    def _content(self) -> dict[str, Any]:
        """All that the template shows, by its names there."""
        colours = treatment_colours(self.summary)
        style = _own("page.css") + _swatches(list(colours.values()))
        script = _own("page.js")
        trials, same = trials_table(self.results)
        images = [(self._caption(image), image) for image in embed(self.figures)]
        tests = {test["test"]: MEANINGS.get(test["test"], "") for test in self.comparisons}
        return {
            "style": style,
            "script": script,
            "policy": _policy(style, script),
            "run": self.about.descriptions[0],
            "about": self.about,
            "facts": self._facts(),
            "commands": [description["command"] for description in self.about.descriptions],
            "versions": self.about.descriptions[0].get("versions", {}),
            "swatches": {name: number for number, name in enumerate(colours)},
            "numbers": self.numbers,
            "result": result_table(self.columns, self.rows),
            "figures": [(caption, image) for caption, image in images if not _is_gallery(image)],
            "galleries": [(caption, image) for caption, image in images if _is_gallery(image)],
            "statistics": statistics_table(self.comparisons, self.summary, self.measures),
            "meanings": tests,
            "p_values": P_VALUES,
            "trials": trials,
            "same": same,
            "settings": self._settings(),
        }

    def _facts(self) -> list[tuple[str, str]]:
        """What is said of the run in a word or two."""
        runs = self.about.descriptions

        def every(name: str) -> str:
            return ", ".join(dict.fromkeys(str(run[name]) for run in runs if run.get(name) is not None))

        commits = dict.fromkeys(run["commit"][:10] for run in runs if run.get("commit"))
        facts = {
            "trials": f"{self.about.finished} finished",
            "scale": every("scale"),
            "seed": every("seed"),
            "code": ", ".join(commits),
        }
        return [(name, fact) for name, fact in facts.items() if fact]

    def _settings(self) -> list[Setting]:
        """All settings, those first in which treatments differ."""
        run = self.about.descriptions[0]
        experiment = self.experiments.get(run["experiment"])
        changes = {
            name: experiment.treatments.get(name, {}) if experiment else {} for name in self.about.treatments
        }
        meanings = {}
        if experiment:
            fields = dataclasses.fields(experiment.settings)
            meanings = {field.name: field.metadata.get("help", "") for field in fields}
        settings = [
            Setting(name, _values(name, value, changes), meanings.get(name, ""))
            for name, value in run["settings"].items()
        ]
        return sorted(settings, key=lambda setting: len(setting.values) == 1)

    def _caption(self, image: Image) -> str:
        """What a figure shows, from the name of its file."""
        kind, _, what = image.name.partition("-")
        outcomes = {_as_in_a_file(name): name for group in self.summary.values() for name in group}
        titles = {measure.column: measure.title for measure in self.measures}
        if kind == "curves" and not what:
            return "Over time"
        if kind == "box" and what in titles:
            return _sentence(f"{titles[what]}, every trial")
        if kind == "solved" and what in titles:
            return f"Share of trials over time: {titles[what]}"
        if kind == "bars" and what in outcomes:
            return f"Share of trials: {outcomes[what]}"
        if kind in SHOWN and what:
            return f"{SHOWN[kind]} {what}"
        return _sentence(image.name.replace("-", " ").replace("_", " "))


def _values(name: str, value: Any, changes: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Cell]]:
    """A setting's value under no name, or each treatment's under its name where they differ."""
    own = {treatment: value_cell(changed.get(name, value)) for treatment, changed in changes.items()}
    different = list(dict.fromkeys(own.values()))
    return [("", different[0])] if len(different) == 1 else list(own.items())


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _as_in_a_file(name: str) -> str:
    return name.replace(" ", "-").lower()


def _is_gallery(image: Image) -> bool:
    return image.name.startswith(("networks", "places"))


def _swatches(colours: Sequence[str]) -> str:
    return "".join(f".swatch-{number} {{ background: {colour}; }}\n" for number, colour in enumerate(colours))


def _policy(style: str, script: str) -> str:
    """What a browser may load and run: pictures that the page holds, and this style and script."""
    return f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
