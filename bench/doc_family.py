"""Render the tables and the plot of docs/MODELS.md from the JSON files that the programs in bench/ write.

The plot: python -m bench.doc_family bench/results/peers.json docs/pareto.png
"""

import sys
from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json, write_bytes

REFERENCE = "mobilenetv2.float32"  # times are relative to this file


def family_markdown(path: Path) -> str:
    """Render size, time relative to MobileNetV2 float32, and RMSE of every scored model in `path` (peers.json)."""
    content = read_json(path)
    lines = [
        "| model | KB | relative time | RMSE, px | RMSE, all 15 points, px |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in _scored(content):
        everywhere = "-" if row.get("rmse_all") is None else f"{row['rmse_all']:.3f}"
        figures = f"{row['bytes'] / 1000:,.0f} | {row['ratio']:.3f} | {row['rmse']:.3f} | {everywhere}"
        lines.append(f"| {row['name']} | {figures} |")
    data = content["data"]
    note = (
        f"{data['name']}, {data['faces']:,} test faces. Time: median, relative to {REFERENCE} in the same run; 1 "
        f"thread, {content['machine']}. RMSE: over points placed by hand or derived from such points; all 15 points: "
        "including the points that MediaPipe and dlib agreed on."
    )
    return "\n".join([*lines, "", note])


def _scored(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows with an RMSE over all hand-placed points, with their time `ratio`, best first."""
    reference = next((row["ms"][1] for row in content["rows"] if row["name"] == REFERENCE), None)
    if reference is None:
        raise EdgefkpError(f"no row {REFERENCE} to compare times with", "give that file to bench/peers/peers.py, too")
    scored = [row | {"ratio": row["ms"][1] / reference} for row in content["rows"] if row["rmse"] is not None]
    most = max((row["coordinates"] for row in scored), default=0)
    return sorted((row for row in scored if row["coordinates"] == most), key=lambda row: row["rmse"])


def pareto(content: dict[str, Any]) -> Any:
    """Plot time against RMSE of every scored file. The area shows the size; each model's fastest file is labeled."""
    from edgefkp.report.figures import BLUE, GRAY, lighten, panels

    figure, grid = panels(6.4, 4.2)
    axes = grid[0, 0]
    labelled: set[str] = set()
    for row in sorted(_scored(content), key=lambda row: row["ratio"]):
        own = "masked" in row["name"]
        area = 30 * (row["bytes"] / 1e5) ** 0.5
        axes.scatter(row["ratio"], row["rmse"], s=area, color=BLUE if own else GRAY, alpha=0.8)
        model = row["name"].split(".")[0] if own else row["name"].split(" (")[0]
        if model not in labelled:
            labelled.add(model)
            text = f"{row['name'].replace('-masked-online', '') if own else model}\n{row['bytes'] / 1e6:.3g} MB"
            axes.annotate(
                text, (row["ratio"], row["rmse"]), (0, 9), textcoords="offset points", fontsize=8, ha="center"
            )
    axes.set_xscale("log")
    axes.set_xlabel("time of one inference, MobileNetV2 float32 = 1")
    axes.set_ylabel("RMSE, px of 96")
    axes.margins(x=0.15, y=0.15)
    lighten(axes)
    return figure


def structures_markdown(path: Path) -> str:
    """Render sizes and time ratios of untrained structures; the fastest scheme in each runtime is bold."""
    content = read_json(path)
    schemes = ("float32", "dynamic", "int8")
    head = [*(f"{scheme}, LiteRT" for scheme in schemes), *(f"{scheme}, tflite-runtime" for scheme in schemes)]
    lines = [f"| structure | parameters | M MACs | KB dynamic | {' | '.join(head)} |", f"| --- |{' ---: |' * 9}"]
    for row in content["rows"]:
        cells = []
        for runtime in ("litert", "tflite-runtime"):
            ratios = row["ratio"].get(runtime, {})
            fastest = min(ratios.values(), default=None)
            cells += [_ratio(ratios.get(scheme), fastest) for scheme in schemes]
        size = f"{row['parameters']:,} | {row['macs'] / 1e6:.1f} | {row['bytes']['dynamic'] / 1000:.0f}"
        lines.append(f"| {row['name']} | {size} | {' | '.join(cells)} |")
    ms, versions = content["reference"]["ms"], content["versions"]
    times = ", ".join(f"{ms[name]:.2f} ms on {name} {versions[name]}" for name in versions)
    note = (
        f"Median times relative to MobileNetV2 float32 in the same run (in the latest: {times}); 1 thread, "
        f"{content['machine']}."
    )
    return "\n".join([*lines, "", note])


def _ratio(value: float | None, fastest: float | None) -> str:
    if value is None:
        return "-"
    return f"**{value:.3f}**" if value == fastest else f"{value:.3f}"


def ablations_markdown(path: Path) -> str:
    """Render the validation RMSE of each change and its difference from the row it is compared with."""
    content = read_json(path)
    known = {row["name"]: row for row in content["rows"]}
    lines = [
        "| change | compared with | images | RMSE, px | difference (95 %) | all points, px | training faces, px |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in content["rows"]:
        figures = [f"{row['rmse']:.3f}", _difference(row, known), f"{row['rmse_all']:.3f}", f"{row['train_rmse']:.3f}"]
        against = "" if row["against"] == row["name"] else row["against"]
        lines.append(f"| {row['name']}: {row['change']} | {against} | {row['images']:,} | {' | '.join(figures)} |")
    data = content["data"]
    note = (
        f"{data['name']}, {data['faces']:,} faces of validation persons; RMSE over points placed by hand or derived "
        "from such points. The interval is a bootstrap over persons of the paired difference; it does not include the "
        "variation between seeds."
    )
    return "\n".join([*lines, "", note])


def _difference(row: dict[str, Any], known: dict[str, dict[str, Any]]) -> str:
    if row["interval"] is None or row["against"] not in known:
        return "-"
    low, high = row["interval"]
    return f"{row['rmse'] - known[row['against']]['rmse']:+.3f} ({low:+.3f} to {high:+.3f})"


def seeds_markdown(path: Path) -> str:
    """Render the RMSE of trainings that differ only in their seed."""
    content = read_json(path)
    lines = ["| network | seed | RMSE, validation, px | RMSE, test, px (95 %) |", "| --- | ---: | ---: | ---: |"]
    for row in content["rows"]:
        low, high = row["test"]["interval"]
        test = f"{row['test']['rmse']:.3f} ({low:.3f}-{high:.3f})"
        lines.append(f"| {row['network']} | {row['seed']} | {row['validation']['rmse']:.3f} | {test} |")
    note = f"{content['data']['name']}, before conversion; over points placed by hand or derived from such points."
    return "\n".join([*lines, "", note])


def robustness_markdown(path: Path) -> str:
    """Render the RMSE of every model under every condition, also as a multiple of the RMSE on untouched faces.

    Raises ValueError if two models did not see the same images.
    """
    content = read_json(path)
    models = content["models"]
    lines = [
        f"| condition | {' | '.join(model['name'] for model in models)} |",
        f"| --- |{' ---: |' * len(models)}",
    ]
    for number, first in enumerate(models[0]["rows"]):
        rows = [model["rows"][number] for model in models]
        if len({row["hash"] for row in rows}) != 1:
            raise ValueError(f"{path}: the models saw other images under {first['condition']} {first['strength']}")
        cells = [_times(row["rmse"], model["rows"][0]["rmse"]) for row, model in zip(rows, models, strict=True)]
        title = ", ".join(part for part in (first["condition"], first["strength"]) if part)
        lines.append(f"| {title} | {' | '.join(cells)} |")
    data = content["data"]
    note = f"{data['name']}, {data['faces']:,} test faces: RMSE in px (as a multiple of the RMSE on untouched faces)."
    return "\n".join([*lines, "", note])


def _times(error: float, clean: float) -> str:
    return f"{error:.2f} ({error / clean:.2f})"


def main() -> None:
    from edgefkp.report.figures import png

    stored, out = map(Path, sys.argv[1:])
    write_bytes(out, png(pareto(read_json(stored))))


if __name__ == "__main__":
    main()
