"""Several processes at one search, which share the cores of this machine."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any

from edgefkp.errors import EdgefkpError
from edgefkp.records import read_record
from edgefkp.runtime import isolate
from edgefkp.search.candidate import Watcher
from edgefkp.search.trials import Trials
from edgefkp.search.tune import SearchJob
from edgefkp.search.tune import work as judge_candidates
from edgefkp.training.step_plan import cores

GRACE = 20.0  # seconds in which a worker that was stopped may write its checkpoint
KILLED = 3  # processes in all that may be killed, each replaced by another, which goes on from its checkpoint

Work = Callable[[Any], None]


def work(job: dict[str, Any]) -> None:
    """In a worker's process: judge candidates, and report what there is to hear."""
    asked = read_record(SearchJob, job, "the worker's job")
    source = asked.dataset()
    events = {name: partial(_report, name) for name in ("note", "state", "done")}
    watcher = Watcher(**events)
    trials = Trials(asked.out / asked.tuning.name, asked.tuning)
    judge_candidates(trials, source, watcher, asked.measure(watcher))


def _report(event: str, value: Any) -> None:
    isolate.report([event, value])


def work_apart(job: SearchJob, count: int, watcher: Watcher, work: Work = work) -> None:
    """Run `count` workers until the search has its candidates.

    Raises the first EdgefkpError of a worker; the others are then stopped, and the search can be resumed.
    """
    environment = {"EDGEFKP_CORES": str(max(1, cores() // count))}
    killed = 0

    def hear(event: Any) -> None:
        getattr(watcher, event[0])(event[1])

    with ThreadPoolExecutor(count + KILLED) as pool, contextlib.ExitStack() as running:

        def start() -> Any:
            child = isolate.Child(work, job, label="a worker", environment=environment, progress=hear, grace=GRACE)
            return pool.submit(running.enter_context(child).result)

        left = {start() for _ in range(count)}
        while left:
            ended = next(as_completed(left))
            left.discard(ended)
            try:
                ended.result()
            except isolate.ChildDied as died:
                killed += 1
                if not died.signal or killed > KILLED:
                    raise EdgefkpError(
                        f"{died.message}{', perhaps for want of memory' if died.signal == 'SIGKILL' else ''}",
                        "re-run the same command to resume, with fewer --workers",
                    ) from None
                watcher.note(f"a worker was ended by {died.signal}; another one goes on from its checkpoint")
                left.add(start())
