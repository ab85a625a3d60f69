"""What each network costs, as `python -m bench.measure_costs` counted it into costs.json; nothing is built here."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgefkp.files import read_json
from edgefkp.records import read_record

FILE = Path(__file__).with_name("costs.json")


@dataclass(frozen=True)
class Cost:
    """Of a network in its own options, for Kaggle's 15 points of 96x96 gray pixels."""

    parameters: int  # trainable or not
    macs: int  # multiply-accumulates of the convolutions and dense layers for one image


@cache
def _costs() -> dict[str, Cost]:
    return {name: read_record(Cost, cost, f"{FILE}, {name}") for name, cost in read_json(FILE).items()}


def cost_of(network: str) -> Cost | None:
    """None for a network that was not measured yet."""
    return _costs().get(network)
