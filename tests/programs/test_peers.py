"""Times of other people's models are graded as ours are, and README claims no more than they carry."""

import copy
import json
from pathlib import Path

import pytest

from bench.front_tables import OURS, lead_table, lead_text
from bench.peer_rows import basis, doubts, verdict_of
from bench.peers import timing
from edgefkp.bench.result import VERDICTS
from edgefkp.files import read_json

PEERS = Path(__file__).parents[2] / "bench/results/peers.json"


def test_each_contender_is_timed_in_rounds_and_graded(monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 0.02)
    monkeypatch.setattr(timing, "WARM", 0.0)
    runs = {"few": lambda count: sum(range(count)), "many": lambda count: sum(range(20 * count))}
    rounds = timing.timed(runs, {name: [500, 600] for name in runs})
    rows = {name: timing.row_of(found, cores=4, load=0.0) for name, found in rounds.items()}
    for row in rows.values():
        assert row["ms"] == sorted(row["ms"])
        assert len(row["rounds_ms"]) == timing.ROUNDS
        assert row["verdict"] in VERDICTS
        assert bool(row["reasons"]) == (row["verdict"] != "VALID")
    assert rows["few"]["ms"][1] < rows["many"]["ms"][1]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"ms": [1.0, 1.02, 1.05]}, "VALID"),
        ({"ms": [1.0, 1.1, 1.5]}, "SUSPECT"),
        ({"ms": [1.0, 1.1, 1.5], "verdict": "VALID", "reasons": []}, "VALID"),
    ],
)
def test_rows_of_before_rounds_are_judged_by_their_quartiles(row, word):
    found, reasons = verdict_of(row)
    assert found == word
    assert bool(reasons) == (word != "VALID")


def graded(path: Path, word: str) -> Path:
    content = copy.deepcopy(read_json(PEERS))
    content |= {"processor": "Some Processor 9000", "threads": 1}
    for row in content["rows"]:
        row |= {"verdict": word, "reasons": [] if word == "VALID" else ["a reason"], "runtime": "litert 9.9"}
    path.write_text(json.dumps(content))
    return path


def test_readme_names_a_ratio_of_valid_times_and_a_range_of_others(tmp_path):
    assert " to " not in lead_text(graded(tmp_path / "good.json", "VALID")).partition("on the same")[0]
    assert " to " in lead_text(graded(tmp_path / "bad.json", "SUSPECT"))


def test_the_table_says_what_its_times_stand_on(tmp_path):
    table = lead_table(graded(tmp_path / "bad.json", "SUSPECT"))
    assert "Some Processor 9000" in table.notes[0]
    assert "1 thread, litert 9.9" in table.notes[0]
    assert "SUSPECT (a reason)" in table.notes[1]
    assert any(OURS in row[0] and "SUSPECT" in row for row in table.rows)
    good = read_json(graded(tmp_path / "good.json", "VALID"))
    assert doubts(good["rows"]) == []
    assert basis(good).startswith("Some Processor 9000")
