"""Tables from made-up cells: what is compared, and what is not."""

from dataclasses import replace

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.files import write_json
from edgefkp.networks.registry import NETWORKS
from edgefkp.study.cell import CellResult
from edgefkp.study.comparison import compare, converged, interval_of, rmse_of
from edgefkp.study.evidence import Evidence, read_evidence, seed_noise
from edgefkp.study.tables import (
    PRINTED_SECONDS,
    changes,
    conditions,
    every_score,
    heads,
    nulls,
    rivals,
    scores,
    seconds,
    sizes,
    starts,
)
from tests.study.made_study import made_cell, made_ms, still_falling, write_info, write_study, write_times


def by_labels_alone(cell: CellResult) -> CellResult:
    """The same cell from data without Kaggle's IdLookupTable."""
    persons = {name: cell.persons[name] for name in ("squares", "coordinates")}
    return replace(cell, persons=persons)


def test_the_same_persons_make_a_small_difference_decide():
    found = compare(made_cell("manual-knn", 1.9), made_cell("manual-drop", 2.0))
    assert found.change == pytest.approx(-0.05)
    assert found.interval[0] < found.change < found.interval[1] < 0
    assert found.decides
    assert not compare(made_cell("manual-knn", 2.0, noise=1.0), made_cell("manual-drop", 2.0, noise=1.0)).decides


def test_a_cell_whose_curve_still_falls_decides_nothing():
    unfinished = still_falling(made_cell("manual-drop", 2.0))
    assert not converged(unfinished)
    assert not compare(made_cell("manual-knn", 1.9), unfinished).decides
    assert converged(still_falling(made_cell("manual-drop", 2.0), 0.02))


def test_a_cell_near_the_mean_shape_counts_if_its_curve_came_to_an_end():
    near = made_cell("manual-drop", 3.9)
    assert converged(near)
    assert compare(made_cell("manual-knn", 1.9), near).decides


def test_a_curve_that_rises_again_had_come_to_its_end():
    cell = made_cell("manual-drop", 2.0)
    rising = [{**row, "validation_rmse": 2 + 0.1 * row["epoch"]} for row in cell.history]
    assert converged(replace(cell, history=rising))
    assert not converged(replace(cell, history=rising[:1]))  # an epoch is no curve
    assert not converged(replace(cell, history=[]))


def test_a_solved_head_needs_no_curve():
    cell = made_cell("mobilenetv2_frozen-drop", 3.9, epochs=1)
    assert converged(cell)
    by_steps = replace(cell, identity=replace(cell.identity, head="steps"))
    assert not converged(by_steps)


def test_other_persons_are_not_compared():
    cell = made_cell("manual-knn", 1.9)
    other = replace(cell, persons={name: values[1:] for name, values in cell.persons.items()})
    with pytest.raises(EdgefkpError, match="different persons"):
        compare(other, made_cell("manual-drop", 2.0))


def test_kaggle_coordinates_count_where_there_are_some():
    cell = made_cell("manual-drop", 2.0)
    assert rmse_of(cell) == 2.0
    low, high = interval_of(cell)
    assert low < 2.0 < high
    assert rmse_of(by_labels_alone(cell)) == pytest.approx(2.1)
    assert interval_of(by_labels_alone(cell)) == pytest.approx((1.05 * low, 1.05 * high))


def row_of(table, name: str) -> list[str]:
    return next(row[1:] for row in table.rows if row[0].startswith(name))


def heads_of(table) -> list[str]:
    return [column.name for column in table.columns]


@pytest.fixture
def partial(tmp_path) -> dict[str, CellResult]:
    made = [
        made_cell("mobilenetv2-drop", 2.0),
        made_cell("mobilenetv2-ffill", 2.2),
        made_cell("mobilenetv2-augment", 1.2),
        still_falling(made_cell("nasnetmobile-drop", 3.9)),
        made_cell("nasnetmobile-knn", 2.0),
        made_cell("shi-masked-online", 1.8),
        made_cell("manual-drop-seed1", 2.1),
    ]
    results = read_evidence(write_study(tmp_path, made)).results
    assert sorted(results) == sorted(cell.cell for cell in made)
    return results


def test_tables_show_what_is_there_and_what_is_missing(partial):
    change = changes(partial)
    assert dict(zip(heads_of(change)[1:], change.rows[1][1:], strict=True)) == {
        "drop": "similar / similar",
        "ffill": "similar / worse",
        "knn": "++ / -",
        "augment": "+++ / +++",
    }
    assert change.rows[3][3] == "similar / not converged"
    table = scores(partial)
    low, high = interval_of(partial["mobilenetv2-drop"])
    assert table.rows[4][1] == f"2.00 ±{(high - low) / 2:.2f}"
    assert row_of(table, "nasnetmobile†") == ["not converged", "-", table.rows[6][3], "-", "-"]
    assert row_of(table, "shi")[:4] == [""] * 4
    assert row_of(table, "resnet50‡")[-1] == "-"  # the note under the table says what the mark means
    assert row_of(table, "manual seed 1")[0].startswith("2.10 ±")
    assert row_of(rivals(partial), "Shi")[0] == "1.97"
    assert len(every_score(partial).rows) == len(partial)


def test_a_cell_says_in_what_floats_it_was_trained():
    cell = made_cell("manual-drop", 2.0)
    mixed = replace(cell, training={**cell.training, "plan": {"precision": "mixed_bfloat16", "lanes": 1}})
    for result, floats in ((cell, "f32/2"), (mixed, "bf16")):
        table = every_score({result.cell: result})
        (row,) = table.rows
        assert row[heads_of(table).index("floats")] == floats


