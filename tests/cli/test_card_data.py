"""evaluate, parity and export take what the model's card names, if it can be found."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import TFLITE, Card, CardData, write_card
from edgefkp.cli import main
from edgefkp.cli.card_data import data_of
from edgefkp.data.labels.options import LabelOptions
from edgefkp.data.photos import Reading
from tests.made_faces import made_faces

TINY = Path(__file__).parents[1] / "fixtures/tiny.float32.tflite"


@pytest.fixture
def model(tmp_path, monkeypatch) -> Path:
    """A file whose card names the data "mine"."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))
    path = Path(shutil.copy(TINY, tmp_path / "own.tflite"))
    data = CardData("mine+more", "", "", {}, {}, "free", labels={"swap_xy": True})
    write_card(path, Card(TFLITE, "own", data=data))
    return path


def save(path: Path) -> None:
    images, keypoints = made_faces(20)
    path.parent.mkdir(exist_ok=True)
    np.savez(path, images=images, keypoints=keypoints, group=np.arange(20))


@pytest.mark.parametrize("place", ["mine.npz", "data/mine.npz"])
def test_the_data_of_the_card_are_found_by_name_and_read_alike(model, place, capsys):
    save(Path(place))
    data, reading = data_of([model], Reading())
    assert (data, reading.labels) == (place, LabelOptions(swap_xy=True))
    assert capsys.readouterr().err == f"scoring on {place}, which own.tflite was trained on\n"
    given = Reading(labels=LabelOptions(flip_y=True))
    assert data_of([model], given)[1] == given


def test_data_that_are_not_found_are_named(model, capsys):
    assert data_of([model], Reading()) == ("sample", Reading())
    assert "was trained on mine, which is neither here nor in data/" in capsys.readouterr().err
    Path("mine.txt").write_text("no data")
    assert data_of([model], Reading())[0] == "sample"


def test_evaluate_says_on_what_it_scores(model, capsys):
    write_card(model, Card(TFLITE, "own", data=CardData("mine", "", "", {}, {}, "free")))
    save(Path("mine.npz"))
    with pytest.raises(SystemExit):
        main(["evaluate", "own.tflite", "--split", "all", "--json"])
    out, err = capsys.readouterr()
    assert json.loads(out)["data"]["name"] == "mine"
    assert "scoring on mine.npz" in err


def test_export_calibrates_on_the_data_of_the_card(model, capsys):
    save(Path("mine.npz"))
    with pytest.raises(SystemExit):  # the quantizer may not be there; the choice comes first
        main(["export", "own.tflite", "--quant", "int8"])
    assert "calibrating on mine.npz, which own.tflite was trained on" in capsys.readouterr().err
