"""Networks of the field with their own points and crops: imported, they are scored on the points that are labeled."""

import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import read_card
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import evaluated
from edgefkp.export.exporter import export_network
from edgefkp.export.imports import Asked, import_network
from edgefkp.geometry import Box, reframed
from edgefkp.layout import KAGGLE15, LAYOUTS
from edgefkp.layouts.maps import conversion
from edgefkp.report.evaluation_table import evaluation_text
from edgefkp.runtime.contract import Stated
from tests.made_faces import made_faces
from tests.mesh_file import mesh_bytes

MESH = LAYOUTS["facemesh468"]
ASKED = Asked(Stated(form="pixels"), points="points", numbers_a_point=3)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))


def peer(folder: Path, shift: float = 0.0) -> Path:
    """The mean face of the mesh in a crop of its own, `shift` pixels off."""
    source = folder / "face_landmark.tflite"
    source.write_bytes(mesh_bytes(192, MESH.mean_points(192) + shift))
    return import_network(str(source), folder / "export", asked=ASKED).path


def faces(count: int = 40) -> Dataset:
    images, _ = made_faces(count)
    # Where the mesh's mean face has them in a crop for the 15 points.
    box = reframed(Box(47.5, 47.5, 96), KAGGLE15, MESH)
    places = conversion(MESH, KAGGLE15)((np.array(MESH.mean_shape) - 0.5) * box.side + (box.x, box.y))
    return Dataset("made", faces_of(images, np.repeat(places[None], count, 0)), None, "CC0")


def test_points_crop_and_depth_follow_from_what_is_said(tmp_path: Path) -> None:
    card = read_card(peer(tmp_path))
    assert card is not None
    assert (card.layout, card.input.side, card.input.colors) == (MESH, 192, "rgb")
    assert (card.output.points, card.output.form, card.output.numbers_a_point) == ("points", "pixels", 3)
    assert reframed(Box(0, 0, 1), KAGGLE15, MESH).side == pytest.approx(1.45, abs=1e-3)


def test_a_mesh_is_scored_on_fifteen_points_in_crops_for_those(tmp_path: Path) -> None:
    found = evaluated(peer(tmp_path), faces(), "all")
    assert found.evaluation.data["layout"] == "kaggle15"
    assert found.evaluation.score.rmse < 0.01


def test_offsets_of_another_definition_are_taken_off(tmp_path: Path) -> None:
    path = peer(tmp_path, shift=6)
    plain = evaluated(path, faces(), "test").evaluation
    fitted = evaluated(path, faces(), "test", fit_offsets=True).evaluation
    assert plain.score.rmse == pytest.approx(6 * 1.45, rel=1e-3)  # in pixels of the narrower crop at 192
    assert fitted.score.rmse < 0.01
    assert fitted.offsets is not None
    assert fitted.offsets["points"]["nose_tip"] == pytest.approx([8.7, 8.7], rel=1e-3)
    text = evaluation_text(plain)
    assert f"{plain.score.rmse / 2:.4f} px of a 96x96 image" in text
    assert "is taken off" not in text
    assert "is taken off" in evaluation_text(fitted)


def test_a_wider_crop_is_a_value_of_the_imported_file(tmp_path: Path) -> None:
    source = tmp_path / "theirs.tflite"
    source.write_bytes(mesh_bytes(192, KAGGLE15.mean_points(192)))
    asked = Asked(Stated(form="pixels"), points="points", numbers_a_point=3, crop_scale=1.3)
    card = read_card(import_network(str(source), tmp_path / "export", asked=asked).path)
    assert card is not None
    assert card.layout.name == "kaggle15_x130"
    assert reframed(Box(0, 0, 1), KAGGLE15, card.layout).side == pytest.approx(1.3, abs=1e-3)


def test_a_task_file_gives_the_network_of_the_points(tmp_path: Path) -> None:
    second = LAYOUTS["facemesh478"]
    task = tmp_path / "face_landmarker.task"
    with zipfile.ZipFile(task, "w") as archive:
        archive.writestr("face_detector.tflite", b"")
        archive.writestr("face_landmarks_detector.tflite", mesh_bytes(256, second.mean_points(256)))
    card = read_card(import_network(str(task), tmp_path / "export", asked=ASKED).path)
    assert card is not None
    assert (card.layout, card.input.side, card.model) == (second, 256, "face_landmarker")
    with zipfile.ZipFile(task, "w") as archive:
        archive.writestr("hand_landmarks_detector.tflite", b"")
    with pytest.raises(EdgefkpError, match="holds no face_landmarks_detector"):
        import_network(str(task), tmp_path / "export")
    task.write_bytes(b"no zip")
    with pytest.raises(EdgefkpError, match="task file of MediaPipe"):
        import_network(str(task), tmp_path / "export")


@pytest.mark.skipif(find_spec("litert_quantizer") is None, reason="litert-quantizer is not installed")
def test_a_file_of_several_outputs_keeps_the_one_with_the_points_in_int8(tmp_path: Path) -> None:
    (made,) = export_network(peer(tmp_path), tmp_path / "export", ["int8"], faces())
    assert evaluated(made, faces(), "all").evaluation.score.rmse < 0.5
