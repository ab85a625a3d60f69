"""What is done with a candidate: build it, convert and time it, train it as long as it may reach the front."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgefkp.bench.devices import Listener, OpenDevice, Work, open_device
from edgefkp.bench.plan import QUICK, cases_of
from edgefkp.bench.timed_images import images_for
from edgefkp.data.faces import Dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export.convert import ConversionSettings, convert
from edgefkp.files import write_bytes, write_json
from edgefkp.networks.complexity import macs, parameters
from edgefkp.networks.registry import build, read_point
from edgefkp.search.front import FAILED, SLOW, STOPPED, TRAINED, Timing, Trial, Tuning
from edgefkp.search.stopping import verdict
from edgefkp.search.trials import Taken, Trials, record_of
from edgefkp.search.turns import Turns
from edgefkp.training.experiment import Experiment
from edgefkp.training.fit import Diverged, EpochLog
from edgefkp.training.recipe import Recipe
from edgefkp.training.train import Progress, train

CALIBRATION_FACES = 100
SETTINGS = replace(QUICK, processes=3)

Note = Callable[[str], None]
Measure = Callable[[Path], Timing]  # of a .tflite file


class Beaten(Exception):
    """The training cannot reach the front; the argument is why."""


@dataclass(frozen=True)
class Watcher:
    """Who hears how a search goes."""

    note: Note = lambda text: None  # a line for people
    state: Note = lambda text: None  # what a candidate is at
    done: Callable[[int], None] = lambda finished: None  # with the candidates finished so far


class Judge:
    """Judges candidates on one data source, one after the other."""

    def __init__(
        self, tuning: Tuning, source: Dataset, trials: Trials, watcher: Watcher, measure: Measure, turns: Turns
    ) -> None:
        self.tuning, self._source, self._trials, self._watcher = tuning, source, trials, watcher
        self._measure, self._turns = measure, turns
        self._here = open_device(tuning.device).is_here
        self._samples = source.spec.input.to_network(split(source).train.images[:CALIBRATION_FACES])

    def judge(self, taken: Taken) -> Trial:
        """What became of it; kept in the journal, too.

        Raises EdgefkpError for what would befall any candidate, such as a full disk or a board that is not there: the
        candidate is then handed out again.
        """
        with self._turns.working():
            trial = self._judged(taken)
        self._trials.finish(taken, trial)
        return trial

    def _judged(self, taken: Taken) -> Trial:
        point = taken.point
        file = taken.folder / f"{self.tuning.name}_{taken.number}.json"
        write_json(file, {"name": file.stem, "space": point.space, "options": point.options})
        facts = dict(taken.facts)
        if "parameters" not in facts:
            try:
                facts |= self._built(taken, file)
            except EdgefkpError as error:
                if isinstance(error, EnvironmentProblem) or isinstance(error.__cause__, OSError):
                    raise
                facts |= {"parameters": 0, "macs": 0, "outcome": FAILED, "reason": error.message}
                return record_of(taken.number, taken.point, facts)
            self._trials.note(taken, **facts)
        if facts.get("ms") is None and self.tuning.timed:
            self._watcher.state(f"candidate {taken.number}: measuring")
            with self._turns.measuring(self._here):
                timing = self._measure(self._file(taken))
            facts |= {"timing": timing, "ms": timing.ms}
            self._trials.note(taken, timing=timing, ms=timing.ms)
        if self.tuning.budget is not None and facts["ms"] > self.tuning.budget:
            reason = f"{facts['ms']:.3f} ms, and {self.tuning.budget:g} ms are allowed"
            return record_of(taken.number, taken.point, {**facts, "outcome": SLOW, "reason": reason})
        return self._trained(taken, file, facts)

    def _file(self, taken: Taken) -> Path:
        return taken.folder / f"candidate.{self.tuning.scheme}.tflite"

    def _built(self, taken: Taken, file: Path) -> dict[str, Any]:
        """Its counts and the size of its .tflite, which is written. Raises EdgefkpError if it cannot be built."""
        import keras

        self._watcher.state(f"candidate {taken.number}: converting")
        keras.utils.set_random_seed(self.tuning.seed)  # the same file in a search that was started again
        model = build(read_point(str(file)), self._source.spec)
        settings = ConversionSettings(self.tuning.scheme)
        content = convert(model, settings, [self._samples] if settings.values.static else ())
        counts = {"parameters": parameters(model), "macs": macs(model), "bytes": len(content)}
        keras.backend.clear_session()
        write_bytes(self._file(taken), content)
        return counts

    def _trained(self, taken: Taken, file: Path, facts: dict[str, Any]) -> Trial:
        tuning, point = self.tuning, taken.point
        recipe = Recipe(images=tuning.images, learning_rate=point.learning_rate, seed=tuning.seed)
        experiment = Experiment(str(file), tuning.imputation, tuning.augment, recipe)
        curve: list[tuple[int, float]] = []
        finished = [trial for trial in self._trials.all() if trial.done == TRAINED]
        costs = record_of(taken.number, point, facts).costs(tuning.objectives)
        total = 0

        def start(images: int) -> None:
            nonlocal total
            total = images

        def epoch(row: EpochLog) -> None:
            lowest = min([row["validation_rmse"], *(before for _, before in curve[-1:])])
            curve.append((row["images"], lowest))
            self._watcher.state(f"candidate {taken.number}: {row['images'] / total:.0%}, {lowest:.3f} px")
            if why := verdict(curve, costs, finished, total, tuning.objectives):
                raise Beaten(why)

        progress = Progress(start, lambda images: self._turns.give_way(), epoch)
        try:
            _, card = train(experiment, self._source, taken.folder, True, progress, True)
        except Beaten as beaten:
            facts |= {"outcome": STOPPED, "reason": str(beaten), "curve": curve}
        except Diverged as diverged:
            facts |= {"outcome": FAILED, "reason": diverged.message, "curve": curve}
        else:
            error = float(card.metrics["validation_rmse"])
            curve = curve or _curve(card.history)
            return record_of(
                taken.number, point, {**facts, "outcome": TRAINED, "validation_rmse": error, "curve": curve}
            )
        shutil.rmtree(taken.folder / ".checkpoints", ignore_errors=True)
        return record_of(taken.number, taken.point, facts)


def _curve(history: list[EpochLog]) -> list[tuple[int, float]]:
    """Of a training that had come to its end before it was asked for again."""
    found: list[tuple[int, float]] = []
    for row in history:
        found.append((row["images"], min([row["validation_rmse"], *(before for _, before in found[-1:])])))
    return found


def measure_on(device: OpenDevice, note: Note = lambda text: None) -> Measure:
    """Times a file as `edgefkp bench` does, one thread, on drawn faces, in a few fresh processes."""
    from edgefkp.bench import result, timed_images

    def measure(file: Path) -> Timing:
        images = images_for(None, specs=timed_images.specs_of([file]))
        work = Work(cases_of([file], modes=("invoke",)), images, SETTINGS, "bench", file.parent)
        measured = device.measure(work, Listener(log=note))
        result.save(measured, file.parent / "bench.json")
        row = measured.rows[0]
        facts = (row.runtime, row.version, row.verdict, row.reasons, row.delegate)
        return Timing(row.ms.p50, max(row.ms.p50, row.ms.interval[1]), row.ms.p95, *facts)

    return measure
