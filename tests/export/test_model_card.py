import pytest

from edgefkp.card import Card, CardData, CardStart, read_card
from edgefkp.export.front_matter import front_matter
from edgefkp.export.model_card import render
from edgefkp.export.parity import parity_of
from edgefkp.runtime.shipped import FOLDER


def test_a_fine_tuned_model_names_its_start_and_both_terms():
    start = CardStart("small.keras", "0" * 64, "strangers", "for research")
    terms = "mine; inherited from small.keras: for research"
    data = CardData("mine", "1" * 64, "2" * 64, {"train": 40}, {"train": 20}, terms)
    text = render("tuned", [Card("tflite", "tuned", network="small", start=start, data=data, scheme="float32")])
    assert "| fine-tuned from | `small.keras`, trained on strangers |" in text
    assert terms in text
    assert "fine-tuned from" not in render("plain", [Card("tflite", "plain", network="small", data=data)])


def test_the_head_is_yaml_whatever_the_terms_are():
    yaml = pytest.importorskip("yaml")
    terms = 'free: "for all" # and\nmore'
    data = CardData("mine", "h", "s", {}, {}, terms)
    text = render("own", [Card("tflite", "own", data=data, file="own.int8.tflite")])
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    read = yaml.safe_load(head)
    assert (read["license"], read["license_name"], read["library_name"]) == ("other", terms, "litert")
    assert body.startswith("\n# own\n")
    shipped = read_card(FOLDER / "small-masked-online.int8.tflite")
    assert shipped is not None
    read = yaml.safe_load(front_matter("small", [shipped]).strip("-\n"))
    (result,) = read["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == pytest.approx(parity_of(shipped).rmse_after, abs=1e-4)
