"""A search that took no time: candidates as the journal has them, and what was found."""

from pathlib import Path
from typing import Any

from edgefkp.bench.verdict import SUSPECT, VALID
from edgefkp.files import write_json
from edgefkp.search.front import FAILED, SLOW, STOPPED, TRAINED, Timing, Trial, Tuned, Tuning, with_front

TUNING = Tuning("found", "wide", trials=5, images=400)
MEAN_SHAPE = 4.0  # px
OPTIONS = {"channels": [16, 32, 32, 64, 96], "strides": [2, 2, 1, 2, 2]}


def trial(number: int, ms: float, kilobytes: float, rmse: float | None, verdict: str = VALID, **facts: Any) -> Trial:
    """A candidate whose error fell to `rmse` in four epochs; with None it was stopped."""
    shown = (100, 200, 300, 400) if rmse else (100, 200)
    last = rmse or 3.0
    curve = tuple((images, last * (1 + (400 - images) / 400)) for images in shown)
    reasons = [] if verdict == VALID else ["other processes kept 2.0 of 2 cores busy"]
    timing = Timing(ms, ms * 1.1, ms * 1.2, "litert", "2.3.0", verdict, reasons)
    outcome = TRAINED if rmse else STOPPED
    about: dict[str, Any] = {"timing": timing, "outcome": outcome, "curve": curve, **facts}
    size = int(1000 * kilobytes)
    return Trial(str(number), "plain", OPTIONS, 0.002, 10_000, 2_000_000, ms, rmse, bytes=size, **about)


def trials() -> list[Trial]:
    return [
        trial(0, 0.10, 40, 2.0),
        trial(1, 0.20, 80, 1.5),
        trial(2, 0.15, 60, 2.5),  # beaten by 0
        trial(3, 0.30, 90, None, reason="it would become 2.400 px"),
        trial(4, 0.40, 99, 1.4, SUSPECT),
        trial(5, 9.00, 900, None, outcome=SLOW, curve=(), reason="9.000 ms, and 1 ms are allowed"),
        trial(6, 0.10, 40, None, outcome=FAILED, curve=(), reason="the loss became NaN or infinite in epoch 1"),
    ]


def tuned() -> Tuned:
    found = with_front(trials(), TUNING.objectives, MEAN_SHAPE)
    best = found[0]
    return Tuned(
        TUNING.name,
        best.space,
        best.options,
        best.learning_rate,
        TUNING,
        {"name": "made", "hash": "h" * 64, "split": "s" * 64},
        MEAN_SHAPE,
        found,
        30,
        "a board",
        "found-masked-online",
        {"train": ["--data", "my faces"], "export": ["--data", "my faces"]},
    )


def write_tuned(folder: Path) -> Path:
    return write_json(folder / "found.json", tuned())


# What a search wrote when keras-tuner proposed the candidates and one number was minimized.
EARLIER = {
    "name": "older",
    "space": "plain",
    "options": OPTIONS,
    "learning_rate": 0.004,
    "tuning": {
        **{"name": "older", "space": "wide", "trials": 2, "images": 400, "treatment": "masked", "augment": "online"},
        **{"budget": 0.3, "scheme": "float32", "seed": 0},
    },
    "data": {"name": "made", "hash": "h", "split": "s"},
    "mean_shape_rmse": MEAN_SHAPE,
    "trials": [
        {
            **{"trial": "0", "space": "plain", "options": OPTIONS, "learning_rate": 0.004, "parameters": 1, "macs": 1},
            **{"ms": 0.2, "validation_rmse": 1.8, "score": 1.8},
        },
        {
            **{"trial": "1", "space": "plain", "options": OPTIONS, "learning_rate": 0.004, "parameters": 1, "macs": 1},
            **{"ms": 0.6, "validation_rmse": None, "score": 8.0},
        },
    ],
    "schema": "edgefkp.tuned/1",
}
