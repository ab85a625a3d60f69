"""Render tables inside Markdown files from committed JSON: python -m bench.render_docs [--check] FILE...

A block lies between `<!-- table KIND PATH -->` and `<!-- end -->`. KIND is a key of RENDERERS, and PATH is the path of
the JSON relative to the Markdown file ("-" for a table without one).
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path

import click

from bench import run
from bench.compare_on_arm import arm_table
from bench.doc_tables import (
    ablations_table,
    deviations_table,
    family_table,
    formats_table,
    landmarks_table,
    live_table,
    own_faces_table,
    peers_table,
    quantizers_table,
    robustness_table,
    seeds_table,
    structures_table,
    written_table,
)
from bench.faults.record import faults_table
from bench.front_tables import lead_table, lead_text, uses_table
from bench.kills.record import kills_table
from edgefkp.bench import result, table
from edgefkp.card import Card
from edgefkp.cli import COMMANDS
from edgefkp.cli.options import log
from edgefkp.errors import EdgefkpError, GateError
from edgefkp.evaluation.evaluate import Evaluation
from edgefkp.evaluation.table import Table
from edgefkp.export.model_card import parity_table
from edgefkp.files import read_json, write_text
from edgefkp.records import read_record
from edgefkp.report import run_table
from edgefkp.report.evaluation_table import normalized_table, slice_table
from edgefkp.report.result import read_run
from edgefkp.study.evidence import read_evidence
from edgefkp.study.page import BLOCKS


def _commands(_: Path) -> Table:
    rows = [[f"`edgefkp {name}`", line] for name, line in COMMANDS.items()]
    return Table.of(["command", "what it does"], rows, words=2)


def _cards(path: Path) -> str:
    """Render the cost of each conversion. path: the output of `edgefkp export --json`."""
    return parity_table(read_record(list[Card], read_json(path), str(path)))


def _evaluation(path: Path) -> Evaluation:
    """The output of `edgefkp evaluate --json`."""
    return read_record(Evaluation, read_json(path), str(path))


_study = functools.cache(read_evidence)  # a document has a dozen blocks of the same study


def _study_block(name: str) -> Callable[[Path], str]:
    return lambda folder: BLOCKS[name](_study(folder))


def _markup(make: Callable[[Path], Table]) -> Callable[[Path], str]:
    """The renderer of a table whose cells are Markdown."""
    return lambda path: make(path).markdown(markup=True)


RENDERERS: dict[str, Callable[[Path], str]] = {
    "run": lambda path: run_table.table(read_run(path)).markdown(),
    "commands": _markup(_commands),
    "formats": _markup(formats_table),
    "written": _markup(written_table),
    "bench": lambda path: table.markdown([result.read(path)]),
    "peers": _markup(peers_table),
    "quantizers": _markup(quantizers_table),
    "landmarks": _markup(landmarks_table),
    "family": _markup(family_table),
    "lead": lead_text,
    "lead-table": _markup(lead_table),
    "uses": _markup(uses_table),
    "structures": _markup(structures_table),
    "ablations": _markup(ablations_table),
    "robustness": _markup(robustness_table),
    "seeds": _markup(seeds_table),
    "live": _markup(live_table),
    "own-faces": _markup(own_faces_table),
    "deviations": _markup(deviations_table),
    "normalized": lambda path: normalized_table(_evaluation(path).score).markdown(),
    "slices": lambda path: slice_table(_evaluation(path).slices, _evaluation(path).score.nme_by).markdown(),
    "cards": _cards,
    "arm": _markup(arm_table),
    "faults": _markup(faults_table),
    "kills": _markup(kills_table),
    **{f"study-{name}": _study_block(name) for name in BLOCKS},
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
                log(f"wrote {document}")
    if check and stale:
        raise GateError(
            f"tables are out of date in {', '.join(stale)}", f"python -m bench.render_docs {' '.join(stale)}"
        )


if __name__ == "__main__":
    run(main)
