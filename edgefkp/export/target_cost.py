"""What the target costs: the same file made for a newer runtime alone, measured on the same faces.

Old runtimes lack a scale for each output of a dense layer in dynamic files; a file for all of them goes without.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgefkp.card import Card
from edgefkp.export.convert import ConversionSettings
from edgefkp.export.parity import Parity
from edgefkp.export.targets import TARGETS, Target
from edgefkp.records import read_record

RMSE_LIMIT = 0.01  # px above which a target costs something worth a word
P95_LIMIT = 0.1  # the same for the 95th percentile of shifts, as a share of the other file's


@dataclass(frozen=True)
class Alternative:
    """The file that another target would get."""

    # Its name in TARGETS.
    target: str
    # RMSE in pixels, on the faces of the card's parity.
    rmse: float
    # 95th percentile of the points' shifts from the network, pixels.
    p95: float


def narrower(target: Target) -> Target | None:
    """The target that leaves out the runtimes for whose sake dense layers get one scale; None if there is none."""
    if not target.per_tensor_dense:
        return None
    others = [one for one in TARGETS.values() if not one.per_tensor_dense and set(one.tables) < set(target.tables)]
    return others[0] if others else None


def alternative_of(
    target: Target,
    settings: ConversionSettings,
    made: Path,
    write: Callable[[Path, ConversionSettings], None],
    measure: Callable[[Path], Parity | None],
) -> Alternative | None:
    """Measure what the file at `made` would be without the target's demand; None where that is the same file.

    write: makes a file by other settings. measure: its parity.
    """
    other = narrower(target)
    if not settings.per_tensor_dense or other is None:
        return None
    path = made.with_name(f"{other.name}-{made.name}")
    write(path, replace(settings, per_tensor_dense=False))
    compared = measure(path) if path.read_bytes() != made.read_bytes() else None
    return Alternative(other.name, compared.rmse_after, compared.shift.p95) if compared else None


def costs_of(card: Card, parity: Parity | None) -> str:
    """What to say of a file whose target costs it more than the limits; "" of others."""
    other = card.alternative and read_record(
        Alternative, card.alternative, f"the alternative in the card of {card.file}"
    )
    if not other or not parity:
        return ""
    more = parity.rmse_after - other.rmse
    if more <= RMSE_LIMIT and parity.shift.p95 <= (1 + P95_LIMIT) * other.p95:
        return ""
    return (
        f"{card.file} runs on every runtime, and that costs: {parity.rmse_after:.4f} px, p95 {parity.shift.p95:.3f}; "
        f"with --target {other.target}: {other.rmse:.4f} px, p95 {other.p95:.3f}"
    )
