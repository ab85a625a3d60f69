"""Cells on this machine: each in a process of its own, which ends when the scheduler's process ends."""

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from edgefkp.study.cell import StudyCell
from edgefkp.study.store import Study
from edgefkp.training.step_plan import cores as all_cores

Submit = Callable[[StudyCell], "Future[int]"]  # starts a cell; the future is the exit code of its process
Command = Callable[[Study, StudyCell], list[str]]


@contextmanager
def on_this_machine(study: Study, command: Command, workers: int) -> Iterator[Submit]:
    """A submit that runs `workers` cells at once; those that run when the block is left early are stopped."""
    share = max(1, all_cores() // workers)
    running: set[subprocess.Popen[bytes]] = set()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="cell")
    try:
        yield lambda cell: pool.submit(run_cell, command(study, cell), study.log_file(cell), share, running)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            process.kill()  # its checkpoint is of the last epoch; an orderly stop would keep no more
        pool.shutdown()


def run_cell(command: list[str], log: Path, cores: int, running: set["subprocess.Popen[bytes]"]) -> int:
    """Run a cell's process to its end on so many cores, output to `log`; its exit code, negative for a signal.

    The process ends when this one does: it holds the other end of this pipe.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        environment = {**os.environ, "EDGEFKP_CORES": str(cores)}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.STDOUT, env=environment
        )
        running.add(process)
        try:
            return process.wait()
        finally:
            running.discard(process)