def test_a_change_that_another_seed_would_make_is_similar():
    cells = [made_cell("mobilenetv2-drop", 2.0), made_cell("mobilenetv2-knn", 1.9)]
    cells += [made_cell("manual-drop", 2.0), made_cell("manual-drop-seed1", 2.2)]
    results = {cell.cell: cell for cell in cells}
    assert seed_noise(results) == pytest.approx(0.1)
    assert changes(results).rows[1][3] == "++ / similar"
    del results["manual-drop-seed1"]
    assert seed_noise(results) == 0
    assert changes(results).rows[1][3] == "++ / +"


def test_sizes_and_times_stand_beside_those_of_the_paper(tmp_path):
    evidence = read_evidence(write_study(tmp_path, []), write_times(tmp_path))
    assert row_of(sizes(evidence), "MobileNetV2")[:3] == ["2,257,984", "2,296,414", "9.66"]
    assert row_of(sizes(evidence), "MobileNetV2")[5] == "2.30"
    for name, (low, high) in PRINTED_SECONDS.items():
        row = row_of(seconds(evidence), NETWORKS[name].title.removesuffix(", fine-tuned"))
        assert row[1] == (f"{low:.2f}" if low == high else f"{low:.2f}-{high:.2f}")
        shown = [float(value.split()[0]) for value in row[2:]]
        wanted = [made_ms(name, how) / 10 for how in ("keras", "float32", "int8")]
        np.testing.assert_allclose(shown, wanted, rtol=0.01)
    assert "litert 2.3.0, 1 thread, A board, 4 cores" in conditions(evidence)
    assert conditions(evidence).endswith("load average 0.1 before the run, bench's verdict VALID.")


def test_a_file_that_was_disturbed_while_it_was_timed_is_named(tmp_path):
    evidence = read_evidence(write_study(tmp_path, []), write_times(tmp_path, ["manual"], "INVALID"))
    assert "manual-untrained.int8.tflite" in conditions(evidence)


def test_sizes_come_from_cells_where_the_zoo_was_not_measured():
    evidence = Evidence({"manual-drop": made_cell("manual-drop")})
    assert row_of(sizes(evidence), "Manually")[3] == "1.23"
    assert row_of(seconds(evidence), "Manually")[2:] == ["-"] * 3


def test_null_counts_are_those_of_the_data(tmp_path):
    study = write_study(tmp_path, [])
    assert nulls(read_evidence(study).info).rows == []
    write_info(study)
    table = nulls(read_evidence(study).info)
    assert row_of(table, "left_eyebrow_outer_end") == ["2,110", "29.9%"]
    assert row_of(table, "any of them") == ["4,925", "69.9%"]


def test_starts_are_compared_half_way_and_at_the_end(tmp_path):
    cell = made_cell("manual-drop", 2.0)
    former = {"images": 120_000, "validation_rmse": 2.5}
    former["history"] = [{"images": 40_000, "validation_rmse": 3.9}, {"images": 80_000, "validation_rmse": 3.0}]
    study = write_study(tmp_path, [cell])
    assert starts(read_evidence(study)).rows == []
    cells = {"manual-drop": former, "manual-knn": former}  # the second was not run again
    write_json(study / "random-start.json", {"schema": "edgefkp.starts/1", "cells": cells})
    ((name, *values),) = starts(read_evidence(study)).rows
    half = next(row["validation_rmse"] for row in cell.history if row["images"] >= 60_000)
    assert (name, values) == ("manual-drop", ["3.00", f"{half:.2f}", "2.50", "1.94"])
    write_json(
        study / "former" / "manual-drop.json", made_cell("manual-drop", 2.2)
    )  # by steps, as the random start was
    assert starts(read_evidence(study)).rows[0][-1] == "2.13"


def test_solved_heads_stand_beside_what_training_steps_had_left(tmp_path):
    study = write_study(tmp_path, [made_cell("mobilenetv2_frozen-drop", 3.0)])
    assert heads(read_evidence(study)).rows == []
    write_json(study / "former" / "mobilenetv2_frozen-drop.json", made_cell("mobilenetv2_frozen-drop", 3.6))
    table = heads(read_evidence(study))
    assert heads_of(table)[:2] == ["cell", "validation, by steps"]
    ((name, *values),) = table.rows
    assert name == "mobilenetv2_frozen-drop"
    assert values[:4] == ["3.49", "2.91", "3.60", "3.00"]
    assert values[4].startswith("0.83 (0.8")
    assert values[5:] == ["120,000", "0.21"]


def test_a_file_of_another_kind_is_named(tmp_path):
    study = write_study(tmp_path, [])
    write_json(study / "data.json", {"schema": "weather"})
    with pytest.raises(EdgefkpError, match=r"data\.json is not of schema"):
        read_evidence(study)


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "edgefkp.cell/1", "cell": 3}', "[" * 10_000])
def test_a_damaged_cell_is_named_and_counts_as_missing(tmp_path, content):
    study = write_study(tmp_path, [made_cell("manual-drop"), made_cell("manual-ffill")])
    (study / "manual-drop.json").write_text(content)
    damaged = []
    evidence = read_evidence(study, damaged=damaged)
    assert list(evidence.results) == ["manual-ffill"]
    assert "manual-drop" in evidence.missing()
    (message,) = damaged
    assert "manual-drop.json" in message
