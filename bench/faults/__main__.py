"""The command: see bench/faults/__init__.py."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import click

from bench import run
from bench.faults import KINDS, Kind
from bench.faults.record import BAD, Outcome, counts_of, faults_table, row_of, smallest, with_row
from bench.faults.runner import Note, altered, run_kind, samples_in
from edgefkp.cli.options import NameChoice, log
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError, GateError
from edgefkp.files import write_bytes, write_json

RESULT = Path(__file__).resolve().parents[1] / "results/faults.json"
WHOLE = sum(kind.share for kind in KINDS.values())


def inputs_of(kind: Kind, count: int) -> range:
    """`count` inputs over all kinds, by their shares, at least one."""
    return range(max(1, round(kind.share * count / WHOLE)))


@click.command(help=__doc__)
@click.option("--count", default=WHOLE, show_default=True, type=click.IntRange(1), help="Altered files in all.")
@click.option("--seed", default=0, show_default=True, help="Another seed makes other files.")
@click.option(
    "--only",
    multiple=True,
    type=NameChoice("kind", KINDS.names),
    metavar="KIND",
    help="May be repeated. The rows of the others stay.",
)
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Kept busy at once.")
@click.option("--resume", is_flag=True, help="Leave out the kinds that OUT has with this seed and these counts.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for the smallest file of each fault.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=RESULT, help="JSON to write. [default: the committed one]"
)
def main(
    count: int, seed: int, only: tuple[str, ...], processes: int, resume: bool, keep: Path | None, out: Path
) -> None:
    kinds = [KINDS[name] for name in only] or [kind for kind in KINDS.values() if kind.share]
    missing = [kind.name for kind in kinds if kind.needs and not find_spec(kind.needs)]
    if missing:
        raise EdgefkpError(f"{', '.join(missing)}: a package is missing", "pip install -e '.[train,tune]'")
    if resume:
        counted = counts_of(out, seed)
        kinds = [kind for kind in kinds if counted.get(kind.name) != len(inputs_of(kind, count))]
    rows, faults = [], []
    with progress_bar("faults", sum(len(inputs_of(kind, count)) for kind in kinds)) as bar:
        for kind in kinds:
            bar.label = kind.name
            outcomes = _outcomes(kind, inputs_of(kind, count), seed, processes, lambda one: bar.update(1))
            rows.append(row_of(kind.name, kind.description, outcomes))
            found = smallest(outcomes)
            faults += found
            for one in found:
                log(f"{one.kind} {one.number}: {one.outcome} {one.where} {one.message[:150]!r} ({one.altered[:80]})")
            if keep:
                _keep(kind, found, seed, keep)
            write_json(out, with_row(out, seed, rows[-1], found, KINDS.names()))
    click.echo(faults_table(out).text())
    if any(getattr(row, name) for row in rows for name in BAD):
        raise GateError(f"{len(faults)} kinds of fault", "each file again: --keep FOLDER with the same --seed")


def _outcomes(kind: Kind, numbers: range, seed: int, processes: int, note: Note) -> list[Outcome]:
    """Divided among processes: each takes every n-th number, in a folder of its own."""

    def run(part: range) -> list[Outcome]:
        with tempfile.TemporaryDirectory(prefix="edgefkp-faults-") as scratch:
            return run_kind(kind, part, seed, Path(scratch), note)

    parts = [part for first in range(processes) if (part := numbers[first::processes])]
    with ThreadPoolExecutor(processes) as pool:
        found = [one for outcomes in pool.map(run, parts) for one in outcomes]
    return sorted(found, key=lambda one: one.number)


def _keep(kind: Kind, faults: list[Outcome], seed: int, folder: Path) -> None:
    """The altered files of these faults, each with its number."""
    with tempfile.TemporaryDirectory(prefix="edgefkp-faults-") as scratch:
        samples = samples_in(kind, Path(scratch))
        for fault in faults:
            sample, content, _ = altered(kind, samples, fault.number, seed)
            name = f"{kind.name} {fault.number} {Path(sample.altered).name}".replace(" ", "-")
            write_bytes(folder / name, content)


if __name__ == "__main__":
    run(main)
