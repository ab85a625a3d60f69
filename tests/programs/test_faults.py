"""Altered files and killed commands: few of both here, thousands with pytest -m soak."""

import dataclasses

import pytest
from click.testing import CliRunner

from bench.faults import KINDS, Kind, record
from bench.faults.__main__ import RESULT as FAULTS
from bench.faults.__main__ import WHOLE, inputs_of, main
from bench.faults.kinds.itself import FOREIGN_LOADS, FOREIGN_RUNS, ORDER, OTHER_ANSWER
from bench.faults.record import BAD, OUTCOMES, WRONG, row_of, smallest
from bench.faults.runner import IN_PLACE, altered, refused_untouched, run_kind, samples_in
from bench.kills.__main__ import RESULT as KILLS
from bench.kills.contents import contents, difference
from bench.kills.record import KillRow, counts_of, read, with_row
from bench.kills.runner import kill_often
from bench.kills.targets import NAMES, TARGETS
from edgefkp.files import write_json
from edgefkp.runtime import isolate

SEED = 5
READ = [kind.name for kind in KINDS.values() if kind.share]
SLOWER = {
    "tflite": 4,
    "tflite beside a card": 4,
    "bundle": 1,
    "image": 7,
    "video": 5,
    "upload": 3,
    "result": 4,
    "convert": 3,
    "export zip": 5,
}  # inputs in the gate; else:
INPUTS = 10


def test_the_harness_notices_every_fault(tmp_path):
    outcomes = run_kind(KINDS["itself"], range(len(ORDER)), SEED, tmp_path)
    expected = {name: name for name in OUTCOMES} | dict.fromkeys((FOREIGN_RUNS, FOREIGN_LOADS, OTHER_ANSWER), WRONG)
    assert {ORDER[one.number]: one.outcome for one in outcomes} == expected
    assert row_of("itself", "", outcomes).inputs == len(ORDER)
    assert {one.outcome for one in smallest(outcomes)} == set(BAD)


@pytest.mark.parametrize("name", [name for name in READ if not KINDS[name].needs])
def test_an_altered_file_is_refused_or_answered(name, tmp_path):
    outcomes = run_kind(KINDS[name], range(SLOWER.get(name, INPUTS)), SEED, tmp_path)
    assert [one for one in outcomes if one.outcome in BAD] == []


