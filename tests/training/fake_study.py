"""A crew in a process of its own, on fake cells: python -m tests.training.fake_study DATA OUT WORK WORKERS RAY NAMES"""

import sys
from pathlib import Path

from edgefkp.training.crew import run_study
from edgefkp.training.grid import select
from edgefkp.training.study import Study
from tests.training.fake_cell import command

if __name__ == "__main__":
    data, out, work, workers, ray, names = sys.argv[1:]
    study = Study(data, "csv", None, Path(out), Path(work))
    cells = select(names.split(","))
    run_study(study, cells, int(workers), ray or None, lambda text: print(text, flush=True), command)
