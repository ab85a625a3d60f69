import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgefkp.data.faces import Dataset
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.export.calibration import from_file, of_faces, spread
from edgefkp.layout import KAGGLE15, InputSpec

INPUT = InputSpec()
CAMERA = [("camera", (8, 8, 1), "float32", "0..1")]


def test_the_same_seed_gives_the_same_sample_and_another_not(source: Dataset) -> None:
    first, again, other = of_faces(source, INPUT, 20), of_faces(source, INPUT, 20), of_faces(source, INPUT, 20, seed=1)
    assert first.hash == again.hash != other.hash
    assert first.name == "drawn, 20 training faces over 27 poses, seed 0"


def test_only_training_persons(source: Dataset) -> None:
    parts = split(source)
    images = (of_faces(source, INPUT, 1000).samples[0][..., 0] * 255).round().astype(np.uint8)
    training = {image.tobytes() for image in parts.train.images}
    # The first image's two corner pixels carry the range.
    assert {image.tobytes() for image in images[1:]} <= training
    assert len(images) == len(parts.train)


def test_the_input_range_is_whole(source: Dataset) -> None:
    samples = of_faces(source, INPUT, 5).samples[0]
    assert (samples.min(), samples.max()) == (0, 1)
    assert samples.shape == (5, 96, 96, 1)


def test_poses_are_spread_evenly_where_a_source_has_mostly_one(source: Dataset) -> None:
    parts = split(source)
    train = parts.train
    # Nine of ten faces look straight ahead; the rest turn far to either side.
    straight = np.arange(len(train)) % 10 != 0
    keypoints = np.repeat(train.keypoints[:1], len(train), 0)
    nose = KAGGLE15.points.index("nose_tip")
    keypoints[~straight, nose, 0] += np.where(np.arange((~straight).sum()) % 2, 15, -15)
    parts = dataclasses.replace(parts, train=dataclasses.replace(train, keypoints=keypoints))
    chosen = spread(parts, 10)
    assert (~straight[chosen]).sum() >= 3  # one of ten by chance


def test_each_person_once_before_any_twice(source: Dataset) -> None:
    parts = split(source)
    same_pose = np.repeat(parts.train.keypoints[:1], len(parts.train), 0)
    parts = dataclasses.replace(parts, train=dataclasses.replace(parts.train, keypoints=same_pose))
    persons = len(np.unique(parts.train.groups))
    chosen = spread(parts, persons)
    assert len(np.unique(parts.train.groups[chosen])) == persons


def test_unlabeled_faces_are_a_pose_of_their_own(source: Dataset) -> None:
    parts = split(source)
    keypoints = np.full_like(parts.train.keypoints, np.nan)
    keypoints[0] = parts.train.keypoints[0]
    parts = dataclasses.replace(parts, train=dataclasses.replace(parts.train, keypoints=keypoints))
    assert 0 in spread(parts, 2)


def test_duplicate_and_plain_training_faces_are_passed_over(source: Dataset) -> None:
    parts = split(source)
    images = parts.train.images.copy()
    images[1:4] = images[0]
    images[5] = 77
    parts = dataclasses.replace(parts, train=dataclasses.replace(parts.train, images=images))
    chosen = spread(parts, 1000)
    assert 5 not in chosen
    assert len(set(chosen.tolist()) & {0, 1, 2, 3}) == 1
    assert len(chosen) == len(images) - 4


def test_a_source_scaled_to_one_is_refused(source: Dataset) -> None:
    train = source.train
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 8, train.images.shape).astype(np.uint8)
    with pytest.raises(EdgefkpError, match=r"the brightest pixel of .* images is 7 of 255"):
        of_faces(dataclasses.replace(source, train=dataclasses.replace(train, images=dark)), INPUT)


PIXELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1)).astype(np.uint8)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.concatenate([PIXELS, PIXELS[:2]]), "2 of 14 samples are there twice"),
        (np.concatenate([PIXELS, np.full((3, 8, 8, 1), 99, np.uint8)]), "3 of 15 samples are one plain gray"),
        (PIXELS // 64, "the brightest pixel of 12 images is 3 of 255"),
        (PIXELS.astype(np.float32), "values up to 25[0-9] in float samples"),
        (np.where(PIXELS > 9, PIXELS / 255, np.nan), "values that are not numbers"),
        (PIXELS.astype(np.int64), "samples are int64"),
        (PIXELS[:, :4], r"samples of shape \(4, 8, 1\), and the network's input camera takes \(8, 8, 1\)"),
        (PIXELS[:0], "holds no samples"),
    ],
)
def test_bad_samples_are_refused(tmp_path: Path, samples: np.ndarray, message: str) -> None:
    np.save(tmp_path / "samples.npy", samples)
    with pytest.raises(EdgefkpError, match=message):
        from_file(tmp_path / "samples.npy", CAMERA)


def test_a_file_that_is_no_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(EdgefkpError, match=r"not a whole \.npz"):
        from_file(path, CAMERA)
    np.savez(path, left=PIXELS, right=PIXELS)
    with pytest.raises(EdgefkpError, match="has no array 'camera'"):
        from_file(path, CAMERA)


def test_good_samples_in_every_form(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PIXELS[..., 0])
    np.savez(tmp_path / "b.npz", anything=PIXELS)
    np.save(tmp_path / "c.npy", PIXELS / 255)
    for name in ("a.npy", "b.npz", "c.npy"):
        found = from_file(tmp_path / name, CAMERA)
        np.testing.assert_allclose(found.samples[0], PIXELS / 255, rtol=1e-6)
    np.savez(tmp_path / "two.npz", camera=PIXELS, depth=PIXELS[..., 0])
    found = from_file(tmp_path / "two.npz", [*CAMERA, ("depth", (8, 8))])
    assert [array.shape for array in found.samples] == [(12, 8, 8, 1), (12, 8, 8)]


def test_each_input_is_judged_as_what_it_is(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    more = {
        "number": (random.uniform(0.5, 2, (12, 1)).astype(np.float32), ("number", (1,))),
        "one_hot": (np.eye(4, dtype=np.float32)[np.arange(12) % 4], ("one_hot", (4,))),
        "ids": (random.integers(0, 100, (12, 16)).astype(np.int32), ("ids", (16,), "int32")),
        "bytes": (PIXELS, ("bytes", (8, 8, 1), "uint8")),
        "large": (PIXELS.astype(np.float32), ("large", (8, 8, 1), "float32", "0..255")),
    }
    np.savez(tmp_path / "all.npz", camera=PIXELS, **{name: array for name, (array, _) in more.items()})
    found = from_file(tmp_path / "all.npz", [*CAMERA, *(one for _, one in more.values())])
    assert found.samples[0].max() <= 1
    for samples, (array, given) in zip(found.samples[1:], more.values(), strict=True):
        np.testing.assert_array_equal(samples, array)
        assert samples.dtype == (given[2:3] or ("float32",))[0]


def test_samples_are_twice_there_only_if_all_their_inputs_are(tmp_path: Path) -> None:
    twice = np.concatenate([PIXELS, PIXELS])
    numbers = np.arange(24, dtype=np.float32)[:, None]
    np.savez(tmp_path / "two.npz", camera=twice, number=numbers)
    inputs = [*CAMERA, ("number", (1,))]
    assert len(from_file(tmp_path / "two.npz", inputs)) == 24
    np.savez(tmp_path / "two.npz", camera=twice, number=numbers % 12)
    with pytest.raises(EdgefkpError, match="12 of 24 samples are there twice"):
        from_file(tmp_path / "two.npz", inputs)


def test_float_pixels_are_refused_with_the_option_that_states_them(tmp_path: Path) -> None:
    np.save(tmp_path / "floats.npy", PIXELS.astype(np.float32))
    with pytest.raises(EdgefkpError) as caught:
        from_file(tmp_path / "floats.npy", CAMERA)
    assert "--input-range 0..255" in caught.value.hint
