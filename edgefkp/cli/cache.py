"""edgefkp cache: what is kept in the cache folder, and how to remove it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import json_option, log, print_json
from edgefkp.cli.parameters import NameChoice
from edgefkp.errors import counted, writing
from edgefkp.files import cache_dir

if TYPE_CHECKING:
    from edgefkp.evaluation.table import Table

SCHEMA = "edgefkp.cache/1"


@dataclass(frozen=True)
class Kind:
    """One kind of file in the cache folder."""

    name: str
    what: str
    # Paths in the cache folder.
    paths: tuple[str, ...]
    # Whether `clear` removes it only by its name: it takes hours or a network to get it again.
    named_only: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("data", "labeled faces as they were read, and unpacked zips", ("data",)),
        Kind("checks", "model files that passed their check here", ("probed", "golden")),
        Kind("shown", "altered images with the answers of teachers", ("shown",), named_only=True),
        Kind("plans", "fastest settings of a training on this machine", ("plans.json",)),
        Kind("log", "messages of the last conversion that failed", ("converter.log",)),
        Kind("litertjs", "LiteRT.js for the browser page, installed by npm", ("litertjs",), named_only=True),
        Kind("study", "models and checkpoints of edgefkp study", ("study",), named_only=True),
    )
}


@dataclass(frozen=True)
class Kept:
    """How much of a kind is kept."""

    kind: str
    what: str
    files: int
    bytes: int
    # Removed by `clear` without names.
    cleared: bool


@dataclass(frozen=True)
class Cache:
    folder: Path
    kinds: tuple[Kept, ...]
    schema: str = SCHEMA


@click.group("cache", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show what is kept in the cache folder; edgefkp cache clear removes it.

    The folder is $EDGEFKP_CACHE, else edgefkp in $XDG_CACHE_HOME, else ~/.cache/edgefkp. What is in it only saves time.
    """
    if context.invoked_subcommand:
        return
    found = read_cache()
    if as_json:
        print_json(found)
    else:
        click.echo(cache_table(found).text())


@command.command("clear", short_help="Remove what is kept.")
@click.argument("kinds", nargs=-1, type=NameChoice("kind", lambda: KINDS), metavar="[KIND]...")
@json_option
def clear(kinds: tuple[str, ...], as_json: bool) -> None:
    """Remove these KINDs of files from the cache folder, by default all that are made again by themselves.

    LiteRT.js and the study's models are removed only if they are named. Do not clear while another edgefkp runs.
    """
    wanted = [KINDS[name] for name in dict.fromkeys(kinds)] or [one for one in KINDS.values() if not one.named_only]
    before = [_kept(kind) for kind in wanted]
    for kind in wanted:
        for path in kind.paths:
            _remove(cache_dir() / path)
    if as_json:
        print_json(Cache(cache_dir(), tuple(before)))
        return
    click.echo(
        f"removed {counted(sum(one.files for one in before), 'file')}, {_size(sum(one.bytes for one in before))}"
    )
    if left := [one for one in read_cache().kinds if one.files and not kinds]:
        log(f"kept: {', '.join(f'{one.kind} ({_size(one.bytes)})' for one in left)}; name a kind to remove it")


def read_cache() -> Cache:
    return Cache(cache_dir(), tuple(_kept(kind) for kind in KINDS.values()))


def cache_table(found: Cache) -> Table:
    from edgefkp.evaluation.table import Column, Table

    rows = [[one.kind, one.what, f"{one.files:,}", _size(one.bytes)] for one in found.kinds]
    columns = [Column("kind", "left"), Column("what is kept", "left", narrowest=30), Column("files"), Column("size")]
    return Table(columns, rows, [f"{found.folder}", "edgefkp cache clear [KIND]... removes it"])


def _kept(kind: Kind) -> Kept:
    sizes = [size for path in kind.paths for size in _sizes(cache_dir() / path)]
    return Kept(kind.name, kind.what, len(sizes), sum(sizes), not kind.named_only)


def _sizes(path: Path) -> list[int]:
    """Bytes of the file, or of every file in the folder; links are not followed, what vanishes is not counted."""
    if path.is_symlink() or path.is_file():
        return [path.lstat().st_size]
    found = []
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                found.append(os.lstat(os.path.join(folder, name)).st_size)
            except OSError:
                continue
    return found


def _remove(path: Path) -> None:
    """A file or a folder with all that is in it; of a link only the link. Raises EdgefkpError where that is refused."""
    with writing(path):
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)


def _size(number: int) -> str:
    if number < 1000:
        return counted(number, "byte") if number else "0 bytes"
    return f"{number / 1e6:,.1f} MB" if number >= 1e5 else f"{number / 1e3:,.1f} KB"
