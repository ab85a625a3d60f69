"""The head of a model card in YAML, as model hubs read it."""

from __future__ import annotations

from edgefkp.card import Card
from edgefkp.export.parity import parity_of
from edgefkp.files import json_text

TASK = "keypoint-detection"


def front_matter(model: str, cards: list[Card]) -> str:
    """Between two lines of ---: license of the data, library, tags, and the RMSE of each file.

    cards: at least one; of the .tflite files of `model`. Texts are quoted as in JSON, which is YAML.
    """
    first = cards[0]
    terms = "; ".join(dict.fromkeys(one.license for one in (first.data, first.start) if one and one.license))
    lines = [
        "license: other",
        f"license_name: {_text(terms or 'not stated')}",
        "library_name: litert",
        f"pipeline_tag: {TASK}",
        "tags:",
        *(f"- {tag}" for tag in ("face", "facial-keypoints", "face-landmarks", "tflite", "litert", "edgefkp")),
    ]
    if results := [line for card in cards for line in _result(card)]:
        lines += ["model-index:", f"- name: {_text(model)}", "  results:", *results]
    return "\n".join(["---", *lines, "---"])


def _result(card: Card) -> list[str]:
    if not (parity := parity_of(card)):
        return []
    name = parity.data["name"]
    return [
        f"  - task: {{type: {TASK}}}",
        f"    dataset: {{name: {_text(name + ', ' + parity.data['part'])}, type: {_text(name)}}}",
        "    metrics:",
        f"    - {{type: rmse, name: {_text('RMSE in pixels, ' + card.file)}, value: {parity.rmse_after:.4f}}}",
    ]


def _text(text: str) -> str:
    return json_text(text)
