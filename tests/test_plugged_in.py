"""The whole way on the command line, with points, size, colors, network, scheme and data format that are made here.

What was written for one layout, one size or one list of names breaks on the way. Finders: tests/detect, devices:
tests/bench.
"""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgefkp.cli import main
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.formats import FORMATS, Format
from edgefkp.data.synthetic import drawn_faces
from edgefkp.export.exporter import export_network
from edgefkp.export.schemes import SCHEMES, Scheme
from edgefkp.layout import LAYOUTS, ModelSpec
from edgefkp.networks.registry import NETWORKS, Network
from tests.layouts import SMALL_RGB, THREE

pytest.importorskip("tensorflow")
FACES, PERSONS = 40, 20


def pico(spec: ModelSpec, filters: int):
    import keras
    from keras import layers

    inputs = x = keras.Input(spec.input.shape, name="pixels")
    x = layers.Conv2D(filters, 5, strides=4, activation="relu")(x)
    x = layers.Conv2D(2 * filters, 3, strides=2, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(spec.numbers, name="keypoints")(layers.Flatten()(x)))


def open_dots(path: Path, labels: str, layout, input) -> Dataset:
    """A made-up form: how many faces are to be drawn."""
    faces = drawn_faces(json.loads(path.read_text())["faces"], ModelSpec(layout, input))
    persons = np.char.add("p", (np.arange(len(faces)) % PERSONS).astype(str))
    return Dataset(path.stem, faces_of(faces.images, faces.keypoints, groups=persons, layout=layout), None, "free")


@pytest.fixture(scope="module")
def plugged_in():
    added = (
        (LAYOUTS, THREE),
        (NETWORKS, Network("pico", "a network of a test", pico, {"filters": 8})),
        (FORMATS, Format("dots", "a .dots file", lambda path: path.suffix == ".dots", open_dots)),
        (
            SCHEMES,
            Scheme("plain", "floats", 9, lambda converter: None, lambda kinds: kinds.floats_only, on_micro=True),
        ),
    )
    for registry, value in added:
        registry.add(value)
    yield
    for registry, value in added:
        registry.remove(value.name)


def run(capsys, *words: object) -> str:
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    shown = capsys.readouterr()
    assert stopped.value.code == 0, shown.err
    return shown.out


@pytest.fixture(scope="module")
def folder(plugged_in, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    (folder / "drawn.dots").write_text(json.dumps({"faces": FACES}))
    return folder


@pytest.fixture(scope="module")
def trained(folder) -> Path:
    words = ["train", "pico", "--data", folder / "drawn.dots", "--layout", "three", "--size", 64, "--colors", "rgb"]
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in (*words, "--images", 640, "--batch", 16, "--out", folder / "models")])
    assert stopped.value.code == 0
    return folder / "models" / "pico.three.64rgb-masked-online.keras"


@pytest.fixture(scope="module")
def exported(folder, trained) -> dict[str, Path]:
    """plain: here, since the process in which the command converts knows nothing of a scheme that stands in no file."""
    words = ["export", trained, "--quant", "int8", "--data", folder / "drawn.dots", "--out", folder / "export"]
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in words])
    assert stopped.value.code == 0
    source = open_dots(folder / "drawn.dots", "", THREE, SMALL_RGB.input)
    export_network(trained, folder / "export", ["plain"], source)
    return {scheme: folder / "export" / f"{trained.stem}.{scheme}.tflite" for scheme in ("plain", "int8")}


def test_help_and_hints_name_what_is_plugged_in(plugged_in, capsys):
    text = " ".join(run(capsys, "train", "--help").split())
    assert "three, five, kaggle15, ibug68, wflw98, facemesh468, facemesh478, or a JSON file" in text
    assert "a .dots file" in " ".join(run(capsys, "data", "formats").split())
    assert "plain|all" in run(capsys, "export", "--help")
    with pytest.raises(SystemExit) as stopped:
        main(["train", "pic"])
    assert stopped.value.code == 2
    assert "did you mean pico" in capsys.readouterr().err


