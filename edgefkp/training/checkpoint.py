"""A checkpoint: one file with all that a run needs to go on exactly where it stopped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.arrays import read_arrays, write_arrays
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text, parse_json
from edgefkp.records import read_record
from edgefkp.training.step_plan import Plan


@dataclass(frozen=True)
class Checkpoint:
    """A run after its last finished epoch."""

    epoch: int  # finished ones
    history: list[dict[str, Any]]  # a row for each epoch
    plan: Plan  # a resumed run keeps to it
    state: list[np.ndarray]  # of the Learner
    best: list[np.ndarray]  # weights with the best validation RMSE


@dataclass(frozen=True)
class _Meta:
    """What is no array of a checkpoint."""

    epoch: int
    history: list[dict[str, Any]]
    plan: Any


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    meta = json_text({"epoch": checkpoint.epoch, "history": checkpoint.history, "plan": checkpoint.plan})
    arrays = {f"state{i}": array for i, array in enumerate(checkpoint.state)}
    arrays |= {f"best{i}": array for i, array in enumerate(checkpoint.best)}
    write_arrays(path, {"meta": np.array(meta), **arrays})


def read_checkpoint(path: Path) -> Checkpoint | None:
    """None for a file that is missing or damaged: the run then starts from the beginning.

    Raises EdgefkpError for a whole one whose plan is of another version.
    """
    try:
        stored = read_arrays(path, "")
        meta = read_record(_Meta, parse_json(str(stored.get("meta")), str(path)), str(path))
    except EdgefkpError:
        return None
    lists = {
        kind: [stored[f"{kind}{i}"] for i in range(len(stored)) if f"{kind}{i}" in stored] for kind in ("state", "best")
    }
    plan = read_record(Plan, meta.plan, f"the plan in {path}", "train without --resume", strict=True)
    return Checkpoint(meta.epoch, meta.history, plan, lists["state"], lists["best"])
