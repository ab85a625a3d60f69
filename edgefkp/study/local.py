"""Cells on this machine: each in a process of its own, which ends when the scheduler's process ends."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError
from edgefkp.files import plain
from edgefkp.runtime import isolate
from edgefkp.study.cell import StudyCell
from edgefkp.study.store import Study
from edgefkp.study.worker import Job
from edgefkp.training.step_plan import cores as all_cores

DONE, BUSY, KILLED, FAILED = "done", "busy", "killed", "failed"


@dataclass(frozen=True)
class CellEnd:
    """How the process of a cell ended."""

    state: str  # DONE; BUSY: another process has the cell; KILLED: by a signal; FAILED
    reason: str = ""  # the signal, or the error in one line


Submit = Callable[[StudyCell], "Future[CellEnd]"]  # starts a cell
Work = Callable[[dict[str, Any]], bool]  # what its process does: see worker.work


@contextmanager
def on_this_machine(study: Study, work: Work, workers: int) -> Iterator[Submit]:
    """A submit that runs `workers` cells at once; those that run when the block is left early are stopped."""
    share = max(1, all_cores() // workers)
    running: set[isolate.Child] = set()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="cell")
    try:
        yield lambda cell: pool.submit(run_cell, work, job_of(study, cell), study.log_file(cell), share, running)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in list(running):
            child.kill()  # its checkpoint is of the last epoch; an orderly stop would keep no more
        pool.shutdown()


def job_of(study: Study, cell: StudyCell) -> dict[str, Any]:
    job: dict[str, Any] = plain(Job(study, cell))
    return job


def run_cell(work: Work, job: dict[str, Any], log: Path, cores: int, running: set[isolate.Child]) -> CellEnd:
    """Run a cell in a child process on this many cores, with its output in `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with isolate.Child(work, job, log=log, environment={"EDGEFKP_CORES": str(cores)}) as child:
            running.add(child)
            try:
                return CellEnd(DONE if child.result() else BUSY)
            finally:
                running.discard(child)
    except isolate.ChildDied as died:
        return CellEnd(KILLED, died.signal) if died.signal else CellEnd(FAILED, died.last_line)
    except EdgefkpError as error:
        return CellEnd(FAILED, error.message)
