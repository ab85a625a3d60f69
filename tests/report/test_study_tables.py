"""Tables from made-up cells: what is compared, and what is not."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.files import write_json
from edgefkp.report.comparison import compare, converged
from edgefkp.report.study_tables import changes, markdown, read_study, rivals, scores, sizes
from edgefkp.training.cell import CellResult
from edgefkp.training.grid import grid

CELLS = {cell.name: cell for cell in grid()}
PERSONS = np.random.default_rng(0).gamma(4, 1, 200)  # how hard each test person is


def result(name: str, rmse: float, noise: float = 0.05) -> CellResult:
    """A cell whose RMSE is `rmse`, hard on the same persons as every other, but for the noise."""
    own = np.random.default_rng(sum(map(ord, name))).normal(1, noise, len(PERSONS))
    squares = PERSONS * own
    squares *= rmse**2 * 30 * len(PERSONS) / squares.sum()
    cell = CELLS[name]
    return CellResult(
        cell=name, column=cell.column, identity=asdict(cell), key="k", weights=None, data={}, counts={},
        parameters=1, macs=1, training={}, history=[], seconds=1.0, cores=2, versions={},
        scores={"test": {"score": {"rmse": rmse, "interval": [rmse - 0.1, rmse + 0.1]}}, "mean_shape": {"rmse": 4.0}},
        persons={"squares": squares.tolist(), "coordinates": [30] * len(PERSONS)},
        file={"h5_bytes": 1_230_000},
    )  # fmt: skip


def test_the_same_persons_make_a_small_difference_decide():
    found = compare(result("manual-knn", 1.9), result("manual-drop", 2.0))
    assert found.change == pytest.approx(-0.05)
    assert found.interval[0] < found.change < found.interval[1] < 0
    assert found.decides
    assert not compare(result("manual-knn", 2.0, noise=1.0), result("manual-drop", 2.0, noise=1.0)).decides


def test_a_cell_near_the_mean_shape_decides_nothing():
    near = result("manual-drop", 3.7)
    assert not converged(near)
    assert not compare(result("manual-knn", 1.9), near).decides


def test_other_persons_are_not_compared():
    other = replace(result("manual-knn", 1.9), persons={"squares": [1.0], "coordinates": [30]})
    with pytest.raises(EdgefkpError, match="different persons"):
        compare(other, result("manual-drop", 2.0))


def row_of(table, name: str) -> list[str]:
    return next(row for row in table[1] if row[0].startswith(name))


def test_tables_show_what_is_there_and_what_is_missing(tmp_path):
    made = [
        result("mobilenetv2-drop", 2.0),
        result("mobilenetv2-ffill", 2.2),
        result("mobilenetv2-augment", 1.2),
        result("nasnetmobile-drop", 3.9),
        result("nasnetmobile-knn", 2.0),
        result("shi-masked-online", 1.8),
        result("manual-drop-seed1", 2.1),
    ]
    for one in made:
        write_json(tmp_path / f"{one.cell}.json", one)
    results = read_study(tmp_path)
    assert sorted(results) == sorted(one.cell for one in made)
    change = {row[0]: row[1:] for row in changes(results)[1]}
    assert change["mobilenetv2"] == ["similar / similar", "similar / worse", "++ / -", "+++ / +++"]
    assert change["nasnetmobile"][2] == "similar / not converged"
    score = {row[0]: row[1:] for row in scores(results)[1]}
    assert score["mobilenetv2"][0] == "2.00 (1.90-2.10)"
    assert score["nasnetmobile"][0] == "3.90 (3.80-4.00) not converged"
    assert score["shi"] == ["", "", "", "", "1.80 (1.70-1.90)"]
    assert score["manual seed 1"][0] == "2.10 (2.00-2.20)"
    assert row_of(rivals(results), "Shi")[1:] == ["1.97", "1.80 (1.70-1.90)"]
    assert row_of(sizes(results), "MobileNetV2")[1:] == ["2,257,984", "2,296,414", "9.66", "1.23"]


def test_markdown_has_a_rule_for_every_column():
    lines = markdown(scores({})).splitlines()
    assert {line.count("|") for line in lines} == {7}
