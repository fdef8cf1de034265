"""The command line `meta`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Say that this version holds no meta-learning experiments; exit code 2."""
    argparse.ArgumentParser(
        prog="meta", description="Meta-learning experiments: none in this version."
    ).parse_args(arguments)
    print("meta: this version has no meta-learning experiments: allowed is --help", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
