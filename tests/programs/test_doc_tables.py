"""The tables of our own networks say what the JSON says, and refuse what cannot be compared."""

import json

import pytest

from bench.doc_tables import (
    ablations_table,
    family_table,
    live_table,
    robustness_table,
    seeds_table,
    structures_table,
)
from bench.pareto import pareto
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.table import Table
from edgefkp.files import write_json

PEERS = {
    "machine": "x86_64",
    "data": {"name": "faces", "faces": 7},
    "rows": [
        {"name": "peer", "bytes": 2_000_000, "ms": [1.9, 2.0, 2.1], "rmse": 1.2, "coordinates": 90},
        {"name": "ours-masked", "bytes": 1e5, "ms": [0.1] * 3, "rmse": 1.1, "rmse_all": 1.05, "coordinates": 90},
        {"name": "eyes alone", "bytes": 1, "ms": [1, 1, 1], "rmse": 0.5, "coordinates": 30},
        {"name": "mobilenetv2.float32", "bytes": 9_000_000, "ms": [1, 1, 1], "rmse": None, "coordinates": 0},
    ],
}


def lines(table: Table) -> list[str]:
    return [line for line in table.markdown(markup=True).splitlines() if line.startswith("|")][2:]


def test_the_family_is_best_first_with_times_against_the_reference(tmp_path):
    first, second = lines(family_table(write_json(tmp_path / "p.json", PEERS)))
    assert first == "| ours-masked | 100 | 0.100 | 1.100 | 1.050 |"
    assert second == "| peer | 2,000 | 2.000 | 1.200 | - |"
    with pytest.raises(EdgefkpError, match="compare times"):
        family_table(write_json(tmp_path / "p.json", {**PEERS, "rows": PEERS["rows"][:2]}))


def test_the_plot_has_a_circle_and_a_name_for_each(tmp_path):
    pytest.importorskip("matplotlib")
    (axes,) = pareto(PEERS).axes
    assert [tuple(c.get_offsets()[0]) for c in axes.collections] == [(0.1, 1.1), (2.0, 1.2)]
    assert [text.get_text() for text in axes.texts] == ["ours-masked, 0.1 MB", "peer, 2 MB"]


def test_a_change_is_compared_with_its_own_base(tmp_path):
    common = {"images": 100, "rmse_all": 1.5, "train_rmse": 1.6}
    rows = [
        {"name": "base", "change": "small", "against": "base", "rmse": 1.5, "interval": None, **common},
        {"name": "wing", "change": "wing loss", "against": "base", "rmse": 1.4, "interval": [-0.12, -0.08], **common},
    ]
    content = {"data": {"name": "faces", "faces": 7}, "rows": rows}
    base, wing = lines(ablations_table(write_json(tmp_path / "a.json", content)))
    assert base == "| base: small |  | 100 | 1.500 | - | 1.500 | 1.600 |"
    assert wing == "| wing: wing loss | base | 100 | 1.400 | -0.100 (-0.120 to -0.080) | 1.500 | 1.600 |"


def test_the_fastest_scheme_is_bold_and_what_did_not_load_is_a_dash(tmp_path):
    row = {"name": "n", "parameters": 1000, "macs": 2e6, "bytes": {"dynamic": 3000}}
    row["ratio"] = {"litert": {"float32": 0.3, "dynamic": 0.1}, "tflite-runtime": {"float32": 0.2}}
    content = {
        "machine": "x86_64",
        "versions": {"litert": "2.3.0"},
        "reference": {"ms": {"litert": 1.3}},
        "rows": [row],
    }
    (line,) = lines(structures_table(write_json(tmp_path / "s.json", content)))
    assert line == "| n | 1,000 | 2.0 | 3 | 0.300 | **0.100** | - | **0.200** | - | - |"


def test_models_that_saw_other_images_are_not_compared(tmp_path):
    def model(name: str, digest: str) -> dict:
        rows = [
            {"condition": "as it is", "strength": "", "rmse": 1.0, "hash": "a"},
            {"condition": "blur", "strength": "sigma 1 px", "rmse": 1.5, "hash": digest},
        ]
        return {"name": name, "rows": rows}

    content = {"data": {"name": "faces", "faces": 7}, "models": [model("x", "b"), model("y", "b")]}
    clean, blur = lines(robustness_table(write_json(tmp_path / "r.json", content)))
    assert (clean, blur) == (
        "| as it is | 1.00 (1.00) | 1.00 (1.00) |",
        "| blur, sigma 1 px | 1.50 (1.50) | 1.50 (1.50) |",
    )
    content["models"][1] = model("y", "c")
    with pytest.raises(ValueError, match="other images"):
        robustness_table(write_json(tmp_path / "r.json", content))


def test_each_seed_has_its_row(tmp_path):
    scores = {"validation": {"rmse": 1.0, "interval": [0.9, 1.1]}, "test": {"rmse": 1.25, "interval": [1.2, 1.3]}}
    rows = [{"network": "nano", "seed": seed, **scores} for seed in (0, 1)]
    content = {"data": {"name": "faces"}, "rows": rows}
    _, second = lines(seeds_table(write_json(tmp_path / "s.json", content)))
    assert second == "| nano | 1 | 1.000 | 1.250 (1.200-1.300) |"


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


POSE = {
    "schema": "edgefkp.pose/1", "check": "mirrored image", "data": "lfw-kaggle", "model": "small", "faces": 9,
    "turn": [3.0, 6.3], "tilt": [1.0, 2.0], "nod": [3.7, 9.7],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        ([FINDERS], ["haar", "10.0%", "1.100", "+10.0%"]),
        ([TRACK, TRACK], ["7.5", "1.50", "1.60", "-"]),
        ([POSE, POSE], ["3.0 / 6.3", "1.0 / 2.0", "of small;"]),
        ([PIPELINE], ["778", "556", "40", "One core of P"]),
    ],
)
def test_each_kind_has_its_table(tmp_path, rows, cells):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    text = live_table(path).text(None)
    assert all(cell in text for cell in cells)


@pytest.mark.parametrize("content", ["[]", '[{"schema": "other"}]', "[1]"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "rows.json"
    path.write_text(content)
    with pytest.raises(EdgefkpError, match="is none of"):
        live_table(path)
