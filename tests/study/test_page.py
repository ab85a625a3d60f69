import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from edgefkp.data.faces import Dataset, faces_of, shown_rows
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
from edgefkp.report.figures import svg
from edgefkp.study import page, shown
from edgefkp.study.cell import KeptPoints
from edgefkp.study.evidence import Evidence, ZooEntry, read_evidence
from edgefkp.study.figures import FIGURES, Material
from edgefkp.study.figures.architecture import steps_of
from edgefkp.study.figures.counts import size_against_parameters
from edgefkp.study.figures.curves import training_curves
from edgefkp.study.figures.errors import error_bars
from edgefkp.study.figures.faces import PAPER_LABELS, augmented
from edgefkp.study.grid import CUSTOM, TRANSFER, column_names
from edgefkp.study.shown import drawn_faces, shown_of, with_files
from tests.checked_page import check
from tests.study.made_study import made_cell, still_falling, write_info, write_study, write_times


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> Evidence:
    root = tmp_path_factory.mktemp("study")
    study = write_study(root)
    write_info(study)
    write_times(root)
    return read_evidence(study)


@pytest.fixture(scope="session")
def folder(whole, tmp_path_factory) -> Path:
    """The report of a whole study: every figure is drawn here, and nowhere else."""
    shown = drawn_faces()
    shown = replace(shown, predicted={"manual-augment": shown.faces.keypoints + 1})
    return page.write_report(tmp_path_factory.mktemp("report"), whole, shown).parent


def test_a_whole_study_gives_every_figure_and_table(folder):
    checked = check((folder / page.PAGE).read_text())
    for figure in FIGURES.values():
        assert figure.title in checked.text
        (file,) = folder.glob(f"{figure.name}.*")
        assert file.stat().st_size > 1000
    for text in ("Table 1", "Table 2", "Table 3", "Table 4", "did not hold", "Faces <of> nobody & co", "All 47 cells"):
        assert text in checked.text
    assert "Nothing is known" not in checked.text


def test_verdicts_on_claims_are_words_in_color(folder):
    text = (folder / page.PAGE).read_text()
    marks = {"held": "good", "did not hold": "bad", "inconclusive": "doubt"}
    found = re.findall(r'<span class="(\w+)">(held|did not hold|inconclusive)', text)
    assert {marks[verdict] == mark for mark, verdict in found} == {True}
    assert {verdict for _, verdict in found} >= {"held", "did not hold"}


def test_the_figures_are_the_papers_twelve_in_its_order():
    assert [one.title.split(".")[0] for one in FIGURES.values()] == [f"Figure {number}" for number in range(1, 13)]


def test_a_study_without_cells_says_what_is_missing(tmp_path, monkeypatch):
    unknown = ("figure-01-nulls", "figure-12-predictions")
    monkeypatch.setattr(FIGURES, "known", {name: FIGURES[name] for name in unknown})
    made = page.write_report(tmp_path / "out", read_evidence(write_study(tmp_path, [])), drawn_faces())
    checked = check(made.read_text())
    assert "0 of 47 cells are done; missing: baseline-drop" in checked.text
    assert checked.text.count("Nothing is known of it yet") == len(unknown)


def test_figures_of_a_study_without_cells_are_drawn_empty(tmp_path):
    material = Material(read_evidence(write_study(tmp_path, [])), drawn_faces())
    for name in ("figure-06-custom-rmse", "figure-08-size", "figure-09-mobilenetv2"):
        assert FIGURES[name].draw(material).axes


def test_the_same_cells_give_the_same_figure(whole):
    first, second = (svg(error_bars(whole.results, CUSTOM)) for _ in range(2))
    assert first == second


def test_every_cell_is_a_bar_with_its_interval(whole):
    for rows in (CUSTOM, TRANSFER):
        (panel,) = error_bars(whole.results, rows).axes
        heights = {round(bar.get_height(), 6) for bar in panel.patches}
        wanted = [result for result in whole.results.values() if _row(result) in rows]
        assert len(wanted) == len(rows) * len(column_names())
        assert {round(cell.scores.test.kaggle_rmse, 6) for cell in wanted} <= heights
        assert not [bar for bar in panel.patches if bar.get_hatch()]


