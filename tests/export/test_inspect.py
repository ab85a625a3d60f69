"""Files read back without TensorFlow: what they are, whatever they are called."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import TFLITE, Card, read_card, write_card
from edgefkp.cli.inspect import inspection_table
from edgefkp.errors import EdgefkpError
from edgefkp.export.inspect import MIXED, Inspection, inspect, inspection_of, verify_scheme
from edgefkp.export.parity import parity_of
from edgefkp.layout import InputSpec, OutputSpec
from edgefkp.runtime import graph
from edgefkp.runtime.shipped import FOLDER

FIXTURES = Path(__file__).parents[1] / "fixtures"
SCHEMES = {
    "tiny.float32": "float32",
    "tiny.float16": "float16",
    "tiny.dynamic": "dynamic",
    "tiny.dynamic9": "dynamic",
    "tiny.int8": "int8",
    "tiny.int8io": "int8io",
    "classifier": "float32",
}


@pytest.mark.parametrize(("name", "scheme"), SCHEMES.items())
def test_the_graph_shows_the_scheme(name: str, scheme: str) -> None:
    inspection = inspect(FIXTURES / f"{name}.tflite")
    assert inspection.scheme == scheme
    assert inspection.float_islands == ()
    assert inspection.integer_share == (1.0 if scheme.startswith("int8") else 0.0)


@pytest.mark.parametrize("true", ["float32", "float16", "dynamic", "int8", "int8io"])
@pytest.mark.parametrize("claimed", ["float32", "float16", "dynamic", "int8", "int8io", "int16x8"])
def test_a_file_under_another_schemes_name_is_refused(tmp_path: Path, true: str, claimed: str) -> None:
    path = tmp_path / f"tiny.{claimed}.tflite"
    shutil.copy(FIXTURES / f"tiny.{true}.tflite", path)
    if true == claimed:
        assert verify_scheme(path) == true
    else:
        with pytest.raises(EdgefkpError, match=f"is not {claimed}: its graph is {true} "):
            verify_scheme(path)


def test_a_name_that_promises_bytes_is_held_to_it(tmp_path: Path) -> None:
    path = tmp_path / "tiny.int8.u8.tflite"
    shutil.copy(FIXTURES / "tiny.int8.tflite", path)
    with pytest.raises(EdgefkpError, match=r"takes float32, and its name claims uint8 pixels"):
        verify_scheme(path)


def test_a_name_that_promises_nothing_passes() -> None:
    assert verify_scheme(FIXTURES / "classifier.tflite") == "float32"


def test_a_file_is_described_by_its_metadata_or_its_card_or_not_at_all(tmp_path: Path) -> None:
    shipped = FOLDER / "small-masked-online.int8.tflite"
    alone = Path(shutil.copy(shipped, tmp_path))
    for path in (shipped, alone):
        rows = shown(inspect(path))
        assert rows["model"] == "small-masked-online (described in the file)"
        assert rows["layout"] == "kaggle15: 15 points"
        assert rows["takes"] == "96x96 gray images, pixels scaled to 0..1"
        assert rows["float on purpose"] == "conv2d, softmax, places, keypoints"
    foreign = Path(shutil.copy(FIXTURES / "tiny.int8.tflite", tmp_path))
    assert inspect(foreign).description is None
    rows = shown(inspect(foreign))
    assert rows["layout"] == "not known; the shapes are those of 96x96 gray in, 15 points (kaggle15) out"
    assert rows["float on purpose"] == "not known"
    given = InputSpec(96, "gray", "standardized", (120.0,), (60.0,))
    write_card(foreign, Card(TFLITE, "tiny", input=given, keep_float=["dense"], u8=True))
    rows = shown(inspect(foreign))
    assert rows["model"] == "tiny (described in its card)"
    assert rows["takes"] == "96x96 gray images, pixels minus 120, divided by 60 inside the file"
    assert rows["float on purpose"] == "dense"
    other = InputSpec(96, "gray", "0..255")
    write_card(foreign, Card(TFLITE, "tiny", input=other, output=OutputSpec("points", "0..1", 0.5)))
    rows = shown(inspect(foreign))
    assert rows["takes"] == "96x96 gray images, pixels scaled to 0..255"
    assert rows["returns"] == "points in 0..1 of the image, +0.5 px, in points"


def test_the_card_of_another_kind_of_network_is_no_description(tmp_path: Path) -> None:
    path = Path(shutil.copy(FIXTURES / "classifier.tflite", tmp_path))
    write_card(path, Card(TFLITE, "classifier"))
    assert inspect(path).description is None
    assert shown(inspect(path))["layout"] == "not known"


def shown(inspection: Inspection) -> dict[str, str]:
    text = inspection_table(inspection)
    assert max(map(len, text.splitlines())) <= 80
    lines = re.sub(r"\n\s+(?=\S)", " ", text.partition("\n\n")[0]).splitlines()  # a cell of several lines
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines)


def test_output_steps_are_in_pixels() -> None:
    integer, behind_float = (inspect(FIXTURES / f"tiny.{scheme}.tflite").outputs[0] for scheme in ("int8io", "int8"))
    assert integer.dtype == "int8"
    assert integer.scale is not None
    assert integer.step == pytest.approx(48 * integer.scale)
    assert behind_float.dtype == "float32"
    assert behind_float.scale is None
    assert behind_float.step is not None
    assert behind_float.range is not None
    low, high = behind_float.range
    assert high - low == pytest.approx(255 * behind_float.step)
    assert inspect(FIXTURES / "tiny.float32.tflite").outputs[0].step is None


def test_versions_and_the_per_channel_switch() -> None:
    new, old = (inspect(FIXTURES / f"tiny.{name}.tflite") for name in ("dynamic", "dynamic9"))
    versions = [{op.name: op.version for op in found.operators}["FULLY_CONNECTED"] for found in (new, old)]
    assert versions == [12, 9]
    assert (new.per_channel_dense, old.per_channel_dense) == (True, False)
    assert (new.min_runtime_version, old.min_runtime_version) == ("2.17.0", "2.3.0")


def test_free_batch_and_shape_arithmetic_of_a_foreign_file() -> None:
    inspection = inspect(FIXTURES / "classifier.tflite")
    assert inspection.free_batch
    assert {op.kind for op in inspection.operators if op.name in ("STRIDED_SLICE", "PACK")} == {"index"}


def test_open_sizes_are_not_shown_as_one(tmp_path: Path) -> None:
    from edgefkp.cli.inspect import inspection_table
    from edgefkp.export.flatbuffer import packed, unpacked

    model = unpacked((FIXTURES / "tiny.float32.tflite").read_bytes())
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shapeSignature = [1, -1, -1, 1]
    path = tmp_path / "open.tflite"
    path.write_bytes(packed(model))
    inspection = inspect(path)
    assert inspection.inputs[0].open == (1, 2)
    assert not inspection.free_batch
    assert "1x?x?x1 float32" in inspection_table(inspection)


@pytest.mark.parametrize("reader", ["tflite", "tensorflow.lite.python.schema_py_generated"])
def test_every_reader_sees_the_same(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    pytest.importorskip(reader.partition(".")[0])
    paths = [FIXTURES / f"{name}.tflite" for name in SCHEMES]
    expected = [graph.read_graph(path) for path in paths]
    monkeypatch.setattr(graph, "_SCHEMAS", (reader,))
    graph._schema.cache_clear()
    graph._names.cache_clear()
    try:
        assert [graph.read_graph(path) for path in paths] == expected
    finally:
        graph._schema.cache_clear()
        graph._names.cache_clear()


def test_damaged_bytes_are_an_error_and_never_a_traceback(tmp_path: Path) -> None:
    whole = bytearray((FIXTURES / "tiny.int8.tflite").read_bytes())
    rng = np.random.default_rng(0)
    path = tmp_path / "x.tflite"
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        places = 8 + rng.integers(0, len(whole) - 8, 40)
        for place, value in zip(places, rng.integers(0, 256, 40), strict=True):
            damaged[place] = value
        path.write_bytes(damaged)
        try:
            inspect(path)
        except EdgefkpError:
            refused += 1
    assert refused > 10
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EdgefkpError, match="is damaged"):
        inspect(path)


def test_inspection_imports_no_tensorflow() -> None:
    import subprocess

    code = (
        "import sys; from edgefkp.export.inspect import verify_scheme; verify_scheme(sys.argv[1]);"
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(FIXTURES / "tiny.int8.tflite")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False False\n"


@pytest.mark.parametrize("card", sorted((FIXTURES.parents[1] / "export").glob("*.json")), ids=lambda path: path.stem)
def test_stored_cards_hold_whole_records(card: Path) -> None:
    """Those of earlier versions too, which call an int8 file with a float layer mixed."""
    path = card.with_suffix(".tflite")
    stored = read_card(path)
    assert stored is not None
    inspection, parity = inspection_of(stored), parity_of(stored)
    assert inspection is not None
    assert parity is not None
    assert inspection.scheme in (stored.scheme, MIXED)
    assert inspection.float_islands == inspect(path).float_islands
    assert (parity.sha256, parity.scheme) == (stored.sha256, stored.scheme)
