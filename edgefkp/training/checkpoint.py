"""A checkpoint: one file with all that a run needs to go on exactly where it stopped."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.files import json_text, replacing


@dataclass(frozen=True)
class Checkpoint:
    """epoch: the number of finished epochs. state: of the Learner. best: weights with the best validation RMSE."""

    epoch: int
    history: list[dict[str, Any]]
    plan: dict[str, Any]
    state: list[np.ndarray]
    best: list[np.ndarray]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    meta = json_text({"epoch": checkpoint.epoch, "history": checkpoint.history, "plan": checkpoint.plan})
    arrays = {f"state{i}": array for i, array in enumerate(checkpoint.state)}
    arrays |= {f"best{i}": array for i, array in enumerate(checkpoint.best)}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, meta=np.array(meta), **arrays)  # type: ignore[arg-type]


def read_checkpoint(path: Path) -> Checkpoint | None:
    """None where there is none, or where it cannot be read (the run then starts from the beginning)."""
    try:
        with np.load(path) as stored:
            meta = json.loads(str(stored["meta"]))
            lists = {
                kind: [stored[f"{kind}{i}"] for i in range(sum(name.startswith(kind) for name in stored.files))]
                for kind in ("state", "best")
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return Checkpoint(meta["epoch"], meta["history"], meta["plan"], lists["state"], lists["best"])
