"""Programs for maintainers: they measure, and they make the files that are generated."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from edgefkp.errors import EdgefkpError

if TYPE_CHECKING:
    import click


def run(program: click.Command) -> None:
    """Run a program's command line; what goes wrong is two lines and an exit code."""
    try:
        program()
    except EdgefkpError as error:
        print(f"error: {error.message}\nhint:  {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
