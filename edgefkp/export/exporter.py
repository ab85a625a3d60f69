"""Export: every .keras in, verified .tflite files with cards out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgefkp import errors
from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError
from edgefkp.export.job import ExportJob
from edgefkp.export.layer_report import Explanation
from edgefkp.export.model_card import write_model_card
from edgefkp.export.options import ExportOptions, ExportProgress
from edgefkp.export.schemes import INTEGER, TfliteName, parse_tflite
from edgefkp.export.sources.onnx import not_converted
from edgefkp.export.tflite_job import TfliteJob
from edgefkp.files import visible
from edgefkp.records import read_record
from edgefkp.runtime import isolate, shipped
from edgefkp.runtime.keras_files import is_keras
from edgefkp.runtime.onnx_file import is_onnx
from edgefkp.runtime.scratch import scratch_folder

_SILENCE = 1800.0  # seconds in which a child is expected to report something


def find_networks(names: Sequence[str], folder: Path, note: Callable[[str], None] = lambda text: None) -> list[Path]:
    """The files called `names` (paths of .keras, .h5 and float .tflite files, or models in `folder` or of the package);
    without names all of `folder`, or what `shipped.unnamed` finds, which `note` receives.

    Raises EdgefkpError for a name that is not there.
    """
    if names:
        return [_find(name, folder) for name in names]
    found, choice = shipped.unnamed(folder, ".keras")
    if choice:
        note(choice)
    return found


def _find(name: str, folder: Path) -> Path:
    for path in (Path(name), folder / f"{name}.keras", shipped.FOLDER / f"{name}.keras"):
        if path.is_file() and (is_keras(path) or path.suffix == ".tflite"):
            return path
    known = ", ".join(path.stem for path in visible(folder, "*.keras")) or "nothing"
    if is_onnx(name) and Path(name).exists():
        raise not_converted(name)
    if Path(name).exists() or ":" in name:
        raise EdgefkpError(
            f"{name} is neither a .keras or .h5 nor a .tflite file",
            f"make a .tflite of it first: edgefkp import {name}",
        )
    raise EdgefkpError(f"no network '{name}': neither a .keras file nor a model in {folder}", f"there is: {known}")


def model_of(path: Path) -> str:
    """The name of the model in the names of its files."""
    return parse_tflite(path).model if path.suffix == ".tflite" else path.stem


def _job(path: Path, source: Dataset, options: ExportOptions, progress: ExportProgress) -> ExportJob | TfliteJob:
    return (TfliteJob if path.suffix == ".tflite" else ExportJob)(path, source, options, progress)


def export_network(
    path: Path,
    out: Path,
    schemes: Sequence[str],
    source: Dataset,
    options: ExportOptions | None = None,
    progress: ExportProgress | None = None,
) -> list[Path]:
    """Convert one .keras file by each scheme into `out`, verify each file, compare it with the network, write cards.

    source: its training persons calibrate the integer schemes, its labeled test faces measure parity.
    Files made before from the same bytes in the same way are left as they are.
    Raises EdgefkpError for a file that is not what its name claims or cannot run on the target.
    """
    progress = progress or ExportProgress()
    job = _job(path, source, options or ExportOptions(), progress)
    written = []
    for scheme in schemes:
        try:
            written.append(job.export(scheme, out))
        except EdgefkpError as error:
            if progress.on_refused is None:
                raise
            progress.on_refused(error)
    if written:
        write_model_card(model_of(path), out)
    return written


def export_apart(
    paths: Sequence[Path],
    out: Path,
    schemes: Sequence[str],
    source: Dataset,
    options: ExportOptions,
    progress: ExportProgress,
) -> list[Path]:
    """As `export_network` for each of `paths`, in a child process: what kills the converter costs one file.

    A file that was not made is an error for `progress.on_refused`; without it the error is raised.
    """
    tasks = [(path, scheme) for path in paths for scheme in schemes]
    written: dict[Path, list[Path]] = {}
    finished = 0  # tasks

    def refuse(error: EdgefkpError) -> None:
        if progress.on_refused is None:
            raise error
        progress.on_refused(error)

    def receive(event: Any) -> None:
        nonlocal finished
        kind, value = event
        if kind == "file":
            progress.on_file(value)
        elif kind == "faces":
            progress.on_faces(value)
        elif kind == "note":
            progress.on_note(value)
        elif kind == "made":
            written.setdefault(tasks[finished][0], []).append(Path(value))
            finished += 1
        else:
            finished += 1
            refuse(getattr(errors, value["kind"])(value["message"], value["hint"]))

    with _in_child() as limits:
        while finished < len(tasks):
            begun = finished
            try:
                isolate.call(
                    make, [*map(list, tasks[begun:])], out, source, options, label="export", progress=receive, **limits
                )
            except isolate.ChildDied as died:
                path, scheme = tasks[finished]
                finished += 1
                name = TfliteName(model_of(path), scheme, options.u8).filename
                refuse(
                    EdgefkpError(f"{name} was not written: {_cause(died)}", "choose another scheme for this network")
                )
    for path, files in written.items():
        write_model_card(model_of(path), files[0].parent)
    return [file for files in written.values() for file in files]


def explain_apart(path: Path, source: Dataset, options: ExportOptions) -> Explanation:
    """What int8 costs layer by layer, in a child process. Raises EdgefkpError if the converter dies of the network."""
    with _in_child() as limits:
        try:
            found = isolate.call(explain, path, source, options, label="export --explain", **limits)
        except isolate.ChildDied as died:
            raise EdgefkpError(
                f"{path.name} cannot be explained: {_cause(died)}", "it has no int8 file either"
            ) from None
    return read_record(Explanation, found, f"the layers of {path.name}")


@contextmanager
def _in_child() -> Iterator[dict[str, Any]]:
    """How a child that converts is started. What TensorFlow leaves in the temporary folder goes with that."""
    with scratch_folder() as folder:
        yield {"environment": {"TMPDIR": str(folder)}, "silence": _SILENCE}


def _cause(died: isolate.ChildDied) -> str:
    if died.signal:
        return f"the converter was ended by {died.signal}"
    return f"the converter did nothing for {_SILENCE / 60:.0f} minutes" if died.timed_out else died.last_line


def make(tasks: list[list[str]], out: str, source: Any, options: Any) -> None:
    """In the child: make the file of each (network, scheme), and report what comes of it."""
    data, asked = read_record(Dataset, source, "the faces"), read_record(ExportOptions, options, "the options")
    progress = ExportProgress(
        lambda name: isolate.report(["file", name]),
        lambda count: isolate.report(["faces", count]),
        on_note=lambda text: isolate.report(["note", text]),
    )
    jobs: dict[str, ExportJob | TfliteJob] = {}
    for path, scheme in tasks:
        try:
            if path not in jobs:
                jobs = {path: _job(Path(path), data, asked, progress)}  # one network at a time
            isolate.report(["made", str(jobs[path].export(scheme, Path(out)))])
        except EdgefkpError as error:
            kind = next(one.__name__ for one in type(error).__mro__ if getattr(errors, one.__name__, None) is one)
            isolate.report(["refused", {"kind": kind, "message": error.message, "hint": error.hint}])


def explain(path: str, source: Any, options: Any) -> Any:
    """In the child: the Explanation."""
    from edgefkp.export import layer_report, tflite_report
    from edgefkp.export.bias_correction import output_unit

    data, asked = read_record(Dataset, source, "the faces"), read_record(ExportOptions, options, "the options")
    if path.endswith(".tflite"):
        quantized = TfliteJob(Path(path), data, asked, ExportProgress())
        calibration = quantized.calibration
        return tflite_report.explain(Path(path), calibration, asked.keep_float, *output_unit(quantized.spec))
    job = ExportJob(Path(path), data, asked, ExportProgress())
    settings = job.measured(job.settings(INTEGER))
    samples = job.calibration_for(settings).ranging
    return layer_report.explain(job.network, Path(path).stem, samples, settings, *output_unit(job.spec))
