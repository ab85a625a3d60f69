"""Tables of face finders, from the JSON that the programs of bench.finders and bench.finder write."""

from typing import Any

from edgefkp.evaluation.table import Table

Row = dict[str, Any]
TIMED = ("search_with_face", "search_without_face", "still", "tracked_frame", "lost_frame")


def finders_table(rows: list[Row]) -> Table:
    cells = [
        [row["finder"], row["pictures"], str(row["faces"]), f"{row['missed']:.1%}", f"{row['rmse']:.3f}",
         f"{row['rmse_label_cut']:.3f}", f"{row['rmse'] / row['rmse_label_cut'] - 1:+.1%}"]
        for row in rows
    ]  # fmt: skip
    heads = ["finder", "images", "faces", "missed", "RMSE, px", "RMSE, label crops, px", "difference"]
    return Table.of(heads, cells, words=2)


def conditions_table(rows: list[Row]) -> Table:
    finders = list(dict.fromkeys(row["finder"] for row in rows))
    by = {(row["condition"], row["finder"]): row for row in rows}
    cells = []
    for name in dict.fromkeys(row["condition"] for row in rows):
        own = [by[name, finder] for finder in finders if (name, finder) in by]
        if own[0]["faces"]:
            shares = [f"{row['found_in_frames']:.2f} / {row['found']:.2f} / {row['kept']:.2f}" for row in own]
        else:
            shares = ["-"] * len(own)
        false = [f"{row['false_faces'] / row['images']:.3f} ({row['false_faces_bound']:.3f})" for row in own]
        cells.append([name, str(own[0]["images"]), *shares, *false])
    heads = ["condition", "images", *(f"{name}, found" for name in finders), *(f"{name}, false" for name in finders)]
    note = (
        "Found: in a frame / in a still / in a still and kept by the presence check. False: faces that were kept, for"
    )
    note += " each image (upper 95 % bound)."
    return Table.of(heads, cells, [note])


def finder_times_table(rows: list[Row]) -> Table:
    first = rows[0]
    cells = [
        [row["finder"], *(f"{row[name]:.2f} ({first[name] / row[name]:.1f})" for name in TIMED)]
        for row in rows
    ]  # fmt: skip
    heads = ["finder", *(name.replace("_", " ") + ", ms" for name in TIMED)]
    where = f"Processor time, one core of {first['processor']}; in parentheses: times faster than {first['finder']}."
    return Table.of(heads, cells, [where])
