from dataclasses import replace

import pytest

from edgefkp.errors import UsageError
from edgefkp.files import plain
from edgefkp.networks.registry import NETWORKS
from edgefkp.records import read_record
from edgefkp.study.cell import CellResult, StudyCell
from edgefkp.study.grid import COLUMNS, ONCE, Forecast, column_names, expected_core_seconds, grid, in_turn, select
from tests.study.made_study import made_cell

CELLS = grid()


def test_every_cell_has_a_name_of_its_own_and_a_network():
    assert len({cell.name for cell in CELLS}) == len(CELLS)
    assert {cell.network for cell in CELLS} <= set(NETWORKS)


def test_the_papers_table_is_whole():
    rows = ("baseline", "manual", "tuned", "mobilenetv2_frozen", "mobilenetv2", "nasnetmobile_frozen", "nasnetmobile")
    first = {(cell.row, cell.column) for cell in CELLS if cell.seed == 0 and cell.row in rows}
    assert first == {(row, column) for row in rows for column in ("drop", "ffill", "knn", "augment", "masked-online")}
    assert column_names() == ["drop", "ffill", "knn", "augment", "masked-online"]


def test_tuned_is_the_network_of_its_treatment():
    tuned = {cell.column: cell.network for cell in CELLS if cell.row == "tuned"}
    assert tuned["augment"] == tuned["masked-online"] == "tuned_augment"
    assert [tuned[column] for column in ("drop", "ffill", "knn")] == ["tuned_drop", "tuned_ffill", "tuned_knn"]


def test_rivals_once_and_two_seeds_for_manual():
    assert sorted(cell.network for cell in CELLS if cell.network in ONCE) == sorted(ONCE)
    assert {cell.row for cell in CELLS if cell.seed} == {"manual seed 1"}
    assert sum(cell.seed == 1 for cell in CELLS) == len(COLUMNS)


def test_terms_are_equal_but_for_nasnetmobile():
    for cell in CELLS:
        nasnet = cell.network.startswith("nasnetmobile")
        assert cell.images == (30_000 if nasnet else 120_000)
        assert cell.solved == cell.network.endswith("_frozen")
        former = {"channels": [24, 48, 64, 64, 96, 96, 96]} if cell.network == "small" else {}
        assert cell.options == ({"resolution": 96} if nasnet else former)
        assert cell.pretrained == cell.network.startswith("mobilenetv2")
        assert cell.experiment("w.h5").weights == ("w.h5" if cell.pretrained else None)


def test_only():
    assert [cell.name for cell in select(["shi-*", "manual-drop"])] == ["manual-drop", "shi-masked-online"]
    with pytest.raises(UsageError, match="no cell is called nothing"):
        select(["nothing"])


def test_identity_makes_the_cell_again():
    assert [read_record(StudyCell, plain(cell), "identity") for cell in CELLS] == CELLS


def test_cheap_cells_first_second_seeds_last():
    order = in_turn(CELLS, Forecast())
    assert [cell.seed for cell in order] == sorted(cell.seed for cell in CELLS)
    custom = [expected_core_seconds(c) for c in order if not c.seed and not c.network.startswith("nasnetmobile")]
    assert custom == sorted(custom)


def result(cell, core_seconds: float) -> CellResult:
    return replace(made_cell(cell.name), seconds=core_seconds / 2, cores=2)


def test_a_finished_cell_tells_how_long_its_row_takes_and_how_slow_the_machine_is():
    baseline, manual, other = select(["manual-drop", "manual-knn", "baseline-drop"])
    forecast = Forecast([result(manual, 3 * expected_core_seconds(manual))])
    assert forecast.core_seconds(other) == pytest.approx(3 * expected_core_seconds(manual))
    assert forecast.core_seconds(baseline) == pytest.approx(3 * expected_core_seconds(baseline))
    assert Forecast().core_seconds(baseline) == expected_core_seconds(baseline)
