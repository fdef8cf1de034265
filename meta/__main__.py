"""The command line `meta`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from cluster.commands import add_cluster_commands, add_command, did_cluster_command, new_parser, run_command
from cluster.experiments import Program
from cluster.launch import add_run_arguments, chosen_settings, launch, list_experiments
from cluster.storage import location

DESCRIPTION = """\
Meta-learning: networks whose materials learn.

  meta list                                          the published experiments and their treatments
  meta run miconi2018-patterns --scale laptop        train (minutes); --scale paper takes longer
  meta report runs/miconi2018-patterns-...           table, statistics and figures of a run
  meta show runs/miconi2018-patterns-.../plastic/trial-000    draw one trained network and what it does
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, with 2 after bad input, with 130 when interrupted."""
    run_command("meta", _work, arguments)


def _work(words: list[str]) -> None:
    from meta.launch import PROGRAM

    parser, commands = new_parser("meta", DESCRIPTION)
    run = add_command(commands, "run", "run an experiment, or go on with one")
    add_run_arguments(run, PROGRAM, chosen_settings(PROGRAM, words))
    add_cluster_commands(commands, PROGRAM)
    report = add_command(commands, "report", "table, statistics and figures of a run")
    report.add_argument("runs", type=location, nargs="+", metavar="RUN", help="run folder; several are compared")
    report.add_argument("--out", type=Path, metavar="DIR", help="where to write (default RUN/report)")
    show = add_command(commands, "show", "draw one trained network and what it does")
    show.add_argument("trial", type=location, metavar="TRIAL", help="folder of a finished trial")
    show.add_argument("--data-folder", metavar="DIR", help=PROGRAM.places["data_folder"][1])
    show.add_argument("--out", type=Path, metavar="DIR", help="folder of the figures (default in RUN/report)")
    _dispatch(parser.parse_args(words), PROGRAM)


def _dispatch(arguments: argparse.Namespace, program: Program) -> None:
    if arguments.command == "list":
        list_experiments(program, arguments.experiment)
    elif arguments.command == "run":
        launch(program, arguments)
    elif did_cluster_command(arguments, program):
        pass
    elif arguments.command == "report":
        from meta.report import report

        report(arguments.runs, arguments.out)
    else:
        from meta.show import show

        show(arguments.trial, arguments.data_folder, arguments.out)


if __name__ == "__main__":
    main()
