"""Run a schedule: one fresh worker process after the other, each result stored before the next starts."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp._version import __version__
from edgefkp.bench import machine, monitor, payload, verdict
from edgefkp.bench.acceleration import Acceleration
from edgefkp.bench.device import CPU, Device
from edgefkp.bench.plan import Case, Schedule, Step, TimingSettings
from edgefkp.bench.profiling import profiled
from edgefkp.bench.result import Failure, Result
from edgefkp.bench.store import open_store
from edgefkp.bench.summary import ProbeResult, RunContext, WorkerResult, row_of
from edgefkp.bench.timed_images import TimedImages
from edgefkp.bench.timed_images import save as save_images
from edgefkp.bench.usage import busy_cores
from edgefkp.bench.worker import work
from edgefkp.card import require_card_hash
from edgefkp.errors import EdgefkpError, EnvironmentProblem, counted
from edgefkp.export.inspect import verify_scheme
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import json_text, sha256_file
from edgefkp.layout import ModelSpec
from edgefkp.records import built
from edgefkp.runtime import isolate
from edgefkp.runtime.contract import known_spec
from edgefkp.runtime.onnx_file import is_onnx

START_SECONDS = 0.3  # a worker needs before it loads, for the estimate
TIMEOUT = 120.0  # seconds beyond ten times its estimate after which a worker counts as hanging
COOL_DOWN = 20.0  # seconds at most before a process
WARMER = 10.0  # degrees Celsius above the start at which a process may begin
TRIES = 2  # of a worker that something killed
OPENCV_LINE = "pip install 'opencv-python>=4.8,<6'"

Announce = Callable[[Schedule, float], None]
Progress = Callable[[int, int, str], None]


def measure(
    cases: Iterable[Case],
    images: TimedImages,
    settings: TimingSettings,
    name: str,
    device: Device = Device(CPU),  # noqa: B008  (frozen)
    partial: Path | None = None,
    announce: Announce = lambda schedule, seconds: None,
    progress: Progress = lambda done, total, label: None,
    root: Path = machine.ROOT,
    reference: Mapping[str, np.ndarray] | None = None,
) -> Result:
    """Probe the cases, announce the schedule, run it.

    partial: folder where the result of each process is kept; a run that was cut off resumes there.
    root: where the machine's own files are. reference: file name -> (n, K, 2) points that its first n images must give.
    Cases that do not run are in `failed`. Raises EdgefkpError if none does.
    """
    begun = time.monotonic()
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    load = busy_cores()
    with open_store(partial) as store:
        bench = _Bench(store / "work", images, settings, root)
        probed, failed = bench.probe(list(cases))
        if not probed:
            raise bench.first_error or EdgefkpError("there is nothing to measure", "name .tflite files")
        schedule = Schedule(tuple(probed), settings)
        announce(schedule, _estimate(probed, settings, len(images.images)))
        trace = store / "trace.jsonl"
        with monitor.Sampler(root, trace):
            results, notes = bench.run(schedule, probed, store, progress)
        samples = monitor.read_trace(trace)
        operators, missing = profiled(probed, bench.work) if settings.profile else ({}, [])
    if not any(results.values()):
        raise EdgefkpError(f"no process came to its end: {notes[0]}", "measure again")
    known = machine.describe(root)
    origin = min(one.metadata["started"] for found in results.values() for one in found)
    context = RunContext(known.get("cores"), load, samples, origin, reference or {}, operators)
    rows = [
        row_of(case, probed[case], found, bench.images_of(probed[case].spec), context)
        for case, found in results.items()
        if found
    ]
    return Result(
        name=name,
        created=created,
        edgefkp=__version__,
        device=device,
        plan={**asdict(settings), "cells": len(schedule.cases), "processes_in_all": len(schedule)},
        machine=known,
        load=load,
        data={
            "name": images.name,
            "licence": images.license,
            "images": len(images.images),
            "labelled": images.labeled,
            "hash": images.hash,
        },
        trace=monitor.describe(root, samples, origin),
        rows=rows,
        failed=failed,
        verdict=verdict.worst([row.verdict for row in rows]),
        notes=[*notes, *missing, *images.unscored({Path(case.file).name: one.spec for case, one in probed.items()})],
        seconds=time.monotonic() - begun,
    )


class _Bench:
    def __init__(self, folder: Path, images: TimedImages, settings: TimingSettings, root: Path) -> None:
        self.folder, self.images, self.settings, self.root = folder, images, settings, root
        self.cool = monitor.temperature(root)
        self.first_error: EdgefkpError | None = None
        self.specs: dict[Case, ModelSpec | None] = {}  # of the cases that were probed
        folder.mkdir(exist_ok=True)

    def images_of(self, spec: ModelSpec | None) -> TimedImages:
        return self.images.at(spec) if spec else self.images

    def _images_file(self, spec: ModelSpec | None) -> Path:
        """The images as this network takes them, for a worker."""
        images = self.images_of(spec)
        path = self.folder / f"images-{images.input.side}-{images.input.colors}.npz"
        if not path.exists():
            save_images(replace(images, prepared={}), path)
        return path

    def probe(self, cases: list[Case]) -> tuple[dict[Case, ProbeResult], list[Failure]]:
        """Load each file once per runtime: which cases run, how long an inference takes, what its network takes."""
        probed: dict[Case, ProbeResult] = {}
        failed: list[Failure] = []
        seen: dict[Case, dict[str, Any] | EdgefkpError] = {}
        end_to_end = {replace(case, mode="probe") for case in cases if case.mode == "e2e"}

        def fail(label: str, error: EdgefkpError) -> None:
            self.first_error = self.first_error or error
            failure = Failure(label, error.message, error.hint, isinstance(error, EnvironmentProblem))
            if failure not in failed:
                failed.append(failure)

        for case in cases:
            key = replace(case, mode="probe")
            if key not in seen:
                seen[key] = self._probe_one(key, key in end_to_end)
            found = seen[key]
            if isinstance(found, EdgefkpError):
                fail(key.label.removesuffix(", probe"), found)
            elif case.mode == "invoke" or (found["spec"] and not found["opencv"]):
                spec = built(ModelSpec, found["spec"]) if found["spec"] else None
                chosen = replace(case, runtime=found["runtime"])
                on = built(Acceleration, found["acceleration"]) if found["acceleration"] else None
                probed[chosen] = ProbeResult(found["scheme"], found["version"], spec, found["invoke_seconds"], on)
            elif found["spec"]:
                message = f"mode e2e needs OpenCV, which crops the face out of the frame: {found['opencv']}"
                fail("e2e", EnvironmentProblem(message, f"{OPENCV_LINE}; or measure the network alone: --mode invoke"))
        return probed, failed

    def _probe_one(self, case: Case, end_to_end: bool) -> dict[str, Any] | EdgefkpError:
        try:
            require_card_hash(Path(case.file), sha256_file(case.file))
            scheme = _scheme(case.file)
            self.specs[case] = known_spec(Path(case.file)) or ModelSpec()
            return {**self.work(case, TIMEOUT, end_to_end=end_to_end).metadata, "scheme": scheme}
        except EdgefkpError as error:
            return error
        except ImportError as error:
            message = f"{case.file} needs images of another size or color, and making them needs OpenCV: {error}"
            return EnvironmentProblem(message, OPENCV_LINE)
        except OSError as error:
            return EdgefkpError(f"cannot read {case.file}: {error.strerror}")

    def run(
        self, schedule: Schedule, probed: dict[Case, ProbeResult], store: Path, progress: Progress
    ) -> tuple[dict[Case, list[WorkerResult]], list[str]]:
        results: dict[Case, list[WorkerResult]] = {case: [] for case in schedule.cases}
        self.specs.update({case: found.spec for case, found in probed.items()})
        notes: list[str] = []
        resumed = 0
        for number, step in enumerate(schedule.steps()):
            progress(number, len(schedule), step.case.label)
            kept = store / f"{step.round}-{_key(step.case)}.npz"
            found = WorkerResult.kept(kept, step.round)
            if found:
                resumed += 1
            else:
                timeout = TIMEOUT + 10 * _step_seconds(probed[step.case], schedule.settings, 100)
                found, note = self._run_step(step, kept, timeout)
                if note:
                    notes.append(f"{step.case.label}, round {step.round}: {note.removeprefix(f'{step.case.label}: ')}")
            if found:
                results[step.case].append(found)
        progress(len(schedule), len(schedule), "")
        if resumed:
            notes.append(
                f"{resumed} of {counted(len(schedule), 'process')} were measured before a break, and counted once"
            )
        return results, notes

    def _run_step(self, step: Step, kept: Path, timeout: float) -> tuple[WorkerResult | None, str]:
        """The worker's result, which is stored at `kept`, too; and what went wrong on the way."""
        notes = []
        for _ in range(TRIES):
            self._rest()
            load, started = machine.load_average(), time.monotonic()
            try:
                result = replace(self.work(step.case, timeout), round=step.round)
            except EdgefkpError as error:
                notes.append(error.message)
                continue
            result.metadata.update(load=load, started=started)
            result.write(kept)
            return result, f"{notes[0]}; run again" if notes else ""
        return None, f"{notes[0]}; left out"

    def _package(self, case: Case) -> Path:
        """The edgefkp that a worker uses: in another Python environment the part of it that measures."""
        if not case.python:
            return isolate.ROOT
        folder = self.folder / "payload"
        return folder if folder.exists() else payload.copy_into(folder)

    def _rest(self) -> None:
        """The pause, and on a board that got hotter since the start up to COOL_DOWN seconds more."""
        if not self.settings.pause:
            return
        time.sleep(self.settings.pause)
        until = time.monotonic() + COOL_DOWN
        while (now := monitor.temperature(self.root)) is not None and self.cool is not None:
            if now <= self.cool + WARMER or time.monotonic() > until:
                break
            time.sleep(1)

    def work(self, case: Case, timeout: float, end_to_end: bool = False, spec: ModelSpec | None = None) -> WorkerResult:
        """Run one worker. Raises EdgefkpError with the worker's own error, or how it died."""
        spec = spec or self.specs.get(case)
        job = {
            **asdict(case),
            "images": str(self._images_file(spec)),
            "seconds": self.settings.seconds,
            "warm_seconds": self.settings.warm_seconds,
            "pin": self.settings.pin,
            "end_to_end": end_to_end,
            "shapes": dict(self.settings.shapes),
            "inputs": self.settings.inputs,
            "spec": None if case.mode == "probe" else spec,
        }
        del job["python"]
        try:
            found = isolate.call(
                work,
                job,
                label=case.label,
                python=case.python or None,
                package=self._package(case),
                seconds=timeout,
            )
        except isolate.ChildDied as died:
            if case.python and "No module named" in died.last_line:
                line = f"{case.python} -m pip install numpy ai-edge-litert"
                raise EnvironmentProblem(f"{case.python} cannot measure: {died.last_line}", line) from None
            raise EdgefkpError(died.message, "if it does so again, export the file again") from None
        return WorkerResult(0, found["metadata"], found["arrays"])


def _scheme(file: str) -> str:
    """The file's scheme; the one that its name claims where no package here reads graphs; "" for .onnx."""
    if is_onnx(file):
        return ""
    try:
        return verify_scheme(file)
    except EnvironmentProblem:
        return parse_tflite(file).scheme


def _key(case: Case) -> str:
    return hashlib.sha256(json_text(asdict(case)).encode()).hexdigest()[:16]


def _step_seconds(probed: ProbeResult, settings: TimingSettings, images: int) -> float:
    one_pass = probed.invoke_seconds * images
    return START_SECONDS + settings.pause + settings.warm_seconds[0] + max(settings.seconds, one_pass)


def _estimate(probed: dict[Case, ProbeResult], settings: TimingSettings, images: int) -> float:
    return settings.processes * sum(_step_seconds(one, settings, images) for one in probed.values())
