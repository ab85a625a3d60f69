"""Every network that can be trained and every model file, from cards and stored results."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from edgefkp.bench import machine
from edgefkp.bench import result as bench_result
from edgefkp.bench.result import Result
from edgefkp.card import TERMS, Card, read_card
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import SCHEMA as EVALUATION
from edgefkp.evaluation.evaluate import Evaluation
from edgefkp.export.parity import Parity, parity_of
from edgefkp.files import read_json, sha256_file, visible
from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import NETWORKS
from edgefkp.records import NewerField, read_record
from edgefkp.runtime import shipped

SCHEMA = "edgefkp.models/1"

Stored = TypeVar("Stored")


@dataclass(frozen=True)
class NetworkEntry:
    """A network that can be trained."""

    name: str
    title: str
    parameters: int | None  # None: not measured
    macs: int | None  # multiply-accumulates for one image; None: not measured
    paper_parameters: int | None  # as the paper's Table 1 prints; None for a network that is not the paper's


@dataclass(frozen=True)
class FileEntry:
    """A model file; a field is None if neither its card nor a stored result knows it."""

    path: str
    model: str
    scheme: str
    bytes: int
    parameters: int | None = None
    macs: int | None = None  # multiply-accumulates for one image
    data: str | None = None  # that it was trained on
    license: str | None = field(default=None, metadata=TERMS)  # of the data
    rmse: float | None = None  # px, on the faces that `rmse_on` names
    rmse_on: str | None = None  # faces of a stored evaluation, a benchmark, the export or, for a .keras, the validation
    seconds_per_100: float | None = None  # of the latest benchmark, the interpreter alone
    measured: str | None = None  # runtime and machine of that benchmark
    ms: float | None = None  # an image, the median of the same benchmark


@dataclass(frozen=True)
class Catalog:
    networks: list[NetworkEntry]
    files: list[FileEntry]
    schema: str = SCHEMA
    damaged: list[str] = field(default_factory=list)  # files that were left out, or listed without their card, and why


def read_catalog(root: Path) -> Catalog:
    """What stands in models/ and export/ of `root`, in the package's shipped files, and in the registry."""
    damaged: list[str] = []
    evaluations = _readable(root / "evaluation", EVALUATION, _evaluation, damaged)
    results = _readable(root / "bench" / "results", bench_result.SCHEMA, bench_result.parse, damaged)
    scores, times = _scores(evaluations, results), _times(results)
    paths = [path for folder in (root / "models", root / "export") for path in _model_files(folder)]
    files = []
    for path in [*paths, *sorted(shipped.models())]:
        try:
            files.append(_file(path, _card(path, damaged), scores, times))
        except EdgefkpError as error:
            damaged.append(error.message)
    return Catalog([_network(name) for name in NETWORKS], files, damaged=damaged)


def _network(name: str) -> NetworkEntry:
    network, cost = NETWORKS[name], cost_of(name)
    parameters, macs = (cost.parameters, cost.macs) if cost else (None, None)
    return NetworkEntry(name, network.title, parameters, macs, network.paper_parameters)


def _model_files(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.suffix in (".keras", ".tflite")]


Known = dict[str, tuple[float, str]]  # sha256 -> (number, on what or by what it was measured)
Times = dict[str, tuple[float, float, str]]  # sha256 -> s per 100 images, ms an image, and where


def _file(path: Path, card: Card | None, scores: Known, times: Times) -> FileEntry:
    digest = sha256_file(path)
    rmse, rmse_on = scores.get(digest, (None, None))
    if rmse is None and card and (known := _parity(card)):
        rmse, rmse_on = known.rmse_after, f"{known.data['name']} {known.data['part']}"
    if rmse is None and path.suffix == ".keras" and card and "validation_rmse" in card.metrics:
        rmse, rmse_on = card.metrics["validation_rmse"], f"{card.data_name} validation"
    seconds, ms, measured = times.get(digest, (None, None, None))
    return FileEntry(
        path=str(path),
        model=card.model if card else path.stem,
        scheme=card.scheme if card and card.scheme else path.suffix.removeprefix("."),
        bytes=path.stat().st_size,
        parameters=card.parameters or None if card else None,
        macs=card.macs or None if card else None,
        data=card.data_name if card else None,
        license=card.data.license if card and card.data else None,
        rmse=rmse,
        rmse_on=rmse_on,
        seconds_per_100=seconds,
        measured=measured,
        ms=ms,
    )


def _card(path: Path, damaged: list[str]) -> Card | None:
    """A list does not stop at one damaged card."""
    try:
        card = read_card(path)
        if card:
            parity_of(card)
        return card
    except EdgefkpError as error:
        damaged.append(error.message)
        return None


def _parity(card: Card) -> Parity | None:
    try:
        return parity_of(card)
    except EdgefkpError:
        return None


def _scores(evaluations: list[Evaluation], results: list[Result]) -> Known:
    """RMSE from stored evaluations and benchmarks; the first that knows a file counts."""
    found: Known = {}
    for stored in evaluations:
        found.setdefault(stored.sha256, (stored.score.rmse, f"{stored.data['name']} {stored.data['part']}"))
    for bench in results:
        for row in bench.rows:
            if row.rmse is not None:
                found.setdefault(row.sha256, (row.rmse, f"{bench.data['name']} test"))
    return found


def _evaluation(stored: Any, where: str) -> Evaluation:
    return read_record(Evaluation, stored, where)


def _times(results: list[Result]) -> Times:
    """Seconds per 100 images and milliseconds an image of the interpreter alone on the CPU, and where, from the latest
    benchmark."""
    found: Times = {}
    for bench in sorted(results, key=lambda stored: stored.created):
        for row in bench.rows:
            if row.mode == "invoke" and row.acceleration is None:
                threads = f"{row.threads} thread{'s' * (row.threads != 1)}"
                where = f"{row.runtime} {row.version}, {threads}, {machine.title(bench.machine)}"
                found[row.sha256] = (row.seconds_per_100, row.ms.p50, where)
    return found


def _readable(folder: Path, schema: str, parse: Callable[[Any, str], Stored], damaged: list[str]) -> list[Stored]:
    """Each record in the JSON files of `folder`; those of other schemas are passed over, broken ones noted."""
    found = []
    for path in visible(folder, "*.json"):
        try:
            stored = read_json(path)
            if isinstance(stored, dict) and stored.get("schema") == schema:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", NewerField)
                    found.append(parse(stored, str(path)))
        except EdgefkpError as error:
            damaged.append(error.message)
    return found
