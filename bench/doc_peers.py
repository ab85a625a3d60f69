"""Render the comparison with other people's models from the JSON that bench/peers/peers.py writes."""

from pathlib import Path

from edgefkp.files import read_json


def peers_markdown(path: Path) -> str:
    """Render size, time of the network alone, and RMSE as Markdown; quoted figures are marked and come last."""
    content = read_json(path)
    lines = ["| model | KB | ms p50 (p25-p75) | RMSE, px | coordinates |", "| --- | ---: | ---: | ---: | ---: |"]
    for row in content["rows"]:
        low, middle, high = row["ms"]
        error = "n/a" if row["rmse"] is None else f"{row['rmse']:.3f}"
        size = f"{row['bytes'] / 1000:,.0f}"
        lines.append(
            f"| {row['name']} | {size} | {middle:.3f} ({low:.3f}-{high:.3f}) | {error} | {row['coordinates']:,} |"
        )
    lines += [f"| {name} | - | {ms:.2f} | {error:.2f} | - |" for name, ms, error in content["quoted"]]
    data = content["data"]
    note = (
        f"{data['name']}, {data['faces']:,} test faces, points placed by hand or derived from such points; 1 thread, "
        f"{content['machine']}, load average {content['load']:.1f}. n/a: only timed."
    )
    return "\n".join([*lines, "", note])
