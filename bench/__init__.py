"""Programs for maintainers: they measure, and they make the files that are generated."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from edgefkp.errors import EdgefkpError


def words_of(description: str | None, *names: str) -> argparse.Namespace:
    """The words of a program that takes just these; one whose name ends in "..." stands for all that are left.

    --help prints the description and runs nothing.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in names:
        parser.add_argument(name.removesuffix("..."), nargs="+" if name.endswith("...") else None)
    return parser.parse_args()


def run(program: Callable[[], object]) -> None:
    """Run a program's command line; what goes wrong is two lines and an exit code."""
    try:
        program()
    except EdgefkpError as error:
        print(f"error: {error.message}\nhint:  {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
