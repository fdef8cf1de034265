"""The command line `evo`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from cluster.commands import add_cluster_commands, add_command, did_cluster_command, new_parser, run_command
from cluster.experiments import Program
from cluster.launch import add_run_arguments, chosen_settings, launch, list_experiments
from cluster.parameters import whole_number
from cluster.storage import location

DESCRIPTION = """\
Evolve neural networks and see what they are made of.

  evo list                                           the published experiments and their treatments
  evo run clune2013-retina --scale laptop            evolve (minutes); --scale paper takes about an hour
  evo status runs/clune2013-retina-...               how it stands; evo retry RUN runs failed trials once more
  evo report runs/clune2013-retina-...               table, statistics and figures of a run
  evo report LANDSCAPE --overlay RUN                 the same of a map, with the best networks of other runs on it
  evo show runs/clune2013-retina-.../pcc/trial-003   draw and measure one network
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, with 2 after bad input, with 130 when interrupted."""
    run_command("evo", _work, arguments)


def _work(words: list[str]) -> None:
    from evo.launch import PROGRAM

    parser, commands = new_parser("evo", DESCRIPTION)
    run = add_command(commands, "run", "run an experiment, or go on with one")
    add_run_arguments(run, PROGRAM, chosen_settings(PROGRAM, words))
    add_cluster_commands(commands, PROGRAM)
    report = add_command(commands, "report", "table, statistics and figures of a run")
    report.add_argument("runs", type=location, nargs="+", metavar="RUN", help="run folder; several are compared")
    report.add_argument("--out", type=Path, metavar="DIR", help="where to write (default RUN/report)")
    report.add_argument("--nulls", default=200, metavar="N", help="random networks to compare each Q with")
    report.add_argument(
        "--overlay",
        type=location,
        nargs="+",
        default=[],
        metavar="RUN",
        help="mark the best networks of these runs on a map",
    )
    show = add_command(commands, "show", "draw one network and print all its measures")
    show.add_argument("trial", type=location, metavar="TRIAL", help="trial folder or its result.json")
    show.add_argument("--nulls", default=200, metavar="N", help="random networks to compare Q with")
    show.add_argument("--out", type=Path, metavar="FILE", help="figure (default in RUN/report/networks)")
    _dispatch(parser.parse_args(words), PROGRAM)


def _dispatch(arguments: argparse.Namespace, program: Program) -> None:
    if arguments.command == "list":
        list_experiments(program, arguments.experiment)
    elif arguments.command == "run":
        launch(program, arguments)
    elif did_cluster_command(arguments, program):
        pass
    elif arguments.command == "report":
        from evo.report import report

        report(arguments.runs, arguments.out, whole_number("--nulls", arguments.nulls, 2), arguments.overlay)
    else:
        from evo.show import show

        show(arguments.trial, whole_number("--nulls", arguments.nulls, 2), arguments.out)


if __name__ == "__main__":
    main()
