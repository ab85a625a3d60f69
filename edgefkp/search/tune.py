"""Search for networks: Optuna proposes, the usual training and the benchmark judge, what no other one beats remains.

A candidate is converted and timed first, on this machine or on a board. Its error is the validation RMSE of a short
training, which ends early if the learning curve shows that the candidate cannot reach the front.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgefkp.bench import machine
from edgefkp.bench.devices import DeviceOptions, open_device
from edgefkp.card import model_name
from edgefkp.data.faces import Dataset
from edgefkp.data.formats import open_dataset
from edgefkp.data.photos import Reading
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text, parse_json, plain, read_json, write_json
from edgefkp.layout import InputSpec, PointLayout
from edgefkp.networks.tensorflow import require_tensorflow
from edgefkp.search.candidate import Judge, Measure, Watcher, measure_on
from edgefkp.search.front import FAILED, SLOW, TRAINED, Trial, Tuned, Tuning, with_front
from edgefkp.search.trials import Trials
from edgefkp.search.turns import Turns
from edgefkp.training.step_plan import Plan
from edgefkp.training.train import mean_shape_rmse


@dataclass(frozen=True)
class SearchJob:
    """A search as a process of its own is asked for it."""

    tuning: Tuning
    out: Path
    data: str
    labels: str = "csv"
    layout: PointLayout | None = None  # None: that of the data
    input: InputSpec = InputSpec()  # noqa: RUF009 - of the networks
    reading: Reading = Reading()  # noqa: RUF009 - of `data`
    python: str = "python3"  # on the device
    install: bool = False  # put a runtime into a temporary venv there

    def dataset(self) -> Dataset:
        return open_dataset(self.data, self.labels, self.layout, self.input, self.reading)

    def measure(self, watcher: Watcher) -> Measure:
        return measure_on(open_device(self.tuning.device, DeviceOptions(self.python, self.install)), watcher.note)


def tune(
    tuning: Tuning,
    source: Dataset,
    out: Path,
    watcher: Watcher = Watcher(),  # noqa: B008
    measure: Measure | None = None,
) -> Tuned:
    """Search in this process, and write `out`/<name>.json; see `prepared`, `work` and `finished`."""
    trials = prepared(tuning, source, out)
    work(trials, source, watcher, measure or measure_on(open_device(tuning.device), watcher.note))
    return finished(trials, source, out)


def prepared(tuning: Tuning, source: Dataset, out: Path) -> Trials:
    """The search in `out`/<name>/, a new one or one that goes on.

    Raises EdgefkpError if the folder holds another search, EnvironmentProblem without TensorFlow or Optuna.
    """
    require_tensorflow("tuning")
    folder = out / tuning.name
    asked = {**plain(tuning), "trials": None, "data": _facts_of(source), "machine": _machine(tuning)}
    _require_same_search(folder / "search.json", asked)
    return Trials(folder, tuning)


def work(trials: Trials, source: Dataset, watcher: Watcher, measure: Measure) -> None:
    """Judge candidates until there are as many as are wanted. Any number of processes may do so at once."""
    Plan().apply()  # before a candidate is built, which starts TensorFlow with all cores
    with contextlib.closing(Turns(trials.folder)) as turns:
        judge = Judge(trials.tuning, source, trials, watcher, measure, turns)
        while True:
            watcher.done(len(trials.all()))
            with trials.taken() as taken:
                if taken is None:
                    return
                watcher.note(line_of(judge.judge(taken)))


def finished(trials: Trials, source: Dataset, out: Path, options: dict[str, list[str]] | None = None) -> Tuned:
    """Write `out`/<name>.json: the network with the lowest RMSE, and every candidate.

    options: see Tuned.options_given. Raises EdgefkpError if no candidate could be trained to its end.
    """
    tuning, parts = trials.tuning, split(source)
    mean_shape = mean_shape_rmse(parts)
    found = with_front(trials.all(), tuning.objectives, mean_shape)
    if not found and (running := trials.running()):
        raise EdgefkpError(
            f"another process works on all {running} candidates", "wait for it, or give more --trials to help it"
        )
    if not found or found[0].validation_rmse is None:
        raise EdgefkpError(
            f"none of {len(found)} candidates {_why_none(found, tuning)}",
            "give more --budget-ms, more --trials, another --space or another --name",
        )
    best = found[0]
    tuned = Tuned(
        tuning.name,
        best.space,
        best.options,
        best.learning_rate,
        tuning,
        _facts_of(source),
        mean_shape,
        found,
        len(parts.validation),
        _machine(tuning),
        model_name(tuning.name, tuning.imputation, tuning.augment, source.spec),
        options or {},
    )
    write_json(out / f"{tuning.name}.json", tuned)
    return tuned


def _facts_of(source: Dataset) -> dict[str, str]:
    return {"name": source.name, "hash": source.train.hash, "split": split(source).hash}


def _machine(tuning: Tuning) -> str:
    """The machine whose times are compared; "" where that is the device, or time does not count."""
    return machine.title(machine.describe()) if tuning.timed and open_device(tuning.device).is_here else ""


def _why_none(trials: Sequence[Trial], tuning: Tuning) -> str:
    times = [trial.ms for trial in trials if trial.done == SLOW and trial.ms is not None]
    if times and len(times) == len(trials):
        return f"keeps to {tuning.budget:g} ms; the fastest takes {min(times):.3f} ms"
    reasons = [f": {trial.reason}" for trial in trials if trial.done == FAILED]
    return f"could be trained to its end{(reasons or [''])[0]}"


def line_of(trial: Trial) -> str:
    """What became of a candidate, in one line."""
    parts = [
        "" if trial.ms is None else f"{trial.ms:.3f} ms",
        "" if trial.bytes is None else f"{trial.bytes / 1000:.0f} KB",
        f"{trial.validation_rmse:.3f} px" if trial.done == TRAINED else trial.done,
    ]
    return f"candidate {trial.trial}: {', '.join(filter(None, parts))}"


def _require_same_search(file: Path, search: dict[str, Any]) -> None:
    """More trials may be asked for; all else must be as it was."""
    if not file.exists():
        write_json(file, search)
        return
    asked, kept = parse_json(json_text(search), "the search"), read_json(file)
    if not isinstance(kept, dict) or (different := [name for name in asked if kept.get(name) != asked[name]]):
        named = ", ".join(different) if isinstance(kept, dict) else "its form"
        raise EdgefkpError(
            f"{file.parent} holds another search: {named} differ",
            "give it the same options, or this one another --name",
        )
