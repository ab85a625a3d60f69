"""What became of the altered files, as stored in bench/results/faults.json, and its table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from edgefkp.card import versions
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.table import Table
from edgefkp.files import read_json
from edgefkp.records import read_record

SCHEMA = "edgefkp.faults/1"
PACKAGES = ("numpy", "opencv-python", "ai-edge-litert", "tensorflow")  # whose versions matter
REFUSED, FINE = "refused", "fine"
WRONG, TRACEBACK, CRASH, HANG = "wrong", "traceback", "crash", "hang"
BAD = (WRONG, TRACEBACK, CRASH, HANG)
OUTCOMES = (REFUSED, FINE, *BAD)


@dataclass(frozen=True)
class Outcome:
    """What became of one altered file."""

    kind: str
    number: int  # with the seed, this makes the file again
    outcome: str  # one of OUTCOMES
    altered: str = ""  # file and change
    bytes: int = 0  # of the altered file
    where: str = ""  # of a traceback: the package's innermost function
    message: str = ""


@dataclass(frozen=True)
class FaultRow:
    """The counts of one kind."""

    kind: str
    description: str
    inputs: int
    refused: int  # an error of two lines
    fine: int  # an answer; for a guarded kind that of the untouched file
    wrong: int  # another answer although a card or reference points stand beside it, or numbers that cannot be
    traceback: int  # any other exception
    crash: int  # the process died
    hang: int  # no end within the kind's limit


@dataclass(frozen=True)
class FaultsResult:
    """One run of bench.faults."""

    seed: int
    created: str  # UTC
    versions: dict[str, str]
    rows: list[FaultRow]
    faults: list[Outcome] = field(default_factory=list)  # what is BAD: of each kind and place the smallest file
    schema: str = SCHEMA


def row_of(kind: str, description: str, outcomes: Sequence[Outcome]) -> FaultRow:
    counts = {name: sum(one.outcome == name for one in outcomes) for name in OUTCOMES}
    return FaultRow(kind, description, len(outcomes), **counts)


def smallest(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Of the bad ones, the smallest file of each kind, place and kind of exception."""
    found: dict[tuple[str, ...], Outcome] = {}
    for one in sorted(outcomes, key=lambda outcome: (outcome.bytes, outcome.number)):
        if one.outcome in BAD:
            found.setdefault((one.kind, one.outcome, one.where, one.message.partition(":")[0]), one)
    return sorted(found.values(), key=lambda one: (one.kind, one.number))


def with_row(path: Path, seed: int, row: FaultRow, found: list[Outcome], order: Sequence[str]) -> FaultsResult:
    """What stands at `path` with the row of one kind in place of an earlier one; begun anew for another seed or
    version. order: the names of all kinds."""
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = read(path) if path.exists() else None
    if known is None or (known.seed, known.versions) != (seed, versions(*PACKAGES)):
        return FaultsResult(seed, created, versions(*PACKAGES), [row], found)
    rows = [*(one for one in known.rows if one.kind != row.kind), row]
    faults = [*(one for one in known.faults if one.kind != row.kind), *found]
    place = {name: number for number, name in enumerate(order)}
    rows.sort(key=lambda one: place[one.kind])
    faults.sort(key=lambda one: (place[one.kind], one.number))
    return FaultsResult(seed, created, known.versions, rows, faults)


def counts_of(path: Path, seed: int) -> dict[str, int]:
    """Inputs of each kind that stand at `path`, if they are of this seed and these versions."""
    known = read(path) if path.exists() else None
    if known is None or (known.seed, known.versions) != (seed, versions(*PACKAGES)):
        return {}
    return {row.kind: row.inputs for row in known.rows}


def read(path: Path) -> FaultsResult:
    stored = read_json(path)
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        raise EdgefkpError(f"{path} is not of {SCHEMA}", "python -m bench.faults makes it")
    return read_record(FaultsResult, stored, str(path))


def faults_table(path: Path) -> Table:
    result = read(path)
    rows = [[row.description, *(f"{getattr(row, name):,}" for name in ("inputs", *OUTCOMES))] for row in result.rows]
    total = [sum(getattr(row, name) for row in result.rows) for name in ("inputs", *OUTCOMES)]
    rows.append(["all", *(f"{number:,}" for number in total)])
    note = f"Seed {result.seed}; {', '.join(f'{name} {version}' for name, version in result.versions.items())}."
    return Table.of(["file: what is called", "inputs", *OUTCOMES], rows, [note], words=1)
