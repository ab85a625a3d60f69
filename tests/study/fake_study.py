"""A scheduler in a process of its own, on fake cells.

python -m tests.study.fake_study DATA OUT WORK WORKERS RAY NAMES
"""

import sys
from pathlib import Path

from edgefkp.study.grid import select
from edgefkp.study.scheduler import run_study
from edgefkp.study.store import Study
from tests.study import fake_cell

if __name__ == "__main__":
    data, out, work, workers, ray, names = sys.argv[1:]
    study = Study(data, "csv", None, Path(out), Path(work))
    cells = select(names.split(","))
    run_study(study, cells, int(workers), ray or None, lambda text: print(text, flush=True), fake_cell.work)
