import dataclasses
import re

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from edgefkp.data.faces import Dataset, faces_of
from edgefkp.layout import KAGGLE15
from edgefkp.report.figures import svg
from edgefkp.study import figures, page, pictures
from edgefkp.study.architecture import steps_of
from edgefkp.study.cell import KeptPoints
from edgefkp.study.evidence import read_evidence
from edgefkp.study.grid import CUSTOM, TRANSFER, column_names
from edgefkp.study.pictures import Shown, drawn_faces, shown_of
from tests.report.test_run_page import Checked
from tests.study.made_study import made_cell, write_info, write_study, write_times


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    study = write_study(root)
    write_info(study)
    write_times(root)
    return read_evidence(study)


def parsed(path) -> Checked:
    page = Checked()
    page.feed(path.read_text())
    return page


def test_a_whole_study_gives_every_figure_and_table(whole, tmp_path):
    shown = drawn_faces()
    shown = dataclasses.replace(shown, predicted={"manual-augment": shown.faces.keypoints + 1})
    shown_page = parsed(page.write_report(tmp_path, whole, shown))
    assert shown_page.wrong == shown_page.open == []
    assert [where for where in shown_page.addresses if not re.match(r"data:|#|[^(]*url\(#", where)] == []
    for number in range(1, 13):
        assert f"Figure {number}." in shown_page.text
        (file,) = tmp_path.glob(f"figure-{number:02}-*")
        assert file.stat().st_size > 1000
    for text in ("Table 1", "Table 2", "Table 3", "Table 4", "did not hold", "Faces <of> nobody & co", "All 47 cells"):
        assert text in shown_page.text
    assert "Nothing is known" not in shown_page.text


def test_a_study_without_cells_says_what_is_missing(tmp_path):
    shown_page = parsed(page.write_report(tmp_path / "out", read_evidence(write_study(tmp_path, [])), drawn_faces()))
    assert shown_page.wrong == shown_page.open == []
    assert "0 of 47 cells are there; missing: baseline-drop" in shown_page.text
    assert shown_page.text.count("Nothing is known of it yet") == 2  # null counts and predictions


def test_the_same_cells_give_the_same_figure(whole):
    first, second = (svg(figures.error_bars(whole.results, CUSTOM)) for _ in range(2))
    assert first == second


def test_every_cell_is_a_bar_with_its_interval(whole):
    for rows in (CUSTOM, TRANSFER):
        (panel,) = figures.error_bars(whole.results, rows).axes
        heights = {round(bar.get_height(), 6) for bar in panel.patches}
        wanted = [result for result in whole.results.values() if _row(result) in rows]
        assert len(wanted) == len(rows) * len(column_names())
        assert {round(cell.scores.test.kaggle_rmse, 6) for cell in wanted} <= heights
        hatched = [bar for bar in panel.patches if bar.get_hatch()]
        assert len(hatched) == (4 if "nasnetmobile_frozen" in rows else 0)


def _row(result) -> str:
    network = result.identity.network
    return "" if result.identity.seed else "tuned" if network.startswith("tuned_") else network


def test_networks_of_unknown_size_have_no_label_in_figure_8(whole):
    known = {**whole.zoo, "networks": {"shi": {"float32_bytes": 32_000_000}}}
    results = {name: cell for name, cell in whole.results.items() if cell.identity.network == "manual"}
    (panel,) = figures.size_against_parameters(dataclasses.replace(whole, zoo=known, results=results)).axes
    labels = {text.get_text() for text in panel.texts}
    assert {"shi", "manual", "nasnetmobile"} <= labels  # the paper printed the last one's
    assert not {"nano", "best", "gao"} & labels


def test_curves_show_the_history_and_its_numbers(whole):
    figure = figures.training_curves(whole.results, ("manual",))
    panel = figure.axes[column_names().index("knn")]
    history = whole.results["manual-knn"].history
    train, validation = (list(line.get_ydata()) for line in panel.lines)
    assert train == [row["train_rmse"] for row in history]
    assert validation == [row["validation_rmse"] for row in history]
    assert panel.texts[0].get_text() == "gap +0.19\nspread 0.025"


def test_architectures_are_those_of_the_zoo():
    manual = [text for text, _ in steps_of("manual")]
    assert manual[0] == "96x96x1"
    assert manual[-2:] == ["dense 100 relu", "dense 30"]
    assert sum("conv" in text for text in manual) == 5
    assert "5x5 conv 48, relu, BN  17²" in [text for text, _ in steps_of("tuned_drop")]
    assert "NASNetMobile 224x224x3" in [text for text, _ in steps_of("nasnetmobile")]
    with pytest.raises(ValueError, match="shi"):
        steps_of("shi")


@pytest.fixture
def source(monkeypatch) -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 96, 96), np.uint8)
    keypoints = (KAGGLE15.mean_points() + rng.normal(0, 1, (60, 15, 2))).astype(np.float32)
    faces = faces_of(images, keypoints)
    made = Dataset("made", faces.take(np.arange(40)), faces.take(np.arange(40, 60)), "free")
    monkeypatch.setattr(pictures, "open_dataset", lambda data: made)
    return made


def test_predictions_are_those_that_the_cells_kept_of_these_faces(source):
    rows = pictures.shown_rows(20).tolist()
    kept = KeptPoints(rows, np.zeros((len(rows), KAGGLE15.count, 2)).tolist())
    cells = {}
    for name, digest in (("manual-augment", source.test.hash), ("manual-drop", "of other faces")):
        cell = made_cell(name)
        cell.scores.test.data["hash"] = digest
        cells[name] = dataclasses.replace(cell, scores=dataclasses.replace(cell.scores, sheet=kept))
    shown = shown_of("made", cells)
    assert list(shown.predicted) == ["manual-augment"]
    np.testing.assert_array_equal(shown.faces.images, source.test.images[rows])


def test_one_face_is_shown_in_every_way_that_the_paper_alters_it():
    titles = [panel.get_title() for panel in pictures.augmentations(drawn_faces()).axes]
    assert titles[:10] == list(pictures.PAPER_LABELS)
    assert titles[10:] == ["online"] * 10


def test_files_predict_where_the_cells_kept_nothing(tmp_path, monkeypatch):
    from edgefkp.runtime import predictor

    shown = drawn_faces()
    monkeypatch.setattr(predictor, "open_predictor", lambda path: _Fixed())
    (tmp_path / "manual-augment.float32.tflite").write_bytes(b"")
    (tmp_path / "weather.float32.tflite").write_bytes(b"")
    assert list(pictures.with_files(shown, tmp_path).predicted) == ["manual-augment"]
    kept = Shown(shown.name, shown.licence, shown.faces, {"manual-augment": shown.faces.keypoints})
    assert pictures.with_files(kept, tmp_path).predicted["manual-augment"] is shown.faces.keypoints


class _Fixed:
    def predict(self, images: np.ndarray) -> np.ndarray:
        return np.broadcast_to(KAGGLE15.mean_points(), (len(images), 15, 2))
