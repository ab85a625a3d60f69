"""Search for a network: keras-tuner proposes, the usual training and the benchmark's harness judge.

A trial's score is its validation RMSE in px. With a budget of milliseconds the candidate is converted and timed on
this machine first: one that is too slow is not trained, and scores worse than the mean shape, the more the slower.
"""

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgefkp.data.faces import Dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.export.schemes import FLOAT
from edgefkp.files import json_text, plain, read_json, write_bytes, write_json
from edgefkp.networks.complexity import macs, parameters
from edgefkp.networks.registry import NETWORKS, build, read_point
from edgefkp.networks.tensorflow import require_tensorflow
from edgefkp.records import read_record
from edgefkp.search.space import SPACES, Point, Space
from edgefkp.training.recipe import Recipe
from edgefkp.training.train import Experiment, mean_shape_rmse, train

SCHEMA = "edgefkp.tuned/1"
CALIBRATION_FACES = 100
SCORE = "score"

Note = Callable[[str], None]
Clock = Callable[[Path], float]  # milliseconds of one inference of a .tflite file


@dataclass(frozen=True)
class Tuning:
    """What is searched, and how a candidate is judged."""

    name: str  # of the network that is found
    space: str  # one of SPACES
    trials: int
    images: int  # that each candidate is trained on
    imputation: str = field(default="masked", metadata={"json": "treatment"})
    augment: str = "online"
    budget: float | None = None  # milliseconds for an image on this machine, one thread; None: time does not count
    scheme: str = FLOAT  # of the .tflite that the budget is for
    seed: int = 0

    def __post_init__(self) -> None:
        _ = SPACES[self.space]
        if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", self.name) or self.name in NETWORKS:
            raise UsageError(
                f"'{self.name}' cannot name the network that is found",
                "use small letters, digits and _, and no name that edgefkp models lists",
            )
        if self.budget is not None and self.budget <= 0:
            raise UsageError(f"a budget of {self.budget} ms leaves no network", "for example: --budget-ms 0.3")


@dataclass(frozen=True)
class Trial:
    """A candidate and what came of it."""

    trial: str
    space: str
    options: dict[str, Any]
    learning_rate: float
    parameters: int
    macs: int
    ms: float | None  # of one inference; None without a budget
    validation_rmse: float | None  # pixels; None if the candidate is over the budget or its training failed
    score: float  # the RMSE, or how far the candidate is over the budget in RMSEs of the mean shape


@dataclass(frozen=True)
class Tuned:
    """A network that was found, which `edgefkp train FILE` takes, and how it was found."""

    name: str
    space: str
    options: dict[str, Any]
    learning_rate: float
    tuning: Tuning
    data: dict[str, str]  # name and hashes of what it was searched on
    mean_shape_rmse: float  # pixels, on the same faces
    trials: list[Trial]  # best first
    schema: str = SCHEMA


def tune(
    tuning: Tuning, source: Dataset, out: Path, note: Note = lambda text: None, clock: Clock | None = None
) -> Tuned:
    """Search, and write `out`/<name>.json; `out`/<name>/ keeps the trials, from which an interrupted search resumes.

    Raises EdgefkpError if the folder holds another search, or if no candidate keeps to the budget.
    """
    require_tensorflow("tuning")
    parts = split(source)
    data = {"name": source.name, "hash": source.train.hash, "split": parts.hash}
    folder = out / tuning.name
    _require_same_search(folder / "search.json", {**plain(tuning), "trials": None, "data": data})
    judge = _Judge(tuning, source, folder, note, clock or measured_ms)
    with _to_stderr():
        _search(judge, folder)
    trials = judge.finished()
    if not trials or trials[0].validation_rmse is None:
        raise EdgefkpError(
            f"none of {len(trials)} candidates {_why_none(trials, tuning.budget)}",
            "give more --budget-ms, more --trials, another --space or another --name",
        )
    best, mean = trials[0], mean_shape_rmse(parts)
    tuned = Tuned(tuning.name, best.space, best.options, best.learning_rate, tuning, data, mean, trials)
    write_json(out / f"{tuning.name}.json", tuned)
    return tuned


def _why_none(trials: list[Trial], budget: float | None) -> str:
    times = [trial.ms for trial in trials if trial.ms is not None]
    if budget is not None and times and min(times) > budget:
        return f"keeps to {budget} ms; the fastest takes {min(times):.3f} ms"
    return "could be trained to its end"


