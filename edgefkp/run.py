"""The main job: train, export, evaluate and time networks on one data source, and report it.

Everything is made once: the run reuses what stands in the folder with the right hashes, so re-running the same
command resumes a run that was cut off.
"""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench import harness, machine
from edgefkp.bench import result as bench_result
from edgefkp.bench.plan import FULL, QUICK, TimingSettings, cases_of
from edgefkp.bench.store import discard, partial_folder
from edgefkp.bench.timed_images import COUNT, TimedImages
from edgefkp.card import Card, read_card, versions
from edgefkp.data.audit import Audit, audit, audit_line
from edgefkp.data.faces import Dataset, shown_rows, with_license
from edgefkp.data.formats import open_dataset
from edgefkp.data.license import NOT_STATED
from edgefkp.data.photos import Reading
from edgefkp.data.split import Split, split
from edgefkp.errors import EdgefkpError, counted
from edgefkp.evaluation.evaluate import Evaluation, evaluate, evaluated, mean_shape_score
from edgefkp.export.schemes import DEFAULT_SCHEMES
from edgefkp.files import read_json, sha256_file, write_json
from edgefkp.layout import InputSpec, PointLayout
from edgefkp.networks.tensorflow import look_for_tensorflow
from edgefkp.records import read_record
from edgefkp.report.evaluation_figures import WorstFaces, worst_of
from edgefkp.report.gathering import file_result, model_result
from edgefkp.report.result import RunResult
from edgefkp.report.run_figures import ShownFaces
from edgefkp.runtime import isolate
from edgefkp.training import comparison
from edgefkp.training.comparison import Comparison
from edgefkp.training.experiment import Experiment
from edgefkp.training.key import key_of
from edgefkp.training.train import Progress, train

_SILENCE = 3600.0  # seconds without progress; trials of plans and an export of the largest network show none

OpenBar = Callable[[str], AbstractContextManager[Progress]]
Note = Callable[[str], None]
Timed = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Job:
    """What a run is asked for."""

    data: str
    experiments: tuple[Experiment, ...]  # what is trained, in the order of the table
    out: Path
    labels: str = "csv"
    quick: bool = False  # time only long enough to see that everything works
    layout: PointLayout | None = None  # None: that of the data
    input: InputSpec = InputSpec()  # noqa: RUF009 - of the networks
    replace: bool = False  # models of other trainings and files of other calibrations that stand in `out`
    reading: Reading = Reading()  # noqa: RUF009 - of `data`
    license: str | None = None  # terms of the faces, as their owner states them
    tuning: Experiment | None = None  # the fine-tuning; of faces of a known collection only if `tunes_any`
    tunes_any: bool = False
    named: bool = False  # the networks were asked for: they are trained from scratch even on few faces

    def dataset(self) -> Dataset:
        """Raises EdgefkpError if the data cannot be used."""
        opened = open_dataset(self.data, self.labels, self.layout, self.input, self.reading)
        return with_license(opened, self.license)

    def chosen(self, source: Dataset) -> tuple[Experiment, ...]:
        """The experiments for these faces: own ones are learned from by fine-tuning, few of them by nothing else."""
        own = self.license is not None or source.license == NOT_STATED
        if self.tuning is None or not (self.tunes_any or own):
            return self.experiments
        alone = comparison.has_few_faces(source) and not self.named
        return (self.tuning, *(() if alone else self.experiments))


@dataclass(frozen=True)
class Made:
    """What came of one experiment."""

    card: Card
    keras: Path
    files: list[Path]  # the .tflite files
    evaluation: Evaluation  # of the Keras file


