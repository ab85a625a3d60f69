"""The grammar of names and the recognition of schemes, for those of the folder and for one that is plugged in."""

import shutil
from pathlib import Path

import pytest

from edgefkp.bench import harness
from edgefkp.bench.plan import TimingSettings, cases_of
from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError
from edgefkp.export.exporter import export_network
from edgefkp.export.inspect import inspect, verify_scheme
from edgefkp.export.options import ExportOptions
from edgefkp.export.schemes import SCHEMES, Scheme, TfliteName, parse_tflite
from tests.bench_parts import FIXTURES, labeled

ROOT = Path(__file__).parents[2]
COMMITTED = sorted([*(ROOT / "export").glob("*.tflite"), *(ROOT / "edgefkp/runtime/shipped").glob("*.tflite")])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_name_is_taken_apart_and_put_together(scheme: str) -> None:
    for u8 in (False, True):
        name = TfliteName("small.five-masked", scheme, u8)
        assert parse_tflite(Path("export") / name.filename) == name
    assert parse_tflite(f"{scheme}.tflite") == TfliteName(scheme, "", False)
    assert parse_tflite(f"small.{scheme}.h5").scheme == ""
    assert parse_tflite(f"small.{scheme}x.tflite") == TfliteName(f"small.{scheme}x", "", False)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)
def test_committed_files_are_what_their_names_say_with_and_without_their_cards(path: Path, tmp_path: Path) -> None:
    expected = parse_tflite(path).scheme
    assert inspect(path).scheme == verify_scheme(path) == harness._scheme(str(path)) == expected
    alone = shutil.copy(path, tmp_path / "unnamed.tflite")
    assert inspect(alone).scheme == verify_scheme(alone) == harness._scheme(str(alone)) == expected


def test_swapped_names_are_caught_before_anything_is_measured(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "tiny.float32.tflite", tmp_path / "tiny.int8.tflite")
    shutil.copy(FIXTURES / "tiny.int8.tflite", tmp_path / "tiny.float32.tflite")
    cases = cases_of(sorted(tmp_path.glob("*.tflite")))
    with pytest.raises(EdgefkpError, match=r"tiny\.float32\.tflite is not float32: its graph is int8 ") as caught:
        harness.measure(cases, labeled(), TimingSettings(processes=1, seconds=0.01), "test")
    assert "rename it to tiny.int8.tflite" in caught.value.hint


def test_a_plugged_in_scheme_is_exported_and_recognized(source: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    from tests.export.conftest import tiny_network

    def configure(converter: object) -> None:
        converter.allow_custom_ops = True  # type: ignore[attr-defined]

    network = tiny_network(tmp_path / "tiny-masked.keras")
    SCHEMES.add(
        Scheme(
            "named32",
            "floats, of a network whose input is called pixels",
            order=9,
            configure=configure,
            recognizes=lambda kinds: kinds.floats_only and "pixels" in kinds.graph.inputs[0].name,
        )
    )
    try:
        (path,) = export_network(network, tmp_path, ["named32"], source, ExportOptions(parity=False))
        assert parse_tflite(path) == TfliteName("tiny-masked", "named32", False)
        assert inspect(path).scheme == verify_scheme(path) == "named32"
        assert verify_scheme(FIXTURES / "tiny.float16.tflite") == "float16"
    finally:
        SCHEMES.remove("named32")
    assert parse_tflite(path).scheme == ""
    assert inspect(path).scheme == "float32"
