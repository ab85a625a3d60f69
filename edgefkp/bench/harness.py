"""Runs a plan: one fresh worker process after the other, each outcome stored before the next starts."""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp._version import __version__
from edgefkp.bench import machine, monitor, payload, stats
from edgefkp.bench.plan import Cell, Plan, Settings
from edgefkp.bench.result import Failure, Result
from edgefkp.bench.store import open_store
from edgefkp.bench.summary import Outcome, Surroundings, row_of
from edgefkp.bench.timed_images import Pictures
from edgefkp.bench.timed_images import save as save_pictures
from edgefkp.bench.worker import Usage, work
from edgefkp.card import require_card_hash
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export.inspect import verify_scheme
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import json_text, sha256_file
from edgefkp.runtime import isolate

LOOK_SECONDS = 0.5  # at what else is running, before the first process
START_SECONDS = 0.3  # a worker needs before it loads, for the estimate
PATIENCE = 120.0  # seconds beyond ten times its estimate after which a worker hangs
COOL_DOWN = 20.0  # seconds at most before a process
WARMER = 10.0  # degrees Celsius above the start at which a process may begin
TRIES = 2  # of a worker that something killed

Announce = Callable[[Plan, float], None]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Surveyed:
    """What a first inference told of a cell. scheme: what the file really is; version: of the runtime."""

    scheme: str
    version: str
    is_keypoint_model: bool
    invoke_seconds: float
    spec: dict[str, Any]  # the file's ModelSpec


def measure(
    cells: Iterable[Cell],
    pictures: Pictures,
    settings: Settings,
    name: str,
    device: str = "cpu",
    partial: Path | None = None,
    announce: Announce = lambda plan, seconds: None,
    progress: Progress = lambda done, total, label: None,
    root: Path = machine.ROOT,
    golden: Mapping[str, np.ndarray] | None = None,
) -> Result:
    """Survey the cells, announce the plan, run it.

    partial: folder where the outcome of each process is kept; a run that was cut off goes on there.
    root: where the board's files are. golden: file name -> (K, 15, 2) points that its first K pictures must give.
    Cells that do not run are in `failed`. Raises EdgefkpError where none does.
    """
    begun = time.monotonic()
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    load = _busy_cores()
    with open_store(partial) as store:
        bench = _Bench(store / "work", pictures, settings, root)
        surveyed, failed = bench.survey(list(cells))
        if not surveyed:
            raise bench.first_error or EdgefkpError("there is nothing to measure", "name .tflite files")
        plan = Plan(tuple(surveyed), settings)
        announce(plan, _estimate(surveyed, settings, len(pictures.images)))
        trace = store / "trace.jsonl"
        with monitor.Sampler(root, trace):
            outcomes, notes = bench.run(plan, surveyed, store, progress)
        samples = monitor.read_trace(trace)
    if not any(outcomes.values()):
        raise EdgefkpError(f"no process came to its end: {notes[0]}", "measure again")
    known = machine.describe(root)
    origin = min(outcome.facts["started"] for found in outcomes.values() for outcome in found)
    around = Surroundings(known.get("cores"), load, samples, origin, golden or {})
    rows = [
        row_of(cell, surveyed[cell].scheme, surveyed[cell].version, found, pictures, around)
        for cell, found in outcomes.items()
        if found
    ]
    return Result(
        name=name,
        created=created,
        edgefkp=__version__,
        device=device,
        plan={**asdict(settings), "cells": len(plan.cells), "processes_in_all": len(plan)},
        machine=known,
        load=load,
        data={
            "name": pictures.name,
            "licence": pictures.licence,
            "images": len(pictures.images),
            "labelled": pictures.labelled,
            "hash": pictures.hash,
        },
        board=monitor.describe(root, samples, origin),
        rows=rows,
        failed=failed,
        verdict=stats.worst([row.verdict for row in rows]),
        notes=notes,
        seconds=time.monotonic() - begun,
    )


def _busy_cores() -> float | None:
    """How many cores other processes keep busy just now.

    Not the load average: a training that ended a second ago would be in it for a minute, and does no harm.
    """
    usage = Usage()
    time.sleep(LOOK_SECONDS)
    return usage.until_now()["others_cores"]


