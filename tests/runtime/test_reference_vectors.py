"""Reference vectors, on a committed file in place of a shipped one."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgefkp.bench.worker import Job, run
from edgefkp.card import TFLITE, Card, read_card, write_card
from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError
from edgefkp.export.inspect import inspect
from edgefkp.files import sha256_file
from edgefkp.runtime import interpreters, reference_vectors
from edgefkp.runtime.reference_vectors import ReferenceVectors, check_reference_vectors, read_reference_vectors

FIXTURES = Path(__file__).parents[1] / "fixtures"
IMAGES = draw_all(8)[0]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with reference vectors, in a folder of its own, and an empty cache."""
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "tiny.float32.tflite"
    shutil.copy(FIXTURES / path.name, path)
    monkeypatch.setattr(reference_vectors, "VECTORS", tmp_path / "golden.npz")
    write_vectors(path, interpreters.load(path).predict(IMAGES))
    return path


def write_vectors(path: Path, keypoints: np.ndarray, limit: float = 0.01) -> None:
    digest = sha256_file(path)
    ReferenceVectors(IMAGES, {digest: keypoints}, {digest: limit}).save(reference_vectors.VECTORS)


@pytest.mark.parametrize("name", [info.name for info in interpreters.installed()])
def test_the_right_points_pass_once(shipped: Path, name: str) -> None:
    model = interpreters.load(shipped, name)
    difference = check_reference_vectors(shipped, model)
    assert difference is not None
    assert difference <= reference_vectors.FLOAT_LIMIT
    assert check_reference_vectors(shipped, model) is None  # known by its hash now
    reference_vectors.VECTORS.unlink()
    assert check_reference_vectors(shipped, model) is None


def test_other_points_are_refused_each_time(shipped: Path) -> None:
    model = interpreters.load(shipped)
    write_vectors(shipped, model.predict(IMAGES) + 0.02)
    for _ in range(2):
        with pytest.raises(EdgefkpError, match=r"gives other points here than it should: 0\.02 px away"):
            check_reference_vectors(shipped, model)


def test_numbers_that_are_none_are_refused(shipped: Path) -> None:
    model = interpreters.load(shipped)
    write_vectors(shipped, np.full((8, 15, 2), np.nan, np.float32))
    with pytest.raises(EdgefkpError, match="nan px away"):
        check_reference_vectors(shipped, model)


def test_a_copy_without_its_card_keeps_the_limit_of_the_shipped_file(shipped: Path, tmp_path: Path) -> None:
    model = interpreters.load(shipped)
    write_vectors(shipped, model.predict(IMAGES) + 0.02, limit=0.03)
    copy = tmp_path / "elsewhere" / "renamed.tflite"
    copy.parent.mkdir()
    shutil.copy(shipped, copy)
    assert check_reference_vectors(copy, model) == pytest.approx(0.02, abs=1e-3)


def test_whoever_opens_a_shipped_file_has_it_checked(shipped: Path) -> None:
    from edgefkp.runtime.predictor import open_predictor

    write_vectors(shipped, np.zeros((8, 15, 2), np.float32))
    with pytest.raises(EdgefkpError, match="gives other points here"):
        open_predictor(shipped)
    np.savez(shipped.parent / "images.npz", images=IMAGES)
    job = Job(str(shipped), "", "survey", str(shipped.parent / "images.npz"))
    with pytest.raises(EdgefkpError, match="gives other points here"):
        run(job)


def test_another_runtime_version_is_checked_again(shipped: Path) -> None:
    model = interpreters.load(shipped)
    check_reference_vectors(shipped, model)
    assert check_reference_vectors(shipped, dataclasses.replace(model, version="9.9")) is not None


def test_a_file_that_is_not_shipped_is_not_checked(shipped: Path) -> None:
    other = FIXTURES / "tiny.int8.tflite"
    assert check_reference_vectors(other, interpreters.load(other)) is None


def test_limits_by_scheme_and_larger_ones_only_with_a_cause(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    from bench.make_reference_vectors import limit_of

    assert limit_of(tmp_path / "a.float16.tflite", {"tflite-runtime": 0.005}) == 0.01
    path = Path(shutil.copy(FIXTURES / "tiny.int8.tflite", tmp_path / "a.int8.tflite"))
    write_card(path, Card(TFLITE, "a", scheme="int8"))
    assert limit_of(path, {}) == limit_of(path, {"tflite-runtime": 0.2}) == 0.25
    step = inspect(path).outputs[0].step
    assert step is not None
    with pytest.raises(EdgefkpError, match="no output step explains it"):
        limit_of(path, {"tflite-runtime": 0.26 + 3 * step})
    assert read_card(path).golden is None  # type: ignore[union-attr]
    more = max(1, round(0.3 / step))
    if more <= 2:
        assert limit_of(path, {"tflite-runtime": more * step}) == pytest.approx((more + 0.01) * step, abs=1e-4)
        assert "steps of" in read_card(path).golden["cause"]  # type: ignore[union-attr, index]


def test_making_them(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    from bench.make_reference_vectors import make

    for scheme in ("float32", "int8"):
        shutil.copy(FIXTURES / f"tiny.{scheme}.tflite", tmp_path)
    differences = make(tmp_path)
    made = read_reference_vectors(tmp_path / "golden.npz")
    assert made.images.shape == (8, 96, 96)
    assert len({image.tobytes() for image in made.images}) == 8
    assert set(made.keypoints) == {sha256_file(path) for path in tmp_path.glob("*.tflite")}
    assert set(made.limits.values()) == {0.01, 0.25}
    assert set(differences) == {"tiny.float32.tflite", "tiny.int8.tflite"}
    for path in tmp_path.glob("*.tflite"):
        np.testing.assert_allclose(
            made.keypoints[sha256_file(path)], interpreters.load(path).predict(made.images), atol=0.01
        )
