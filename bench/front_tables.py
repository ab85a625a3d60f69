"""What README.md says in numbers: how far ahead the shipped network is, and which file is for what."""

from pathlib import Path
from typing import Any

from bench.doc_tables import Row
from bench.peer_rows import basis, doubts, processor, threads, time_cell, verdict_of
from edgefkp.bench.verdict import INVALID, VALID
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.table import Column, Table
from edgefkp.files import read_json

OURS = "small-masked-online.dynamic"
PEERS = ("MediaPipe face_landmark (192x192x3)", "dlib 68 points")
# File -> what it is for.
USES = {
    "nano-masked-online.dynamic": "the smallest: little flash, or several models at once",
    "small-masked-online.dynamic": "a 64-bit Raspberry Pi (3, 4, 5, Zero 2 W), an x86 computer",
    "small-masked-online.int8": "the same, and 32-bit boards: measure both there",
    "small-masked-online.float32": "the reference, before quantization",
    "best-masked-online.dynamic": "the lowest error, if there is time for it",
}
SHIPPED = "small-masked-online."


def lead_text(path: Path) -> str:
    """One sentence on `OURS` against each of `PEERS`: error, time of the network alone, size (peers.json)."""
    content = read_json(path)
    rows = _rows(content)
    ours = rows[OURS]
    parts = []
    for name in PEERS:
        other = rows[name]
        error = 1 - ours["rmse"] / other["rmse"]
        parts.append(f"**{error:.0%} less error than {name.partition(' (')[0]}{_faster(ours, other)}**")
    data = content["data"]
    return (
        f"Its {ours['bytes'] / 1000:,.0f} KB file `{OURS}` has {' and '.join(parts)}, on the same "
        f"crops of {data['faces']:,} faces of persons that it was not trained on ({data['name']}; "
        f"{processor(content)}, {threads(content)})."
    )


def _faster(ours: Row, other: Row) -> str:
    """How many times as fast: a range of the quartiles for a SUSPECT time, nothing for an INVALID one."""
    verdicts = {verdict_of(ours)[0], verdict_of(other)[0]}
    if INVALID in verdicts:
        return ""
    if verdicts == {VALID}:
        return f" at {other['ms'][1] / ours['ms'][1]:.1f} times its speed"
    low, high = other["ms"][0] / ours["ms"][2], other["ms"][2] / ours["ms"][0]
    return f" at {low:.1f} to {high:.1f} times its speed"


def lead_table(path: Path) -> Table:
    """Our sizes beside the peers, the lowest error first (peers.json)."""
    content = read_json(path)
    rows = _rows(content)
    names = [name for name in rows if name in PEERS or name.endswith(".dynamic")]
    table = [
        [
            f"**{name}**" if name == OURS else name,
            f"{rows[name]['bytes'] / 1000:,.0f}",
            time_cell(rows[name], 2),
            verdict_of(rows[name])[0],
            f"{rows[name]['rmse']:.2f}",
        ]
        for name in sorted(names, key=lambda name: rows[name]["rmse"])
    ]
    note = (
        f"Median time of the network alone with its quartiles: {basis(content)}. Error: RMSE in pixels of the 96x96 "
        f"crop, over {rows[OURS]['coordinates']:,} coordinates placed by hand or derived from such. manual: a network "
        "of the paper."
    )
    columns = [Column("model", "left"), Column("KB"), Column("ms per face"), Column("verdict", "left")]
    return Table([*columns, Column("error, px")], table, [note, *doubts([rows[name] for name in names])])


def uses_table(path: Path) -> Table:
    """Which file for which board (peers.json)."""
    rows = _rows(read_json(path))
    table = [
        [
            use,
            f"`{name}`",
            "in the package" if name.startswith(SHIPPED) else "in `export/`",
            f"{rows[name]['bytes'] / 1000:,.0f}",
            f"{rows[name]['rmse']:.2f}",
        ]
        for name, use in USES.items()
    ]
    return Table.of(["for", "file", "where", "KB", "error, px"], table, words=3)


def _rows(content: dict[str, Any]) -> dict[str, Row]:
    """By name. Raises EdgefkpError if one is missing that is compared."""
    rows = {row["name"]: row for row in content["rows"]}
    if missing := [name for name in (OURS, *PEERS, *USES) if name not in rows]:
        raise EdgefkpError(f"no row {missing[0]} to compare with", "give that file to bench/peers/peers.py, too")
    return rows