def test_a_network_without_measured_costs_is_listed(folder, trained, capsys):
    shown = json.loads(run(capsys, "models", "--in", folder, "--json"))
    (pico,) = (network for network in shown["networks"] if network["name"] == "pico")
    assert pico["parameters"] is None
    line = next(line for line in run(capsys, "models", "--in", folder).splitlines() if line.startswith("pico "))
    assert line.split()[-3:] == ["-", "-", "-"]


def test_the_file_alone_says_what_it_is(exported, tmp_path, capsys):
    """In another process, too, where nothing is plugged in."""
    copy = tmp_path / "copied.int8.tflite"
    copy.write_bytes(exported["int8"].read_bytes())
    from edgefkp.runtime.metadata import read_metadata

    known = read_metadata(copy)
    assert known is not None
    assert (known.spec, known.scheme, known.model) == (SMALL_RGB, "int8", "pico.three.64rgb-masked-online")
    shown = json.loads(run(capsys, "inspect", copy, "--json"))
    assert shown["scheme"] == "int8"
    assert (shown["known_by"], shown["points"]) == ("metadata", 3)
    assert shown["description"]["layout"]["points"] == list(THREE.points)
    text = " ".join(run(capsys, "inspect", copy).split())
    assert "layout three: 3 points takes 64x64 rgb images, pixels scaled to 0..1" in text


def test_every_file_is_scored_on_its_own_points_and_input(folder, trained, exported, capsys):
    scores = {}
    for path in (trained, *exported.values()):
        words = ("evaluate", path, "--data", folder / "drawn.dots", "--json")
        scores[path.suffixes[-2] if path.suffix == ".tflite" else ".keras"] = json.loads(run(capsys, *words))["score"]
    assert scores[".keras"]["rmse_per_point"].keys() == set(THREE.points)
    assert scores[".plain"]["rmse"] == pytest.approx(scores[".keras"]["rmse"], abs=0.01)
    assert scores[".int8"]["rmse"] == pytest.approx(scores[".keras"]["rmse"], abs=1)


def test_points_of_another_layout_are_refused_by_name(exported, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(exported["plain"]), "--data", str(Path(__file__).parent / "cli")])
    assert stopped.value.code == 1
    assert "Traceback" not in capsys.readouterr().err


def test_it_is_timed_on_faces_of_its_own_input(folder, exported, capsys):
    """The processes that read and measure know nothing of what is plugged in: the file carries its layout."""
    faces, data = drawn_faces(FACES, SMALL_RGB), folder / "drawn.npz"
    np.savez(data, images=faces.images, keypoints=faces.keypoints, group=np.arange(FACES) % PERSONS)
    words = ("bench", exported["int8"], "--data", data, "--images", 4, "--processes", 1)
    out = run(capsys, *words, "--seconds", 0.02, "--out", folder / "bench", "--json")
    rows = json.loads(out)["rows"]
    assert {row["mode"] for row in rows} == {"invoke", "e2e"}
    assert all(row["rmse"] is not None and row["scheme"] == "int8" for row in rows)


def test_its_points_are_predicted_by_their_names(folder, exported, tmp_path, capsys):
    face = drawn_faces(1, SMALL_RGB, seed=7)
    image = tmp_path / "face.png"
    cv2.imwrite(str(image), face.images[0][..., ::-1])
    words = ("predict", image, "--model", exported["plain"], "--finder", "whole-image", "--out", tmp_path / "out")
    run(capsys, *words)
    with open(tmp_path / "out" / "points.csv", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert set(THREE.columns) <= row.keys()
    assert "nose_tip_x" not in row
    assert all(np.isfinite(float(row[name])) for name in THREE.columns)
    assert (tmp_path / "out" / "faces" / "face.png").is_file()