def run(
    job: Job,
    note: Note = lambda text: None,
    open_bar: OpenBar = lambda title: nullcontext(Progress()),
    timed: Timed = lambda *step: None,
) -> tuple[RunResult, ShownFaces]:
    """Do the job and write models/, export/, evaluation/, bench/ and run.json in its folder.

    open_bar: gives a context with a training's Progress. timed: called with done, all, and what is next.
    Returns the result, and a few faces for its page. Raises EdgefkpError if the data cannot be used, or a process dies.
    """
    look_for_tensorflow("edgefkp run")
    source = job.dataset()
    parts = split(source)
    note(audit_line(looked := audit(source, pairs=False)))
    made = []
    experiments = job.chosen(source)
    if len(experiments) < len(job.experiments):
        note("too few faces to train a network from scratch; --models small trains one all the same")
    for number, experiment in enumerate(experiments, 1):
        name = experiment.model_name(source.spec)
        note(f"[{number}/{len(experiments)}] {name}: train, export, evaluate")
        with open_bar(name) as progress:
            keras, exported = _made_apart(job, experiment, progress)
        card = read_card(keras)
        assert card is not None
        made.append(Made(card, keras, exported, _evaluated(keras, source, job.out / "evaluation")))
    own = _compared(job, list(experiments), [one.keras for one in made], source, note)
    files = [file for one in made for file in one.files]
    note(f"timing {counted(len(files), 'file')}")
    bench = _benched(files, _timed_images(source, parts), job, timed)
    result, shown = _gathered(source, parts, made, bench, job.quick, looked, own)
    write_json(job.out / "run.json", result)
    return result, shown


def _made_apart(job: Job, experiment: Experiment, progress: Progress) -> tuple[Path, list[Path]]:
    """The .keras and .tflite files of `experiment`, made in a fresh process: TensorFlow divides its threads once a
    process, and each network wants its own division."""
    try:
        keras, *files = isolate.call(
            make,
            job,
            experiment,
            progress=lambda event: getattr(progress, event[0])(event[1]),
            silence=_SILENCE,
            grace=60,
        )
    except isolate.ChildDied as died:
        cause = "was killed, perhaps for want of memory" if died.signal else f"failed: {died.last_line}"
        cause = f"did nothing for {_SILENCE / 60:.0f} minutes" if died.timed_out else cause
        raise EdgefkpError(
            f"the process that trained {cause}", "re-run the same command to resume from the last checkpoint"
        ) from None
    return Path(keras), [Path(file) for file in files]


def make(job: dict[str, Any], experiment: dict[str, Any]) -> list[Path]:
    """In the child: train, export and evaluate; the .keras file, then the .tflite files."""
    from edgefkp.export.exporter import export_network
    from edgefkp.export.options import ExportOptions

    asked = read_record(Job, job, "the job")
    source = asked.dataset()
    events = {name: partial(_report, name) for name in ("on_start", "on_batch", "on_epoch", "on_note")}
    made = read_record(Experiment, experiment, "the experiment")
    keras, _ = train(made, source, asked.out / "models", True, Progress(**events), asked.replace)
    files = export_network(keras, asked.out / "export", DEFAULT_SCHEMES, source, ExportOptions(replace=asked.replace))
    _evaluated(keras, source, asked.out / "evaluation")
    return [keras, *files]


def _compared(
    job: Job, experiments: list[Experiment], files: list[Path], source: Dataset, note: Note
) -> Comparison | None:
    """What own faces gain, in a child, or from its record if that is of the same faces, experiments and files; None if
    nothing was fine-tuned."""
    if not any(one.start for one in experiments):
        return None
    record = job.out / "evaluation" / "own-faces.json"
    key = key_of([source.train.hash, split(source).hash, *map(sha256_file, files)])
    with contextlib.suppress(EdgefkpError):
        stored = read_record(Comparison, read_json(record), str(record))
        if stored.key == key:
            return stored
    note("comparing with the untouched network on faces that were held out")
    found = isolate.call(compare, job, experiments, files, progress=note, silence=_SILENCE, grace=60)
    compared = replace(read_record(Comparison, found, "the comparison"), key=key)
    write_json(record, compared)
    return compared


def compare(job: Any, experiments: Any, files: list[str]) -> Comparison:
    """In the child: the comparison."""
    asked = read_record(Job, job, "the job")
    tried = [read_record(Experiment, one, "the experiment") for one in experiments]
    return comparison.compare(
        tried, [Path(file) for file in files], asked.dataset(), asked.out / "folds", isolate.report
    )


def _report(event: str, value: Any) -> None:
    isolate.report([event, value])


