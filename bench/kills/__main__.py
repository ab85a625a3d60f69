"""The command: see bench/kills/__init__.py."""

import tempfile
from importlib.util import find_spec
from pathlib import Path

import click

from bench import run
from bench.kills.record import KillRow, counts_of, kills_table, with_row
from bench.kills.runner import kill_often
from bench.kills.targets import NAMES, TARGETS
from edgefkp.cli.options import log
from edgefkp.errors import EdgefkpError, GateError
from edgefkp.files import write_json

RESULT = Path(__file__).resolve().parents[1] / "results/kills.json"


@click.command(help=__doc__)
@click.option("--count", default=10, show_default=True, type=click.IntRange(1), help="Kills of each command.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other moments.")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="May be repeated. The rows of the others stay.")
@click.option("--resume", is_flag=True, help="Leave out the commands that OUT has with this seed and count.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=RESULT, help="JSON to write. [default: the committed one]"
)
def main(count: int, seed: int, only: tuple[str, ...], resume: bool, out: Path) -> None:
    rows: list[KillRow] = []
    problems: list[str] = []
    counted = counts_of(out, seed) if resume else {}
    for target in TARGETS:
        if target.name not in (only or NAMES) or counted.get(target.name) == count:
            continue
        if target.needs and not find_spec(target.needs):
            raise EdgefkpError(f"{target.name} needs {target.needs}", "pip install -e '.[train,tune]'")
        with tempfile.TemporaryDirectory(prefix="edgefkp-kills-") as scratch:
            row, found = kill_often(target, count, seed, Path(scratch))
        rows.append(row)
        problems += found
        log(str(row))
        write_json(out, with_row(out, seed, row, found))
    click.echo(kills_table(out).text())
    for problem in problems:
        log(problem)
    if problems or any(row.orphans for row in rows):
        raise GateError(f"{len(problems)} ends are not those of the undisturbed run", "the same again: the same --seed")


if __name__ == "__main__":
    run(main)
