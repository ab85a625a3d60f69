"""Records of wrong types: reading one and showing it gives a value or an EdgefkpError, whatever stands in the file."""

import contextlib
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgefkp.card import Card, read_card
from edgefkp.errors import EdgefkpError
from edgefkp.files import json_text, read_json
from edgefkp.records import NewerField, read_record
from edgefkp.report.catalog import read_catalog
from edgefkp.study.cell import CellResult
from edgefkp.study.comparison import converged, interval_of
from edgefkp.study.curves import curve_of
from tests.mutations import with_strange_values

ROOT = Path(__file__).parents[1]
FUZZ = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
CARD = read_json(ROOT / "export" / "small-masked-online.int8.json")
CELL = read_json(ROOT / "models" / "study" / "manual-augment.json")


def short(stored: Any) -> Any:
    """Lists of few items, so that a change hits every field in time."""
    if isinstance(stored, dict):
        return {name: short(item) for name, item in stored.items()}
    return [short(item) for item in stored[:30]] if isinstance(stored, list) else stored


def read_or_refused(kind, stored):
    """None where it is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NewerField)
        try:
            return read_record(kind, stored, "it", "make it again")
        except EdgefkpError:
            return None


@FUZZ
@given(stored=with_strange_values(short(CARD)))
def test_a_card_of_any_types_is_read_or_refused_and_can_be_written(stored):
    card = read_or_refused(Card, stored)
    if card:
        json.loads(json_text(card))
        assert card.spec.numbers > 0


@FUZZ
@given(stored=with_strange_values(short(CELL)))
def test_a_cell_of_any_types_is_shown_or_refused(stored):
    cell = read_or_refused(CellResult, stored)
    if cell:
        with contextlib.suppress(EdgefkpError):
            curve_of(cell.history)
            converged(cell)
            interval_of(cell)


@pytest.mark.parametrize(
    "change", [{"layout": "\x1b[31m\n"}, {"input": {"colors": "a\nb"}}, {"output": {"form": "a\nb"}}]
)
def test_a_value_with_a_line_break_is_named_in_one_line(change, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "a.tflite").write_bytes(b"a")
    (tmp_path / "export" / "a.json").write_text(json.dumps(CARD | change))
    (message,) = read_catalog(tmp_path).damaged
    assert message.isprintable()


@FUZZ
@given(data=st.data())
def test_the_catalog_lists_what_is_whole_whatever_the_cards_and_evaluations_are(tmp_path, data):
    for name in ("models", "export", "evaluation"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "export" / "a.tflite").write_bytes(b"a")
    (tmp_path / "models" / "b.keras").write_bytes(b"b")
    for path, good in (
        ("export/a.json", short(CARD)),
        ("models/b.json", short(CARD)),
        ("evaluation/a.json", CELL["scores"]["test"]),
    ):
        text = json.dumps(data.draw(with_strange_values(good)))
        (tmp_path / path).write_text(text, encoding="utf-8", errors="backslashreplace")
    found = read_catalog(tmp_path)
    assert {"a.tflite", "b.keras"} <= {Path(file.path).name for file in found.files}
    assert all("\n" not in message for message in found.damaged)


@pytest.mark.parametrize("content", [b"[", b"[]", b'{"schema": "edgefkp.card/1"}', b"\xff", b"", b"[" * 10_000])
def test_a_damaged_card_inside_a_network_is_named(tmp_path, content):
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("edgefkp_card.json", content)
    if content == b"[]":
        assert read_card(tmp_path / "a.keras") is None
        return
    with pytest.raises(EdgefkpError, match=r"a\.keras"):
        read_card(tmp_path / "a.keras")


def test_a_zip_with_a_damaged_card_is_named(tmp_path):
    import zipfile

    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("edgefkp_card.json", json.dumps(CARD))
    content = bytearray(path.read_bytes())
    content[100:120] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(EdgefkpError, match="not a whole"):
        read_card(path)
