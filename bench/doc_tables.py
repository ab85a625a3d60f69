"""The tables of README and docs, from the JSON files that the programs in bench/ write."""

from pathlib import Path
from typing import Any

from bench.finder_tables import conditions_table, finder_times_table, finders_table
from bench.peer_rows import basis, doubts, time_cell, verdict_of
from edgefkp.data.formats import FORMATS
from edgefkp.data.written import WRITERS
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.table import Column, Table
from edgefkp.files import read_json

REFERENCE = "mobilenetv2.float32"  # times are relative to this file

Row = dict[str, Any]


def formats_table(_: Path) -> Table:
    """Every form of labeled faces that is read."""
    rows = [[f"`{one.name}`", one.description, one.holds] for one in FORMATS.values()]
    return Table.of(["name", "what to give as DATA", "what it can hold"], rows, words=3)


def written_table(_: Path) -> Table:
    """Every form that `edgefkp data convert` writes."""
    rows = [[f"`--to {one.name}`", one.description, one.loses or "-"] for one in WRITERS.values()]
    return Table.of(["option", "what is written", "what it cannot hold"], rows, words=3)


def family_table(path: Path) -> Table:
    """Size, time relative to MobileNetV2 float32, and RMSE of every scored model in `path` (peers.json)."""
    content = read_json(path)
    data = content["data"]
    rows = [
        [
            row["name"],
            f"{row['bytes'] / 1000:,.0f}",
            f"{row['ratio']:.3f}",
            f"{row['rmse']:.3f}",
            "-" if row.get("rmse_all") is None else f"{row['rmse_all']:.3f}",
        ]
        for row in scored(content)
    ]
    note = (
        f"{data['name']}, {data['faces']:,} test faces. Time: median, relative to {REFERENCE} in the same run; 1 "
        f"thread, {content['machine']}. RMSE: over points placed by hand or derived from such points; all 15 points: "
        "including the points that MediaPipe and dlib agreed on."
    )
    return Table.of(["model", "KB", "relative time", "RMSE, px", "RMSE, all 15 points, px"], rows, [note])


def scored(content: dict[str, Any]) -> list[Row]:
    """The rows with an RMSE over all hand-placed points, with their time `ratio`, best first.

    Raises EdgefkpError if the row to compare times with is missing.
    """
    reference = next((row["ms"][1] for row in content["rows"] if row["name"] == REFERENCE), None)
    if reference is None:
        raise EdgefkpError(f"no row {REFERENCE} to compare times with", "give that file to bench/peers/peers.py, too")
    rows = [row | {"ratio": row["ms"][1] / reference} for row in content["rows"] if row["rmse"] is not None]
    most = max((row["coordinates"] for row in rows), default=0)
    return sorted((row for row in rows if row["coordinates"] == most), key=lambda row: row["rmse"])


def peers_table(path: Path) -> Table:
    """Size, time of the network alone, and RMSE; quoted figures come last."""
    content = read_json(path)
    data = content["data"]
    rows = []
    for row in content["rows"]:
        error = "n/a" if row["rmse"] is None else f"{row['rmse']:.3f}"
        rows.append(
            [
                row["name"],
                f"{row['bytes'] / 1000:,.0f}",
                time_cell(row, 3),
                verdict_of(row)[0],
                error,
                f"{row['coordinates']:,}",
            ]
        )
    rows += [[name, "-", f"{ms:.2f}", "-", f"{error:.2f}", "-"] for name, ms, error in content["quoted"]]
    note = (
        f"{data['name']}, {data['faces']:,} test faces, points placed by hand or derived from such points; "
        f"{basis(content)}. n/a: only timed."
    )
    columns = [Column("model", "left"), Column("KB"), Column("ms p50 (p25-p75)"), Column("verdict", "left")]
    columns += [Column("RMSE, px"), Column("coordinates")]
    return Table(columns, rows, [note, *doubts(content["rows"])])


