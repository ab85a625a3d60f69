"""A card says what its file is, is there before the file is, and stays readable."""

import json
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from edgefkp.card import (
    NETWORK,
    TFLITE,
    Card,
    CardData,
    card_path,
    imputation_name,
    model_name,
    read_card,
    readable_cards,
    require_card_hash,
    write_card,
    write_with_card,
)
from edgefkp.errors import EdgefkpError
from edgefkp.files import sha256_file, visible
from edgefkp.layout import InputSpec, ModelSpec
from edgefkp.records import NewerField
from tests.layouts import SMALL_RGB, THREE

DATA = CardData("faces", "d" * 64, "s" * 64, {"train": 3}, {"train": 2}, "free")


def made(path: Path, card: Card, content: bytes = b"1234") -> Card:
    return write_with_card(path, card, lambda temporary: temporary.write_bytes(content))


def test_terms_of_earlier_cards_are_read_in_the_spelling_of_today(tmp_path):
    path = tmp_path / "small-drop.int8.tflite"
    made(path, Card(TFLITE, "small-drop", data=replace(DATA, license="published without a licence")))
    assert read_card(path).data.license == "published without a license"


def test_a_card_knows_its_file(tmp_path):
    path = tmp_path / "small-drop.int8.tflite"
    card = made(path, Card(TFLITE, "small-drop", scheme="int8", data=DATA))
    assert (card.bytes, card.file, card.sha256) == (4, path.name, sha256_file(path))
    assert read_card(path) == card
    stored = json.loads(card_path(path).read_text())
    assert stored["data"]["licence"] == "free"
    # What does not apply is not written; points, input and output always are.
    assert "history" not in stored
    assert {"layout", "input", "output"} <= stored.keys()
    assert read_card(tmp_path / "other.tflite") is None


def test_a_card_without_points_and_input_is_of_the_first_layout(tmp_path):
    path = tmp_path / "old.keras"
    card_path(path).write_text('{"schema": "edgefkp.card/1", "kind": "network", "model": "old", "parameters": 3}')
    card = read_card(path)
    assert card is not None
    assert (card.spec, card.parameters, card.data) == (ModelSpec(), 3, None)


def test_another_layout_travels_whole(tmp_path):
    spec = SMALL_RGB
    card = made(tmp_path / "x.tflite", Card(TFLITE, "x", layout=spec.layout, input=spec.input, output=spec.output))
    assert card.spec == spec


def test_no_file_is_ever_seen_without_its_card(tmp_path, monkeypatch):
    path = tmp_path / "a.int8.tflite"
    seen = []
    replaced = Path.replace

    def watch(self, target):
        result = replaced(self, target)
        seen.append((path.exists(), card_path(path).exists()))
        return result

    monkeypatch.setattr(Path, "replace", watch)
    made(path, Card(TFLITE, "a"))
    assert seen == [(False, False), (False, True), (True, True)]


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("suffix", [".tflite", ".keras"])
def test_a_process_that_is_killed_leaves_the_old_pair_or_the_new_one(tmp_path, suffix, step):
    """Killed after each of the three times that a name is given."""
    path = tmp_path / f"a{suffix}"
    program = f"""
import os, signal, sys, zipfile
from pathlib import Path
from edgefkp.card import Card, write_with_card
def write(temporary, text):
    with zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr("weights", text)
write_with_card(Path(sys.argv[1]), Card("network", "a", key="old"), lambda place: write(place, "old"))
replaced, count = Path.replace, 0
def replace(self, target):
    global count
    replaced(self, target)
    count += 1
    if count == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
Path.replace = replace
write_with_card(Path(sys.argv[1]), Card("network", "a", key="new"), lambda place: write(place, "new"))
"""
    assert subprocess.run([sys.executable, "-c", program, str(path)]).returncode == -signal.SIGKILL
    card = read_card(path)
    assert card is not None
    with zipfile.ZipFile(path) as archive:
        assert card.key == archive.read("weights").decode() == ("old" if step == 1 else "new")
    assert card.sha256 == sha256_file(path)
    assert [file.name for file in visible(tmp_path)] == ["a.json", f"a{suffix}"]
    write_with_card(path, card, lambda temporary: temporary.write_bytes(b"once more"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json", f"a{suffix}"]


def test_what_cannot_be_made_leaves_the_old_pair(tmp_path):
    path = tmp_path / "a.int8.tflite"
    before = made(path, Card(TFLITE, "a"))

    def fail(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(EdgefkpError, match="No space left"):
        write_with_card(path, replace(before, key="new"), fail)
    assert read_card(path) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.int8.json", "a.int8.tflite"]


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b'{"schema": "edgefkp.card/1", "kind": 3}', b"\xff", None])
def test_a_damaged_card_inside_a_keras_file_is_an_error_with_its_name(tmp_path, content):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("edgefkp_card.json", content or b"{}")
    if content is None:  # a bit of its name, which is there twice, is flipped
        path.write_bytes(path.read_bytes().replace(b"edgefkp_card", b"edgefkp_carD", 1))
    with pytest.raises(EdgefkpError, match=r"a\.keras"):
        read_card(path)
    assert readable_cards(path) == []


def test_a_keras_file_carries_its_card(tmp_path):
    path = tmp_path / "a.keras"

    def write(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr("weights", "w")

    written = write_with_card(path, Card(NETWORK, "a", data=DATA, metrics={"validation_rmse": 1.25}), write)
    moved = tmp_path / "elsewhere" / "b.keras"
    moved.parent.mkdir()
    moved.write_bytes(path.read_bytes())
    inside = read_card(moved)
    assert inside is not None
    assert (inside.model, inside.data, inside.metrics) == (written.model, written.data, written.metrics)


def test_a_file_that_its_card_does_not_describe_is_named(tmp_path):
    path = tmp_path / "a.tflite"
    made(path, Card(TFLITE, "a"))
    require_card_hash(path, sha256_file(path))
    path.write_bytes(b"1235")
    with pytest.raises(EdgefkpError, match=r"not the file that its card a\.json describes"):
        require_card_hash(path, sha256_file(path))
    write_card(path, Card(TFLITE, "a"))
    require_card_hash(path, sha256_file(path))


@pytest.mark.parametrize(
    ("stored", "message"), [('{"schema": "edgefkp.card/1", "kind": 3}', "kind is int"), ("[", "not a readable JSON")]
)
def test_a_damaged_card_is_named(tmp_path, stored, message):
    (tmp_path / "a.json").write_text(stored)
    with pytest.raises(EdgefkpError, match=message):
        read_card(tmp_path / "a.tflite")


def test_json_of_something_else_is_no_card_and_a_newer_field_is_a_warning(tmp_path):
    (tmp_path / "a.json").write_text('{"rows": []}')
    assert read_card(tmp_path / "a.tflite") is None
    (tmp_path / "a.json").write_text('{"schema": "edgefkp.card/1", "kind": "tflite", "model": "a", "smell": 3}')
    with pytest.warns(NewerField, match=r"a\.json: the field smell"):
        assert read_card(tmp_path / "a.tflite") == Card(TFLITE, "a")


def test_names():
    assert model_name("manual", "drop", "paper") == "manual-augment"
    assert imputation_name("masked", "online") == "masked-online"
    assert model_name("manual", "knn", "none") == "manual-knn"
    assert model_name("small", "masked", "online", ModelSpec(THREE)) == "small.three-masked-online"
    assert model_name("small", "masked", "online", SMALL_RGB) == "small.three.64rgb-masked-online"
    assert model_name("small", "knn", "none", ModelSpec(input=InputSpec(32))) == "small.32gray-knn"