@pytest.mark.parametrize("name", [name for name in READ if not KINDS[name].needs])
def test_an_untouched_file_is_answered(name, tmp_path):
    folders = {"EDGEFKP_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    assert isolate.call(refused_untouched, name, str(tmp_path), environment=folders) == []


@pytest.mark.parametrize("name", ["npz", "result"])
def test_a_seed_makes_the_same_files_again(name, tmp_path):
    def made(seed: int) -> list[bytes]:
        return [altered(KINDS[name], samples, number, seed)[1] for number in range(20)]

    samples = samples_in(KINDS[name], tmp_path)
    assert made(1) == made(1) != made(2)


@pytest.mark.parametrize("name", ["npz", "full labels", "tflite"])
def test_nearly_every_change_is_one_that_the_format_can_hold(name, tmp_path):
    samples = samples_in(KINDS[name], tmp_path)
    changes = [altered(KINDS[name], samples, number, SEED)[2] for number in range(100)]
    assert sum(IN_PLACE in change for change in changes) < 10


def test_a_change_that_cannot_be_made_alters_bytes(tmp_path):
    def fails(content, random):
        raise ValueError("complex() arg is a malformed string")

    kind = dataclasses.replace(KINDS["csv"], mutate=fails)
    sample, content, change = altered(kind, samples_in(kind, tmp_path), 1, SEED)
    assert content != (sample.folder / sample.altered).read_bytes()
    assert change.endswith("in place of ValueError")


@pytest.mark.soak
@pytest.mark.parametrize("name", READ)
def test_no_altered_file_of_many_is_a_fault(name, tmp_path):
    kind: Kind = KINDS[name]
    if kind.needs:
        pytest.importorskip(kind.needs)
    assert smallest(run_kind(kind, range(kind.share), SEED + 1, tmp_path)) == []


@pytest.mark.parametrize("name", ["predict"])
def test_a_killed_command_ends_as_an_undisturbed_one(name, tmp_path):
    row, problems = kill_often(TARGETS[NAMES.index(name)], 1, SEED, tmp_path)
    assert problems == []
    assert row.orphans == 0


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_is_killed_ten_times_ends_as_an_undisturbed_one(name, tmp_path):
    target = TARGETS[NAMES.index(name)]
    if target.needs:
        pytest.importorskip(target.needs)
    row, problems = kill_often(target, 10, SEED, tmp_path)
    assert problems == []
    assert row.orphans == 0


def test_a_command_that_is_killed_alone_keeps_the_rows_of_the_others(tmp_path):
    path = tmp_path / "kills.json"
    for seed, name, problems in ((1, "study", ["study, killed: x"]), (1, "predict", []), (1, "study", [])):
        write_json(path, with_row(path, seed, KillRow(name, 1, 1, 0, 0, 0, 0), problems))
    assert [row.command for row in read(path).rows] == ["predict", "study"]
    assert read(path).problems == []
    assert len(with_row(path, 2, KillRow("run", 1, 1, 0, 0, 0, 0), []).rows) == 1


def test_the_whole_count_has_enough_of_each_family():
    def inputs(*names):
        return sum(len(inputs_of(KINDS[name], WHOLE)) for name in names)

    assert inputs("tflite", "tflite beside a card") >= 1000
    assert inputs("csv", "zip", "npz", "folder", "tables", "full labels", "arrays", "coco", "label studio") >= 1000
    assert inputs("image", "video") >= 400
    assert inputs("card", "keras", "start", "card in .keras", "result", "recipe", "bundle") >= 500


def test_a_count_that_was_interrupted_leaves_out_what_it_has(tmp_path):
    faults, kills = tmp_path / "faults.json", tmp_path / "kills.json"
    (tmp_path / "csv").mkdir()
    row = row_of("csv", "", run_kind(KINDS["csv"], range(2), SEED, tmp_path / "csv"))
    write_json(faults, record.with_row(faults, SEED, row, [], KINDS.names()))
    write_json(kills, with_row(kills, SEED, KillRow("predict", 2, 2, 0, 0, 0, 0), []))
    assert (record.counts_of(faults, SEED), record.counts_of(faults, SEED + 1)) == ({"csv": 2}, {})
    assert (counts_of(kills, SEED), counts_of(kills, SEED + 1)) == ({"predict": 2}, {})
    words = ["--only", "csv", "--count", str(round(2 * WHOLE / KINDS["csv"].share)), "--seed", str(SEED), "--resume"]
    before = faults.read_bytes()
    assert CliRunner().invoke(main, [*words, "--out", str(faults)], catch_exceptions=False).exit_code == 0
    assert faults.read_bytes() == before


def test_the_committed_figures_are_of_the_whole_and_hold_no_fault():
    faults, kills = record.read(FAULTS), read(KILLS)
    kinds = [row.kind for row in faults.rows]  # a younger kind joins with the next run
    assert kinds == [name for name in READ if name in kinds]
    assert sum(row.inputs for row in faults.rows) >= 3000
    assert [(row.kind, name) for row in faults.rows for name in BAD if getattr(row, name)] == faults.faults == []
    commands = [row.command for row in kills.rows]
    assert commands == [name for name in NAMES if name in commands]
    assert sum(row.kills for row in kills.rows) >= 60
    assert all(row.kills == row.same for row in kills.rows)
    assert not any(row.orphans for row in kills.rows)
    assert kills.problems == []


def test_what_was_lost_doubled_or_left_is_seen(tmp_path):
    (tmp_path / "points.csv").write_text("file\na\n")
    (tmp_path / "card.json").write_text('{"model": "a", "created": "now", "processes": [{"round": 0, "steady": 1}]}')
    whole = contents(tmp_path)
    (tmp_path / "card.json").write_text('{"model": "a", "created": "later", "processes": [{"round": 0, "steady": 2}]}')
    assert difference(contents(tmp_path), whole) == ""
    (tmp_path / ".card-x.json").write_text("{}")
    assert difference(contents(tmp_path), whole) == "litter: .card-x.json"
    (tmp_path / "card.json").write_text(
        '{"model": "a", "processes": [{"round": 0, "steady": 2}, {"round": 0, "steady": 2}]}'
    )
    (tmp_path / "points.csv").write_text("file\na\na\n")
    assert difference(contents(tmp_path), whole) == "different: card.json processes, points.csv"
