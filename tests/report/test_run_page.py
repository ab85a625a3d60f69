from html.parser import HTMLParser

import pytest

pytest.importorskip("matplotlib")

from edgefkp.report import figures, run_page

VOID = {"meta", "link", "img", "br"}


class Checked(HTMLParser):
    """Collects what a page would fetch, its text, and tags that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.addresses, self.text, self.open, self.wrong = [], "", [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset", "action") or "url(" in (value or ""):
                self.addresses.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def checked(result, sheet, tmp_path):
    parser = Checked()
    parser.feed(run_page.write_page(tmp_path / "report.html", result, sheet).read_text())
    return parser


def test_nothing_is_fetched(checked):
    outside = [where for where in checked.addresses if not where.startswith(("data:", "#", "url(#"))]
    assert outside == []
    assert "@import" not in checked.text


def test_the_page_is_well_formed(checked):
    assert checked.wrong == checked.open == []


def test_it_says_what_the_numbers_stand_on(checked):
    for fact in ("2.0", "A board, 4 cores, aarch64", "litert 2.3.0", "Faces <of> nobody & co", "not trained enough"):
        assert fact in checked.text
    assert "test 100 faces of 10 persons" in checked.text


def test_without_a_sheet_there_are_no_faces(result, tmp_path):
    text = run_page.write_page(tmp_path / "report.html", result).read_text()
    assert "<img" not in text
    assert "Predictions" not in text


def test_the_same_result_gives_the_same_page(result, sheet, tmp_path):
    first, second = (run_page.write_page(tmp_path / name, result, sheet).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_a_curve_shows_the_history(result):
    for model in result.models:
        (panel,) = figures.learning_curve(model, result.mean_shape_rmse).axes
        drawn = {line.get_label(): list(line.get_ydata()) for line in panel.lines}
        assert panel.get_title() == model.model
        assert drawn["validation faces"] == [row["validation_rmse"] for row in model.history]
        assert drawn["training faces"] == [row["train_rmse"] for row in model.history]


def test_every_file_is_a_point_of_size_against_rmse(result):
    panel = figures.size_against_rmse(result).axes[0]
    points = {(x, y) for line in panel.lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}
    for model in result.models:
        assert (model.bytes / 1000, model.rmse) in points
        assert all((file.bytes / 1000, file.rmse) in points for file in model.files)


def test_the_sheet_shows_every_face_and_keeps_its_frame(result, sheet):
    figure = figures.prediction_sheet(sheet, result.models[0].model)
    shown = [panel for panel in figure.axes if panel.images]
    assert len(shown) == len(sheet.images)
    assert shown[0].get_xlim() == (-0.5, 95.5)
    assert shown[0].get_ylim() == (95.5, -0.5)
    assert figures.png(figure).startswith(b"\x89PNG")
