"""Networks by name, in the order of the tables, for any points and input; each file of the folder adds its own."""

import subprocess
import sys

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.layout import KAGGLE15, LAYOUTS, InputSpec, ModelSpec
from edgefkp.networks.registry import NETWORKS, Network, build, read_point, resolve

THREE = KAGGLE15.part("left_eye_center", "right_eye_center", "nose_tip")


def test_tables_begin_with_the_papers_networks_and_end_with_what_it_leaves_out():
    names = list(NETWORKS)
    assert names[:7] == ["baseline", "manual", "tuned_drop", "tuned_ffill", "tuned_knn", "tuned_augment", "mobilenetv2"]
    assert names[names.index("nano") :][:4] == ["nano", "small", "best", "naimishnet"]
    assert names[-1] == "resnet50"
    NETWORKS.add(Network("aaa", "a new one", lambda spec: None))
    try:
        assert list(NETWORKS) == [*names[:-1], "aaa", "resnet50"]
    finally:
        NETWORKS.remove("aaa")


def test_names_are_looked_up_without_tensorflow():
    program = "import sys; from edgefkp.networks.registry import NETWORKS; print(len(NETWORKS), 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(NETWORKS)), "False"]


def test_tuned_picks_the_network_of_the_imputation():
    names = {imputation: resolve("tuned", imputation, "none").name for imputation in ("drop", "ffill", "knn", "masked")}
    assert names == {"drop": "tuned_drop", "ffill": "tuned_ffill", "knn": "tuned_knn", "masked": "tuned_augment"}
    assert resolve("tuned", "drop", "paper").name == "tuned_augment"


def test_unknown_network_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        resolve("mobilenet", "drop", "none")
    assert "mobilenetv2" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"name": "x", "options": {}}', "space is missing"),
        ('{"name": "x", "space": "plain", "options": []}', "options is list, expected dict"),
        ("[]", "it is list"),
        ('{"name": "x", "space": "cube", "options": {}}', "there is no space 'cube' .spaces: plain, tuned."),
    ],
)
def test_a_file_that_is_no_network_is_an_error_that_names_the_field(text, problem, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(EdgefkpError, match=problem):
        read_point(str(tmp_path / "x.json"))


# Sizes at which each layer has pixels left; the other half of the networks take seconds to build.
@pytest.mark.parametrize("name", ["manual", "tuned_knn", "nano", "small", "naimishnet", "inception", "residual", "shi"])
def test_networks_are_built_for_other_points_and_inputs(name):
    pytest.importorskip("tensorflow")
    for colors, side in (("rgb", 64), ("gray", 128)):
        model = build(NETWORKS[name], ModelSpec(THREE, InputSpec(side, colors)))
        assert model.input.shape[1:] == InputSpec(side, colors).shape
        assert model.output.shape[1:] == (6,)
        assert model.layers[-1].name == "keypoints"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_is_built_for_68_points_of_small_and_of_colored_images(name):
    pytest.importorskip("tensorflow")
    for spec in (InputSpec(112, "rgb"), InputSpec(32)):
        if spec.side == 32 and name in {"tuned_drop", "tuned_ffill"}:  # the paper's six poolings need 64 pixels
            continue
        model = build(NETWORKS[name], ModelSpec(LAYOUTS["ibug68"], spec))
        assert (model.input.shape[1:], model.output.shape[1:]) == (spec.shape, (136,))


def test_an_input_that_is_too_small_is_a_usage_error():
    pytest.importorskip("tensorflow")
    with pytest.raises(UsageError, match="'tuned_drop' cannot be built for 32x32 gray"):
        build(NETWORKS["tuned_drop"], ModelSpec(KAGGLE15, InputSpec(32)))
    with pytest.raises(UsageError, match="unexpected keyword argument 'depth'"):
        build(NETWORKS["small"], depth=3)


def test_tuned_ffill_has_the_count_that_the_paper_prints_for_knn():
    pytest.importorskip("tensorflow")
    model = build(NETWORKS["tuned_ffill"])
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable == NETWORKS["tuned_knn"].paper_parameters


@pytest.mark.parametrize("name", ["small", "manual", "mobilenetv2"])
def test_a_network_has_the_same_names_however_many_were_built_before(name):
    # So that a training that was stopped and resumed writes the bytes of one that was not.
    first, second = (build(NETWORKS[name]).to_json() for _ in range(2))
    assert first == second
