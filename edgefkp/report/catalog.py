"""Every network there is to train, and every file there is: put together from cards and stored results."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgefkp.card import Card, read_card
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, sha256_file
from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import NETWORKS
from edgefkp.runtime.shipped import FOLDER

SCHEMA = "edgefkp.models/1"
SHIPPED = FOLDER


@dataclass(frozen=True)
class NetworkEntry:
    """A network that can be trained. None stands for a cost that was not measured."""

    name: str
    title: str
    parameters: int | None
    macs: int | None
    paper_parameters: int | None  # what Table 1 prints; None for a network that is not the paper's


@dataclass(frozen=True)
class FileEntry:
    """A model file; None where neither its card nor a stored result says it.

    rmse: px, on the faces that `rmse_on` names: of a run, a benchmark or, for a .keras, its validation persons.
    seconds_per_100: the latest benchmark's; measured: its runtime and machine.
    """

    path: str
    model: str
    scheme: str
    bytes: int
    parameters: int | None = None
    macs: int | None = None
    data: str | None = None
    licence: str | None = None
    rmse: float | None = None
    rmse_on: str | None = None
    seconds_per_100: float | None = None
    measured: str | None = None


@dataclass(frozen=True)
class Catalogue:
    networks: list[NetworkEntry]
    files: list[FileEntry]
    schema: str = SCHEMA


def catalogue(root: Path) -> Catalogue:
    """What stands in models/ and export/ of `root`, in the package's shipped files, and in the registry."""
    scores, times = _scores(root), _times(root)
    folders = (root / "models", root / "export", SHIPPED)
    files = [_file(path, scores, times) for folder in folders for path in _model_files(folder)]
    return Catalogue([_network(name) for name in NETWORKS], files)


def _network(name: str) -> NetworkEntry:
    network, cost = NETWORKS[name], cost_of(name)
    parameters, macs = (cost.parameters, cost.macs) if cost else (None, None)
    return NetworkEntry(name, network.title, parameters, macs, network.paper_parameters)


def _model_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in (".keras", ".tflite"))


Scores = dict[str, tuple[float, str]]
Times = dict[str, tuple[float, str]]


def _file(path: Path, scores: Scores, times: Times) -> FileEntry:
    card = _card(path)
    digest = sha256_file(path)
    rmse, rmse_on = scores.get(digest, (None, None))
    if rmse is None and card and (known := card.parity):
        rmse, rmse_on = known["rmse_after"], f"{known['data']['name']} {known['data']['part']}"
    if rmse is None and path.suffix == ".keras" and card and "validation_rmse" in card.metrics:
        rmse, rmse_on = card.metrics["validation_rmse"], f"{card.data_name} validation"
    seconds, measured = times.get(digest, (None, None))
    return FileEntry(
        path=str(path),
        model=card.model if card else path.stem,
        scheme=card.scheme if card and card.scheme else path.suffix.removeprefix("."),
        bytes=path.stat().st_size,
        parameters=card.parameters or None if card else None,
        macs=card.macs or None if card else None,
        data=card.data_name if card else None,
        licence=card.data.license if card and card.data else None,
        rmse=rmse,
        rmse_on=rmse_on,
        seconds_per_100=seconds,
        measured=measured,
    )


def _card(path: Path) -> Card | None:
    try:
        return read_card(path)
    except EdgefkpError:  # a list must not stop at one damaged card
        return None


def _scores(root: Path) -> Scores:
    """sha256 -> (RMSE, on what), from stored evaluations and benchmarks; the first that knows a file is believed."""
    found: Scores = {}
    for stored in _results(root / "evaluation", "edgefkp.evaluation/"):
        data = stored["data"]
        found.setdefault(stored["sha256"], (stored["score"]["rmse"], f"{data['name']} {data['part']}"))
    for stored in _results(root / "bench" / "results", "edgefkp.bench/"):
        for row in stored["rows"]:
            if row["rmse"] is not None:
                found.setdefault(row["sha256"], (row["rmse"], f"{stored['data']['name']} test"))
    return found


def _times(root: Path) -> Times:
    """sha256 -> (seconds per 100 images, runtime and machine) of the interpreter alone, from the latest benchmark."""
    from edgefkp.bench.machine import title

    found: Times = {}
    benches = sorted(_results(root / "bench" / "results", "edgefkp.bench/"), key=lambda stored: stored["created"])
    for stored in benches:
        for row in stored["rows"]:
            if row["mode"] == "invoke":
                where = f"{row['runtime']} {row['version']}, {row['threads']} thread(s), {title(stored['machine'])}"
                found[row["sha256"]] = (row["seconds_per_100"], where)
    return found


def _results(folder: Path, schema: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.json")):
        try:
            stored = read_json(path)
        except EdgefkpError:
            continue
        if isinstance(stored, dict) and str(stored.get("schema", "")).startswith(schema):
            yield stored
