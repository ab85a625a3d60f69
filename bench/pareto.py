"""The plot of docs/MODELS.md, time against RMSE: python -m bench.pareto bench/results/peers.json docs/pareto.png"""

from typing import Any

from bench import run, words_of
from bench.doc_tables import scored
from edgefkp.bench.verdict import VALID
from edgefkp.files import read_json, write_bytes
from edgefkp.report.axes import round_log
from edgefkp.report.figures import BLUE, GRAY, ORANGE, lighten, panels, png
from edgefkp.report.labels import place_names
from edgefkp.report.time_error import TimedFile, front, steps_of


def pareto(content: dict[str, Any]) -> Any:
    """Time against RMSE of every scored file, each with its name and size, and the front."""
    figure, grid = panels(7.2, 4.8)
    axes = grid[0, 0]
    files = []
    for row in scored(content):
        own = "masked" in row["name"]
        name = row["name"].replace("-masked-online", "").split(" (")[0]
        label = f"{name}, {row['bytes'] / 1e6:.3g} MB"
        files.append(TimedFile(label, row["ratio"], row["rmse"], VALID, BLUE if own else ORANGE))
    for file in files:
        axes.scatter(file.time, file.rmse, s=34, color=file.color, zorder=2)
    path = steps_of(front(files))
    label = "files that no other one beats"
    axes.plot(*zip(*path, strict=True), color=GRAY, linestyle="--", linewidth=1, zorder=1, label=label)
    axes.plot([], [], "o", color=BLUE, label="edgefkp")
    axes.plot([], [], "o", color=ORANGE, label="other toolkits")
    round_log(axes.xaxis)
    axes.set_xlabel("time of one inference, MobileNetV2 float32 = 1")
    axes.set_ylabel("RMSE, px of 96")
    axes.margins(x=0.1, y=0.12)
    figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=3)
    lighten(axes)
    place_names(figure, axes, [(file.time, file.rmse) for file in files], [file.name for file in files], path)
    return figure


def main() -> None:
    words = words_of(__doc__, "stored", "out")
    write_bytes(words.out, png(pareto(read_json(words.stored))))


if __name__ == "__main__":
    run(main)