def _evaluated(model: Path, source: Dataset, folder: Path) -> Evaluation:
    """The evaluation of `model` on the test faces, from its record if that is of the same file and faces."""
    record = folder / f"{model.name}.json"
    with contextlib.suppress(EdgefkpError):  # a damaged record is made again
        stored = read_record(Evaluation, read_json(record), str(record))
        if (stored.sha256, stored.data.get("hash")) == (sha256_file(model), split(source).test.hash):
            return stored
    evaluation, _ = evaluate(model, source)
    write_json(record, evaluation)
    return evaluation


def _timed_images(source: Dataset, parts: Split) -> TimedImages:
    """The held-out faces that files are timed on: 100 of them, or all of fewer."""
    rows = np.linspace(0, len(parts.test) - 1, min(COUNT, len(parts.test))).round().astype(int)
    test = parts.test
    return TimedImages(source.name, source.license, test.images[rows], test.keypoints[rows], test.layout)


def _benched(files: list[Path], images: TimedImages, job: Job, timed: Timed) -> bench_result.Result:
    """Measure, or read the stored result of the same files, images and settings on this machine."""
    settings: TimingSettings = QUICK if job.quick else FULL
    record = job.out / "bench" / "results" / "run.json"
    if record.exists() and (known := _still_valid(record, files, images, settings)):
        return known
    cases = cases_of(files, modes=("invoke",))
    unfinished = partial_folder(job.out / "bench" / "results", cases, images, settings)
    measured = harness.measure(cases, images, settings, "run", partial=unfinished, progress=timed)
    bench_result.save(measured, record)
    discard(unfinished)
    return measured


def _still_valid(
    record: Path, files: list[Path], images: TimedImages, settings: TimingSettings
) -> bench_result.Result | None:
    try:
        known = bench_result.read(record)
    except EdgefkpError:  # of another version
        return None
    same_files = {row.sha256 for row in known.rows} == {sha256_file(file) for file in files}
    same_plan = known.plan.get("seconds") == settings.seconds and known.plan.get("processes") == settings.processes
    same_machine = machine.title(known.machine) == machine.title(machine.describe())
    return known if same_files and same_plan and same_machine and known.data.get("hash") == images.hash else None


def _gathered(
    source: Dataset,
    parts: Split,
    made: list[Made],
    bench: bench_result.Result,
    quick: bool,
    looked: Audit,
    own: Comparison | None,
) -> tuple[RunResult, ShownFaces]:
    """Put cards, evaluations and times together, and score the .tflite files."""
    rows = {row.sha256: row for row in bench.rows}
    shown = shown_rows(len(parts.test))
    predictions: dict[str, np.ndarray] = {}
    worst: dict[str, WorstFaces] = {}
    models = []
    for one in made:
        files = []
        for path in one.files:
            scored = evaluated(path, source)
            # The last scheme's points stay for the sheets: what runs on the board.
            predictions[one.card.model] = scored.predicted[shown]
            worst[one.card.model] = worst_of(scored.faces, scored.predicted)
            files.append(file_result(scored.evaluation, rows[scored.evaluation.sha256]))
        models.append(model_result(one.card, one.evaluation, files))
    mean = mean_shape_score(source)
    first, names = bench.rows[0], ("train", "validation", "test")
    result = RunResult(
        data={
            "name": source.name,
            "licence": source.license,
            "hash": source.train.hash,
            "split": parts.hash,
            "faces": {name: len(getattr(parts, name)) for name in names},
            "persons": {name: len(np.unique(getattr(parts, name).groups)) for name in names},
            "persons_known": source.persons_known,
            "labels": source.judgment.facts() | {"audit": looked.counts},
        },
        faces=mean.faces,
        coordinates=mean.coordinates,
        mean_shape_rmse=mean.rmse,
        models=models,
        machine={"name": machine.title(bench.machine), **bench.machine},
        runtime={"name": first.runtime, "version": first.version, "threads": first.threads},
        versions=versions("tensorflow", "keras", "numpy", "opencv-python"),
        created=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        quick=quick,
        input=source.input,
        own=own,
    )
    return result, ShownFaces(parts.test.images[shown], parts.test.keypoints[shown], predictions, worst, source.layout)
