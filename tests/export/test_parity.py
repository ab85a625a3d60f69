"""Parity, on committed files and drawn faces: no TensorFlow."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from edgefkp.cli import main
from edgefkp.data.faces import Faces, faces_of
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError, GateError
from edgefkp.evaluation.metrics import rmse
from edgefkp.export.parity import (
    Parity,
    labeled,
    paired_interval,
    parity,
    reference_of,
    require_delta,
    saturated,
)
from edgefkp.runtime.safety import run_in_child

FIXTURES = Path(__file__).parents[1] / "fixtures"
FLOAT, INT8, INT8IO = (FIXTURES / f"tiny.{scheme}.tflite" for scheme in ("float32", "int8", "int8io"))
DATA = {"name": "drawn", "part": "validation"}


@pytest.fixture(scope="module")
def faces() -> Faces:
    images, keypoints = draw_all(24)
    keypoints[3] = np.nan
    keypoints[4, 10:] = np.nan
    return labeled(faces_of(images, keypoints, groups=(np.arange(24) // 3).astype(str)))


@pytest.fixture(scope="module")
def measured(faces: Faces) -> Parity:
    reference = reference_of(FLOAT, faces.images)
    return parity(INT8, "int8", faces, DATA, reference)


def test_counts_are_in_the_result(measured: Parity) -> None:
    assert (measured.faces, measured.persons) == (23, 8)
    assert measured.coordinates == 23 * 30 - 10
    assert measured.outputs == 23 * 30
    assert (measured.reference["file"], measured.file) == ("tiny.float32.tflite", "tiny.int8.tflite")


def test_numbers_are_those_of_the_two_files(measured: Parity, faces: Faces) -> None:
    before, after = (run_in_child(path, faces.images).keypoints for path in (FLOAT, INT8))
    assert measured.rmse_before == pytest.approx(rmse(before, faces.keypoints))
    assert measured.rmse_after == pytest.approx(rmse(after, faces.keypoints))
    assert measured.delta == pytest.approx(measured.rmse_after - measured.rmse_before)
    assert measured.interval[0] <= measured.delta <= measured.interval[1]
    moved = np.linalg.norm(after - before, axis=-1)
    assert measured.shift.max == pytest.approx(moved.max())
    assert max(shift.max for shift in measured.shift_per_point.values()) == pytest.approx(moved.max())
    assert measured.shift.p95 < measured.shift.max


def test_a_file_against_itself_is_equal(faces: Faces) -> None:
    same = parity(FLOAT, "float32", faces, DATA, reference_of(FLOAT, faces.images))
    assert (same.delta, same.interval, same.shift.max, same.saturated) == (0, (0, 0), 0, None)


def test_the_interval_is_paired(faces: Faces) -> None:
    """Two predictors with the same large errors differ by nothing, however much persons differ."""
    rng = np.random.default_rng(0)
    before = np.nan_to_num(faces.keypoints) + rng.normal(0, 1, faces.keypoints.shape) * np.arange(23)[:, None, None]
    low, high = paired_interval(before, before + 1e-3, faces.keypoints, faces.groups)
    assert high - low < 0.01
    low, high = paired_interval(before, faces.keypoints, faces.keypoints, faces.groups)
    assert low < high < 0


def test_outputs_at_the_end_of_their_range_are_counted(faces: Faces) -> None:
    told = run_in_child(INT8IO, faces.images)
    outputs = told.outputs.copy()
    before = saturated(INT8IO, outputs)
    outputs[:2, :5] = 127
    assert saturated(INT8IO, outputs) == before + 10
    outputs = run_in_child(INT8, faces.images).outputs
    largest = np.full_like(outputs[:1], 1e3)
    assert saturated(INT8, largest) == 30
    assert saturated(FLOAT, outputs) is None


def test_the_gate(measured: Parity) -> None:
    require_delta([measured], measured.delta + 1e-6)
    with pytest.raises(GateError, match=r"1 of 1 file lost more than .* px; tiny\.int8\.tflite"):
        require_delta([measured], measured.delta - 1e-6)
    require_delta([dataclasses.replace(measured, delta=-1.0)], 0.0)


def test_a_damaged_file_is_an_error_of_the_child(tmp_path: Path, faces: Faces) -> None:
    path = tmp_path / "tiny.int8.tflite"
    whole = INT8.read_bytes()
    path.write_bytes(whole[:300] + b"\xff" * 400 + whole[700:])
    with pytest.raises(EdgefkpError, match=r"tiny\.int8\.tflite"):
        run_in_child(path, faces.images)


def test_unlabeled_faces_cannot_be_compared_on(faces: Faces) -> None:
    with pytest.raises(EdgefkpError, match="no labeled face"):
        labeled(dataclasses.replace(faces, keypoints=np.full_like(faces.keypoints, np.nan)))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))
    images, keypoints = draw_all(40)
    np.savez(tmp_path / "drawn.npz", images=images, keypoints=keypoints, group=np.arange(40) // 2)
    return str(tmp_path / "drawn.npz")


def test_command(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("parity", str(INT8), str(FLOAT), "--data", data, "--json") == 0
    int8, float32 = json.loads(capsys.readouterr().out)
    assert int8["schema"] == "edgefkp.parity/1"
    assert float32["delta"] == 0
    assert run("parity", str(INT8), "--data", data, "--points", "--max-delta", "-9") == 3
    shown = capsys.readouterr()
    assert "nose_tip" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 100
    assert "lost more than" in shown.err


def test_command_refuses_a_float_file_renamed_int8(
    tmp_path: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    renamed = tmp_path / "small.int8.tflite"
    renamed.write_bytes(FLOAT.read_bytes())
    assert run("parity", str(renamed), "--data", data, "--reference", str(FLOAT)) == 1
    assert "is not int8: its graph is float32" in capsys.readouterr().err
    assert run("inspect", str(renamed)) == 1
    shown = capsys.readouterr()
    assert "CONV_2D" in shown.out
    assert "is not int8" in shown.err


def test_command_without_anything_to_compare_with(
    tmp_path: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "alone.int8.tflite"
    alone.write_bytes(INT8.read_bytes())
    assert run("parity", str(alone), "--data", data) == 1
    assert "--reference FILE" in capsys.readouterr().err
    assert run("parity", "--data", data, "--dir", str(tmp_path / "nowhere")) == 0
    assert "taking what comes with edgefkp" in capsys.readouterr().err


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(args))
    return int(caught.value.code or 0)
