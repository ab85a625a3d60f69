"""What became of the killed commands, as stored in bench/results/kills.json, and its table."""

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bench.kills.targets import NAMES
from edgefkp.card import versions
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.table import Table
from edgefkp.files import read_json
from edgefkp.records import read_record

SCHEMA = "edgefkp.kills/1"

TYPED = {"fine-tune": "train --from"}  # where the name of a target is not that of its command


@dataclass(frozen=True)
class KillRow:
    """What became of one command."""

    command: str
    kills: int  # that came before the command had ended by itself
    same: int  # ends that equal the undisturbed one
    unfinished: int  # the command failed or had no end when it was run again
    different: int  # lost, doubled or half-written: other files, rows, rounds or bytes
    litter: int  # a file that the undisturbed run does not leave
    orphans: int  # a process that lived on


@dataclass(frozen=True)
class KillsResult:
    """One run of bench.kills."""

    seed: int
    created: str  # UTC
    versions: dict[str, str]
    rows: list[KillRow]
    problems: list[str]  # command, second of the kill, what differs
    schema: str = SCHEMA


def with_row(path: Path, seed: int, row: KillRow, problems: list[str]) -> KillsResult:
    """What stands at `path` with the row of one command in place of an earlier one; begun anew for another seed or
    version."""
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = read(path) if path.exists() else None
    if known is None or (known.seed, known.versions) != (seed, versions()):
        return KillsResult(seed, created, versions(), [row], problems)
    rows = [one for one in known.rows if one.command != row.command] + [row]
    others = [one for one in known.problems if not one.startswith(f"{row.command},")]
    return KillsResult(seed, created, versions(), sorted(rows, key=_place), others + problems)


def counts_of(path: Path, seed: int) -> dict[str, int]:
    """Kills of each command that stand at `path`, if they are of this seed and these versions."""
    known = read(path) if path.exists() else None
    if known is None or (known.seed, known.versions) != (seed, versions()):
        return {}
    return {row.command: row.kills for row in known.rows}


def _place(row: KillRow) -> int:
    return NAMES.index(row.command)


def kills_table(path: Path) -> Table:
    result = read(path)
    names = ("kills", "same", "unfinished", "different", "litter", "orphans")
    rows = [
        [f"`edgefkp {TYPED.get(row.command, row.command)}`", *(str(getattr(row, name)) for name in names)]
        for row in result.rows
    ]
    rows.append(["all", *(str(sum(getattr(row, name) for row in result.rows)) for name in names)])
    return Table.of(["command", *names], rows, [f"Seed {result.seed}; edgefkp {result.versions['edgefkp']}."])


def read(path: Path) -> KillsResult:
    stored = read_json(path)
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        raise EdgefkpError(f"{path} is not of {SCHEMA}", "python -m bench.kills makes it")
    return read_record(KillsResult, stored, str(path))
