"""What tables say of files on an accelerator or a delegate."""

from collections.abc import Sequence

from edgefkp.bench.examination import LATER
from edgefkp.bench.result import BenchRow
from edgefkp.runtime.engine import CPU


def share_of(row: BenchRow) -> str | None:
    """How much of the file runs on its accelerator; None for a row of the CPU, and where no runtime reports it."""
    if row.acceleration is None or row.accelerator == CPU or row.acceleration.fully is None:
        return None
    return "fully" if row.acceleration.fully else "partly"


def notes_of(rows: Sequence[BenchRow]) -> list[str]:
    """A line for each file: what it ran on, how far its points are from the CPU's, and whether it is the same network
    there."""
    notes: dict[str, None] = {}
    for row in rows:
        found = row.acceleration
        if found is None or row.accelerator == CPU:
            continue
        where = f" ({found.adapter or ' or '.join(found.adapters)})" if found.adapter or found.adapters else ""
        first, later = found.words(found.first), found.words(found.later)
        far = f"{first} from the CPU at the first inference, {later} at the {LATER}th"
        other = "; another network there: activations are not rounded as on the CPU" if found.another_network else ""
        notes[f"{row.file} on {found.on}{where}: {far}{other}"] = None
    return [*notes]
