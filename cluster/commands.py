"""What the command lines have in common: one-line errors, exit codes, shared commands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from cluster.errors import UserError
from cluster.experiments import Program
from cluster.folder import RunFolder
from cluster.launch import add_places, retry
from cluster.status import show_status
from cluster.storage import location
from cluster.where import add_where_arguments


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        raise UserError(f"{message} (see {self.prog} --help)")


def new_parser(name: str, description: str) -> tuple[Parser, Any]:
    """A command line's parser, and where its commands are added."""
    parser = Parser(prog=name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the published experiments and their treatments")
    listing.add_argument("experiment", nargs="?", metavar="EXPERIMENT", help="only this one, in full")
    return parser, commands


def add_command(commands: Any, name: str, help: str) -> argparse.ArgumentParser:
    """A command whose help keeps its line breaks and whose flags are written out."""
    return commands.add_parser(
        name, help=help, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )


def add_run_commands(commands: Any, program: Program) -> None:
    """Commands about a run that exists, the same in every program: `status` and `retry`."""
    status = add_command(commands, "status", "how a run stands: done, running, failed, waiting")
    again = add_command(commands, "retry", "run the failed trials of a run once more")
    for parser in (status, again):
        parser.add_argument("run", type=location, metavar="RUN", help="run folder or its URL")
    add_where_arguments(again)
    add_places(again, program)


def did_run_command(arguments: argparse.Namespace, program: Program) -> bool:
    """Do what `add_run_commands` offers; False if another command was given."""
    if arguments.command == "status":
        show_status(program.name, RunFolder(arguments.run))
    elif arguments.command == "retry":
        retry(program, arguments)
    else:
        return False
    return True


def run_command(name: str, work: Callable[[list[str]], None], words: Sequence[str] | None) -> None:
    """Do what a command line asks; exits with 0, with 2 after bad input, with 130 when interrupted."""
    try:
        work(list(sys.argv[1:] if words is None else words))
    except UserError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output, e.g. `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