def landmarks_table(path: Path) -> Table:
    """NME of 68-point models and of dlib on the same photos."""
    content = read_json(path)
    data = content["data"]
    rows = [
        [
            row["name"].removesuffix(".tflite"),
            f"{row['bytes'] / 1000:,.0f}" if "bytes" in row else "-",
            f"{row['nme']:.2f}",
            f"{row['nme_median']:.2f}",
            f"{row['nme_without_jaw']:.2f}",
            f"{100 * row['over_10']:.1f}",
        ]
        for row in content["rows"]
    ]
    note = (
        f"{data['name']}, {data['faces']:,} test faces of {data['persons']} persons; the labels were placed "
        "automatically. NME: mean distance of the points over that of the eyes' outer corners."
    )
    heads = ["model", "KB", "NME, %", "median, %", "without the jaw, %", "faces over 10 %, %"]
    return Table.of(heads, rows, [note])


def structures_table(path: Path) -> Table:
    """Sizes and time ratios of untrained structures; the fastest scheme in each runtime is bold."""
    content = read_json(path)
    runtimes, schemes = {"litert": "LiteRT", "tflite-runtime": "tflite-runtime"}, ("float32", "dynamic", "int8")
    heads = ["structure", "parameters", "M MACs", "KB dynamic"]
    heads += [f"{scheme}, {runtime}" for runtime in runtimes.values() for scheme in schemes]
    rows = []
    for row in content["rows"]:
        kilobytes = f"{row['bytes']['dynamic'] / 1000:.0f}"
        cells = [row["name"], f"{row['parameters']:,}", f"{row['macs'] / 1e6:.1f}", kilobytes]
        for runtime in runtimes:
            ratios = row["ratio"].get(runtime, {})
            fastest = min(ratios.values(), default=None)
            cells += [_ratio(ratios.get(scheme), fastest) for scheme in schemes]
        rows.append(cells)
    ms, versions = content["reference"]["ms"], content["versions"]
    times = ", ".join(f"{ms[name]:.2f} ms on {name} {versions[name]}" for name in versions)
    note = (
        f"Median times relative to MobileNetV2 float32 in the same run (in the latest: {times}); 1 thread, "
        f"{content['machine']}."
    )
    return Table.of(heads, rows, [note])


def _ratio(value: float | None, fastest: float | None) -> str:
    if value is None:
        return "-"
    return f"**{value:.3f}**" if value == fastest else f"{value:.3f}"


def ablations_table(path: Path) -> Table:
    """The validation RMSE of each change and its difference from the row it is compared with."""
    content = read_json(path)
    data, known = content["data"], {row["name"]: row for row in content["rows"]}
    heads = ["change", "compared with", "images", "RMSE, px", "difference (95 %)"]
    rows = [
        [
            f"{row['name']}: {row['change']}",
            "" if row["against"] == row["name"] else row["against"],
            f"{row['images']:,}",
            f"{row['rmse']:.3f}",
            _difference(row, known),
            f"{row['rmse_all']:.3f}",
            f"{row['train_rmse']:.3f}",
        ]
        for row in content["rows"]
    ]
    note = (
        f"{data['name']}, {data['faces']:,} faces of validation persons; RMSE over points placed by hand or derived "
        "from such points. The interval is a bootstrap over persons of the paired difference; it does not include the "
        "variation between seeds."
    )
    return Table.of([*heads, "all points, px", "training faces, px"], rows, [note], words=2)


def _difference(row: Row, known: dict[str, Row]) -> str:
    if row["interval"] is None or row["against"] not in known:
        return "-"
    low, high = row["interval"]
    return f"{row['rmse'] - known[row['against']]['rmse']:+.3f} ({low:+.3f} to {high:+.3f})"


def seeds_table(path: Path) -> Table:
    """The RMSE of trainings that differ only in their seed."""
    content = read_json(path)
    rows = []
    for row in content["rows"]:
        low, high = row["test"]["interval"]
        test = f"{row['test']['rmse']:.3f} ({low:.3f}-{high:.3f})"
        rows.append([row["network"], str(row["seed"]), f"{row['validation']['rmse']:.3f}", test])
    note = f"{content['data']['name']}, before conversion; over points placed by hand or derived from such points."
    return Table.of(["network", "seed", "RMSE, validation, px", "RMSE, test, px (95 %)"], rows, [note])


