import json

import pytest

from bench.doc_live import live_markdown
from edgefkp.errors import EdgefkpError

FINDERS = {
    "schema": "edgefkp.finders/1", "pictures": "some", "finder": "haar", "model": "m", "faces": 10, "missed": 0.1,
    "rmse": 1.1, "rmse_label_cut": 1.0,
}  # fmt: skip
TRACK = {
    "schema": "edgefkp.track/1", "model": "m", "fps": 7.5, "frames": 9, "lost": 0, "searches": 1, "rmse": 1.5,
    "rmse_smoothed": 1.6, "worst_frame": 2.0, "jitter": 0.2, "jitter_smoothed": 0.1, "lag_ms": None,
}  # fmt: skip
PIPELINE = {
    "schema": "edgefkp.pipeline/1", "model": "m", "runtime": "litert 2", "processor": "P", "opencv": "4",
    "search": 100, "tracked_core_fps": 777.7, "with_finder_core_fps": 555.5,
    "stages": [{"name": "crop", "median": 40.2, "p95": 50.0}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        ([FINDERS], ["haar", "10.0%", "1.100", "+10.0%"]),
        ([TRACK, TRACK], ["7.5", "1.50", "1.60", "-"]),
        ([PIPELINE], ["778", "556", "40", "One core of P"]),
    ],
)
def test_each_kind_has_its_table(tmp_path, rows, cells):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    table = live_markdown(path)
    assert table.startswith("|")
    assert all(cell in table for cell in cells)


@pytest.mark.parametrize("content", ["[]", '[{"schema": "other"}]', "[1]"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "rows.json"
    path.write_text(content)
    with pytest.raises(EdgefkpError, match="is none of"):
        live_markdown(path)
