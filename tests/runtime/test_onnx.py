""".onnx files: read without a package, run by onnxruntime."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench.plan import cases_of
from edgefkp.card import read_card
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.export.exporter import find_networks
from edgefkp.export.imports import Asked, import_network
from edgefkp.export.inspect import inspect
from edgefkp.runtime import interpreters, isolate
from edgefkp.runtime.contract import Stated, known_spec
from edgefkp.runtime.onnx_file import read_onnx
from edgefkp.runtime.predictor import open_predictor
from tests.altered_files import FIXTURES
from tests.onnx_bytes import SIZE, STEP, field, onnx_bytes

runs = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 96, 96), np.uint8)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))


def written(folder: Path, name: str = "net.onnx", **given: object) -> Path:
    path = folder / name
    path.write_bytes(onnx_bytes(**given))  # type: ignore[arg-type]
    return path


def test_inputs_outputs_and_operators_are_read(tmp_path: Path) -> None:
    graph = read_onnx(written(tmp_path, takes=("batch", 1, 96, 96), classes=3))
    (face,) = graph.inputs
    assert (face.name, face.shape, face.signature, face.dtype) == ("face", (1, 1, 96, 96), (-1, 1, 96, 96), "float32")
    assert [(one.name, one.shape) for one in graph.outputs] == [("classes", (1, 3)), ("points", (1, 30))]
    assert [one.name for one in graph.operators] == ["Slice", "Flatten", "MatMul", "MatMul"]


def test_points_and_input_follow_from_the_shapes(tmp_path: Path) -> None:
    spec = known_spec(written(tmp_path))
    assert spec is not None
    assert (spec.layout.name, spec.input.side, spec.input.axes) == ("kaggle15", 96, "CHW")
    assert known_spec(written(tmp_path, classes=3)) is None


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgefkpError, match="weights in another file") as caught:
        read_onnx(written(tmp_path, outside=True))
    assert "external_data=False" in caught.value.hint


def test_other_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes((FIXTURES / "tiny.float32.tflite").read_bytes())
    with pytest.raises(EdgefkpError, match=r"is a \.tflite file with another name"):
        read_onnx(path)
    for content in (b"", b"onnx", b"\xff" * 100, b"\0" * 100, field(7, b"")):
        path.write_bytes(content)
        with pytest.raises(EdgefkpError, match="is not a whole ONNX file"):
            read_onnx(path)
    with pytest.raises(EdgefkpError, match="cannot read"):
        read_onnx(tmp_path / "nowhere.onnx")


def test_altered_bytes_are_errors_or_graphs(tmp_path: Path) -> None:
    content, random, path = onnx_bytes(), np.random.default_rng(1), tmp_path / "x.onnx"
    head = len(content) - 600
    refused = 0
    for _ in range(300):
        altered = bytearray(content)
        altered[int(random.choice([random.integers(60), random.integers(head, len(content))]))] = random.integers(256)
        path.write_bytes(altered)
        try:
            read_onnx(path)
        except EdgefkpError:
            refused += 1
    assert 0 < refused < 300


def test_conversion_is_refused_with_a_way(tmp_path: Path) -> None:
    with pytest.raises(EdgefkpError, match="is ONNX, which is not converted here") as caught:
        find_networks([str(written(tmp_path))], tmp_path)
    assert "edgefkp import MODULE:FUNCTION" in caught.value.hint
    assert "onnx2tf" in caught.value.hint
    with pytest.raises(EdgefkpError, match=r"is not a \.tflite file") as caught:
        inspect(written(tmp_path))
    assert "take .onnx files as they are" in caught.value.hint


@pytest.mark.skipif(find_spec("onnxruntime") is not None, reason="onnxruntime is installed")
def test_a_missing_runtime_is_a_pip_line(tmp_path: Path) -> None:
    for act in (open_predictor, interpreters.load, lambda path: import_network(str(path), tmp_path / "out")):
        with pytest.raises(EnvironmentProblem, match="not installed") as caught:
            act(written(tmp_path))
        assert (caught.value.hint, caught.value.exit_code) == ("pip install 'edgefkp[onnx]'", 4)


def test_each_runtime_takes_its_own_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"litert runs \.tflite files, not \.onnx"):
        interpreters.load(written(tmp_path), "litert")
    with pytest.raises(UsageError, match=r"onnxruntime runs \.onnx files, not \.tflite"):
        interpreters.load(FIXTURES / "tiny.float32.tflite", "onnxruntime")
    files = [Path("a.tflite"), Path("b.onnx")]
    cases = cases_of(files, runtimes=("litert", "onnxruntime"), xnnpack=(True, False), modes=("invoke",))
    found = {(case.file, case.runtime, case.xnnpack) for case in cases}
    assert found == {("a.tflite", "litert", True), ("a.tflite", "litert", False), ("b.onnx", "onnxruntime", True)}


@runs
@pytest.mark.parametrize("batch", [1, "batch"])
def test_points_are_those_of_the_arithmetic(tmp_path: Path, batch: int | str) -> None:
    path = written(tmp_path, takes=(batch, 1, 96, 96))
    model = open_predictor(path, stated=Stated("0..255", form="pixels"))
    assert model.runtime == "onnxruntime"
    random = np.random.default_rng(0)
    weights = (random.normal(size=(SIZE, 30)) / SIZE).astype(np.float32)
    expected = IMAGES[:, ::STEP, ::STEP].reshape(3, -1).astype(np.float32) @ weights
    assert np.allclose(model.predict(IMAGES).reshape(3, -1), expected, atol=1e-3)


@runs
def test_an_imported_file_keeps_what_was_stated(tmp_path: Path) -> None:
    source = written(tmp_path, "theirs.onnx", classes=3)
    asked = Asked(Stated("-1..1", form="pixels"), points="points")
    found = import_network(str(source), tmp_path / "export", asked=asked)
    assert found.path.name == "theirs.onnx"
    assert found.path.read_bytes() == source.read_bytes()
    card = read_card(found.path)
    assert card is not None
    assert (card.runs_on, card.scheme, card.output.points) == (["onnxruntime"], "", "points")
    plain = open_predictor(source, spec=card.spec).predict(IMAGES)
    assert (open_predictor(found.path).predict(IMAGES) == plain).all()


@runs
def test_what_cannot_run_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(onnx_bytes().replace(b"MatMul", b"MyMult"))
    with pytest.raises(EdgefkpError, match="needs the operator MyMult"):
        isolate.call("edgefkp.runtime.safety.probe", str(path), "onnxruntime")
    with pytest.raises(UsageError, match="neither XNNPACK nor delegates"):
        interpreters.load(written(tmp_path), xnnpack=False)
