"""What a network keeps of the one that it starts from."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.data.synthetic import draw_all
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec, PointLayout
from edgefkp.networks.registry import NETWORKS, build
from edgefkp.runtime import shipped
from edgefkp.training.start import carry_over, facts_of, find_start, inherited, open_start
from tests.tiny_network import TERMS, TINY

IMAGES = draw_all(4)[0]


@pytest.fixture(scope="module")
def start(trained_tiny):
    return open_start(trained_tiny)


def answers(model, spec: ModelSpec, images: np.ndarray) -> np.ndarray:
    return spec.decode(model(spec.input.to_network(images), training=False).numpy())


def carried(start, spec: ModelSpec):
    model = build(TINY, spec)
    return model, carry_over(start, model, spec, "tiny")


def test_the_same_points_and_input_keep_everything(start):
    model, kept = carried(start, ModelSpec())
    np.testing.assert_array_equal(answers(model, ModelSpec(), IMAGES), answers(start.model, ModelSpec(), IMAGES))
    assert kept.points == KAGGLE15.points
    assert not kept.new
    assert not kept.recolored


def test_another_layout_keeps_the_body_and_the_points_that_both_have(start):
    part = KAGGLE15.part("nose_tip", "left_eye_center", "right_eye_center")
    model, kept = carried(start, ModelSpec(part))
    rows = KAGGLE15.rows(*part.points)
    before = answers(start.model, ModelSpec(), IMAGES)[:, rows]
    np.testing.assert_allclose(answers(model, ModelSpec(part), IMAGES), before, atol=1e-4)
    assert kept.points == part.points


def test_points_that_the_start_lacks_begin_in_the_middle(trained_tiny):
    places = ((0.9, 0.5), (0.1, 0.5), (0.5, 0.5))
    ears = PointLayout("ears", ("left_ear", "right_ear", "nose_tip"), places, (("left_ear",), ("right_ear",)))
    model, kept = carried(open_start(trained_tiny), ModelSpec(ears))
    assert kept.points == ("nose_tip",)
    assert kept.new == ("keypoints",)
    np.testing.assert_allclose(answers(model, ModelSpec(ears), IMAGES)[:, :2], InputSpec().center, atol=1e-4)


def test_in_color_a_gray_image_gives_the_same_points(start):
    spec = ModelSpec(input=InputSpec(96, "rgb"))
    model, kept = carried(start, spec)
    gray = np.repeat(IMAGES[..., None], 3, -1)
    np.testing.assert_allclose(answers(model, spec, gray), answers(start.model, ModelSpec(), IMAGES), atol=1e-3)
    assert len(kept.recolored) == 1


def test_another_size_keeps_every_layer_that_learns(start):
    model, kept = carried(start, ModelSpec(input=InputSpec(64)))
    assert not kept.new
    assert model.input_shape == (None, 64, 64, 1)
    assert str(kept) == f"{kept.layers} layers and the output of 15 points"


def test_another_architecture_is_refused(start):
    nano = build(NETWORKS["nano"])
    with pytest.raises(UsageError, match="is a network 'tiny', and 'nano' was asked for"):
        carry_over(start, nano, ModelSpec(), "nano")
    wider = build(TINY, ModelSpec(), channels=(8, 16), maps=12)
    with pytest.raises(UsageError, match="does not have the layers"):
        carry_over(start, wider, ModelSpec(), "tiny")


def test_a_name_a_file_and_what_is_neither(trained_tiny, tmp_path):
    (file,) = shipped.models(".keras")
    assert find_start("small") == find_start(file.stem) == find_start(file.name) == file
    assert find_start(str(trained_tiny)) == trained_tiny
    with pytest.raises(EdgefkpError, match="no network to start from at smal") as caught:
        find_start("smal")
    assert file.stem in caught.value.hint


def test_a_tflite_cannot_learn_and_its_origin_is_named():
    tflite = shipped.models()[0]
    with pytest.raises(UsageError, match="cannot learn") as caught:
        find_start(str(tflite))
    assert "small-masked-online.keras" in caught.value.hint


def test_the_terms_of_the_start_are_inherited(trained_tiny):
    facts = facts_of(trained_tiny)
    assert facts.license == TERMS
    assert inherited("mine alone", facts) == f"mine alone; inherited from {trained_tiny.name}: {TERMS}"


def test_any_other_network_is_no_start(tmp_path):
    import keras

    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((96, 96, 1)), keras.layers.Flatten(), keras.layers.Dense(30)]).save(path)
    with pytest.raises(EdgefkpError, match="a last layer 'keypoints'"):
        open_start(path)
