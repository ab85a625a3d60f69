"""Render the tables of docs/LIVE.md from the output of bench/finders.py, bench/track.py and bench/pipeline.py."""

from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json

Row = dict[str, Any]


def live_markdown(path: Path) -> str:
    """Render the table that matches the schema of the JSON. Raises EdgefkpError for any other file."""
    stored = read_json(path)
    rows = stored if isinstance(stored, list) else [stored]
    schemas = {row.get("schema") if isinstance(row, dict) else None for row in rows}
    for schema, table in _TABLES.items():
        if schemas == {schema}:
            return table(rows, "pipe")
    raise EdgefkpError(f"{path} is none of {', '.join(_TABLES)}", "regenerate it with the program in bench/")


def finders_table(rows: list[Row], style: str = "simple") -> str:
    cells = [
        (row["finder"], row["pictures"], row["faces"], f"{row['missed']:.1%}", row["rmse"], row["rmse_label_cut"],
         f"{row['rmse'] / row['rmse_label_cut'] - 1:+.1%}")
        for row in rows
    ]  # fmt: skip
    heads = ["finder", "images", "faces", "missed", "RMSE, px", "RMSE, label crops, px", "difference"]
    return _tabulated(cells, heads, style, ".3f")


def track_table(rows: list[Row], style: str = "simple") -> str:
    cells = [
        (row["model"], f"{row['fps']:g}", row["frames"], row["lost"], row["searches"], row["rmse"],
         row["rmse_smoothed"], row["jitter"], row["jitter_smoothed"],
         "-" if row["lag_ms"] is None else f"{row['lag_ms']:.0f}")
        for row in rows
    ]  # fmt: skip
    heads = [
        "model",
        "frames/s",
        "frames",
        "lost",
        "searches",
        "RMSE, px",
        "RMSE smoothed, px",
        "jitter, px",
        "jitter smoothed, px",
        "lag, ms",
    ]
    return _tabulated(cells, heads, style, ".2f")


def pipeline_table(rows: list[Row], style: str = "simple") -> str:
    stages = [stage["name"] for stage in rows[0]["stages"]]
    cells = [
        (row["model"], f"{row['tracked_core_fps']:.0f}", f"{row['with_finder_core_fps']:.0f}",
         *(f"{stage['median']:.0f}" for stage in row["stages"]))
        for row in rows
    ]  # fmt: skip
    heads = [
        "model",
        "frames/s",
        f"frames/s, search every {rows[0]['search']} frames",
        *(f"{stage}, us" for stage in stages),
    ]
    table = _tabulated(cells, heads, style, "g")
    where = f"One core of {rows[0]['processor']}, processor time; {rows[0]['runtime']}, OpenCV {rows[0]['opencv']}."
    return f"{table}\n\n{where}"


_TABLES = {
    "edgefkp.finders/1": finders_table,
    "edgefkp.track/1": track_table,
    "edgefkp.pipeline/1": pipeline_table,
}


def _tabulated(cells: list[tuple[Any, ...]], heads: list[str], style: str, floats: str) -> str:
    from tabulate import tabulate

    return tabulate(cells, headers=heads, tablefmt=style, floatfmt=floats, disable_numparse=False)
