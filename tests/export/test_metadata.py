"""Metadata in the file: read back, and nothing else changed."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.errors import EdgefkpError
from edgefkp.export.flatbuffer import ALIGNMENT
from edgefkp.export.metadata import with_metadata
from edgefkp.layout import InputSpec, PointLayout
from edgefkp.runtime.graph import read_graph
from edgefkp.runtime.interpreters import load
from edgefkp.runtime.metadata import FileMetadata, read_metadata

FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES = sorted(FIXTURES.glob("*.tflite"))
TWO = PointLayout("two", ("nose_tip", "chin"), ((0.5, 0.25), (0.5, 0.75)), (("nose_tip",), ("chin",)))
METADATA = FileMetadata("tiny", TWO, InputSpec(64, "rgb"), scheme="int8", keep_float=("softmax",))


def rewritten(path: Path, folder: Path) -> Path:
    target = folder / path.name
    target.write_bytes(with_metadata(path.read_bytes(), METADATA))
    return target


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_the_entry_is_new(path: Path, tmp_path: Path) -> None:
    again = rewritten(path, tmp_path)
    assert read_metadata(path) is None
    assert read_metadata(again) == METADATA
    before, after = read_graph(path), read_graph(again)
    kept = {name: value for name, value in after.metadata.items() if name != "edgefkp"}
    assert kept == before.metadata
    assert (after.operators, after.inputs, after.outputs) == (before.operators, before.inputs, before.outputs)
    # A second entry replaces the first.
    assert with_metadata(again.read_bytes(), METADATA) == again.read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_constants_keep_their_bytes_and_lie_where_runtimes_want_them(path: Path, tmp_path: Path) -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    content = rewritten(path, tmp_path).read_bytes()
    before, after = (schema.Model.GetRootAs(data, 0) for data in (path.read_bytes(), content))
    for number in range(before.BuffersLength()):
        old, new = before.Buffers(number), after.Buffers(number)
        assert new.DataLength() == old.DataLength()
        if old.DataLength():
            np.testing.assert_array_equal(new.DataAsNumpy(), old.DataAsNumpy())
            start = new._tab.Vector(new._tab.Offset(4))
            assert start % ALIGNMENT == 0


@pytest.mark.parametrize("path", [path for path in FILES if "dynamic." not in path.name], ids=lambda path: path.stem)
def test_outputs_and_signatures_are_the_same_to_the_last_bit(path: Path, tmp_path: Path) -> None:
    before, after = load(path, "litert"), load(rewritten(path, tmp_path), "litert")
    assert after.interpreter.get_signature_list() == before.interpreter.get_signature_list()
    tensor = np.random.default_rng(0).integers(0, 100, before.inputs[0]["shape"]).astype(before.inputs[0]["dtype"])
    outputs = []
    for model in (before, after):
        model.set(tensor)
        model.invoke()
        outputs.append(model.get())
    assert outputs[0].tobytes() == outputs[1].tobytes()


def test_a_graph_that_points_outside_of_its_file_is_refused() -> None:
    content = bytearray((FIXTURES / "tiny.int8.tflite").read_bytes())
    refused = 0
    for place in range(0, 400, 4):  # tables and offsets stand at the head
        damaged = bytes(content[:place]) + b"\xf0\xff\xff\x7f" + bytes(content[place + 4 :])
        try:
            with_metadata(damaged, METADATA, "a.tflite")
        except EdgefkpError as error:
            refused += "a.tflite is not a whole .tflite file" in error.message
    assert refused > 10