def own_faces_table(path: Path) -> Table:
    """What training on some of a folder's persons gains on the others: one row for each number of faces."""
    content = read_json(path)
    before, data = content["untouched"], content["data"]
    table = []
    for size in dict.fromkeys(row["size"] for row in content["rows"]):
        for kind in ("finetuned", "scratch"):
            if rows := [row for row in content["rows"] if (row["size"], row["kind"]) == (size, kind)]:
                table.append(_own_faces_row(rows, before))
    heads = ["faces to learn from", "how", "trainings", "RMSE, px", "less", "worst", "hand-placed, px", "less", "worst"]
    untouched = [["0", "untouched", "-", f"{before['rmse']:.3f}", "-", "-", f"{before['rmse_hand']:.3f}", "-", "-"]]
    note = (
        f"{data['name']}: {data['faces']['test']} test faces of {data['persons']['test']} persons, "
        f"{data['test_faces_by_hand']} of them with points placed by hand. Mean of the trainings, each with other "
        "faces and another seed (all faces: another seed); less: than the untouched network; worst: of the trainings."
    )
    return Table.of(heads, untouched + table, [note], words=2)


def _own_faces_row(rows: list[Row], before: Row) -> list[str]:
    how = ", ".join(dict.fromkeys(row["schedule"] for row in rows))
    cells = []
    for name in ("rmse", "rmse_hand"):
        errors = [row[name] for row in rows]
        mean = sum(errors) / len(errors)
        cells += [f"{mean:.3f}", f"{1 - mean / before[name]:+.1%}", f"{max(errors):.3f}"]
    persons = sorted(row["persons"] for row in rows)
    counted = f"{persons[0]}-{persons[-1]}" if persons[0] < persons[-1] else f"{persons[0]}"
    return [f"{rows[0]['faces']} of {counted} persons", how, str(len(rows)), *cells]


def robustness_table(path: Path) -> Table:
    """The RMSE of every model under every condition, also as a multiple of the RMSE on untouched faces.

    Raises ValueError if two models did not see the same images.
    """
    content = read_json(path)
    models, data = content["models"], content["data"]
    table = []
    for number, first in enumerate(models[0]["rows"]):
        rows = [model["rows"][number] for model in models]
        if len({row["hash"] for row in rows}) != 1:
            raise ValueError(f"{path}: the models saw other images under {first['condition']} {first['strength']}")
        cells = [_times(row["rmse"], model["rows"][0]["rmse"]) for row, model in zip(rows, models, strict=True)]
        table.append([", ".join(part for part in (first["condition"], first["strength"]) if part), *cells])
    note = f"{data['name']}, {data['faces']:,} test faces: RMSE in px (as a multiple of the RMSE on untouched faces)."
    return Table.of(["condition", *(model["name"] for model in models)], table, [note])


def _times(error: float, clean: float) -> str:
    return f"{error:.2f} ({error / clean:.2f})"


def live_table(path: Path) -> Table:
    """The table that matches the schema of the JSON. Raises EdgefkpError for any other file."""
    stored = read_json(path)
    rows = stored if isinstance(stored, list) else [stored]
    schemas = {row.get("schema") if isinstance(row, dict) else None for row in rows}
    for schema, table in _LIVE.items():
        if schemas == {schema}:
            return table(rows)
    raise EdgefkpError(f"{path} is none of {', '.join(_LIVE)}", "regenerate it with the program in bench/")


def track_table(rows: list[Row]) -> Table:
    cells = [
        [row["model"], f"{row['fps']:g}", str(row["frames"]), str(row["lost"]), str(row["searches"]),
         *(f"{row[name]:.2f}" for name in ("rmse", "rmse_smoothed", "jitter", "jitter_smoothed")),
         "-" if row["lag_ms"] is None else f"{row['lag_ms']:.0f}"]
        for row in rows
    ]  # fmt: skip
    heads = ["model", "frames/s", "frames", "lost", "searches"]
    return Table.of([*heads, "RMSE, px", "RMSE smoothed, px", "jitter, px", "jitter smoothed, px", "lag, ms"], cells)


