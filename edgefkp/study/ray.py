"""Cells on a Ray cluster: the same processes as on one machine, started by Ray on whichever node has cores free."""

import logging
import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgefkp.errors import EnvironmentProblem
from edgefkp.study.cell import StudyCell
from edgefkp.study.local import CellEnd, Submit, Work, job_of, run_cell
from edgefkp.study.store import Study

CONNECT_SECONDS = 5.0
RETRIES = 3  # by Ray, of a cell whose node died


@contextmanager
def on_ray(study: Study, work: Work, address: str, cores: int) -> Iterator[Submit]:
    """A submit for `scheduler.run_all`: a cell takes `cores` cores of a node, and runs again when its node dies.

    Its first process cannot go on beside the second: it ends with the Ray worker that started it, and its claim
    with it. Raises EnvironmentProblem without Ray, or if no cluster answers at `address`.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise EnvironmentProblem("--ray needs Ray, which is not installed", "pip install 'edgefkp[ray]'") from None
    try:
        _require_listening(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise EnvironmentProblem(
            f"no Ray cluster answers at {address}: {str(error).splitlines()[0][:100]}",
            "start one with: ray start --head, and on the other nodes: ray start --address HOST:6379",
        ) from error
    task = ray.remote(num_cpus=cores, max_retries=RETRIES)(run_on_node)

    def submit(cell: StudyCell) -> "Future[CellEnd]":
        return task.remote(work, job_of(study, cell), str(study.log_file(cell)), cores).future()

    try:
        yield submit
    finally:
        ray.shutdown()


def _require_listening(address: str) -> None:
    """Raise OSError or ValueError where nobody is at HOST:PORT; Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and "//" not in address:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()


def run_on_node(work: Work, job: dict[str, Any], log: str, cores: int) -> CellEnd:
    """What a Ray worker does, with its own node's Python: see `local.run_cell`."""
    return run_cell(work, job, Path(log), cores, set())
