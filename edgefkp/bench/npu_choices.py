"""Which file to use on an NPU that is not here: the compiler's estimates in the cards, as `recommend` takes them."""

from collections.abc import Sequence
from pathlib import Path

from edgefkp.bench.recommend import ESTIMATED, SCHEMA, Choice, Recommendation, chosen, is_beaten
from edgefkp.card import Card, read_card
from edgefkp.errors import EdgefkpError
from edgefkp.export.npu import NpuEstimate
from edgefkp.export.parity import parity_of
from edgefkp.export.targets import TARGETS
from edgefkp.files import visible
from edgefkp.records import read_record

PARTLY = "partly on the CPU"  # nothing is known of the time of that part


def recommend_npu(
    target: str, folder: Path, budget_ms: float | None = None, max_rmse: float | None = None
) -> Recommendation:
    """As bench.recommend, by the estimates that `edgefkp export --target` wrote in the cards of `folder`.

    Files that are only partly on the NPU are listed, and never chosen. Raises EdgefkpError without an estimate for the
    target, UsageError for an unknown one, GateError if no file fits.
    """
    name = TARGETS[target].name
    found = [
        (card, one) for path in visible(folder, "*.tflite") if (card := read_card(path)) and (one := _of(card, name))
    ]
    if not found:
        raise EdgefkpError(
            f"no file in {folder} was compiled for {name}", f"make one: edgefkp export --target {name} --data DATA"
        )
    choices = _choices(found)
    whole = tuple(choice for choice in choices if choice.verdict == ESTIMATED)
    limited = budget_ms is not None or max_rmse is not None
    if limited and not any(choice.rmse is not None for choice in whole):
        raise EdgefkpError(
            f"no file in {folder} runs wholly on {name} and has an RMSE to choose by",
            f"edgefkp export --target {name} --data DATA measures it",
        )
    parities = [parity for card, _ in found if (parity := parity_of(card))]
    return Recommendation(
        schema=SCHEMA,
        result=f"{folder}, estimated by {found[0][1].compiler}",
        device=f"{name} ({found[0][1].npu.system}, {found[0][1].npu.memory}, {found[0][1].clock_mhz:.0f} MHz)",
        data=str(parities[0].data["name"]) if parities else "",
        faces=max((parity.faces for parity in parities), default=0),
        budget_ms=budget_ms,
        max_rmse=max_rmse,
        chosen=chosen(whole, budget_ms, max_rmse) if limited else None,
        choices=choices,
        left_out=0,
    )


def _of(card: Card, target: str) -> NpuEstimate | None:
    stored = (card.npu or {}).get(target)
    return read_record(NpuEstimate, stored, f"the estimate for {target} in the card of {card.file}") if stored else None


def _choices(found: Sequence[tuple[Card, NpuEstimate]]) -> tuple[Choice, ...]:
    rows = []
    for card, one in found:
        parity = parity_of(card)
        rows.append((card, one, parity.rmse_after if parity else None))
    choices = []
    for card, one, rmse in rows:
        beaten = is_beaten(one.ms, rmse, [(other.ms, scored) for _, other, scored in rows if other.whole])
        choices.append(
            Choice(
                file=card.file,
                runtime=one.npu.accelerator,
                version="",
                threads=1,
                xnnpack=True,
                delegate="",
                bytes=card.bytes,
                ms=one.ms,
                ms_high=one.ms,
                p95=None,
                rmse=rmse,
                verdict=ESTIMATED if one.whole else PARTLY,
                pareto=one.whole and not beaten,
            )
        )
    return tuple(sorted(choices, key=lambda choice: choice.ms))
