"""What a submitted job starts with on a cluster: one clear line if the cluster's Python cannot run the program.

    python -m cluster.entry PROGRAM WORDS...

Imports nothing beyond Python itself before that is known.
"""

from __future__ import annotations

import runpy
import sys


def main() -> None:
    """Run a program of this package as if called by itself; exits with 2 where a package is missing."""
    program = sys.argv[1]
    sys.argv = sys.argv[1:]
    try:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        print(
            f"{program}: {sys.executable} on the cluster lacks the package {error.name}: start Ray there with the "
            "environment active that has this program, or name what is missing with --env-file (pip: [...])",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
