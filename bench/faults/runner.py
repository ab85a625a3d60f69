"""Alter files and call the package with them, in child processes that may die of it."""

import os
import shutil
import signal
import subprocess
import traceback
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.faults import FOREIGN, KINDS, RAN, Kind, Sample, Wrong
from bench.faults.mutate import alter_bytes
from bench.faults.record import CRASH, FINE, HANG, REFUSED, TRACEBACK, WRONG, Outcome
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, write_bytes, write_json
from edgefkp.runtime import isolate

MEMORY = 6 << 30  # bytes of address space; TensorFlow takes three to start
IN_PLACE = "in place of"  # a change that could not be made
CLOSE = 0.25  # pixels: integer kernels round differently by a step

Note = Callable[[Outcome], None]


def altered(kind: Kind, samples: Sequence[Sample], number: int, seed: int) -> tuple[Sample, bytes, str]:
    """The sample, its altered file and what was done: the same for the same kind, number and seed.

    Where the format cannot hold the change that was drawn (text in an array of numbers), bytes are altered instead.
    """
    sample = samples[number % len(samples)]
    random = np.random.default_rng([seed, zlib.crc32(kind.name.encode()), number])
    untouched = (sample.folder / sample.altered).read_bytes()
    try:
        content, change = kind.mutate(untouched, random)
    except Exception as error:
        content, change = alter_bytes(untouched, random)
        change = f"{change}, {IN_PLACE} {type(error).__name__}"
    return sample, content, f"{sample.altered}: {change}"


def run_kind(
    kind: Kind, numbers: Sequence[int], seed: int, scratch: Path, note: Note = lambda outcome: None
) -> list[Outcome]:
    """What becomes of these inputs. Nothing but `scratch`, an empty folder, is written to."""
    foreign = scratch / "foreign"
    foreign.write_text(f"#!/bin/sh\ntouch {scratch / RAN}\n")
    foreign.chmod(0o755)
    _make_library(foreign.with_suffix(".so"), scratch / RAN)
    (scratch / "tmp").mkdir()
    environment = {
        "EDGEFKP_CACHE": str(scratch / "cache"), "TMPDIR": str(scratch / "tmp"), FOREIGN: str(foreign),
        "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    outcomes: list[Outcome] = []
    left = list(numbers)
    while left:
        begun: list[int] = []

        def hear(event: Any, begun: list[int] = begun) -> None:
            if "begun" in event:
                begun.append(event["begun"])
            else:
                outcomes.append(Outcome(kind.name, **event["ended"]))
                note(outcomes[-1])

        part = left[: kind.batch]
        try:
            isolate.call(
                batch, kind.name, str(scratch), part, seed, environment=environment, memory=MEMORY, progress=hear
            )
        except isolate.ChildDied as died:
            ended = len(outcomes) == len(numbers) - len(left) + len(begun)
            if not begun or (ended and not died.signal):
                raise EdgefkpError(f"{kind.name}: the harness failed: {died.last_line}") from died
            if ended:  # it died of the last input after its answer
                outcomes.pop()
            part = part[: len(begun)]
            _, content, change = altered(kind, samples_in(kind, scratch), part[-1], seed)
            what = HANG if died.signal == "SIGALRM" else CRASH
            outcomes.append(Outcome(kind.name, part[-1], what, change, len(content), "", died.signal or died.last_line))
            note(outcomes[-1])
        left = left[len(part) :]
    return outcomes


def _make_library(path: Path, mark: Path) -> None:
    """A library that leaves `mark` when it is loaded, where there is a compiler."""
    code = f'#include <stdio.h>\n__attribute__((constructor)) void run(void) {{ fclose(fopen("{mark}", "w")); }}\n'
    if compiler := shutil.which("cc"):
        subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-o", path, "-"], input=code, text=True, check=True)


def samples_in(kind: Kind, scratch: Path) -> list[Sample]:
    """The untouched samples below `scratch`; the first call makes them."""
    known = scratch / "samples.json"
    if not known.exists():
        (scratch / "samples").mkdir()
        write_json(known, [list(map(str, sample)) for sample in kind.make(scratch / "samples")])
    return [Sample(Path(folder), *names) for folder, *names in read_json(known)]


def batch(name: str, scratch: str, numbers: list[int], seed: int) -> None:
    """In a child: report what becomes of each input before the next."""
    kind = KINDS[name]
    samples = samples_in(kind, Path(scratch))
    place, answers = Path(scratch) / "now", {}
    if kind.guarded:
        for sample in dict.fromkeys(samples):
            answers[sample] = kind.call(_copied(sample, place) / sample.opened)
    for number in numbers:
        sample, content, change = altered(kind, samples, number, seed)
        isolate.report({"begun": number})
        write_bytes(_copied(sample, place) / sample.altered, content)
        signal.alarm(kind.seconds)  # its default ends this process, wherever that is
        try:
            outcome, where, message = _outcome(kind, place / sample.opened, answers.get(sample))
        finally:
            signal.alarm(0)
        if (Path(scratch) / RAN).exists():
            (Path(scratch) / RAN).unlink()
            outcome, message = WRONG, "a foreign program was started"
        facts = {"number": number, "outcome": outcome, "altered": _printable(change[:200]), "bytes": len(content)}
        isolate.report({"ended": {**facts, "where": where, "message": _printable(message)}})


def refused_untouched(name: str, scratch: str) -> list[str]:
    """In a child: the untouched samples of a kind that are not answered; a kind that has any counts nothing."""
    kind, found = KINDS[name], []
    for sample in dict.fromkeys(samples_in(kind, Path(scratch))):
        try:
            kind.call(_copied(sample, Path(scratch) / "now") / sample.opened)
        except (EdgefkpError, Wrong) as error:
            found.append(f"{sample.altered}: {error}")
    return found


def _printable(text: str) -> str:
    return text[:300].encode("utf-8", "replace").decode()


def _copied(sample: Sample, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(sample.folder, place)
    return place


def _outcome(kind: Kind, path: Path, untouched: Any) -> tuple[str, str, str]:
    """Outcome, place and message."""
    try:
        answer = kind.call(path)
    except EdgefkpError as error:
        return REFUSED, "", error.message
    except Wrong as error:
        return WRONG, "", str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return TRACEBACK, _place(error), f"{type(error).__name__}: {error}"
    if untouched is not None and not _same(answer, untouched):
        return WRONG, "", "another answer than the untouched file's"
    return FINE, "", ""


def _place(error: BaseException) -> str:
    """The package's innermost function that the exception passed."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if f"{os.sep}edgefkp{os.sep}" in one.filename]
    if not frames:
        return ""
    return f"{frames[-1].filename.rpartition('edgefkp' + os.sep)[2]}:{frames[-1].name}"


def _same(answer: Any, untouched: Any) -> bool:
    if isinstance(untouched, np.ndarray):
        return answer.shape == untouched.shape and bool(np.abs(answer - untouched).max() <= CLOSE)
    return bool(answer == untouched)
