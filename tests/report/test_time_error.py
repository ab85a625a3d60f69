"""The plot of time against error: whose front it shows, and that its names can be read."""

from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg

from edgefkp.bench.verdict import INVALID, SUSPECT, VALID
from edgefkp.report.axes import plain, round_log
from edgefkp.report.figures import on_page, panels, svg
from edgefkp.report.time_error import TimedFile, front, time_against_error


def files_of(*rows: tuple[str, float, float, str]) -> list[TimedFile]:
    return [TimedFile(*row) for row in rows]


def crowd(count: int) -> list[TimedFile]:
    """Networks whose float32 and int8 files are near each other, as they always are."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        time, error = float(np.exp(rng.normal(-3, 1))), float(rng.normal(2, 0.2))
        rows.append((f"network-{number}-masked-online.float32", time, error, VALID))
        rows.append((f"network-{number}-masked-online.int8", time * 0.97, error + 0.002, SUSPECT))
    return files_of(*rows)


def boxes(figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    (panel,) = figure.axes
    return panel, {text.get_text(): text.get_window_extent(renderer) for text in panel.texts}


def test_the_front_is_of_valid_files_alone():
    files = files_of(
        ("invalid", 0.1, 1.0, INVALID), ("suspect", 0.2, 1.1, SUSPECT), ("fast", 0.3, 3.0, VALID),
        ("beaten", 0.4, 3.5, VALID), ("good", 0.9, 2.0, VALID), ("same", 0.9, 2.0, VALID),
    )  # fmt: skip
    assert [file.name for file in front(files)] == ["fast", "good"]
    (panel,) = time_against_error(files, "seconds", 6, 4).axes
    assert panel.lines[0].get_xydata().tolist() == [[0.3, 3.0], [0.9, 3.0], [0.9, 2.0]]


def test_without_a_valid_file_there_is_no_front():
    (panel,) = time_against_error(files_of(("a", 0.1, 1.0, INVALID), ("b", 0.2, 2.0, SUSPECT)), "seconds", 6, 4).axes
    assert not panel.lines
    assert time_against_error([], "seconds", 6, 4) is None


def test_no_name_is_over_another_or_cut_at_the_edge():
    files = crowd(8)
    panel, found = boxes(time_against_error(files, "seconds per 100 images", 6.8, 4.4))
    assert set(found) == {file.name for file in files}
    for (first, one), (second, other) in combinations(found.items(), 2):
        assert not one.overlaps(other), (first, second)
    frame = panel.bbox.padded(1)
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in found.values())
    marks = panel.transData.transform([(file.time, file.rmse) for file in files])
    assert not any(box.contains(*mark) for box in found.values() for mark in marks)


@pytest.mark.parametrize(("low", "high"), [(0.031, 0.036), (0.25, 0.3), (0.02, 0.9), (0.001, 700), (3.498, 3.613)])
def test_marks_of_an_axis_are_round_however_short_it_is(low, high):
    panel = panels(6, 4)[1][0, 0]
    panel.plot([low, high], [1, 2])
    round_log(panel.xaxis)
    marks = [mark for mark in panel.xaxis.get_ticklocs() if low <= mark <= high]
    assert len(marks) >= 2
    assert all(len(f"{mark:.6g}".replace(".", "").strip("0")) <= 3 for mark in marks)


def test_numbers_on_axes_are_plain():
    assert [plain(value) for value in (0.0125, 1, 2.5, 250, 12_000)] == ["0.0125", "1", "2.5", "250", "12,000"]


def test_a_drawing_takes_the_colors_of_the_page_and_has_a_title():
    drawn = on_page(svg(time_against_error(crowd(1), "seconds", 6, 4)), "Time &lt;b&gt;")
    assert drawn.startswith('<svg role="img"')
    assert "<title>Time &lt;b&gt;</title>" in drawn[:600]
    assert "#000000" not in drawn
    assert 'style="fill: #ffffff"' not in drawn
    assert "currentColor" in drawn
    assert "<title>network-0-masked-online.int8: " in drawn  # under the pointer
