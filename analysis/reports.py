"""What the reports of both halves have in common: which trials they are of, tests, tables, what is printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis import statistics
from analysis.brackets import Pair
from analysis.comparisons import corrected
from analysis.runs import all_treatments, finished_trials, results_table
from analysis.statistics import enough_trials
from analysis.wording import LOG_RANK
from cluster.errors import UserError
from cluster.experiments import Experiment
from cluster.files import disk_error, write_atomic, write_json
from cluster.folder import RunFolder, TrialFolder
from cluster.storage import is_remote

Result = dict[str, Any]
Groups = Mapping[str, list[Result]]


@dataclass(frozen=True)
class Measure:
    """A number of each trial's result that treatments are compared by.

    Attributes:
        column: in result.json.
        title: in tables and figures.
        digits: after the point.
        answers: column with the number of answers behind it, if it is an accuracy of independent answers.
        share: whether it is a share, such as an accuracy: intervals end at 0 and 1.
    """

    column: str
    title: str
    digits: int
    answers: str | None = None
    share: bool = False


@dataclass(frozen=True)
class Subject:
    """What a report is of.

    Attributes:
        descriptions: contents of the runs' run.json.
        treatments: of all runs, in order.
        folders: of the finished trials.
        out: where the report goes.
    """

    descriptions: Sequence[Mapping[str, Any]]
    treatments: Sequence[str]
    folders: Sequence[TrialFolder]
    out: Path

    def groups(self, results: Sequence[Result]) -> dict[str, list[Result]]:
        """Results by treatment; treatments without a result are left out."""
        groups = {name: [r for r in results if r["treatment"] == name] for name in self.treatments}
        return {name: members for name, members in groups.items() if members}

    @property
    def finished(self) -> str:
        """How many trials of how many are finished."""
        return f"{len(self.folders)} of {self.planned}"

    @property
    def planned(self) -> int:
        """Number of trials of all runs, finished or not."""
        return sum(description["trials"] * len(description["treatments"]) for description in self.descriptions)


def subject(paths: Sequence[Path], out: Path | None, experiments: Mapping[str, Experiment]) -> Subject:
    """What a report of some runs is of.

    Args:
        paths: run folders; the first treatment of the first one is what the others are compared with.
        out: where to; default RUN/report of a single run.
        experiments: that there are, by name.

    Raises:
        UserError: not a run of this program, no finished trial, or runs that do not belong together.
    """
    runs = [RunFolder(path) for path in paths]
    descriptions = [run.description for run in runs]
    for path, description in zip(paths, descriptions, strict=True):
        if description["experiment"] not in experiments and description["command"]:
            raise UserError(
                f"{path}: experiment {description['experiment']}: not one of this program: "
                f"the run was made by: {description['command']}"
            )
    treatments = all_treatments(paths, descriptions, experiments)
    if out is None and len(paths) > 1:
        raise UserError("--out: missing: allowed with several runs is a folder for their report")
    if out is None and is_remote(runs[0].path):
        raise UserError(f"--out: missing: allowed for {paths[0]} is a folder on this machine for its report")
    folders = [folder for run in runs for folder in finished_trials(run)]
    if not folders:
        raise UserError(f"{paths[0]}: no finished trial yet: allowed is a run with at least one")
    return Subject(descriptions, treatments, folders, out or paths[0] / "report")


def make_folder(out: Path) -> None:
    """Make the folder of a report or of figures.

    Raises:
        UserError: it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(out, error) from None


def rank_sums(
    groups: Groups, measures: Sequence[Measure], against: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Rank-sum tests of treatments against others, corrected within each measure.

    Args:
        groups: results by treatment. A result without a number (None) is left out of the measure's test.
        measures: what to compare.
        against: the treatment that each is compared with; default the first for all others.

    Returns:
        A mapping for each test; `trials` of the treatment and of the other are those with a number. Of one trial
        against one, p can only be 1: that is no test.
    """
    compared = against_first(groups) if against is None else against
    tests: list[dict[str, Any]] = []
    for measure in measures:
        rows = []
        for name, base in compared.items():
            own, first = numbers(groups[name], measure.column), numbers(groups[base], measure.column)
            if not own or not first or len(own) == len(first) == 1:
                continue
            test = statistics.mann_whitney(own, first)
            rows.append(
                {
                    "measure": measure.column,
                    "treatment": name,
                    "against": base,
                    "trials": [len(own), len(first)],
                    "test": "Mann-Whitney U",
                    "statistic": test.statistic,
                    "vargha_delaney": test.vargha_delaney,
                    "p": test.p,
                }
            )
        tests += corrected(rows)
    return tests


def brackets(comparisons: Sequence[Mapping[str, Any]], measure: str) -> list[Pair]:
    """What stands between the boxes of a measure: its tests, but those of too few trials to differ at all."""
    return [
        (test["against"], test["treatment"], test["p"])
        for test in comparisons
        if test["measure"] == measure and test["test"] != LOG_RANK
        if enough_trials(*test["trials"])
    ]


def against_first(treatments: Iterable[str]) -> dict[str, str]:
    """Every treatment but the first, to be compared with it."""
    base, *others = treatments
    return dict.fromkeys(others, base)


def numbers(results: Sequence[Result], column: str) -> list[float]:
    """Values of a column, without results that have none (None)."""
    return [result[column] for result in results if result[column] is not None]


def write_tables(
    about: Subject,
    columns: list[str],
    rows: list[list[str]],
    results: Sequence[Result],
    summary: Mapping[str, Any],
    comparisons: list[dict[str, Any]],
) -> None:
    """Write table.csv, table.md, trials.csv and statistics.json of a report."""
    import pandas as pd

    out = about.out
    table = pd.DataFrame(rows, columns=columns)
    write_atomic(out / "table.csv", table.to_csv(index=False, lineterminator="\n").encode())
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    write_atomic(out / "table.md", ("\n".join(lines) + "\n").encode())
    trials = results_table(list(results)).to_csv(index=False, lineterminator="\n")
    write_atomic(out / "trials.csv", trials.encode())
    write_json(
        out / "statistics.json",
        {
            "commands": [description["command"] for description in about.descriptions],
            "commits": [description.get("commit") for description in about.descriptions],
            "finished_trials": len(results),
            "planned_trials": about.planned,
            "summary": summary,
            "comparisons": comparisons,
        },
    )


def print_report(
    about: Subject, columns: list[str], rows: list[list[str]], numbers: str, files: Sequence[Path]
) -> None:
    """Print a report's table, no cell cut off however narrow the terminal, and where its files are.

    Args:
        about: what it is of.
        columns: of the table.
        rows: of the table.
        numbers: what the numbers are, e.g. "means with 95 % intervals".
        files: figures.
    """
    description, out = about.descriptions[0], about.out
    console = Console(highlight=False)
    console.print(f"\n[bold]{description['experiment']}[/bold]  {description['question']}", soft_wrap=True)
    console.print(f"{about.finished} trials finished; {numbers}\n", soft_wrap=True)
    table = Table(box=None, padding=(0, 2), header_style="bold")
    for k, column in enumerate(columns):
        table.add_column(column, justify="left" if k == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    widths = [max(len(row[k]) for row in [columns, *rows]) + 4 for k in range(len(columns))]
    Console(highlight=False, width=max(console.width, sum(widths))).print(table)
    print(f"\npage: {out / 'index.html'}")
    print(f"tables and statistics: {out / 'table.md'}, {out / 'trials.csv'}, {out / 'statistics.json'}")
    print("figures:")
    for file in files:
        if file.suffix == ".png":
            print(f"  {file}")
