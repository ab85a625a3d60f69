"""Render tables inside Markdown files from committed JSON: python -m bench.render_docs [--check] FILE...

A block lies between `<!-- table KIND PATH -->` and `<!-- end -->`. KIND is a key of RENDERERS, and PATH is the path of
the JSON relative to the Markdown file ("-" for a table without one).
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import click

from bench.doc_family import (
    ablations_markdown,
    family_markdown,
    robustness_markdown,
    seeds_markdown,
    structures_markdown,
)
from bench.doc_live import live_markdown
from bench.doc_peers import peers_markdown
from edgefkp.card import Card
from edgefkp.cli import COMMANDS
from edgefkp.cli.options import note
from edgefkp.errors import EdgefkpError, GateError
from edgefkp.files import read_json, write_text
from edgefkp.records import read_record
from edgefkp.report.result import read_run
from edgefkp.report.run_table import markdown
from edgefkp.study.blocks import BLOCKS, block


def _commands(_: Path) -> str:
    lines = [f"| `edgefkp {name}` | {line} |" for name, line in COMMANDS.items()]
    return "\n".join(["| command | what it does |", "| --- | --- |", *lines])


def _bench(path: Path) -> str:
    from edgefkp.bench import result, table

    return table.table_of([result.read(path)]).markdown()


def _cards(path: Path) -> str:
    """Render the cost of each conversion. path: the output of `edgefkp export --json`."""
    from edgefkp.export.model_card import parity_table

    return parity_table(read_record(list[Card], read_json(path), str(path)))


def _arm(path: Path) -> str:
    from bench.compare_on_arm import arm_markdown

    return arm_markdown(read_json(path))


RENDERERS: dict[str, Callable[[Path], str]] = {
    "run": lambda path: markdown(read_run(path)),
    "commands": _commands,
    "bench": _bench,
    "peers": peers_markdown,
    "family": family_markdown,
    "structures": structures_markdown,
    "ablations": ablations_markdown,
    "robustness": robustness_markdown,
    "seeds": seeds_markdown,
    "live": live_markdown,
    "cards": _cards,
    "arm": _arm,
    **{f"study-{name}": block(name) for name in BLOCKS},
}

_BLOCK = re.compile(r"(?P<open><!-- table (?P<kind>\S+) (?P<path>\S+) -->\n).*?(?P<close><!-- end -->)", re.DOTALL)


def rendered(document: Path) -> str:
    """Return the text of `document` with each of its blocks rendered again.

    Raises EdgefkpError if a block names an unknown kind or a file with the wrong JSON.
    """

    def block(match: re.Match[str]) -> str:
        kind = match["kind"]
        if kind not in RENDERERS:
            raise EdgefkpError(
                f"{document} contains an unknown kind of table, '{kind}'", f"known: {', '.join(RENDERERS)}"
            )
        return f"{match['open']}\n{RENDERERS[kind](document.parent / match['path'])}\n\n{match['close']}"

    return _BLOCK.sub(block, document.read_text(encoding="utf-8"))


@click.command()
@click.argument("documents", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 if a table is out of date.")
def main(documents: tuple[Path, ...], check: bool) -> None:
    """Render the tables in DOCUMENTS again from the JSON files that they name."""
    stale = []
    for document in documents:
        text = rendered(document)
        if text != document.read_text(encoding="utf-8"):
            stale.append(str(document))
            if not check:
                write_text(document, text)
                note(f"wrote {document}")
    if check and stale:
        raise GateError(
            f"tables are out of date in {', '.join(stale)}", f"python -m bench.render_docs {' '.join(stale)}"
        )


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except EdgefkpError as error:
        print(f"error: {error.message}\nhint:  {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