def test_the_bar_of_a_cell_that_has_not_converged_is_hatched(whole):
    unfinished = still_falling(whole.results["mobilenetv2-knn"])
    (panel,) = error_bars({**whole.results, "mobilenetv2-knn": unfinished}, TRANSFER).axes
    assert len([bar for bar in panel.patches if bar.get_hatch()]) == 1


def _row(result) -> str:
    network = result.identity.network
    return "" if result.identity.seed else "tuned" if network.startswith("tuned_") else network


def test_networks_of_unknown_size_have_no_label_in_figure_8(whole):
    known = replace(whole.zoo, networks={"shi": ZooEntry(8_051_502, 43_747_752, float32_bytes=32_000_000)})
    results = {name: cell for name, cell in whole.results.items() if cell.identity.network == "manual"}
    evidence = replace(whole, zoo=known, results=results)
    (panel,) = size_against_parameters(Material(evidence, drawn_faces())).axes
    labels = {text.get_text() for text in panel.texts}
    assert {"shi", "manual", "nasnetmobile"} <= labels  # the paper printed the last one's
    assert not {"nano", "best", "gao"} & labels


def test_curves_show_the_history_and_its_numbers(whole):
    figure = training_curves(whole.results, ("manual",))
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


def test_architectures_follow_the_input_and_the_points():
    layout = KAGGLE15.part("left_eye_center", "right_eye_center", "nose_tip")
    steps = [text for text, _ in steps_of("manual", ModelSpec(layout, InputSpec(64, "rgb")))]
    assert (steps[0], steps[-1]) == ("64x64x3", "dense 6")
    assert "3x3 conv 64, leaky, BN  64²" in steps


@pytest.fixture
def source(monkeypatch) -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 96, 96), np.uint8)
    keypoints = (KAGGLE15.mean_points() + rng.normal(0, 1, (60, 15, 2))).astype(np.float32)
    faces = faces_of(images, keypoints)
    made = Dataset("made", faces.take(np.arange(40)), faces.take(np.arange(40, 60)), "free")
    monkeypatch.setattr(shown, "open_dataset", lambda data: made)
    return made


def test_predictions_are_those_that_the_cells_kept_of_these_faces(source):
    rows = shown_rows(20).tolist()
    kept = KeptPoints(rows, np.zeros((len(rows), KAGGLE15.count, 2)).tolist())
    cells = {}
    for name, digest in (("manual-augment", source.test.hash), ("manual-drop", "of other faces")):
        cell = made_cell(name)
        cell.scores.test.data["hash"] = digest
        cells[name] = replace(cell, scores=replace(cell.scores, sheet=kept))
    found = shown_of("made", cells)
    assert list(found.predicted) == ["manual-augment"]
    np.testing.assert_array_equal(found.faces.images, source.test.images[rows])


def test_one_face_is_shown_in_every_way_that_the_paper_alters_it():
    titles = [panel.get_title() for panel in augmented(drawn_faces()).axes]
    assert titles[:10] == list(PAPER_LABELS)
    assert titles[10:] == ["online, ten times", *[""] * 9]


def test_files_predict_where_the_cells_kept_nothing(tmp_path, monkeypatch):
    from edgefkp.runtime import predictor

    drawn = drawn_faces()
    monkeypatch.setattr(predictor, "open_predictor", lambda path: _Fixed())
    (tmp_path / "manual-augment.float32.tflite").write_bytes(b"")
    (tmp_path / "weather.float32.tflite").write_bytes(b"")
    assert list(with_files(drawn, tmp_path).predicted) == ["manual-augment"]
    kept = replace(drawn, predicted={"manual-augment": drawn.faces.keypoints})
    assert with_files(kept, tmp_path).predicted["manual-augment"] is drawn.faces.keypoints


class _Fixed:
    def predict(self, images: np.ndarray) -> np.ndarray:
        return np.broadcast_to(KAGGLE15.mean_points(), (len(images), 15, 2))
