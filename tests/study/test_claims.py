"""Every claim is judged by the cells that are there, and by nothing else."""

from dataclasses import replace

import pytest

from edgefkp.study.claims import COLUMNS, findings
from edgefkp.study.curves import curve_of, curves, steadier
from edgefkp.study.evidence import Evidence, read_evidence
from edgefkp.study.grid import grid
from edgefkp.study.page import BLOCKS, status, tally
from edgefkp.study.verdict import (
    CONFIRMED,
    INCONCLUSIVE,
    REFUTED,
    ClaimVerdict,
    Judge,
    Part,
    alike,
    below,
    lower,
    not_worse,
    times,
)
from tests.study.made_study import CELLS, made_cell, made_history, still_falling, write_study, write_times


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    write_times(root)
    return root


@pytest.fixture(scope="module")
def whole(folder) -> Evidence:
    return read_evidence(write_study(folder))


def with_cells(evidence: Evidence, *cells) -> Evidence:
    return replace(evidence, results={**evidence.results, **{cell.cell: cell for cell in cells}})


def finding(evidence: Evidence, words: str) -> ClaimVerdict:
    (found,) = [one for one in findings(evidence) if words in one.sentence]
    return found


def test_a_claim_held(whole):
    found = finding(whole, "outperform or are comparable")
    assert found.verdict == CONFIRMED
    assert [part.what for part in found.parts] == [f"manual / tuned, {column}" for column in COLUMNS]
    assert found.parts[0].found.startswith("1.75 / 1.80 px = 0.97 (0.9")


def test_a_claim_did_not_hold(whole):
    found = finding(whole, "no significant difference")
    assert found.verdict == REFUTED
    assert {part.verdict for part in found.parts} == {REFUTED}


def test_one_counterexample_is_enough(whole):
    worse = with_cells(whole, made_cell("manual-knn", 2.5))
    found = finding(worse, "outperform or are comparable")
    assert found.verdict == REFUTED
    assert found.outcome == "did not hold (3 of 4 held)"


def test_overlapping_intervals_decide_nothing(whole):
    alike_cells = [made_cell(f"{row}-{column}", 2.0, noise=1.0) for row in ("baseline", "manual") for column in COLUMNS]
    found = finding(with_cells(whole, *alike_cells), "Custom baseline model outperformed")
    by_part = {part.what: part.verdict for part in found.parts}
    assert by_part["baseline / manual, drop"] == INCONCLUSIVE


def test_a_missing_cell_is_named_and_decides_nothing(folder):
    partial = read_evidence(write_study(folder / "partial", without=["manual-drop", "shi-masked-online"]))
    found = finding(partial, "outperform or are comparable")
    assert found.verdict == INCONCLUSIVE
    assert found.parts[0] == Part("manual / tuned, drop", "manual-drop is missing", INCONCLUSIVE)
    assert [part.verdict for part in found.parts[1:]] == [CONFIRMED] * 3
    assert partial.missing() == ["manual-drop", "shi-masked-online"]
    said = status(partial)
    assert said == "45 of 47 cells are done, made in 30 core-hours; missing: manual-drop, shi-masked-online."


def test_a_cell_that_has_not_converged_decides_nothing(whole):
    weak = with_cells(whole, *(still_falling(made_cell(f"mobilenetv2-{column}")) for column in COLUMNS))
    for words in ("no significant difference", "4-5x improvement", "2x improvement"):
        found = finding(weak, words)
        assert found.verdict == INCONCLUSIVE
        assert all("the second not converged" in part.found for part in found.parts)


def test_a_frozen_backbone_is_judged_however_near_the_mean_shape_its_solved_head_is(whole):
    near = with_cells(whole, *(made_cell(f"mobilenetv2_frozen-{column}", 3.9) for column in COLUMNS))
    found = finding(near, "no significant difference")
    assert {part.verdict for part in found.parts} == {REFUTED}
    assert "not converged" not in " ".join(part.found for part in found.parts)


def test_a_difference_as_small_as_between_seeds_decides_nothing(whole):
    pair = [made_cell("manual-augment", 1.50), made_cell("manual-drop", 1.54)]
    small = with_cells(whole, *pair, made_cell("manual-drop-seed1", 1.54), made_cell("manual-augment-seed1", 1.50))
    part = {part.what: part for part in finding(small, "significant increase").parts}["manual, augment / drop"]
    assert part.verdict == CONFIRMED
    noisy = with_cells(small, made_cell("manual-drop-seed1", 1.60))
    part = {part.what: part for part in finding(noisy, "significant increase").parts}["manual, augment / drop"]
    assert part.verdict == INCONCLUSIVE


def test_the_best_is_chosen_on_validation_persons(whole):
    parts = finding(whole, "lowest RMSE compared to other").parts
    assert {part.what.split(" / ")[0] for part in parts} == {"mobilenetv2"}
    cell = made_cell("manual-masked-online", 1.9)
    cell = replace(cell, scores=replace(cell.scores, validation_rmse=0.5))
    parts = finding(with_cells(whole, cell), "lowest RMSE compared to other").parts
    assert {part.what.split(" / ")[0] for part in parts} == {"manual"}


