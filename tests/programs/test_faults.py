"""Altered files and killed commands: few of both here, the whole with pytest -m slow."""

import pytest

from bench.faults import KINDS, Kind
from bench.faults.kinds.itself import FOREIGN_RUNS, ORDER, OTHER_ANSWER
from bench.faults.record import BAD, OUTCOMES, WRONG, row_of, smallest
from bench.faults.runner import altered, run_kind, samples_in
from bench.kills.contents import contents, difference
from bench.kills.runner import kill_often
from bench.kills.targets import NAMES, TARGETS

SEED = 5
READ = [kind.name for kind in KINDS.values() if kind.share]
SLOWER = {
    "tflite": 4,
    "tflite beside a card": 4,
    "bundle": 1,
    "image": 7,
    "video": 5,
    "result": 4,
    "convert": 3,
    "export zip": 5,
}  # inputs in the gate; else:
INPUTS = 10


def test_the_harness_notices_every_fault(tmp_path):
    outcomes = run_kind(KINDS["itself"], range(len(ORDER)), SEED, tmp_path)
    expected = {name: name for name in OUTCOMES} | {FOREIGN_RUNS: WRONG, OTHER_ANSWER: WRONG}
    assert {ORDER[one.number]: one.outcome for one in outcomes} == expected
    assert row_of("itself", "", outcomes).inputs == len(ORDER)
    assert {one.outcome for one in smallest(outcomes)} == set(BAD)


@pytest.mark.parametrize("name", [name for name in READ if not KINDS[name].needs])
def test_an_altered_file_is_refused_or_answered(name, tmp_path):
    outcomes = run_kind(KINDS[name], range(SLOWER.get(name, INPUTS)), SEED, tmp_path)
    assert [one for one in outcomes if one.outcome in BAD] == []


@pytest.mark.parametrize("name", ["npz", "result"])
def test_a_seed_makes_the_same_files_again(name, tmp_path):
    def made(seed: int) -> list[bytes]:
        return [altered(KINDS[name], samples, number, seed)[1] for number in range(20)]

    samples = samples_in(KINDS[name], tmp_path)
    assert made(1) == made(1) != made(2)


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_is_killed_ten_times_ends_as_an_undisturbed_one(name, tmp_path):
    target = TARGETS[NAMES.index(name)]
    if target.needs:
        pytest.importorskip(target.needs)
    row, problems = kill_often(target, 10, SEED, tmp_path)
    assert problems == []
    assert row.orphans == 0


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
    assert difference(contents(tmp_path), whole) == "different: card.json, points.csv"
