"""The paper's grid: which cells the study has, in the order of its tables, and how long each will take."""

import fnmatch
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edgefkp.card import imputation_name
from edgefkp.errors import UsageError
from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import NETWORKS, resolve
from edgefkp.study.cell import CellResult, StudyCell
from edgefkp.training.recipe import RIDGE, STEPS

# The columns of tables 3 and 4 as (imputation, augment): the paper's four, and ours.
MASKED = ("masked", "online")
COLUMNS = (("drop", "none"), ("ffill", "none"), ("knn", "none"), ("drop", "paper"), MASKED)
CUSTOM = ("baseline", "manual", "tuned")
TRANSFER = ("mobilenetv2_frozen", "mobilenetv2", "nasnetmobile_frozen", "nasnetmobile")
ONCE = ("small", "naimishnet", "inception", "residual", "shi", "gao", "resnet50")  # under MASKED alone
SECOND_SEEDS = ("manual",)

IMAGES = 120_000
# NASNetMobile is trained on 96x96 pixels and a quarter of the images: at 224 its ten cells alone would take a day.
NASNET_IMAGES, NASNET_OPTIONS = 30_000, {"resolution": 96}
OPTIONS: dict[str, dict[str, Any]] = {"small": {"channels": [24, 48, 64, 64, 96, 96, 96]}}  # as it was at the time
PRETRAINED = ("mobilenetv2_frozen", "mobilenetv2")
# Half the usual rate for trainings that would diverge: networks without BatchNorm, and pretrained weights.
GENTLE = (*TRANSFER, "naimishnet", "shi", "gao", "resnet50")
GENTLE_RATE = 1e-3

# Training on one core of an x86 server with AVX512 and bfloat16, images a second; the others by their
# multiply-accumulates.
IMAGES_A_SECOND = {
    "small": 600.0,
    "naimishnet": 140.0,  # these two are mostly dense layers, whose every weight has to be read and written
    "shi": 75.0,
    "mobilenetv2": 80.0,
    "nasnetmobile": 40.0,
}
MACS_A_SECOND = 20e9
UNMEASURED_MACS = 200e6  # of a network whose cost was not measured yet
FORWARD_SHARE = 1 / 3  # of a step's work when the backbone is frozen and every image is new
FEATURE_IMAGES = {"none": 7_000, "paper": 18_000}  # seen once by a frozen backbone, validation included
START_SECONDS = 60.0  # loading, tracing, scoring


def grid() -> list[StudyCell]:
    """All cells, row by row as in the paper's tables, second seeds at the end."""
    rows = [_cell(network, *column) for network in (*CUSTOM, *TRANSFER) for column in COLUMNS]
    rows += [_cell(network, *MASKED) for network in ONCE]
    return rows + [_cell(network, *column, seed=1) for network in SECOND_SEEDS for column in COLUMNS]


def column_names() -> list[str]:
    return [imputation_name(*column) for column in COLUMNS]


def select(patterns: Sequence[str]) -> list[StudyCell]:
    """The cells whose name matches one of the shell patterns; all for no pattern. Raises UsageError for none."""
    cells = grid()
    if not patterns:
        return cells
    chosen = [cell for cell in cells if any(fnmatch.fnmatch(cell.name, pattern) for pattern in patterns)]
    if not chosen:
        raise UsageError(
            f"no cell is called {' or '.join(patterns)}",
            "edgefkp study status --json lists them; for example 'manual-*'",
        )
    return chosen


def in_turn(cells: Iterable[StudyCell], forecast: "Forecast") -> list[StudyCell]:
    """The order to run them in: cheap ones first, so that most of the table is done soon.

    Last come NASNetMobile, which without ImageNet weights decides least, and second seeds.
    """
    return sorted(cells, key=lambda c: (c.seed, c.network.startswith("nasnetmobile"), forecast.core_seconds(c)))


def _cell(network: str, imputation: str, augment: str, seed: int = 0) -> StudyCell:
    resolved = resolve(network, imputation, augment)
    name = resolved.name
    nasnet = name.startswith("nasnetmobile")
    rate = {"learning_rate": GENTLE_RATE} if name in GENTLE else {}
    images, options = (NASNET_IMAGES, NASNET_OPTIONS) if nasnet else (IMAGES, OPTIONS.get(name, {}))
    head = RIDGE if resolved.frozen else STEPS  # solved (training/ridge.py) where no other layer learns
    about = {"pretrained": name in PRETRAINED, "options": dict(options), "head": head}
    return StudyCell(name, imputation, augment, images, seed, **rate, **about)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Forecast:
    """Core-seconds of cells to come, by the speeds of finished ones: seconds on one core, or half of them on two."""

    finished: Sequence[CellResult] = ()

    def core_seconds(self, cell: StudyCell) -> float:
        same = [_spent(r) / r.identity.images for r in self.finished if self._alike(cell, r)]
        if same:
            return statistics.median(same) * cell.images
        return self._machine * expected_core_seconds(cell)

    @staticmethod
    def _alike(cell: StudyCell, result: CellResult) -> bool:
        if result.identity.network != cell.network:
            return False
        # A frozen backbone sees the paper's larger set once, and images that are altered on the fly every time.
        return not NETWORKS[cell.network].frozen or result.identity.augment == cell.augment

    @property
    def _machine(self) -> float:
        """How much slower than expected the finished cells were, long ones counting for more."""
        expected = sum(expected_core_seconds(result.identity) for result in self.finished)
        return sum(map(_spent, self.finished)) / expected if expected else 1.0


def _spent(result: CellResult) -> float:
    return result.seconds * result.cores


def expected_core_seconds(cell: StudyCell) -> float:
    """Before anything was measured."""
    base = cell.network.removesuffix("_frozen")
    speed = IMAGES_A_SECOND.get(base) or MACS_A_SECOND / (cost.macs if (cost := cost_of(base)) else UNMEASURED_MACS)
    if cell.head_only:
        return START_SECONDS + FEATURE_IMAGES[cell.augment] * FORWARD_SHARE / speed
    share = FORWARD_SHARE if NETWORKS[cell.network].frozen else 1.0
    return START_SECONDS + cell.images * share / speed
