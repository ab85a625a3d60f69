"""The page of a search has its front, the curves and every candidate."""

from dataclasses import replace

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from edgefkp.report.search_figures import curves, front
from edgefkp.report.search_page import write_page
from edgefkp.report.search_table import candidates, table
from tests.made_search import tuned


def test_the_page_is_whole(tmp_path):
    text = write_page(tmp_path / "report.html", tuned()).read_text()
    for words in ("Front of the networks", "Learning curves", "Every candidate", "9.000 ms, and 1 ms are allowed"):
        assert words in text
    assert "found: space wide, faces of made" in text


def test_the_front_is_drawn_in_time_or_in_size():
    found = tuned()
    assert front(found).axes[0].get_xlabel() == "ms an image, median"
    untimed = [replace(trial, ms=None, timing=None) for trial in found.trials]
    assert front(replace(found, trials=untimed)).axes[0].get_xlabel() == "KB of the .tflite"


def test_a_curve_for_each_training():
    assert len(curves(tuned()).axes[0].lines) == 5
    assert curves(replace(tuned(), trials=[replace(one, curve=()) for one in tuned().trials])) is None


def test_the_table_is_the_front_in_80_columns():
    text = table(tuned()).text()
    assert max(map(len, text.splitlines())) <= 80
    lines = text.splitlines()
    assert [line.split()[0] for line in lines if line and line[0].isdigit()][:3] == ["0", "1", "4"]
    words = " ".join(text.split())
    assert "7 candidates: 3 on the front, 1 beaten, 1 stopped early, 1 over the budget, 1 failed" in words
    assert "0.400?" in text
    assert "? SUSPECT" in text


def test_every_candidate_has_its_outcome():
    found = {row[0]: row[-1] for row in candidates(tuned()).rows}
    assert found["2"] == "beaten"
    assert found["3"] == "stopped early: it would become 2.400 px"
    assert found["6"] == "failed: the loss became NaN or infinite in epoch 1"
