from edgefkp.card import Card, CardData, CardStart
from edgefkp.export.model_card import render


def test_a_fine_tuned_model_names_its_start_and_both_terms():
    start = CardStart("small.keras", "0" * 64, "strangers", "for research")
    terms = "mine; inherited from small.keras: for research"
    data = CardData("mine", "1" * 64, "2" * 64, {"train": 40}, {"train": 20}, terms)
    text = render("tuned", [Card("tflite", "tuned", network="small", start=start, data=data, scheme="float32")])
    assert "| fine-tuned from | `small.keras`, trained on strangers |" in text
    assert terms in text
    assert "fine-tuned from" not in render("plain", [Card("tflite", "plain", network="small", data=data)])