def pipeline_table(rows: list[Row]) -> Table:
    first = rows[0]
    cells = [
        [row["model"], f"{row['tracked_core_fps']:.0f}", f"{row['with_finder_core_fps']:.0f}",
         *(f"{stage['median']:.0f}" for stage in row["stages"])]
        for row in rows
    ]  # fmt: skip
    heads = ["model", "frames/s", f"frames/s, search every {first['search']} frames"]
    heads += [f"{stage['name']}, us" for stage in first["stages"]]
    where = f"One core of {first['processor']}, processor time; {first['runtime']}, OpenCV {first['opencv']}."
    return Table.of(heads, cells, [where])


def pose_table(rows: list[Row]) -> Table:
    angles = ("turn", "tilt", "nod")
    cells = [
        [row["check"], row["data"], str(row["faces"]), *("{:.1f} / {:.1f}".format(*row[name]) for name in angles)]
        for row in rows
    ]
    models = ", ".join(dict.fromkeys(row["model"] for row in rows if row["model"]))
    note = f"Degrees off, median / 90th percentile, test persons. Points of {models}; of people who pose: true points."
    return Table.of(["check", "data", "faces", *angles], cells, [note], words=2)


def deviations_table(path: Path) -> Table:
    """What the deviations of each file are worth and cost (deviation.json), and how RMSE grows with them."""
    content = read_json(path)
    rows = []
    for row in content["rows"]:
        found = row["deviation"]
        shares = [f"{100 * share:.1f}" for share in found["within"]]
        areas = ["-" if area is None else f"{area:.2f}" for area in (found["far_auroc"], row["painted_auroc"])]
        more = f"{(row['bytes'] - row['bytes_without']) / 1000:.0f}"
        time = "-" if row["time_ratio"] is None else f"{row['time_ratio']:.3f}"
        tenths = (found["reliability"][0], found["reliability"][-1])
        ends = [f"{tenth['rmse']:.2f} ({tenth['deviation']:.2f})" for tenth in tenths]
        rows.append([row["file"].removesuffix(".tflite"), *shares, *ends, *areas, more, time])
    nominal = "{:.1f} and {:.1f}".format(*(100 * share for share in content["rows"][0]["deviation"]["nominal"]))
    far = content["rows"][0]["deviation"]["far"]
    note = (
        f"{content['data']}, {content['faces']:,} {content['part']} faces. Share: of coordinates within one and two "
        f"deviations, nominal {nominal} %. RMSE (and deviation) in px of the tenth of the points with the smallest and "
        f"the largest deviations. AUROC: for points more than {far:g} px off, and for painted-over ones. Points are "
        "those of the same file without deviations; KB and time: in addition to it"
        + (f", {content['machine']}." if content["machine"] else ".")
    )
    heads = ["file", "within 1, %", "within 2, %", "surest tenth", "least sure", "AUROC, off", "AUROC, painted"]
    return Table.of([*heads, "KB more", "times as long"], rows, [note])


_LIVE = {
    "edgefkp.pose/1": pose_table,
    "edgefkp.finders/1": finders_table,
    "edgefkp.finder-conditions/1": conditions_table,
    "edgefkp.finder-times/1": finder_times_table,
    "edgefkp.track/1": track_table,
    "edgefkp.pipeline/1": pipeline_table,
}


def quantizers_table(path: Path) -> Table:
    """RMSE of float files and of what two ways of quantization make of them (quantizers.json)."""
    content = read_json(path)
    found = {(row["model"], row["scheme"], row["by"]): row for row in content["rows"]}
    rows = []
    for model, scheme in dict.fromkeys((model, scheme) for model, scheme, _ in found):
        ours, theirs = (found[model, scheme, by] for by in ("ours", "defaults"))
        scores = [f"{one['rmse']:.3f}" for one in (ours, theirs)]
        sizes = [f"{one['bytes'] / 1000:,.0f}" for one in (ours, theirs)]
        rows.append([model, scheme, f"{ours['rmse_before']:.3f}", *scores, *sizes])
    data, tool = content["data"], content["versions"]["litert-quantizer"]
    note = (
        f"{data['name']}, {data['faces']:,} test faces; both calibrated on the same {data['calibration']} training "
        f"faces; litert-quantizer {tool}."
    )
    heads = ["network", "scheme", "float, px", "ours, px", "its defaults, px", "ours, KB", "its defaults, KB"]
    return Table.of(heads, rows, [note], words=2)
