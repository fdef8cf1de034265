"""The page of a report: well-formed, every text only text, nothing loaded, figures whole, tables sorted."""

from __future__ import annotations

import base64
import json
import math
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image as Picture

from analysis import embedding
from analysis.embedding import embed
from analysis.page import Page
from analysis.reports import Measure, Subject, rank_sums
from analysis.sortable import NOTHING, Cell, Column, text_cell, trials_table, value_cell
from analysis.style import save_figure
from analysis.wording import effect, finding
from cluster.experiments import Experiment
from cluster.folder import TrialFolder
from cluster.parameters import parameter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOID = {"meta", "img", "link", "br", "hr", "input"}


@dataclass(frozen=True)
class Settings:
    rate: float = parameter(0.5, "how <fast>")
    objectives: tuple[str, ...] = parameter(("performance",), "what counts")


TREATMENTS = {"pa": {}, "pcc": {"objectives": ("performance", "cost")}}
EXPERIMENT = Experiment("test", "", "", Settings(), TREATMENTS, ("pa",), {"paper": 3})
MEASURES = (Measure("modularity", "modularity Q", 2),)


class Reader(HTMLParser):
    """Reads a page, refusing one whose elements are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert len(dict(attributes)) == len(attributes), attributes
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.inside[self.open[-1] if self.open else ""] = data
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def result(treatment: str, trial: int, modularity: Any) -> dict[str, Any]:
    return {"treatment": treatment, "trial": trial, "seed": 17 + trial, "problem": "x", "modularity": modularity}


def page_of(
    out: Path, treatments: tuple[str, ...] = ("pa", "pcc"), figures: tuple[Path, ...] = (), **description: Any
) -> Page:
    """A page of three trials a treatment."""
    description = {
        "experiment": "test",
        "question": "Why?",
        "source": "Nobody 2013",
        "command": "evo run test",
        "commit": "0123456789abcdef",
        "scale": "paper",
        "treatments": list(treatments),
        "trials": 3,
        "seed": 1,
        "settings": {"rate": 0.5, "objectives": ["performance"], "old": None},
        "versions": {"python": "3"},
    } | description
    results = [result(name, k, 0.1 * k + n) for n, name in enumerate(treatments) for k in range(3)]
    about = Subject([description], treatments, [TrialFolder(out)] * len(results), out)
    groups = about.groups(results)
    summary = {name: {"trials": 3, "modularity": {"median": 0.1, "low": 0.0, "high": 0.2}} for name in groups}
    columns = ["", *treatments]
    rows = [["modularity Q", *("0.10 [0.00, 0.20]" for _ in treatments)]]
    comparisons = rank_sums(groups, MEASURES)
    return Page(
        about, {"test": EXPERIMENT}, MEASURES, "medians", columns, rows, results, summary, comparisons, figures
    )


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    out = tmp_path_factory.mktemp("figures")
    files = []
    for name in ("curves", "box-modularity", "networks-pcc"):
        figure = Figure(figsize=(2.0, 1.0))
        figure.add_subplot().plot([0, 1])
        files += save_figure(figure, out / name)
    return tuple(files)


def test_a_page_is_well_formed_and_says_what_it_is_of(tmp_path: Path, figures: tuple[Path, ...]) -> None:
    page = page_of(tmp_path, figures=figures)
    assert page.write() == tmp_path / "index.html"
    text = (tmp_path / "index.html").read_text()
    read = Reader(text)
    assert read.elements[0][0] == "html" and text.startswith("<!DOCTYPE html>")
    said = " ".join(read.words)
    for word in ("Why?", "Nobody 2013", "evo run test", "6 of 6 finished", "0123456789", "medians", "how <fast>"):
        assert word in said
    for sentence in (
        "performance, cost",
        "Mann-Whitney U",
        "too few trials to show a difference",
        "pcc/trial-002",
    ):
        assert sentence in said
    identifiers = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    links = [attributes["href"] for attributes in read.all("a")]
    assert links and all(link is not None and link[1:] in identifiers for link in links)


def test_the_same_report_is_the_same_file_and_another_one_is_not(
    tmp_path: Path, figures: tuple[Path, ...]
) -> None:
    first = page_of(tmp_path, figures=figures).write().read_bytes()
    assert page_of(tmp_path, figures=figures).write().read_bytes() == first
    assert page_of(tmp_path, figures=figures, seed=2).write().read_bytes() != first


def test_every_figure_is_in_the_page_and_nothing_is_loaded(tmp_path: Path, figures: tuple[Path, ...]) -> None:
    text = page_of(tmp_path, figures=figures).html()
    read = Reader(text)
    pictures = [attributes for attributes in read.all("img") if "src" in attributes]
    assert [picture["alt"] for picture in pictures] == [
        "Over time",
        "Modularity Q, every trial",
        "Networks of pcc",
    ]
    for picture, file in zip(pictures, figures[::2], strict=True):
        kind, _, data = (picture["src"] or "").partition(";base64,")
        assert kind == "data:image/svg+xml" and base64.b64decode(data) == file.read_bytes()
        assert (picture["width"], picture["height"]) == ("192", "96")
    for name, attributes in read.elements:
        assert name not in ("link", "iframe", "object", "embed", "base")
        for role in ("src", "href", "srcset", "action", "poster"):
            assert attributes.get(role, "#").startswith(("#", "data:"))  # type: ignore[union-attr]
    for kind in ("style", "script"):
        assert not re.search(r"url\(|@import|https?:|fetch|import\(", read.inside[kind])


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(tmp_path: Path) -> None:
    read = Reader(page_of(tmp_path).html())
    [policy] = [meta["content"] for meta in read.all("meta") if "http-equiv" in meta]
    rules = dict(rule.split(" ", 1) for rule in (policy or "").split("; "))
    digests = {kind: sha256(read.inside[kind].encode()).digest() for kind in ("style", "script")}
    expected = {f"{kind}-src": f"'sha256-{base64.b64encode(d).decode()}'" for kind, d in digests.items()}
    assert rules == {"default-src": "'none'", "img-src": "data:"} | expected
    assert not [tag for tag, attributes in read.elements if {"style", "onclick"} & set(attributes)]


NASTY = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "</style><img src=x onerror=alert(1)>",
            "\"'><b>&amp;&lt;",
            "{{ 7 * 7 }}{% raw %}",
            "</script>--><!--",
            "a\x00b\ud800",
        ]
    ),
)


def read_tags(read: Reader) -> Counter[str]:
    """Elements, without those whose number depends on whether a treatment has a colour or a setting of its own."""
    return Counter(tag for tag, _ in read.elements if tag not in ("span", "div"))


@settings(max_examples=30)
@given(NASTY, NASTY, NASTY)
def test_whatever_a_text_holds_it_stays_text(
    tmp_path_factory: pytest.TempPathFactory, a: str, b: str, c: str
) -> None:
    out = tmp_path_factory.getbasetemp()
    names = (f"p{a}", f"q{b}")
    plain = Reader(page_of(out, ("p", "q"), source="s").html())
    page = page_of(
        out,
        names,
        question=a,
        source=f"s{b}",
        command=c,
        scale=f"s{c}",
        commit=f"c{a}",
        versions={f"v{b}": c},
        settings={"rate": c, "objectives": [a, b], f"old{b}": None},
    )
    results = [{**entry, "problem": c} for entry in page.results]
    read = Reader(replace(page, results=results).html())
    assert read_tags(read) == read_tags(plain)
    if not {"\r", "\x00"} & set(a + b + c):
        for text in (a, f"s{b}", c, *names):
            assert not text or text in read.words


def test_a_report_of_one_treatment_has_no_statistics(tmp_path: Path) -> None:
    read = Reader(page_of(tmp_path, ("pa",)).html())
    identifiers = {attributes.get("id") for attributes in read.all("section")}
    assert identifiers == {"result", "trials", "parameters"}


def test_an_unfinished_run_is_called_so(tmp_path: Path) -> None:
    assert not [p for p in Reader(page_of(tmp_path).html()).all("p") if p.get("class") == "notice"]
    assert [p for p in Reader(page_of(tmp_path, trials=4).html()).all("p") if p.get("class") == "notice"]


def test_an_experiment_that_is_no_longer_known_is_shown_all_the_same(tmp_path: Path) -> None:
    said = Reader(page_of(tmp_path, experiment="gone").html()).words
    assert "gone" in said and "how <fast>" not in said


def test_values_are_read_with_four_digits_and_sorted_with_all() -> None:
    assert value_cell(None) == value_cell(math.nan) == Cell(NOTHING)
    assert value_cell(True) == Cell("yes") and value_cell(3) == Cell("3", 3.0)
    assert value_cell(0.123456) == Cell("0.1235", 0.123456, "0.123456")
    assert value_cell(math.inf).sort_key == "Infinity" and Cell("x", math.nan).sort_key == ""
    assert value_cell(["a", "b"]) == Cell("a, b")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("0.984 [0.969, 0.992]", 0.984),
        ("2,004,003", 2004003.0),
        ("13/50 (26 %)", 13.0),
        ("6.3e-13", 6.3e-13),
        ("-1.5", -1.5),
        ("never", None),
        ("", None),
    ],
)
def test_a_written_cell_is_sorted_by_its_first_number(text: str, key: float | None) -> None:
    assert text_cell(text).key == key


def test_what_is_the_same_in_every_trial_is_told_once() -> None:
    results = [result("pa", 0, None), result("pcc", 1, math.nan), result("pcc", 2, 0.25), result("pa", 12, 0.5)]
    for entry in results:
        entry |= {"partition": [[0]], "sub_solutions": {}, "unknown": None}
    table, same = trials_table(results)
    assert table.columns == [Column("trial"), Column("modularity", True), Column("seed", True)]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["pa/trial-000", NOTHING, "17"],
        ["pcc/trial-001", NOTHING, "18"],
        ["pcc/trial-002", "0.2500", "19"],
        ["pa/trial-012", "0.5000", "29"],
    ]
    assert same == [("problem", Cell("x"))]
    assert trials_table(results[:1])[1] == []


@given(st.lists(st.floats(-1e5, 1e5), min_size=2, max_size=6))
def test_no_digit_of_a_rounded_number_is_lost(values: list[float]) -> None:
    table, _ = trials_table([result("pa", k, value) for k, value in enumerate(values)])
    column = [head.title for head in table.columns].index("modularity") if len(set(values)) > 1 else None
    for row, value in zip(table.rows, values, strict=True):
        if column is not None:
            cell = row[column]
            assert cell.key == value and float(cell.exact or cell.text) == value


def test_findings_say_who_is_higher_and_whether_it_is_shown() -> None:
    test = {"measure": "m", "treatment": "b", "against": "a", "test": "Mann-Whitney U", "p_holm": 0.01}
    summary = {"a": {"m": {"mean": 1.0}}, "b": {"m": {"mean": 2.0}}}
    higher = finding(test | {"vargha_delaney": 0.9}, summary, 1)
    assert higher == "b is higher than a in 90 % of pairs of trials (means 2.0 and 1.0)."
    lower = finding(test | {"vargha_delaney": 0.4, "p_holm": 0.5}, summary, 0)
    assert lower == "b is lower than a in 60 % of pairs of trials (means 2 and 1): no difference shown."
    shares = {"a": {"m": {"count": 1, "of": 5}}, "b": {"m": {"count": 4, "of": 6}}}
    fisher = test | {"test": "Fisher's exact"}
    assert finding(fisher, shares, 0) == "4 of 6 trials of b, 1 of 5 of a."
    assert effect(fisher, shares)[0] == "+47 points"
    never = {"a": {"m": {"median": None, "count": 1, "of": 5}}, "b": {"m": {"median": 7.0, "count": 4, "of": 6}}}
    assert "(medians 7 and never)" in finding(test | {"vargha_delaney": 0.1}, never, 0)
    rates = test | {"test": "log-rank test", "statistic": -2.0}
    assert finding(rates, never, 0) == "sooner in a: 4 of 6 trials of b, 1 of 5 of a."
    assert effect(rates, never) == ("z = \u22122.0", -2.0)


def test_a_large_drawing_is_taken_as_the_smaller_of_its_files(
    figures: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    svg, png = figures[:2]
    assert embed([svg, png])[0].source.startswith("data:image/svg")
    monkeypatch.setattr(embedding, "LARGE", 0)
    smaller = min((svg, png), key=lambda file: file.stat().st_size)
    [image] = embed([svg, png])
    assert base64.b64decode(image.source.partition(",")[2]) == smaller.read_bytes()
    [image] = embed([png])
    assert image.source.startswith("data:image/png") and (image.width, image.height) == (192, 96)
    Picture.new("L", (48, 24)).save(tmp_path / "no-density.png")
    [image] = embed([tmp_path / "no-density.png"])
    assert (image.width, image.height) == (48, 24)
    (tmp_path / "broken.svg").write_text("<svg/>")
    with pytest.raises(ValueError, match=r"broken.svg: allowed is an svg with its size in points"):
        embed([tmp_path / "broken.svg"])


DRIVER = """
const said = { errors: [], orders: {}, viewer: [] };
window.addEventListener("error", (event) => said.errors.push(event.message));
const table = document.querySelector("#trials table");
const read = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
const click = (title) => [...table.querySelectorAll("th button")].find((b) => b.textContent === title).click();
said.orders.first = read();
click("modularity"); said.orders.ascending = read();
click("modularity"); said.orders.descending = read();
said.aria = [...table.querySelectorAll("[aria-sort]")].map((head) => head.getAttribute("aria-sort"));
click("modularity"); said.orders.again = read();
click("trial"); click("trial"); click("group"); said.orders.both = read();
const dialog = document.getElementById("viewer");
const place = () => said.viewer.push([dialog.open, dialog.querySelector(".place").textContent]);
document.querySelectorAll("figure button")[1].click(); place();
for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"]) {
  dialog.dispatchEvent(new KeyboardEvent("keydown", { key })); place();
}
said.same = dialog.querySelector("img").src === document.querySelectorAll("figure img")[2].src;
dialog.querySelector(".close").click(); place();
document.body.innerHTML = "";
document.body.dataset.said = JSON.stringify(said);
"""


FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--virtual-time-budget=5000",
)


@dataclass
class Browser:
    """A browser without a window, whose pages are read after their scripts have run."""

    profile: Path

    def read(self, file: Path) -> Reader:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={self.profile}", "--dump-dom", file.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=400)
        return Reader(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: Chromium or Chrome")
def test_in_a_real_browser_tables_sort_and_figures_enlarge(tmp_path: Path, figures: tuple[Path, ...]) -> None:
    values = [0.5, None, -2.0, 10.0, 9.0, 0.5, math.nan, 1e-7, -2.0, 100.0]
    names = [f"{('pa', 'pcc')[k % 2]}/trial-{k:03d}" for k in range(len(values))]
    results = [result(name.split("/")[0], k, values[k]) for k, name in enumerate(names)]
    for k, entry in enumerate(results):
        entry["group"] = "one" if k < 5 else "two"
    page = replace(page_of(tmp_path, figures=figures), results=results)
    browser = Browser(tmp_path / "profile")
    # As it is, with its policy: only its script makes headings into buttons.
    assert sum("class" not in button for button in browser.read(page.write()).all("button")) > 5
    text = re.sub(r"<meta http-equiv[^>]*>", "", page.html())
    (tmp_path / "driven.html").write_text(text.replace("</body>", f"<script>{DRIVER}</script></body>"))
    said = json.loads(browser.read(tmp_path / "driven.html").all("body")[0]["data-said"] or "")
    missing = [k for k, value in enumerate(values) if value is None or math.isnan(value)]
    present = [k for k in range(len(values)) if k not in missing]
    numbers = np.array([values[k] for k in present], float)
    upward = [present[k] for k in np.argsort(numbers, kind="stable")] + missing
    assert said["errors"] == [] and said["aria"] == ["descending"]
    assert said["orders"]["first"] == said["orders"]["again"] == names
    assert said["orders"]["ascending"] == [names[k] for k in upward]
    # Equal rows stay in the order that the click before had left.
    downward = sorted(upward[: len(present)], key=lambda k: -float(values[k] or 0)) + missing
    assert said["orders"]["descending"] == [names[k] for k in downward]
    both = sorted(sorted(range(len(names)), key=lambda k: names[k], reverse=True), key=lambda k: k >= 5)
    assert said["orders"]["both"] == [names[k] for k in both]
    places = ["2 of 3", "3 of 3", "1 of 3", "3 of 3", "3 of 3"]
    assert said["viewer"] == [[k < 4, place] for k, place in enumerate(places)]
    assert said["same"]
