from dataclasses import replace

import pytest

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex

from edgefkp.layout import SIDE_COLORS
from edgefkp.report import run_page
from edgefkp.report.faces import side_color
from edgefkp.report.figures import png
from edgefkp.report.point_errors import point_errors
from edgefkp.report.run_figures import FIGURES, RunEvidence, learning_curve, prediction_sheet, size_against_rmse
from tests.checked_page import check


@pytest.fixture(scope="session")
def whole(result, shown, tmp_path_factory) -> str:
    """A page with every figure, which is drawn once."""
    return run_page.write_page(tmp_path_factory.mktemp("page") / "report.html", result, shown).read_text()


@pytest.fixture
def checked(whole):
    return check(whole)


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr(FIGURES, "known", {})


def test_it_says_what_the_numbers_stand_on(checked):
    for fact in ("2.0", "A board, 4 cores, aarch64", "litert 2.3.0", "Faces <of> nobody & co", "not trained enough"):
        assert fact in checked.text
    assert "test 100 faces of 10 persons" in checked.text


def test_without_a_sheet_there_are_no_faces(result, tmp_path):
    text = run_page.write_page(tmp_path / "report.html", result).read_text()
    assert "<img" not in text
    assert "Predictions" not in text


def test_the_same_result_gives_the_same_page(whole, result, shown, tmp_path):
    assert run_page.write_page(tmp_path / "a.html", result, shown).read_text() == whole


def test_a_curve_shows_the_history(result):
    for model in result.models:
        (panel,) = learning_curve(model, result.mean_shape_rmse).axes
        drawn = {line.get_label(): list(line.get_ydata()) for line in panel.lines}
        assert panel.get_title() == model.model
        assert drawn["validation faces"] == [row["validation_rmse"] for row in model.history]
        assert drawn["training faces"] == [row["train_rmse"] for row in model.history]


def test_every_file_is_a_point_of_size_against_rmse(result):
    panel = size_against_rmse(RunEvidence(result, None)).axes[0]
    points = {(x, y) for line in panel.lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}
    for model in result.models:
        assert (model.bytes / 1000, model.rmse) in points
        assert all((file.bytes / 1000, file.rmse) in points for file in model.files)


def test_the_sheet_shows_every_face_and_keeps_its_frame(result, shown):
    figure = prediction_sheet(shown, result.models[0].model)
    drawn = [panel for panel in figure.axes if panel.images]
    assert len(drawn) == len(shown.images)
    assert drawn[0].get_xlim() == (-0.5, 95.5)
    assert drawn[0].get_ylim() == (95.5, -0.5)
    assert png(figure).startswith(b"\x89PNG")


def test_a_figure_that_is_registered_stands_on_the_page(result, tmp_path):
    @FIGURES.figure("extra", "One more figure", "Of nothing.")
    def extra(evidence):
        return learning_curve(evidence.result.models[0], 5.0)

    try:
        text = run_page.write_page(tmp_path / "report.html", result).read_text()
    finally:
        FIGURES.remove("extra")
    assert "One more figure" in text
    assert '<a href="#one-more-figure">' in text
    learning_and_points, alone = 2 * len(result.models), 4
    assert text.count("</svg>") == learning_and_points + alone


def test_a_result_of_before_there_were_curves_has_a_page_without_them(whole, result, tmp_path):
    older = replace(result, models=[replace(model, normalized=None, nme_by="") for model in result.models])
    text = run_page.write_page(tmp_path / "report.html", older).read_text()
    assert "Cumulative error" not in text
    assert "Cumulative error" in whole


def test_the_worst_faces_stand_on_the_page(whole, result):
    assert "Worst held-out faces" in whole
    assert whole.count("<img") == 2 * len(result.models)


def test_the_page_of_own_faces_leads_with_what_to_use_and_names_the_terms(tuned_result, no_figures, tmp_path):
    text = run_page.write_page(tmp_path / "report.html", tuned_result).read_text()
    assert "Your faces" in text
    assert '<p class="lead">Use small-masked-online untouched: 1.00 px.' in text
    assert "inherited from small.keras: for research" in text


def test_a_bad_time_is_marked_where_it_stands(result, no_figures, tmp_path):
    model = result.models[0]
    bad = replace(model.files[0], verdict="INVALID", reasons=["load"], seconds_per_100=631.2, ms=6312.0)
    made = replace(result, models=[replace(model, files=[bad, model.files[1]])])
    text = run_page.write_page(tmp_path / "report.html", made).read_text()
    assert text.count('<span class="bad">631!</span>') == 2  # in the results and in the list of files
    assert '<span class="bad">6,312!</span>' in text
    assert '<span class="bad">INVALID</span>' in text
    assert ">0.0312</td>" in text
    assert "631." not in text


def test_persons_are_claimed_only_where_they_are_known(result, no_figures, tmp_path):
    for known, claimed in ((True, True), (False, False), (None, False)):
        data = {**result.data, "persons_known": known}
        if known is None:  # of before this was kept
            del data["persons_known"]
        text = run_page.write_page(tmp_path / "report.html", replace(result, data=data)).read_text()
        assert ("persons that no training saw" in text) is claimed
        assert ("near-duplicates" in text) is not claimed


def test_better_than_the_mean_shape_is_claimed_only_outside_the_interval(result, no_figures, tmp_path):
    model = result.models[0]
    high = model.interval[1]
    near = replace(result, models=[model], mean_shape_rmse=(model.rmse + high) / 2)
    text = run_page.write_page(tmp_path / "report.html", near).read_text()
    assert "That is not clearly better than the mean shape" in text
    assert "enough to beat the mean shape" not in text
    assert "does not beat the mean shape by more than its 95 % interval" in text
    far = replace(near, mean_shape_rmse=high + 0.1)
    text = run_page.write_page(tmp_path / "report.html", far).read_text()
    assert "enough to beat the mean shape" in text
    assert "clearly" not in text


def test_points_are_bars_in_the_color_of_their_side(result):
    errors = result.models[0].rmse_per_point
    (panel,) = point_errors({**errors, "chin": None}, "small").axes
    bars = dict(zip([tick.get_text() for tick in panel.get_yticklabels()], panel.patches, strict=False))
    assert list(bars) == [name.replace("_", " ") for name in sorted(errors, key=lambda name: -errors[name])]
    for name, error in errors.items():
        bar = bars[name.replace("_", " ")]
        assert bar.get_width() == pytest.approx(error)
        assert to_hex(bar.get_facecolor()) == side_color(name)
    assert side_color("left_eye_center") == to_hex(tuple(part / 255 for part in SIDE_COLORS["left"]))


def test_the_page_has_how_labels_were_read_and_what_is_doubtful_in_them(whole, result, no_figures, tmp_path):
    assert "Audit of the labels" not in whole
    labels = {"read": {"unit": "percent"}, "doubts": ["4 of 80 faces are upside down: look"], "audit": {"sides": 4}}
    page = run_page.write_page(tmp_path / "a.html", replace(result, data=result.data | {"labels": labels})).read_text()
    for words in ("unit percent", "sides 4", "4 of 80 faces are upside down", "does not beat the mean shape: doubtful"):
        assert words in page
    assert "not trained enough" not in page
