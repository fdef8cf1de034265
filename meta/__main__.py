"""The command line `meta`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cluster.commands import add_command, new_parser, run_command
from cluster.experiments import Program
from cluster.launch import add_run_arguments, chosen_settings, launch, list_experiments

DESCRIPTION = """\
Meta-learning: networks whose materials learn.

  meta list                                          the published experiments and their treatments
  meta run miconi2018-patterns --scale laptop        train (minutes); --scale paper takes longer
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 0, with 2 after bad input, with 130 when interrupted."""
    run_command("meta", _work, arguments)


def _work(words: list[str]) -> None:
    from meta.launch import PROGRAM

    parser, commands = new_parser("meta", DESCRIPTION)
    run = add_command(commands, "run", "run an experiment, or go on with one")
    add_run_arguments(run, PROGRAM, chosen_settings(PROGRAM, words))
    _dispatch(parser.parse_args(words), PROGRAM)


def _dispatch(arguments: argparse.Namespace, program: Program) -> None:
    if arguments.command == "list":
        list_experiments(program, arguments.experiment)
    elif arguments.command == "run":
        launch(program, arguments)


if __name__ == "__main__":
    main()
