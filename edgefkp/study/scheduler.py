"""Run cells side by side, each in a process of its own, and lose none.

The claim on a cell (store.py) decides who runs it, not the scheduler: two schedulers on one study share it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from edgefkp.data.formats import open_dataset
from edgefkp.errors import EdgefkpError, counted
from edgefkp.study.cell import StudyCell
from edgefkp.study.grid import Forecast, in_turn
from edgefkp.study.local import BUSY, DONE, KILLED, CellEnd, Submit, Work, on_this_machine
from edgefkp.study.ray import on_ray
from edgefkp.study.store import Study, StudyState, state_of
from edgefkp.study.worker import work as work_on_cell

TRIES = 3  # of a cell whose process something killed: it goes on from its checkpoint

Note = Callable[[str], None]


def run_study(
    study: Study,
    cells: Sequence[StudyCell],
    workers: int = 1,
    ray: str | None = None,
    note: Note = lambda text: None,
    work: Work = work_on_cell,
) -> StudyState:
    """Run every cell that is not done; a cell that was stopped resumes from its checkpoint.

    workers: cells at once on this machine, which share its cores. ray: address of a Ray cluster to run on instead,
    whose nodes see the study's folders and data under the same paths; `workers` is then the cores of a cell.
    Raises EdgefkpError at the end if a cell failed, with the first failure and its log.
    """
    study.require_weights(cells)
    study.require_same(cells, open_dataset(study.data, study.labels))
    finished = study.finished(cells)
    done = {result.cell for result in finished}
    todo = in_turn([cell for cell in cells if cell.name not in done], Forecast(finished))
    note(f"{len(done)} of {counted(len(cells), 'cell')} are done")
    if todo:
        place = on_ray(study, work, ray, workers) if ray else on_this_machine(study, work, workers)
        with place as submit:
            run_all(study, cells, todo, submit, note)
    return state_of(study, cells)


def run_all(study: Study, cells: Sequence[StudyCell], todo: Sequence[StudyCell], submit: Submit, note: Note) -> None:
    """Submit all of `todo`, again what was killed, and raise EdgefkpError at the end if cells failed."""
    running = {submit(cell): cell for cell in todo}
    tries: Counter[str] = Counter()
    failed: list[tuple[StudyCell, str]] = []
    while running:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            cell = running.pop(future)
            end = _end_of(future)
            tries[cell.name] += 1
            if end.state == DONE:
                note(_done(study, cells, cell))
            elif end.state == BUSY:
                note(f"{cell.name}: another process has it")
            elif end.state == KILLED and tries[cell.name] < TRIES:
                note(f"{cell.name}: its process was killed ({end.reason}); it resumes from its checkpoint")
                running[submit(cell)] = cell
            else:
                reason = f"killed {tries[cell.name]} times" if end.state == KILLED else end.reason
                note(f"{cell.name} failed: {reason}")
                failed.append((cell, reason))
    if failed:
        cell, reason = failed[0]
        raise EdgefkpError(
            f"{len(failed)} of {counted(len(todo), 'cell')} failed, first {cell.name}: {reason}",
            f"see {study.log_file(cell)}; the same command tries them again",
        )


def _end_of(future: "Future[CellEnd]") -> CellEnd:
    try:
        return future.result()
    except Exception as error:  # Ray's own kinds: the node that had it is gone
        if type(error).__module__.startswith("ray."):
            return CellEnd(KILLED, "its node is gone")
        raise


def _done(study: Study, cells: Sequence[StudyCell], cell: StudyCell) -> str:
    state = state_of(study, cells)
    result = study.result(cell)
    if result is None:  # it said that it is done
        raise EdgefkpError(f"{study.result_file(cell)} is gone", "do not clear the folder while a study runs")
    return (
        f"[{len(state.names(DONE))}/{len(cells)}] {cell.name}: validation {result.scores.validation_rmse:.3f} px,"
        f" {result.seconds / 60:.0f} min; about {state.left / 3600:.1f} h left on all cores"
    )
