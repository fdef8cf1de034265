"""The command line `evo`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from cluster.errors import UserError
from cluster.parameters import whole_number

DESCRIPTION = """\
Evolve neural networks and see what they are made of.

  evo list                                           the published experiments and their treatments
  evo run clune2013-retina --scale laptop            evolve (minutes); --scale paper takes about an hour
  evo report runs/clune2013-retina-...               table, statistics and figures of a run
  evo show runs/clune2013-retina-.../pcc/trial-003   draw and measure one network
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        raise UserError(f"{message} (see {self.prog} --help)")


def make_parser() -> Parser:
    """All commands and their flags."""
    parser = Parser(prog="evo", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the published experiments and their treatments")
    listing.add_argument("experiment", nargs="?", metavar="EXPERIMENT", help="only this one, in full")
    from evo.launch import add_run_arguments

    run = commands.add_parser(
        "run",
        help="run an experiment, or go on with one",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_run_arguments(run)
    report = commands.add_parser("report", help="table, statistics and figures of a run")
    report.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folder; several are compared")
    report.add_argument("--out", type=Path, metavar="DIR", help="where to write (default RUN/report)")
    report.add_argument("--nulls", default=200, metavar="N", help="random networks to compare each Q with")
    show = commands.add_parser("show", help="draw one network and print all its measures")
    show.add_argument("trial", type=Path, metavar="TRIAL", help="trial folder or its result.json")
    show.add_argument("--nulls", default=200, metavar="N", help="random networks to compare Q with")
    show.add_argument("--out", type=Path, metavar="FILE", help="figure (default in RUN/report/networks)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, with 2 after bad input, with 130 when interrupted."""
    try:
        _dispatch(make_parser().parse_args(arguments))
    except UserError as error:
        print(f"evo: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output, e.g. `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _dispatch(arguments: argparse.Namespace) -> None:
    if arguments.command == "list":
        from evo.launch import list_experiments

        list_experiments(arguments.experiment)
    elif arguments.command == "run":
        from evo.launch import launch

        launch(arguments)
    elif arguments.command == "report":
        from evo.report import report

        report(arguments.runs, arguments.out, whole_number("--nulls", arguments.nulls, 2))
    else:
        from evo.show import show

        show(arguments.trial, whole_number("--nulls", arguments.nulls, 2), arguments.out)


if __name__ == "__main__":
    main()