class _Judge:
    """Runs trials, each in a folder that keeps its point, model and outcome."""

    def __init__(self, tuning: Tuning, source: Dataset, folder: Path, note: Note, clock: Clock) -> None:
        self.tuning, self._source, self._folder, self._note, self._clock = tuning, source, folder, note, clock
        parts = split(source)
        self._mean = mean_shape_rmse(parts)
        self._spec = source.spec
        self._samples = self._spec.input.to_network(parts.train.images[:CALIBRATION_FACES])

    @property
    def space(self) -> Space:
        return SPACES[self.tuning.space]

    def run(self, name: str, point: Point) -> Trial:
        import keras

        folder = self._folder / "trials" / name
        file = folder / "point.json"
        write_json(file, {"name": f"{self.tuning.name}_{name}", "space": point.space, "options": point.options})
        model = build(read_point(str(file)), self._spec)
        size = (parameters(model), macs(model))
        ms = self._milliseconds(model, folder) if self.tuning.budget else None
        keras.backend.clear_session()
        rmse = None
        if ms is None or ms <= (self.tuning.budget or ms):
            rmse = self._trained(file, point, folder)
        excess = (ms or 0.0) / (self.tuning.budget or 1.0)
        score = self._mean * max(1.0, excess) if rmse is None else rmse
        trial = Trial(name, point.space, point.options, point.learning_rate, *size, ms, rmse, score)
        write_json(folder / "trial.json", trial)
        self._note(_line(trial))
        return trial

    def _trained(self, file: Path, point: Point, folder: Path) -> float | None:
        tuning = self.tuning
        recipe = Recipe(images=tuning.images, learning_rate=point.learning_rate, seed=tuning.seed)
        experiment = Experiment(str(file), tuning.imputation, tuning.augment, recipe)
        try:
            _, card = train(experiment, self._source, folder, resume=True, replace=True)
        except EdgefkpError as error:  # a learning rate that tears the network apart is a result too
            self._note(f"trial {folder.name}: {error.message}")
            return None
        return float(card.metrics["validation_rmse"])

    def _milliseconds(self, model: Any, folder: Path) -> float:
        from edgefkp.export.convert import ConversionSettings, convert

        settings = ConversionSettings(self.tuning.scheme)
        content = convert(model, settings, [self._samples] if settings.values.static else ())
        return self._clock(write_bytes(folder / f"candidate.{self.tuning.scheme}.tflite", content))

    def finished(self) -> list[Trial]:
        """Best first."""
        files = sorted((self._folder / "trials").glob("*/trial.json"))
        hint = "delete it; the trial is then made again"
        trials = (read_record(Trial, read_json(file), str(file), hint, strict=True) for file in files)
        # A poor network within the budget comes before one that is over it, whatever their scores are.
        return sorted(trials, key=lambda trial: (trial.validation_rmse is None, trial.score))


def measured_ms(file: Path) -> float:
    """Median milliseconds of one inference of `file`, one thread, on drawn faces: in fresh processes, as bench does."""
    from edgefkp.bench import harness, timed_images
    from edgefkp.bench.plan import QUICK, Case

    result = harness.measure([Case(str(file), "")], timed_images.drawn_images(), QUICK, "tune")
    return float(result.rows[0].ms.p50)


def _search(judge: _Judge, folder: Path) -> None:
    """keras-tuner's loop around `judge`; it keeps its own state, and hands out again what ran when it was killed."""
    import keras_tuner

    tuning, space = judge.tuning, judge.space
    hyperparameters = keras_tuner.HyperParameters()
    space.point(hyperparameters)  # declares them
    oracles = keras_tuner.oracles
    kinds = {"random": oracles.RandomSearchOracle, "bayesian": oracles.BayesianOptimizationOracle}
    oracle = kinds[space.oracle](
        objective=keras_tuner.Objective(SCORE, "min"),
        max_trials=tuning.trials,
        seed=tuning.seed,
        hyperparameters=hyperparameters,
        tune_new_entries=False,
    )

    class Tuner(keras_tuner.engine.base_tuner.BaseTuner):  # type: ignore[misc, name-defined]
        def run_trial(self, trial: Any) -> dict[str, float]:
            try:
                return {SCORE: judge.run(trial.trial_id, space.point(trial.hyperparameters)).score}
            except Exception as error:  # keras-tuner would count it as a trial, and go on
                raise keras_tuner.errors.FatalError from error

    oracle.verbose = 0
    try:
        Tuner(oracle, directory=str(folder), project_name="oracle").search()
    except keras_tuner.errors.FatalError as error:
        raise error.__cause__ or error from None


def _line(trial: Trial) -> str:
    time = f"{trial.ms:.3f} ms" if trial.ms is not None else ""
    outcome = "not trained" if trial.validation_rmse is None else f"{trial.validation_rmse:.3f} px"
    return f"trial {trial.trial}: {', '.join(part for part in (time, outcome) if part)}"


def _require_same_search(file: Path, search: dict[str, Any]) -> None:
    """More trials may be asked for; all else must be as it was."""
    asked = json.loads(json_text(search))
    if not file.exists():
        write_json(file, search)
        return
    kept = read_json(file)
    if different := [name for name in asked if kept.get(name) != asked[name]]:
        raise EdgefkpError(
            f"{file.parent} holds another search: {', '.join(different)} differ",
            "give it the same options, or this one another --name",
        )


@contextlib.contextmanager
def _to_stderr() -> Iterator[None]:
    """keras-tuner prints; and what it lacks is one line of an error."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("keras_tuner"):
            missing = "tuning needs keras-tuner, which is not installed"
            raise EnvironmentProblem(missing, "pip install 'edgefkp[tune]'") from None
        raise
