"""The progress bar of everything that takes longer than two seconds."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click


@contextlib.contextmanager
def progress_bar(label: str, length: int = 1, every: int = 1) -> Iterator[Any]:
    """Show a bar on stderr while the block runs.

    It has `update(n)`, which adds n to what is done, `update(n, note)`, which also shows a note, and a `label` that may
    be set anew. every: steps between two drawings.
    """
    with click.progressbar(
        length=max(1, length),
        label=label,
        file=sys.stderr,
        width=20,
        update_min_steps=every,
        item_show_func=lambda note: note,
    ) as bar:
        yield bar