def test_times_decide_by_runtime(whole, tmp_path):
    found = finding(whole, "fastest inference times")
    verdicts = {part.what.split(", ")[1]: part.verdict for part in found.parts if " s = " in part.found}
    assert verdicts == {"Keras predict": CONFIRMED, "TFLite float32": REFUTED, "TFLite int8": REFUTED}
    disturbed = read_evidence(write_study(tmp_path, []), write_times(tmp_path, verdict="INVALID"))
    parts = [part for part in finding(disturbed, "fastest inference times").parts if "TFLite" in part.what]
    assert {part.verdict for part in parts} == {INCONCLUSIVE}


def test_nothing_is_judged_without_evidence(tmp_path):
    empty = read_evidence(write_study(tmp_path, []))
    found = findings(empty)
    # Parameters are counted, not measured.
    assert {part.verdict for one in found for part in one.parts if "parameters" not in part.what} == {INCONCLUSIVE}
    assert {one.verdict for one in found} == {INCONCLUSIVE}
    assert tally(found) == f"Of {len(found)} claims, 0 held, 0 did not hold, and {len(found)} are inconclusive."
    assert status(empty).startswith("0 of 47 cells are done; missing: baseline-drop, ")
    assert all(isinstance(block(empty), str) for block in BLOCKS.values())


def test_nasnetmobile_decides_nothing_about_rmse(whole):
    words = ("NASNetMobile has better training curves", "MobileNetV2 outperforms NASNetMobile")
    for one in (finding(whole, text) for text in words):
        judged = [part for part in one.parts if " px" in part.found]
        assert {part.verdict for part in judged} == {INCONCLUSIVE}
    others = [
        part for one in findings(whole) for part in one.parts if " px" in part.found and part.verdict != INCONCLUSIVE
    ]
    assert not [part for part in others if "nasnet" in part.what]


@pytest.mark.parametrize(
    ("rule", "low", "high", "noise", "verdict"),
    [
        (lower, 0.90, 0.95, 0.0, CONFIRMED),
        (lower, 0.90, 0.95, 0.2, INCONCLUSIVE),
        (lower, 0.98, 1.02, 0.0, INCONCLUSIVE),
        (lower, 1.05, 1.10, 0.0, REFUTED),
        (lower, 1.05, 1.10, 0.2, INCONCLUSIVE),
        (not_worse, 0.90, 1.04, 0.0, CONFIRMED),
        (not_worse, 1.01, 1.04, 0.0, CONFIRMED),
        (not_worse, 1.04, 1.06, 0.0, INCONCLUSIVE),
        (not_worse, 1.06, 1.08, 0.0, REFUTED),
        (alike, 0.97, 1.03, 0.0, CONFIRMED),
        (alike, 0.93, 1.01, 0.0, INCONCLUSIVE),
        (alike, 0.80, 0.90, 0.0, REFUTED),
        (alike, 0.80, 0.90, 0.3, INCONCLUSIVE),
        (times(4, 5), 3.5, 5.5, 0.0, CONFIRMED),
        (times(4, 5), 2.0, 2.9, 0.0, REFUTED),
        (times(4, 5), 2.8, 3.2, 0.0, INCONCLUSIVE),
        (times(2, float("inf")), 1.6, 80.0, 0.0, CONFIRMED),
        (below(5), 4.0, 4.9, 0.0, CONFIRMED),
        (below(5), 4.9, 5.1, 0.0, INCONCLUSIVE),
        (below(5), 5.1, 6.0, 0.0, REFUTED),
    ],
)
def test_a_rule_needs_its_whole_interval(rule, low, high, noise, verdict):
    assert rule((low * high) ** 0.5, (low, high), noise) == verdict


def test_a_curve_is_its_gap_and_its_spread():
    curve = curve_of(made_history(1.5, 40, 120_000, gap=0.3, spread=0.1))
    assert curve is not None
    assert (curve.epochs, curve.best) == (40, 40)
    assert curve.spread == pytest.approx(0.1, rel=0.1)
    assert curve.gap == pytest.approx(0.25, abs=0.01)  # its best epoch is half the spread below
    assert curve_of([]) is None
    assert curve_of(made_history(1.5, 1, 100)).spread is None
    solved = [row for row in made_history(1.5, 9, 900) if row["epoch"] in (1, 2, 4, 8, 9)]
    assert curve_of(solved).epochs == 9
    assert curve_of(solved).spread is None


def test_curves_decide_where_one_is_better_in_nothing_worse(whole):
    def made(gap: float, spread: float):
        cell = made_cell("manual-drop")
        cell.history[:] = made_history(1.75, 12, 120_000, gap, spread)
        return steadier(Judge(with_cells(whole, cell)), "manual", "tuned", "drop").verdict

    assert made(0.2, 0.02) == INCONCLUSIVE
    assert made(0.05, 0.02) == CONFIRMED
    assert made(0.4, 0.02) == REFUTED
    assert made(0.05, 0.4) == INCONCLUSIVE


def test_every_trained_cell_has_a_row_of_its_curve(whole):
    assert [row[0] for row in curves(whole.results).rows] == [cell.name for cell in grid()]
    assert len(CELLS) == 47


def test_findings_are_no_broader_than_a_page(whole):
    lines = [line for name in BLOCKS for line in BLOCKS[name](whole).splitlines()]
    assert max(map(len, lines)) <= 130