class _Bench:
    def __init__(self, folder: Path, pictures: Pictures, settings: Settings, root: Path) -> None:
        self.folder, self.settings, self.root = folder, settings, root
        self.cool = monitor.temperature(root)
        self.first_error: EdgefkpError | None = None
        self.images = folder / "images.npz"
        folder.mkdir(exist_ok=True)
        save_pictures(pictures, self.images)

    def survey(self, cells: list[Cell]) -> tuple[dict[Cell, Surveyed], list[Failure]]:
        """Load each file once per runtime: which cells run, how long an inference takes, whether it takes faces."""
        surveyed: dict[Cell, Surveyed] = {}
        failed: list[Failure] = []
        seen: dict[Cell, dict[str, Any] | EdgefkpError] = {}
        for cell in cells:
            key = replace(cell, mode="survey")
            if key not in seen:
                seen[key] = self._survey_one(key)
            facts = seen[key]
            if isinstance(facts, EdgefkpError):
                self.first_error = self.first_error or facts
                failure = Failure(key.label.removesuffix(", survey"), facts.message, facts.hint)
                if failure not in failed:
                    failed.append(failure)
            elif cell.mode == "invoke" or facts["is_keypoint_model"]:
                chosen = replace(cell, runtime=facts["runtime"])
                names = ("scheme", "version", "is_keypoint_model", "invoke_seconds", "spec")
                surveyed[chosen] = Surveyed(**{name: facts[name] for name in names})
        return surveyed, failed

    def _survey_one(self, cell: Cell) -> dict[str, Any] | EdgefkpError:
        try:
            require_card_hash(Path(cell.file), sha256_file(cell.file))
            scheme = _scheme(cell.file)
            return {**self._work(cell, PATIENCE).facts, "scheme": scheme}
        except EdgefkpError as error:
            return error
        except OSError as error:
            return EdgefkpError(f"cannot read {cell.file}: {error.strerror}")

    def run(
        self, plan: Plan, surveyed: dict[Cell, Surveyed], store: Path, progress: Progress
    ) -> tuple[dict[Cell, list[Outcome]], list[str]]:
        outcomes: dict[Cell, list[Outcome]] = {cell: [] for cell in plan.cells}
        notes: list[str] = []
        resumed = 0
        for number, step in enumerate(plan.steps()):
            progress(number, len(plan), step.cell.label)
            kept = store / f"{step.round}-{_key(step.cell)}.npz"
            if kept.exists():
                resumed += 1
            else:
                patience = PATIENCE + 10 * _step_seconds(surveyed[step.cell], plan.settings, 100)
                if note := self._run_step(step.cell, kept, patience, surveyed[step.cell].spec):
                    notes.append(f"{step.cell.label}, round {step.round}: {note.removeprefix(f'{step.cell.label}: ')}")
            if kept.exists():
                outcomes[step.cell].append(Outcome.read(kept, step.round))
        progress(len(plan), len(plan), "")
        if resumed:
            notes.append(f"{resumed} of {len(plan)} processes were measured before a break, and counted once")
        return outcomes, notes

    def _run_step(self, cell: Cell, kept: Path, patience: float, spec: dict[str, Any]) -> str:
        """Store the outcome at `kept`; returns what went wrong on the way."""
        notes = []
        for _ in range(TRIES):
            self._rest()
            load, started = machine.load_average(), time.monotonic()
            try:
                outcome = self._work(cell, patience, spec)
            except EdgefkpError as error:
                notes.append(error.message)
                continue
            outcome.facts.update(load=load, started=started)
            outcome.write(kept)
            return f"{notes[0]}; run again" if notes else ""
        return f"{notes[0]}; left out"

    def _package(self, cell: Cell) -> Path:
        """The edgefkp that a worker uses: in another Python environment the part of it that measures."""
        if not cell.python:
            return isolate.ROOT
        folder = self.folder / "kit"
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

    def _work(self, cell: Cell, patience: float, spec: dict[str, Any] | None = None) -> Outcome:
        """Run one worker. Raises EdgefkpError with the worker's own error, or how it died."""
        job = {
            **asdict(cell),
            "images": str(self.images),
            "seconds": self.settings.seconds,
            "warm_seconds": self.settings.warm_seconds,
            "pin": self.settings.pin,
            "spec": spec,
        }
        del job["python"]
        try:
            found = isolate.call(
                work,
                job,
                label=cell.label,
                python=cell.python or None,
                package=self._package(cell),
                seconds=patience,
            )
        except isolate.ChildDied as died:
            if cell.python and "No module named" in died.last_line:
                line = f"{cell.python} -m pip install numpy ai-edge-litert"
                raise EnvironmentProblem(f"{cell.python} cannot measure: {died.last_line}", line) from None
            raise EdgefkpError(died.message, "if it does so again, export the file again") from None
        return Outcome(0, found["facts"], found["arrays"])


def _scheme(file: str) -> str:
    """The file's scheme; the one that its name claims where no package here reads graphs."""
    try:
        return verify_scheme(file)
    except EnvironmentProblem:
        return parse_tflite(file).scheme


def _key(cell: Cell) -> str:
    return hashlib.sha256(json_text(asdict(cell)).encode()).hexdigest()[:16]


def _step_seconds(surveyed: Surveyed, settings: Settings, images: int) -> float:
    one_pass = surveyed.invoke_seconds * images
    return START_SECONDS + settings.pause + settings.warm_seconds[0] + max(settings.seconds, one_pass)


def _estimate(surveyed: dict[Cell, Surveyed], settings: Settings, images: int) -> float:
    return settings.processes * sum(_step_seconds(facts, settings, images) for facts in surveyed.values())
