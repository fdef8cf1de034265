"""What the command lines have in common: one-line errors, exit codes, shared commands."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from cluster.errors import UserError
from cluster.experiments import Program
from cluster.folder import RunFolder
from cluster.launch import add_places, retry
from cluster.status import show_status
from cluster.storage import location
from cluster.where import add_where_arguments


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and which knows what a mistyped flag is like."""

    def parse_args(self, words: Sequence[str], namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        """What the words say.

        Raises:
            UserError: they are not understood.
        """
        arguments, unknown = self.parse_known_args(words)
        if unknown:
            (commands,) = (each for each in self._actions if isinstance(each, argparse._SubParsersAction))
            command = commands.choices[arguments.command]
            near = difflib.get_close_matches(unknown[0], command._option_string_actions, 1, 0.85)
            raise UserError(
                f"{' '.join(unknown)}: not understood"
                + (f": did you mean {near[0]}?" if near else "")
                + f" (see {command.prog} {getattr(arguments, 'experiment', None) or ''}".rstrip()
                + " --help)"
            )
        return arguments

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


def add_cluster_commands(commands: Any, program: Program) -> None:
    """Commands about runs that exist and jobs on clusters, the same in every program."""
    _add_run_commands(commands, program)
    _add_job_commands(commands, program)


def did_cluster_command(arguments: argparse.Namespace, program: Program) -> bool:
    """Do what `add_cluster_commands` offers; False if another command was given."""
    return _did_run_command(arguments, program) or _did_job_command(arguments, program)


def _add_run_commands(commands: Any, program: Program) -> None:
    status = add_command(commands, "status", "how a run stands: done, running, failed, waiting")
    again = add_command(commands, "retry", "run the failed trials of a run once more")
    for parser in (status, again):
        parser.add_argument("run", type=location, metavar="RUN", help="run folder or its URL")
    add_where_arguments(again)
    add_places(again, program)


def _add_job_commands(commands: Any, program: Program) -> None:
    submit = add_command(commands, "submit", "run on a cluster, from a machine that need not be part of it")
    submit.add_argument("words", nargs="*", metavar="-- run EXPERIMENT ...", help="the command to run there")
    submit.add_argument("--env-file", type=Path, metavar="FILE", help="Ray runtime environment, YAML or JSON")
    submit.add_argument("--follow", action="store_true", help="print what it writes until it ends")
    submit.add_argument("--id", metavar="NAME", help="id of the job (default made from the command)")
    submit.add_argument("--include", type=Path, nargs="+", default=[], metavar="PATH", help="take these along too")
    submit.add_argument(
        "--installed", action="store_true", help="use the package installed on the cluster, take nothing along"
    )
    listing = add_command(commands, "jobs", "the jobs on a cluster")
    logs = add_command(commands, "logs", "what a job wrote")
    logs.add_argument("--follow", action="store_true", help="go on until it ends")
    stop = add_command(commands, "stop", "stop a job")
    for parser in (logs, stop):
        parser.add_argument("job", metavar="ID", help=f"see `{program.name} jobs`")
    for parser in (submit, listing, logs, stop):
        parser.add_argument(
            "--address", metavar="URL", help="http://HEAD:8265 (default RAY_API_SERVER_ADDRESS, or this machine)"
        )


def _did_job_command(arguments: argparse.Namespace, program: Program) -> bool:
    if arguments.command not in ("submit", "jobs", "logs", "stop"):
        return False
    from cluster.jobs import Jobs, complete, read_environment

    if arguments.command == "submit":
        complete(arguments.words)  # what is wrong with the command is said before anybody is called
        environment = read_environment(arguments.env_file) if arguments.env_file else None
    jobs = Jobs(program.name, arguments.address)
    if arguments.command == "jobs":
        jobs.show()
    elif arguments.command == "stop":
        jobs.stop(arguments.job)
    elif arguments.command == "logs" and not arguments.follow:
        jobs.print_logs(arguments.job)
    else:
        if arguments.command == "submit":
            arguments.job = jobs.submit(
                arguments.words, environment, arguments.installed, arguments.include, arguments.id
            )
            print(arguments.job)
        if arguments.follow:
            sys.exit(jobs.follow(arguments.job))
    return True


def _did_run_command(arguments: argparse.Namespace, program: Program) -> bool:
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
