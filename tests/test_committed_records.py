"""Every JSON of the repository is readable, and stays readable when a record gains or loses a field."""

import dataclasses
import typing
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from bench import doc_tables
from bench.compare_on_arm import ArmResult
from bench.faults.record import FaultsResult
from bench.finder.conditions import Condition
from bench.finder.times import FinderTimes
from bench.finders import BehindFinder
from bench.kills.record import KillsResult
from bench.pipeline import PipelineResult
from bench.pose import PoseCheck
from bench.track import Track
from edgefkp.bench.result import Result
from edgefkp.card import Card
from edgefkp.data.info import Info
from edgefkp.evaluation.evaluate import Evaluation
from edgefkp.files import plain, read_json
from edgefkp.records import NewerField, json_name, read_record
from edgefkp.report.result import RunResult
from edgefkp.study.cell import CellResult
from edgefkp.study.evidence import Starts, Zoo

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "models",
    "models/study",
    "models/study/former",
    "export",
    "edgefkp/runtime/shipped",
    "bench/results",
    "docs/results",
)
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.json"))]

# Schema -> record; a file that holds a list has one in each entry.
RECORDS: dict[str, Any] = {
    "edgefkp.card/1": Card,
    "edgefkp.cell/1": CellResult,
    "edgefkp.starts/1": Starts,
    "edgefkp.data.info": Info,
    "edgefkp.zoo/1": Zoo,
    "edgefkp.bench/1": Result,
    "edgefkp.run/1": RunResult,
    "edgefkp.arm/1": ArmResult,
    "edgefkp.finders/1": BehindFinder,
    "edgefkp.finder-conditions/1": Condition,
    "edgefkp.finder-times/1": FinderTimes,
    "edgefkp.track/1": Track,
    "edgefkp.pipeline/1": PipelineResult,
    "edgefkp.pose/1": PoseCheck,
    "edgefkp.evaluation/1": Evaluation,
    "edgefkp.faults/1": FaultsResult,
    "edgefkp.kills/1": KillsResult,
}
# What a program of bench/ wrote and only a table of the documents reads.
TABLES: dict[str, Callable[[Path], Any]] = {
    "ablations.json": doc_tables.ablations_table,
    "deviation.json": doc_tables.deviations_table,
    "landmarks68.json": doc_tables.landmarks_table,
    "own_faces.json": doc_tables.own_faces_table,
    "peers.json": doc_tables.peers_table,
    "quantizers.json": doc_tables.quantizers_table,
    "robustness.json": doc_tables.robustness_table,
    "seeds.json": doc_tables.seeds_table,
    "structures-amd.json": doc_tables.structures_table,
    "structures-intel.json": doc_tables.structures_table,
}
FOR_PEOPLE = ("litert_tool.json", "loading.json", "training.json")  # no program reads them


def entries(path: Path) -> list[dict[str, Any]]:
    stored = read_json(path)
    return stored if isinstance(stored, list) else [stored]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_committed_json_is_read(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", NewerField)  # nothing in the repository is newer than its code
        for entry in entries(path):
            if kind := RECORDS.get(entry.get("schema", "")):
                assert isinstance(read_record(kind, entry, path.name), kind)
            elif path.name in TABLES:
                assert TABLES[path.name](path).rows
            else:
                assert path.name in FOR_PEOPLE


def _parts(kind: Any, stored: Any) -> Iterator[tuple[type, dict[str, Any]]]:
    """Every dataclass that reading `stored` as `kind` makes, with its JSON."""
    if stored is None:
        return
    if dataclasses.is_dataclass(kind) and not hasattr(kind, "from_json"):
        assert isinstance(kind, type)
        yield kind, stored
        hints = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            yield from _parts(hints[field.name], stored.get(json_name(field)))
    elif get_origin(kind) in (list, tuple):
        for item in stored:
            yield from _parts(get_args(kind)[0], item)
    elif get_origin(kind) is dict:
        for item in stored.values():
            yield from _parts(get_args(kind)[1], item)
    elif get_origin(kind) is not None and get_origin(kind) is not typing.Literal:  # X | None
        yield from _parts(get_args(kind)[0], stored)


def _samples() -> dict[type, dict[str, Any]]:
    """One stored JSON for each record type, nested ones included: that with the most members."""
    found: dict[type, dict[str, Any]] = {}
    chosen = [ROOT / "models" / "best-masked-online.json", ROOT / "export" / "small-masked-online.int8.json"]
    chosen += [ROOT / "models" / "study" / name for name in ("manual-augment.json", "data.json", "random-start.json")]
    chosen += [path for path in FILES if path.parent.name == "results"]
    for path in chosen:
        for entry in entries(path):
            for kind, stored in _parts(RECORDS.get(entry.get("schema", "")), entry):
                if len(stored) > len(found.get(kind, {})):
                    found[kind] = stored
    evaluation = read_record(CellResult, read_json(chosen[2]), "cell").scores.test
    return {**found, Evaluation: plain(evaluation)}


SAMPLES = _samples()


def test_every_record_has_a_sample() -> None:
    assert set(RECORDS.values()) <= set(SAMPLES)


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
def test_a_field_of_a_newer_version_is_a_warning(kind: type) -> None:
    with pytest.warns(NewerField, match="of_tomorrow"):
        newer = read_record(kind, {**SAMPLES[kind], "of_tomorrow": 1}, "stored")
    assert newer == read_record(kind, SAMPLES[kind], "stored")


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
def test_a_stored_record_lacks_what_has_a_default(kind: type) -> None:
    required = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.default is field.default_factory is dataclasses.MISSING:
            required[json_name(field)] = SAMPLES[kind][json_name(field)]
    older = read_record(kind, required, "stored")
    whole = read_record(kind, SAMPLES[kind], "stored")
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if json_name(field) in required:
            assert getattr(older, field.name) == getattr(whole, field.name)
