"""A checkpoint: one file with all that a run needs to go on exactly where it stopped."""

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.files import json_text, replacing
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


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    meta = json_text({"epoch": checkpoint.epoch, "history": checkpoint.history, "plan": checkpoint.plan})
    arrays = {f"state{i}": array for i, array in enumerate(checkpoint.state)}
    arrays |= {f"best{i}": array for i, array in enumerate(checkpoint.best)}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, meta=np.array(meta), **arrays)  # type: ignore[arg-type]


def read_checkpoint(path: Path) -> Checkpoint | None:
    """None for a file that is missing or damaged: the run then starts from the beginning.

    Raises EdgefkpError for a whole one whose plan is of another version.
    """
    try:
        with np.load(path) as stored:
            meta = json.loads(str(stored["meta"]))
            lists = {
                kind: [stored[f"{kind}{i}"] for i in range(sum(name.startswith(kind) for name in stored.files))]
                for kind in ("state", "best")
            }
        epoch, history, plan = meta["epoch"], meta["history"], meta["plan"]
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    except (RecursionError, MemoryError, NotImplementedError):  # what a damaged header asks for
        return None
    hint = "train without --resume, or delete it"
    known = read_record(Plan, plan, f"the plan in {path}", hint, strict=True)
    return Checkpoint(epoch, history, known, lists["state"], lists["best"])
